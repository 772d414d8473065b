//! What a follower sends besides texts, as the control API takes it: bytes are base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rand::Rng;
use serde::{Deserialize, Deserializer};

use crate::wechat::{Place, Voice, WeChat};

/// A body of bytes.
#[derive(Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

/// What is sent; which fields it needs depends on the act.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    /// An image, a voice, a video or a short video.
    pub(super) base64: Bytes,
    /// The still picture of a video.
    thumb_base64: Bytes,
    /// The 16 kHz copy of a voice.
    wideband_base64: Option<Bytes>,
    format: String,
    recognition: Option<String>,
    latitude: f64,
    longitude: f64,
    scale: u32,
    label: String,
    /// Of a report, metres.
    precision: f64,
    /// Name of a place.
    pub(super) poiname: String,
    title: String,
    description: String,
    url: String,
    /// Of a file, bytes.
    length: u64,
    /// Who has the session, or had it before a switch.
    kf_account: String,
    /// Who has it after a switch.
    to_kf_account: String,
}

impl WeChat {
    /// Sends it as the act of that name; `None` if there is no such act.
    pub(super) fn push_sent(
        &mut self,
        name: &str,
        openid: &str,
        sent: &Sent,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Option<u64> {
        let (bytes, thumb) = (&sent.base64.0, &sent.thumb_base64.0);
        let (title, description) = (&sent.title, &sent.description);
        let kf_account = &sent.kf_account;
        Some(match name {
            "image" => self.send_image(openid, bytes, now, rng),
            "voice" => self.send_voice(openid, &sent.voice(), now, rng),
            "video" => self.send_video(openid, bytes, thumb, now, rng),
            "shortvideo" => self.send_short_video(openid, bytes, thumb, now, rng),
            "location" => self.send_location(openid, &sent.place(), now, rng),
            "report_location" => {
                self.report_location(openid, &sent.place(), sent.precision, now, rng)
            }
            "link" => self.send_link(openid, title, description, &sent.url, now, rng),
            "file" => self.send_file(openid, title, description, sent.length, now, rng),
            "kf_create_session" => self.kf_create_session(openid, kf_account, now, rng),
            "kf_close_session" => self.kf_close_session(openid, kf_account, now, rng),
            "kf_switch_session" => {
                self.kf_switch_session(openid, kf_account, &sent.to_kf_account, now, rng)
            }
            _ => return None,
        })
    }
}

impl Sent {
    fn voice(&self) -> Voice<'_> {
        Voice {
            bytes: &self.base64.0,
            format: &self.format,
            recognition: self.recognition.as_deref(),
            wideband: self.wideband_base64.as_ref().map(|bytes| &bytes.0[..]),
        }
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place {
            latitude: self.latitude,
            longitude: self.longitude,
            scale: self.scale,
            label: &self.label,
        }
    }
}
