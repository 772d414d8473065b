//! Tags of followers: tags/create, tags/get and tags/members/batchtagging (`wechat.md` 5).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::WeChat;
use super::account::ok;
use super::api::Call;
use super::refusal::{Outcome, Refusal};

/// Tags of an account.
const MOST: usize = 100;
/// Bytes of a name.
const NAME: usize = 30;
/// Followers in one call.
const BATCH: usize = 50;
/// Tags of one follower.
const OF_ONE: usize = 20;
/// The tags that WeChat itself has, and the first number of the others.
const SYSTEM: i64 = 2;
const FIRST: i64 = 100;

/// Names by number.
#[derive(Debug, Default)]
pub(super) struct Tags(BTreeMap<i64, String>);

impl Tags {
    /// Whether a menu may be for this tag.
    pub(super) fn is_known(&self, id: i64) -> bool {
        (0..=SYSTEM).contains(&id) || self.0.contains_key(&id)
    }

    fn create(&mut self, name: &str) -> Result<i64, Refusal> {
        if name.is_empty() || self.0.values().any(|known| known == name) {
            return Err(Refusal::new(45157));
        }
        if name.len() > NAME {
            return Err(Refusal::new(45158));
        }
        if self.0.len() >= MOST {
            return Err(Refusal::new(45056));
        }
        let id = self.0.last_key_value().map_or(FIRST, |(last, _)| last + 1);
        self.0.insert(id, name.to_owned());
        Ok(id)
    }
}

impl WeChat {
    /// Gives a person a tag in the console, which makes it if there is none of that name; its number.
    pub fn tag(&mut self, openid: &str, name: &str) -> i64 {
        let known = self.tags.0.iter().find(|(_, known)| *known == name);
        let id = known.map(|(id, _)| *id);
        let id = id
            .or_else(|| self.tags.create(name).ok())
            .unwrap_or_default();
        let tags = &mut self.people.known(openid).tags;
        if !tags.contains(&id) {
            tags.push(id);
        }
        id
    }

    /// `POST /cgi-bin/tags/create`.
    pub(super) fn tags_create(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let name = body["tag"]["name"].as_str().unwrap_or_default();
        let id = self.tags.create(name)?;
        Ok(json!({ "tag": { "id": id, "name": name } }))
    }

    /// `GET /cgi-bin/tags/get`.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the table of operations wants one signature"
    )]
    pub(super) fn tags_get(&mut self, _: &mut Call<'_>) -> Outcome {
        let count = |id: i64| {
            let tagged = self
                .people
                .all()
                .filter(|(_, p)| p.subscribed && p.tags.contains(&id));
            tagged.count()
        };
        let tags = self.tags.0.iter();
        let tags: Vec<Value> = tags
            .map(|(id, name)| json!({ "id": id, "name": name, "count": count(*id) }))
            .collect();
        Ok(json!({ "tags": tags }))
    }

    /// `POST /cgi-bin/tags/members/batchtagging`.
    pub(super) fn tags_give(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let list = body["openid_list"].as_array();
        let list = list.filter(|list| (1..=BATCH).contains(&list.len()));
        let list = list.ok_or_else(|| Refusal::new(40032))?;
        let id = body["tagid"].as_i64().filter(|id| self.tags.is_known(*id));
        let id = id.ok_or_else(|| Refusal::new(45159))?;
        let openids: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
        for openid in &openids {
            let person = self.people.get(openid).filter(|person| person.subscribed);
            let person = person.ok_or_else(|| Refusal::new(40003))?;
            if person.tags.len() >= OF_ONE && !person.tags.contains(&id) {
                return Err(Refusal::new(45059));
            }
        }
        for openid in openids {
            let tags = &mut self.people.known(openid).tags;
            if !tags.contains(&id) {
                tags.push(id);
            }
        }
        Ok(ok())
    }
}
