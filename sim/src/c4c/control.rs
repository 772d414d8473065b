//! The control API: what `driver` offers in process, as JSON over HTTP.
//!
//! | verb and path below `/_control/` | does |
//! |---|---|
//! | `GET customers`, `GET customers/{id}` | shows them |
//! | `POST customers`, `POST customers/{id}` `{"LastName":"…"}` | creates, changes |
//! | `POST customers/{id}/obsolete`, `DELETE customers/{id}` | status Obsolete, deletes |
//! | `GET faults`, `POST faults` (a [`Fault`]), `DELETE faults[?on=…]` | shows, arms, disarms |
//! | `POST sessions/expire` | ends CSRF sessions |
//! | `GET users`, `POST users/{name}` `{"password","locked","csrf","services"}` | shows, changes, adds |
//! | `GET desk?openid=…` | shows a follower's profiles, messages and tickets |
//! | `GET activities`, `GET tickets`, `GET tickets/{id}` | shows them |
//! | `POST answers` `{"to","text","author_name","author_email","private","files"}` | an agent answers a ticket or message |
//! | `POST tickets/{id}/notes` `{"type_code","text"}`, `POST tickets/{id}/close` | adds a note, completes |
//! | `POST tickets/{id}/files`, `POST activities/{id}/files` `{"name","mime_type","base64"}` | attaches a file |
//! | `GET replies`, `POST replies` (part of [`ReplySettings`](super::ReplySettings)) | shows, turns |
//! | `GET notify`, `POST notify` (part of [`NotifySettings`](super::NotifySettings)) | shows, turns |
//! | `GET settings`, `POST settings` (part of [`Settings`](super::Settings)) | shows, turns |
//! | `GET calls`, `DELETE calls` | shows, forgets |

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::C4c;
use super::customer::Customer;
use super::users::User;
use crate::fault::Fault;
use crate::wire::{Request, Response};

/// Where the control API lives.
pub(super) const PREFIX: &str = "/_control/";

/// A user as the control API changes one; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChange {
    password: Option<String>,
    locked: Option<bool>,
    csrf: Option<bool>,
    services: Option<Vec<String>>,
}

/// Status and sentence of a request that cannot be done.
pub(super) type Refused = (u16, String);

impl C4c {
    pub(super) fn control(&mut self, path: &str, request: &Request, now: Timestamp) -> Response {
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let result = match segments.as_slice() {
            ["customers", rest @ ..] => self.control_customers(rest, request, now),
            ["users", rest @ ..] => self.control_users(rest, request),
            ["desk" | "answers" | "replies"] | ["tickets" | "activities", ..] => {
                self.control_desk(&segments, request, now)
            }
            [knob] => self.control_knob(knob, request),
            ["sessions", "expire"] if request.method == "POST" => {
                self.expire_sessions();
                Ok(json!({}))
            }
            _ => Err(unknown()),
        };
        match result {
            Ok(body) => answer(200, &body),
            Err((status, message)) => answer(status, &json!({ "error": message })),
        }
    }

