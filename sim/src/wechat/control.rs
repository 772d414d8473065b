//! The control API under `/_control/`: the driver over HTTP, as JSON.
//!
//! `GET`: `state`, `jssdk`, `opened`, `followers`, `qr_codes`, `seen?openid=`, `menu?openid=`, `pushes[?openid=]`, `media`, `medium?media_id=`
//! (its bytes), `settings`, `faults`, `phone?openid=&to=[&from=chat]` (this browser is that person's
//! WeChat from now on).
//! `POST`: `follow`, `scan`, `unfollow`, `adopt`, `leave_unnoticed`, `migrate`, `say`, `click`,
//! `message`, `event`, `revoke_authorization`, `repeat`,
//! `open_location`, `verify`, `person`, `material`, `settings`, `faults`, `faults/clear`, `tokens/revoke`,
//! `tokens/expire`, and what a follower sends besides texts: see [`sent`].
//! The shell adds `clock`.

mod sent;

use jiff::Timestamp;
use rand::Rng;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use self::sent::{Bytes, Sent};
use super::push::PushOptions;
use super::{CONTROL, MediaKind, NICKNAME_AND_AVATAR, WeChat};
use crate::wire::{Request, Response};

/// Why a control request is refused: HTTP status and a sentence.
type Wrong = (u16, String);

/// An act of a follower; which fields it needs depends on the act.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Act {
    /// Absent in `follow`: someone new.
    openid: Option<String>,
    scene: Option<String>,
    /// Of a code that was made, or what its picture says: instead of `scene`.
    ticket: Option<String>,
    text: String,
    key: String,
    /// `MsgType` of a message.
    r#type: String,
    event: String,
    /// Own elements of a message or event.
    fields: Map<String, Value>,
    blacklisted: Option<bool>,
    blocks: Option<bool>,
    remark: Option<String>,
    unionid: Option<String>,
    /// A tag to give.
    tag: Option<String>,
    platform: Option<i64>,
    nickname: Option<String>,
    avatar: Option<String>,
    /// `RevokeInfo` of a withdrawn authorization.
    revoke_info: Option<String>,
    #[serde(flatten)]
    sent: Sent,
    #[serde(flatten)]
    options: PushOptions,
}

/// Permanent material.
#[derive(Deserialize)]
struct Material {
    r#type: MediaKind,
    base64: Bytes,
}

#[derive(Deserialize)]
struct Repeat {
    /// Number of an earlier push.
    push: u64,
}

