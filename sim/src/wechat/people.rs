//! The people around the account: who follows, how they came, and what they saw.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rand::Rng;
use serde::Serialize;

use super::ids;
use super::media::Medium;
use super::windows::Windows;

/// How something came onto a follower's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A passive reply.
    Reply,
    /// custom/send.
    Custom,
    /// template/send.
    Template,
    /// WeChat's own words that the account is out of order.
    FaultBanner,
}

/// One thing a follower saw in the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// When.
    #[serde(serialize_with = "super::as_text")]
    pub at: Timestamp,
    /// How it came.
    pub via: Via,
    /// `msgtype` or `MsgType`; the template id of a template.
    pub kind: String,
    /// The words: the content of a text, titles of articles, `key: value` lines of a template;
    /// else the object as JSON.
    pub text: String,
    /// The picture, recording or video, as the follower got it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Medium>,
}

/// A person known to the account.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// Follows the account now.
    pub subscribed: bool,
    /// UnionID, if the account has an Open Platform account.
    pub unionid: Option<String>,
    /// The account put them on its blacklist.
    pub blacklisted: bool,
    /// They refuse the account's messages.
    pub blocks: bool,
    /// What the account's people call them, by the console or `updateremark`.
    pub remark: String,
    /// The numbers of the tags that the account gave them.
    pub tags: Vec<i64>,
    /// What their WeChat runs on: 1 iOS, 2 Android, 3 anything else; `None` when nobody said.
    pub platform: Option<i64>,
    /// What they call themselves; empty: WeChat names nobody.
    pub nickname: String,
    /// Where their picture is; empty: one of the simulator's own.
    pub avatar: String,
    /// When they last followed.
    pub(super) subscribe_time: Option<Timestamp>,
    /// Scene of the QR code they followed by.
    pub(super) scene: Option<String>,
    pub(super) windows: Windows,
    /// The last message of either side.
    pub(super) exchanged: Option<Timestamp>,
    /// Until then they read that someone is typing.
    pub(super) typing_until: Option<Timestamp>,
    /// Until then an agent in WeChat's own customer service has them.
    pub(super) served_until: Option<Timestamp>,
    pub(super) seen: Vec<Seen>,
}

impl Person {
    /// Their name, as web authorization tells it.
    pub(super) fn name(&self) -> &str {
        match self.nickname.as_str() {
            "" => "微信用户",
            nickname => nickname,
        }
    }

    /// Shows them something. A message of the account ends its typing.
    pub(super) fn show(&mut self, seen: Seen) {
        if matches!(seen.via, Via::Reply | Via::Custom) {
            self.exchanged = Some(seen.at);
            self.typing_until = None;
        }
        self.seen.push(seen);
    }
}

/// Everyone, in the order of their OpenIDs, which is the order of user/get's pages.
#[derive(Debug, Default)]
pub(super) struct People {
    known: BTreeMap<String, Person>,
    /// New OpenIDs by those from before the migration.
    moved: BTreeMap<String, String>,
}

impl People {
    /// Someone new, who does not follow yet; returns their OpenID.
    pub(super) fn create(&mut self, with_unionid: bool, rng: &mut dyn Rng) -> String {
        let openid = ids::person_id(rng);
        let person = Person {
            unionid: with_unionid.then(|| ids::person_id(rng)),
            nickname: usual_name(&openid).to_owned(),
            ..Person::default()
        };
        self.known.insert(openid.clone(), person);
        openid
    }

    /// One of them.
    pub(super) fn get(&self, openid: &str) -> Option<&Person> {
        self.known.get(openid)
    }

    /// One of them, to change.
    pub(super) fn get_mut(&mut self, openid: &str) -> Option<&mut Person> {
        self.known.get_mut(openid)
    }

    /// That person, known from now on.
    pub(super) fn known(&mut self, openid: &str) -> &mut Person {
        self.known.entry(openid.to_owned()).or_default()
    }

    /// That person gets another OpenID, as all do when their account is migrated.
    pub(super) fn move_on(&mut self, openid: &str, rng: &mut dyn Rng) -> Option<String> {
        let person = self.known.remove(openid)?;
        let new = ids::person_id(rng);
        self.known.insert(new.clone(), person);
        self.moved.insert(openid.to_owned(), new.clone());
        Some(new)
    }

    /// The OpenID of whoever had this one before the migration.
    pub(super) fn now(&self, old: &str) -> Option<&str> {
        self.moved.get(old).map(String::as_str)
    }

    /// Everyone.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Person)> {
        self.known
            .iter()
            .map(|(openid, person)| (openid.as_str(), person))
    }

    /// OpenIDs of followers after `openid`, or from the start.
    pub(super) fn followers_after(&self, openid: Option<&str>) -> impl Iterator<Item = &str> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = openid.map_or(Unbounded, Excluded);
        self.known
            .range::<str, _>((from, Unbounded))
            .filter(|(_, person)| person.subscribed)
            .map(|(openid, _)| openid.as_str())
    }
}

/// A name for somebody new, always the same for an OpenID.
fn usual_name(openid: &str) -> &'static str {
    const NAMES: [&str; 8] = [
        "小桥流水",
        "山里的风",
        "阿明",
        "Lily",
        "晚安地球人",
        "老张",
        "Momo",
        "云上",
    ];
    let sum: usize = openid.bytes().map(usize::from).sum();
    NAMES[sum % NAMES.len()]
}
