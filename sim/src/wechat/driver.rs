//! The hand of tests and the demo: what followers and operators do (`wechat.md` 2.3, 2.4).
//!
//! Every act that WeChat pushes returns the push's number; see [`WeChat::push`]. With an empty
//! `push_url` an act happens and its push is lost.

use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;
use serde_json::{Map, Value, json};

use super::WeChat;
use super::later;
use super::push::PushOptions;
use super::qr::ticket;
use super::queue::Content;
use super::windows::Trigger;

/// How long an agent in WeChat's own customer service has a follower whose session nobody closes
/// (`wechat.md` 2.5).
const SERVED_FOR: Duration = Duration::from_mins(30);

impl WeChat {
    /// Someone who does not follow the account yet; their OpenID.
    pub fn new_follower(&mut self, rng: &mut dyn Rng) -> String {
        self.people.create(self.settings.unionids, rng)
    }

    /// Someone has followed the account since before it was connected: no push, no window.
    pub fn adopt(&mut self, openid: &str, now: Timestamp) {
        let person = self.people.known(openid);
        person.subscribed = true;
        person.subscribe_time = Some(now);
    }

    /// Stops following, and no push says so.
    pub fn leave_unnoticed(&mut self, openid: &str) {
        let person = self.people.known(openid);
        person.subscribed = false;
        person.windows.void();
        person.exchanged = None;
    }

    /// The account was migrated: someone has another OpenID since. `None` for somebody unknown.
    pub fn migrate(&mut self, openid: &str, rng: &mut dyn Rng) -> Option<String> {
        self.people.move_on(openid, rng)
    }

    /// Follows, by the QR code of `scene` or without one.
    pub fn follow(
        &mut self,
        openid: &str,
        scene: Option<&str>,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let ticket = ticket(rng);
        self.follow_by(openid, scene.map(|scene| (scene, &*ticket)), now, rng)
    }

    /// Follows, by the QR code of that scene and ticket or without one.
    pub(super) fn follow_by(
        &mut self,
        openid: &str,
        code: Option<(&str, &str)>,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        self.adopt(openid, now);
        self.people.known(openid).scene = code.map(|(scene, _)| scene.to_owned());
        let fields = match code {
            Some((scene, ticket)) => {
                json!({"EventKey": format!("qrscene_{scene}"), "Ticket": ticket})
            }
            None => json!({"EventKey": ""}),
        };
        self.push_event(openid, "subscribe", &fields, now, rng)
    }

    /// A follower scans a QR code of `scene`, whoever made it and whether it has expired or not.
    pub fn scan(&mut self, openid: &str, scene: &str, now: Timestamp, rng: &mut dyn Rng) -> u64 {
        let ticket = ticket(rng);
        self.scan_by(openid, scene, &ticket, now, rng)
    }

    /// A follower scans the QR code of that scene and ticket.
    pub(super) fn scan_by(
        &mut self,
        openid: &str,
        scene: &str,
        ticket: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let fields = json!({"EventKey": scene, "Ticket": ticket});
        self.push_event(openid, "SCAN", &fields, now, rng)
    }

    /// Stops following: all windows are void.
    pub fn unfollow(&mut self, openid: &str, now: Timestamp, rng: &mut dyn Rng) -> u64 {
        let person = self.people.known(openid);
        person.subscribed = false;
        person.windows.void();
        person.exchanged = None;
        let fields = json!({"EventKey": ""});
        self.push_event(openid, "unsubscribe", &fields, now, rng)
    }

    /// Sends a text to the account.
    pub fn say(&mut self, openid: &str, text: &str, now: Timestamp, rng: &mut dyn Rng) -> u64 {
        self.push_message(openid, "text", &json!({"Content": text}), now, rng)
    }

    /// Taps a menu entry of type click.
    pub fn click(&mut self, openid: &str, key: &str, now: Timestamp, rng: &mut dyn Rng) -> u64 {
        self.push_event(openid, "CLICK", &json!({"EventKey": key}), now, rng)
    }

