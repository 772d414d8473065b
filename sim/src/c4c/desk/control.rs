//! The control API of the desk; its table is in `c4c/control.rs`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::C4c;
use super::super::control::{Refused, bad, merged, parsed, shown_as_json, unknown};
use super::{Answer, File};
use crate::wire::Request;

/// An agent's answer as it is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    /// A ticket or a message, by ObjectID or number.
    to: String,
    text: String,
    #[serde(default = "somebody")]
    author_name: String,
    #[serde(default)]
    author_email: String,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    files: Vec<FileBody>,
}

fn somebody() -> String {
    "Agent".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBody {
    name: String,
    mime_type: String,
    base64: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    #[serde(default = "to_customer")]
    type_code: String,
    text: String,
}

fn to_customer() -> String {
    "10007".to_owned()
}

impl FileBody {
    fn file(self) -> Result<File, Refused> {
        let bytes = STANDARD.decode(&self.base64);
        Ok(File {
            name: self.name,
            mime_type: self.mime_type,
            bytes: bytes.map_err(|_| bad("'base64' is no base64"))?,
        })
    }
}

impl C4c {
    pub(in crate::c4c) fn control_desk(
        &mut self,
        segments: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Json, Refused> {
        let missing = || (404, "there is no such ticket or message".to_owned());
        match (request.method.as_str(), segments) {
            ("GET", ["desk"]) => {
                let openid = request.param("openid");
                let openid = openid.ok_or_else(|| bad("whose? add ?openid=…"))?;
                Ok(json!({
                    "profiles": self.profiles_of(&openid),
                    "activities": self.activities_of(&openid),
                    "tickets": self.tickets_of(&openid),
                }))
            }
            ("GET", ["activities"]) => Ok(self.activities().map(|a| shown_as_json(&a)).collect()),
            ("GET", ["tickets"]) => Ok(self.tickets().map(|t| shown_as_json(&t)).collect()),
            ("GET", ["tickets", id]) => {
                let ticket = self.ticket(id).ok_or_else(missing)?;
                Ok(shown_as_json(&ticket))
            }
            ("POST", ["tickets", id, "close"]) => {
                self.close_ticket(id, now);
                let ticket = self.ticket(id).ok_or_else(missing)?;
                Ok(shown_as_json(&ticket))
            }
            ("POST", ["tickets", id, "notes"]) => {
                let note: NoteBody = parsed(&request.body)?;
                let note = self.note(id, &note.type_code, &note.text, now);
                Ok(json!({ "object_id": note.ok_or_else(missing)? }))
            }
            ("POST", ["tickets" | "activities", id, "files"]) => {
                let file: FileBody = parsed(&request.body)?;
                let file = self.attach(id, &file.file()?, now);
                Ok(json!({ "object_id": file.ok_or_else(missing)? }))
            }
            ("POST", ["answers"]) => {
                let body: AnswerBody = parsed(&request.body)?;
                let files: Result<_, _> = body.files.into_iter().map(FileBody::file).collect();
                let answer = Answer {
                    text: body.text,
                    author_name: body.author_name,
                    author_email: body.author_email,
                    private: body.private,
                    files: files?,
                };
                let sma_id = self.answer(&body.to, &answer, now);
                Ok(json!({ "sma_id": sma_id.ok_or_else(missing)? }))
            }
            ("GET", ["replies"]) => Ok(self.shown_replies()),
            ("POST", ["replies"]) => {
                self.replies.settings = merged(&self.replies.settings, &request.body)?;
                Ok(self.shown_replies())
            }
            _ => Err(unknown()),
        }
    }

    fn shown_replies(&self) -> Json {
        let mut settings = self.replies.settings.clone();
        settings.password.clear();
        json!({
            "settings": settings,
            "tally": self.replies.tally(),
            "open": self.replies.open(),
            "attempts": self.replies.attempts().collect::<Vec<_>>(),
        })
    }
}