    fn control_customers(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Json, Refused> {
        let missing = || (404, "there is no such customer".to_owned());
        if let [id, ..] = rest
            && self.customer(id).is_none()
        {
            return Err(missing());
        }
        let id = match (request.method.as_str(), rest) {
            ("GET", []) => return Ok(self.customers().map(shown).collect()),
            ("POST", []) => {
                let fields = fields(request)?;
                self.create_customer(&borrowed(&fields), now)
            }
            ("POST", [id]) => {
                let fields = fields(request)?;
                self.change(id, &borrowed(&fields), now);
                (*id).to_owned()
            }
            ("POST", [id, "obsolete"]) => {
                self.set_obsolete(id, now);
                (*id).to_owned()
            }
            ("DELETE", [id]) => {
                self.delete(id, now);
                return Ok(json!({}));
            }
            ("GET", [id]) => (*id).to_owned(),
            _ => return Err(unknown()),
        };
        self.customer(&id).map(shown).ok_or_else(missing)
    }

    fn control_users(&mut self, rest: &[&str], request: &Request) -> Result<Json, Refused> {
        match (request.method.as_str(), rest) {
            ("GET", []) => Ok(shown_as_json(self.users.all())),
            ("POST", [name]) => {
                let change: UserChange = parsed(&request.body)?;
                if self.user(name).is_none() {
                    let password = change.password.as_deref();
                    let password = password.ok_or_else(|| bad("a new user needs a password"))?;
                    self.users.insert(name, User::new(password, false));
                }
                self.apply(name, change);
                Ok(shown_as_json(&self.user(name)))
            }
            _ => Err(unknown()),
        }
    }

    fn apply(&mut self, name: &str, change: UserChange) {
        if let Some(password) = &change.password {
            self.users.set_password(name, password);
        }
        if let Some(locked) = change.locked {
            self.users.set_locked(name, locked);
        }
        self.users.update(name, |user| {
            user.csrf = change.csrf.unwrap_or(user.csrf);
            if change.services.is_some() {
                user.services = change.services;
            }
        });
    }

    fn control_knob(&mut self, knob: &str, request: &Request) -> Result<Json, Refused> {
        match (request.method.as_str(), knob) {
            ("GET", "faults") => {}
            ("POST", "faults") => {
                let fault: Fault = parsed(&request.body)?;
                self.faults.add(fault);
            }
            ("DELETE", "faults") => self.faults.clear(request.param("on").as_deref()),
            ("GET", "notify") => return Ok(self.shown_notifications()),
            ("POST", "notify") => {
                self.notifications.settings = merged(&self.notifications.settings, &request.body)?;
                return Ok(self.shown_notifications());
            }
            ("GET", "settings") => return Ok(shown_as_json(&self.settings)),
            ("POST", "settings") => {
                let settings = merged(&self.settings, &request.body)?;
                self.configure(|old| *old = settings);
                return Ok(shown_as_json(&self.settings));
            }
            ("GET", "calls") => return Ok(shown_as_json(&self.calls)),
            ("DELETE", "calls") => {
                self.clear_calls();
                return Ok(json!({}));
            }
            _ => return Err(unknown()),
        }
        Ok(json!({ "armed": self.faults.armed(), "hits": self.faults.hits() }))
    }

    fn shown_notifications(&self) -> Json {
        let mut settings = self.notifications.settings.clone();
        for subscription in &mut settings.subscriptions {
            subscription.password.clear();
        }
        json!({
            "settings": settings,
            "tally": self.notifications.tally(),
            "open": self.notifications.open(),
            "attempts": self.notifications.attempts().collect::<Vec<_>>(),
        })
    }
}

fn shown(customer: &Customer) -> Json {
    let fields: Map<String, Json> = customer
        .texts()
        .map(|(name, text)| (name.to_owned(), json!(text)))
        .collect();
    json!({
        "object_id": customer.object_id,
        "common_id": customer.common_id,
        "changed_on": customer.changed_on.to_string(),
        "fields": fields,
    })
}

/// Text fields of a JSON object.
fn fields(request: &Request) -> Result<Vec<(String, String)>, Refused> {
    let object: std::collections::BTreeMap<String, String> = parsed(&request.body)?;
    Ok(object.into_iter().collect())
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = fields.iter();
    pairs
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect()
}

/// The settings with the members of the body put over them.
pub(super) fn merged<S: Serialize + DeserializeOwned>(
    settings: &S,
    body: &[u8],
) -> Result<S, Refused> {
    let changes: Map<String, Json> = parsed(body)?;
    let mut whole = shown_as_json(settings);
    for (name, value) in changes {
        whole[name] = value;
    }
    serde_json::from_value(whole).map_err(|error| bad(&error.to_string()))
}

pub(super) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))
}

pub(super) fn shown_as_json(value: &impl Serialize) -> Json {
    serde_json::to_value(value).expect("settings, users and calls have string keys")
}

pub(super) fn bad(message: &str) -> Refused {
    (400, message.to_owned())
}

pub(super) fn unknown() -> Refused {
    (
        404,
        "there is no such control; see the table in sim/src/c4c/control.rs".to_owned(),
    )
}

fn answer(status: u16, body: &Json) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}