impl WeChat {
    /// Answers a control request.
    pub(super) fn control(
        &mut self,
        request: &Request,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Response {
        let name = request.path.trim_start_matches(CONTROL);
        let medium_id = request.param("media_id").filter(|_| name == "medium");
        if let Some(medium) = medium_id.and_then(|id| self.medium(&id, now)) {
            return Response {
                status: 200,
                headers: vec![("content-type".to_owned(), medium.content_type().to_owned())],
                body: medium.bytes.to_vec(),
            };
        }
        if name == "phone" && request.method == "GET" {
            return self.pick_up_phone(request);
        }
        let answer = match request.method.as_str() {
            "GET" => self.show(name, request, now),
            "POST" => self.act(name, &request.body, now, rng),
            _ => Err((405, "GET or POST".to_owned())),
        };
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if name == "jssdk" {
            // A page of another origin asks: the stand-in for the JS-SDK.
            headers.push(("access-control-allow-origin".to_owned(), "*".to_owned()));
        }
        let (status, object) = match answer {
            Ok(object) => (200, object),
            Err((status, sentence)) => (status, json!({"error": sentence})),
        };
        Response {
            status,
            headers,
            body: object.to_string().into_bytes(),
        }
    }

    fn show(&self, name: &str, request: &Request, now: Timestamp) -> Result<Value, Wrong> {
        let openid = request.param("openid");
        Ok(match name {
            "state" => self.state(now),
            "followers" => self.followers(now),
            "seen" => json!(self.seen(&openid.unwrap_or_default())),
            "menu" => json!(self.menu_of(&openid.unwrap_or_default())),
            "pushes" => self
                .pushes()
                .filter(|push| openid.as_ref().is_none_or(|openid| push.openid == *openid))
                .map(|push| json!(push))
                .collect(),
            "jssdk" => self.check_jssdk(request, now),
            "opened" => json!(self.opened_locations()),
            "qr_codes" => json!(self.qr_codes()),
            "media" => self.all_media(now),
            "medium" => return Err((404, "no such medium lives".to_owned())),
            "settings" => json!(self.settings),
            "faults" => json!({"armed": self.faults.armed(), "hits": self.faults.hits()}),
            _ => return Err(unknown(name)),
        })
    }

    fn act(
        &mut self,
        name: &str,
        body: &[u8],
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Result<Value, Wrong> {
        match name {
            "settings" => self.settings = self.settings.overlaid(parse(body)?).map_err(bad)?,
            "faults" => self.faults.add(parse(body)?),
            "faults/clear" => {
                let which: Map<String, Value> = parse(body)?;
                self.faults.clear(which.get("on").and_then(Value::as_str));
            }
            "open_location" => self.opened.push(parse(body)?),
            "tokens/revoke" => self.revoke_tokens(now),
            "tokens/expire" => self.expire_tokens(now),
            "verify" => return Ok(json!({"push": self.verify_url(now, rng)})),
            "material" => {
                let Material { r#type, base64 } = parse(body)?;
                let id = self.add_material(r#type, &base64.0, now, rng);
                return Ok(json!({"media_id": id}));
            }
            "repeat" => return self.repeat(parse::<Repeat>(body)?.push, now),
            _ => return self.act_of_person(name, parse(body)?, now, rng),
        }
        Ok(json!({"done": true}))
    }

    fn act_of_person(
        &mut self,
        name: &str,
        act: Act,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Result<Value, Wrong> {
        let openid = match act.openid.clone() {
            Some(openid) => openid,
            None if matches!(name, "follow" | "adopt") => self.new_follower(rng),
            None => return Err(bad("openid is missing".to_owned())),
        };
        match name {
            "adopt" => self.adopt(&openid, now),
            "leave_unnoticed" => self.leave_unnoticed(&openid),
            "migrate" => {
                let new = self.migrate(&openid, rng);
                let new = new.ok_or_else(|| bad("nobody has that openid".to_owned()))?;
                return Ok(json!({"openid": new}));
            }
            "person" => {
                let person = self.people.known(&openid);
                person.blacklisted = act.blacklisted.unwrap_or(person.blacklisted);
                person.blocks = act.blocks.unwrap_or(person.blocks);
                person.remark = act.remark.unwrap_or_else(|| person.remark.clone());
                person.nickname = act.nickname.unwrap_or_else(|| person.nickname.clone());
                person.avatar = act.avatar.unwrap_or_else(|| person.avatar.clone());
                person.unionid = act.unionid.or_else(|| person.unionid.clone());
                person.platform = act.platform.or(person.platform);
                if let Some(tag) = &act.tag {
                    self.tag(&openid, tag);
                }
            }
            _ => {
                self.next_push(act.options);
                let push = self.push_act(name, &openid, act, now, rng);
                // An unknown act must not leave its options to the next one.
                self.next_push(PushOptions::default());
                return Ok(json!({"openid": openid, "push": push?}));
            }
        }
        Ok(json!({"openid": openid}))
    }

    fn push_act(
        &mut self,
        name: &str,
        openid: &str,
        act: Act,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Result<u64, Wrong> {
        let fields = Value::Object(act.fields);
        let scene = act.scene.as_deref();
        Ok(match name {
            "follow" => self.follow(openid, scene, now, rng),
            "scan" if act.ticket.is_some() => {
                let scanned = self.scan_code(openid, &act.ticket.unwrap_or_default(), now, rng);
                scanned.ok_or_else(|| bad("the code is unknown or has expired".to_owned()))?
            }
            "scan" => self.scan(openid, scene.unwrap_or_default(), now, rng),
            "unfollow" => self.unfollow(openid, now, rng),
            "say" => self.say(openid, &act.text, now, rng),
            "click" => self.click(openid, &act.key, now, rng),
            "select_location" => {
                let (place, name) = (act.sent.place(), &act.sent.poiname);
                self.select_location(openid, &act.key, &place, name, now, rng)
            }
            "revoke_authorization" => {
                let info = act.revoke_info.as_deref().unwrap_or(NICKNAME_AND_AVATAR);
                self.revoke_authorization(openid, info, now, rng)
            }
            "message" => self.push_message(openid, &act.r#type, &fields, now, rng),
            "event" => self.push_event(openid, &act.event, &fields, now, rng),
            _ => {
                let push = self.push_sent(name, openid, &act.sent, now, rng);
                push.ok_or_else(|| unknown(name))?
            }
        })
    }

    fn repeat(&mut self, id: u64, now: Timestamp) -> Result<Value, Wrong> {
        if !self.repeat_push(id, now) {
            return Err(bad(format!("there is no push {id}")));
        }
        Ok(json!({"push": id}))
    }

    fn state(&self, now: Timestamp) -> Value {
        json!({
            "now": now.to_string(),
            "followers": self.people.followers_after(None).count(),
            "pushes": self.pushes().count(),
            "banners": self.pushes().filter(|push| push.banner).count(),
            "quiet": self.is_quiet(),
            "calls": self.calls,
            "fault_hits": self.faults.hits(),
        })
    }

    fn all_media(&self, now: Timestamp) -> Value {
        let media = self.media.living(now);
        media
            .map(|(id, medium)| {
                let mut object = json!(medium);
                object["media_id"] = json!(id);
                object
            })
            .collect()
    }

    fn followers(&self, now: Timestamp) -> Value {
        self.people()
            .map(|(openid, person)| {
                json!({
                    "openid": openid,
                    "unionid": person.unionid,
                    "nickname": person.nickname,
                    "subscribed": person.subscribed,
                    "blacklisted": person.blacklisted,
                    "blocks": person.blocks,
                    "scene": person.scene,
                    "reads_typing": self.is_typing_to(openid, now),
                    "seen": person.seen.len(),
                })
            })
            .collect()
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|e| bad(format!("the JSON body is wrong: {e}")))
}

fn bad(sentence: String) -> Wrong {
    (400, sentence)
}

fn unknown(name: &str) -> Wrong {
    (404, format!("there is no control {name}"))
}
