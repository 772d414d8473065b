//! media/upload (`wechat.md` 6): temporary media of the account.

use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;
use serde_json::json;

use super::WeChat;
use super::api::Call;
use super::form::{self, Part};
use super::format::{Format, amr_length};
use super::media::{MediaKind, Origin};
use super::refusal::{Outcome, Refusal};

/// The field that holds the file.
const FIELD: &str = "media";

/// Longest recording.
const VOICE_LENGTH: Duration = Duration::from_mins(1);

/// What a type of upload takes.
struct Rule {
    kind: MediaKind,
    /// Most bytes.
    limit: usize,
    /// `errcode` of more bytes.
    too_large: i64,
    formats: &'static [Format],
}

fn rule(of_type: &str, image_limit: usize) -> Option<Rule> {
    use Format::{Amr, Gif, Jpeg, Mp3, Mp4, Png};
    let (kind, limit, too_large, formats): (_, _, _, &[Format]) = match of_type {
        "image" => (MediaKind::Image, image_limit, 40009, &[Png, Jpeg, Gif]),
        "voice" => (MediaKind::Voice, 2 << 20, 40010, &[Amr, Mp3]),
        "video" => (MediaKind::Video, 10 << 20, 40011, &[Mp4]),
        "thumb" => (MediaKind::Thumb, 64 << 10, 40012, &[Jpeg]),
        _ => return None,
    };
    Some(Rule {
        kind,
        limit,
        too_large,
        formats,
    })
}

impl WeChat {
    /// Permanent material, as the console makes it; its id. Nothing is checked.
    pub fn add_material(
        &mut self,
        kind: MediaKind,
        bytes: &[u8],
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> String {
        self.media.add(kind, Origin::Material, bytes, now, rng)
    }

    /// `POST /cgi-bin/media/upload`.
    pub(super) fn media_upload(&mut self, call: &mut Call<'_>) -> Outcome {
        let of_type = call.request.param("type").unwrap_or_default();
        let rule = rule(&of_type, self.settings.image_limit).ok_or_else(|| Refusal::new(40004))?;
        let parts = form::parts(call.request).unwrap_or_default();
        let file = parts.iter().find(|part| part.name == FIELD);
        let file = file.ok_or_else(|| Refusal::new(41005))?;
        rule.check(file)?;
        let origin = Origin::Upload;
        let media = &mut self.media;
        let id = media.add(rule.kind, origin, file.bytes, call.now, call.rng);
        let key = match rule.kind {
            MediaKind::Thumb => "thumb_media_id",
            _ => "media_id",
        };
        Ok(json!({"type": of_type, key: id, "created_at": call.now.as_second()}))
    }
}

impl Rule {
    /// Whether a file may be uploaded: 41005 for one without a name or a type, 44001 for an
    /// empty one, 40005 for another format, 40009 to 40012 for too many bytes, 45007 for too long
    /// a recording.
    fn check(&self, file: &Part<'_>) -> Result<(), Refusal> {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if !given(&file.filename) || !given(&file.content_type) {
            return Err(Refusal::new(41005));
        }
        if file.bytes.is_empty() {
            return Err(Refusal::new(44001));
        }
        if file.bytes.len() > self.limit {
            return Err(Refusal::new(self.too_large));
        }
        let format = Format::of(file.bytes).filter(|format| self.formats.contains(format));
        if format.is_none() || !self.names(file.filename.as_deref().unwrap_or_default()) {
            return Err(Refusal::new(40005));
        }
        if amr_length(file.bytes).is_some_and(|length| length > VOICE_LENGTH) {
            return Err(Refusal::new(45007));
        }
        Ok(())
    }

    /// Whether a file of that name can be of one of the formats.
    fn names(&self, filename: &str) -> bool {
        let extension = filename.rsplit_once('.').map_or("", |(_, end)| end);
        let extension = extension.to_ascii_lowercase();
        let mut formats = self.formats.iter();
        formats.any(|format| format.extensions().contains(&extension.as_str()))
    }
}
