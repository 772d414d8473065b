//! What followers send besides texts, and what WeChat's own agents do with them
//! (`wechat.md` 2.3, 2.4): the second hand of tests and the demo, beside `driver.rs`.
//!
//! Every act returns its push's number. The ids of media stand in the push's XML.

use jiff::Timestamp;
use rand::Rng;
use serde_json::{Value, json};

use super::WeChat;
use super::ids;
use super::media::{MediaKind, Medium, Origin};

/// A recording, as a follower sends it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Voice<'a> {
    /// The bytes that media/get answers.
    pub bytes: &'a [u8],
    /// `Format`; empty for `amr`.
    pub format: &'a str,
    /// `Recognition`: the words, where the account has speech recognition.
    pub recognition: Option<&'a str>,
    /// The 16 kHz copy, which gets an id of its own: `MediaId16K`.
    pub wideband: Option<&'a [u8]>,
}

/// A place on the map.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// `Location_X`, degrees.
    pub latitude: f64,
    /// `Location_Y`, degrees.
    pub longitude: f64,
    /// `Scale` of the map.
    pub scale: u32,
    /// `Label`: its address.
    pub label: &'a str,
}

impl WeChat {
    /// A medium that lives, by its id.
    pub fn medium(&self, media_id: &str, now: Timestamp) -> Option<&Medium> {
        self.media.get(media_id, now).ok()
    }

    /// A follower sends a picture.
    pub fn send_image(
        &mut self,
        openid: &str,
        bytes: &[u8],
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({
            "PicUrl": format!("http://mmbiz.qpic.cn/mmbiz_jpg/{}/0", ids::random_text(40, rng)),
            "MediaId": self.receive(MediaKind::Image, bytes, now, rng),
        });
        self.push_message(openid, "image", &fields, now, rng)
    }

    /// A follower sends a recording.
    pub fn send_voice(
        &mut self,
        openid: &str,
        voice: &Voice<'_>,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let format = match voice.format {
            "" => "amr",
            format => format,
        };
        let media_id = self.receive(MediaKind::Voice, voice.bytes, now, rng);
        let mut fields = json!({"MediaId": media_id, "Format": format});
        if let Some(bytes) = voice.wideband {
            fields["MediaId16K"] = json!(self.receive(MediaKind::Voice, bytes, now, rng));
        }
        if let Some(words) = voice.recognition {
            fields["Recognition"] = json!(words);
        }
        self.push_message(openid, "voice", &fields, now, rng)
    }

    /// A follower sends a video with its still picture.
    pub fn send_video(
        &mut self,
        openid: &str,
        bytes: &[u8],
        thumb: &[u8],
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = self.receive_video(MediaKind::Video, bytes, thumb, now, rng);
        self.push_message(openid, "video", &fields, now, rng)
    }

    /// A follower with a legacy client sends a short video with its still picture.
    pub fn send_short_video(
        &mut self,
        openid: &str,
        bytes: &[u8],
        thumb: &[u8],
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = self.receive_video(MediaKind::ShortVideo, bytes, thumb, now, rng);
        self.push_message(openid, "shortvideo", &fields, now, rng)
    }

    /// A follower sends a place.
    pub fn send_location(
        &mut self,
        openid: &str,
        place: &Place<'_>,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({
            "Location_X": place.latitude,
            "Location_Y": place.longitude,
            "Scale": place.scale,
            "Label": place.label,
        });
        self.push_message(openid, "location", &fields, now, rng)
    }

    /// A follower's app reports where it is: LOCATION, every few seconds while a session is open. Only the
    /// coordinates of `place` count.
    pub fn report_location(
        &mut self,
        openid: &str,
        place: &Place<'_>,
        precision: f64,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({
            "Latitude": place.latitude,
            "Longitude": place.longitude,
            "Precision": precision,
        });
        self.push_event(openid, "LOCATION", &fields, now, rng)
    }

    /// A follower taps a menu button that asks for a place and picks one: an event, then a message. The
    /// number is the message's.
    pub fn select_location(
        &mut self,
        openid: &str,
        key: &str,
        place: &Place<'_>,
        name: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({
            "EventKey": key,
            "SendLocationInfo": {
                "Location_X": place.latitude.to_string(),
                "Location_Y": place.longitude.to_string(),
                "Scale": place.scale.to_string(),
                "Label": place.label,
                "Poiname": name,
            },
        });
        self.push_event(openid, "location_select", &fields, now, rng);
        self.send_location(openid, place, now, rng)
    }

    /// A follower sends a link.
    pub fn send_link(
        &mut self,
        openid: &str,
        title: &str,
        description: &str,
        url: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({"Title": title, "Description": description, "Url": url});
        self.push_message(openid, "link", &fields, now, rng)
    }

    /// A follower sends a file of so many bytes. The message is undocumented and has no MediaId,
    /// so nobody can fetch the file.
    pub fn send_file(
        &mut self,
        openid: &str,
        title: &str,
        description: &str,
        length: u64,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let md5 = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
        let fields = json!({
            "Title": title,
            "Description": description,
            "FileKey": ids::random_text(64, rng),
            "FileMd5": format!("{md5:032x}"),
            "FileTotalLen": length,
        });
        self.push_message(openid, "file", &fields, now, rng)
    }

    /// An agent in WeChat's own customer service takes a follower's session. Until it is closed,
    /// or for 30 minutes, the follower's messages are not pushed.
    pub fn kf_create_session(
        &mut self,
        openid: &str,
        kf_account: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({"KfAccount": kf_account});
        self.push_event(openid, "kf_create_session", &fields, now, rng)
    }

    /// The agent closes the session.
    pub fn kf_close_session(
        &mut self,
        openid: &str,
        kf_account: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({"KfAccount": kf_account});
        self.push_event(openid, "kf_close_session", &fields, now, rng)
    }

    /// The session goes from one agent to another.
    pub fn kf_switch_session(
        &mut self,
        openid: &str,
        from: &str,
        to: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({"FromKfAccount": from, "ToKfAccount": to});
        self.push_event(openid, "kf_switch_session", &fields, now, rng)
    }

    fn receive(
        &mut self,
        kind: MediaKind,
        bytes: &[u8],
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> String {
        self.media.add(kind, Origin::Follower, bytes, now, rng)
    }

    fn receive_video(
        &mut self,
        kind: MediaKind,
        bytes: &[u8],
        thumb: &[u8],
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Value {
        json!({
            "MediaId": self.receive(kind, bytes, now, rng),
            "ThumbMediaId": self.receive(MediaKind::Thumb, thumb, now, rng),
        })
    }
}