    /// Sends a message of any type; `fields` is an object of its own elements. Strings are
    /// written as CDATA, numbers bare, objects as groups, arrays as repeated elements.
    pub fn push_message(
        &mut self,
        openid: &str,
        msg_type: &str,
        fields: &Value,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let trigger = match fields.get("bizmsgmenuid") {
            Some(_) => Trigger::Menu,
            None => Trigger::Message,
        };
        self.open_window(openid, trigger, now);
        self.people.known(openid).exchanged = Some(now);
        let msg_id = self.next_msg_id();
        let mut all = self.envelope(openid, msg_type, now);
        all.extend(own(fields));
        all.push(("MsgId", json!(msg_id)));
        let content = Content {
            openid,
            what: msg_type,
            msg_id: Some(msg_id),
            fields: all,
        };
        let mut options = std::mem::take(&mut self.next_push);
        let served = self.people.known(openid).served_until;
        if served.is_some_and(|until| now < until) {
            options.copies = 0;
        }
        self.plan(&content, options, now, rng)
    }

    /// Pushes an event of any kind about `openid`; `fields` as in [`WeChat::push_message`].
    pub fn push_event(
        &mut self,
        openid: &str,
        event: &str,
        fields: &Value,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let trigger = match event {
            "subscribe" => Some(Trigger::Follow),
            "SCAN" => Some(Trigger::Scan),
            "CLICK" | "scancode_push" | "scancode_waitmsg" => Some(Trigger::Menu),
            _ => None,
        };
        if let Some(trigger) = trigger {
            self.open_window(openid, trigger, now);
        }
        match event {
            "kf_create_session" => {
                self.people.known(openid).served_until = Some(later(now, SERVED_FOR));
            }
            "kf_close_session" => self.people.known(openid).served_until = None,
            _ => {}
        }
        let options = std::mem::take(&mut self.next_push);
        self.plan_event(openid, event, fields, options, now, rng)
    }

    /// How the next message or event goes out: in copies, late, forged.
    pub fn next_push(&mut self, options: PushOptions) {
        self.next_push = options;
    }

    /// Delivers an earlier push once more, to the byte; false if it is not known.
    pub fn repeat_push(&mut self, id: u64, now: Timestamp) -> bool {
        self.pushes.repeat(id, now)
    }

    /// Verifies the push URL as the console does on saving it.
    pub fn verify_url(&mut self, now: Timestamp, rng: &mut dyn Rng) -> u64 {
        self.pushes.plan_verification(now, rng)
    }

    /// Plans an event without any consequence for windows.
    pub(super) fn plan_event(
        &mut self,
        openid: &str,
        event: &str,
        fields: &Value,
        options: PushOptions,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let mut all = self.envelope(openid, "event", now);
        all.push(("Event", json!(event)));
        all.extend(own(fields));
        let content = Content {
            openid,
            what: event,
            msg_id: None,
            fields: all,
        };
        self.plan(&content, options, now, rng)
    }

    pub(super) fn plan(
        &mut self,
        content: &Content<'_>,
        mut options: PushOptions,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        if self.people.known(content.openid).blacklisted {
            options.copies = 0;
        }
        self.pushes.plan(content, options, &self.settings, now, rng)
    }

    fn open_window(&mut self, openid: &str, trigger: Trigger, now: Timestamp) {
        let rule = self.settings.grants;
        self.people.known(openid).windows.open(trigger, rule, now);
    }

    fn envelope(&self, openid: &str, msg_type: &str, now: Timestamp) -> Vec<(&'static str, Value)> {
        vec![
            ("ToUserName", json!(self.settings.original_id)),
            ("FromUserName", json!(openid)),
            ("CreateTime", json!(now.as_second())),
            ("MsgType", json!(msg_type)),
        ]
    }
}

fn own(fields: &Value) -> impl Iterator<Item = (&str, Value)> {
    let fields = fields.as_object().into_iter().flat_map(Map::iter);
    fields.map(|(name, value)| (name.as_str(), value.clone()))
}
