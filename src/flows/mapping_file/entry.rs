//! From the text of a line to a mapping: all that can be said without the database.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Line, longest};
use crate::config::Account;
use crate::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId, UnionId};
use crate::domain::rows::{Follower, MappingState};
use crate::flows::link::Chosen;

/// What lines are held against.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The accounts of the configuration.
    pub accounts: &'a BTreeMap<AccountId, Account>,
    /// Now: nothing has happened after it.
    pub now: Timestamp,
}

/// A line that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who.
    pub follower: Follower,
    /// Where their customer lives.
    pub tenant: TenantId,
    /// Their customer, by key or number or both.
    pub chosen: Chosen,
    /// The state.
    pub state: MappingState,
    /// Across accounts.
    pub unionid: Option<UnionId>,
    /// A word on the state.
    pub reason: Option<String>,
    /// By which the customer was named.
    pub name: Option<String>,
    /// Of the QR code.
    pub scene: Option<String>,
    /// When they followed or left.
    pub followed_at: Option<Timestamp>,
    /// Since when they are linked.
    pub linked_at: Option<Timestamp>,
}

impl Line {
    /// What it says, or all that is wrong with it, in one sentence. Nothing of the values is quoted.
    pub fn entry(&self, known: &Known<'_>) -> Result<Entry, String> {
        let mut faults = Faults::default();
        let account = faults.take("account", given(&self.account), account);
        let openid = faults.take("openid", given(&self.openid), wechat_id);
        faults.need("account", account);
        faults.need("openid", openid);
        let tenant = faults.tenant(account, given(&self.tenant), known);
        let chosen = Chosen {
            object_id: faults.take("object_id", given(&self.object_id), object_id),
            customer_id: faults.take("customer_id", given(&self.customer_id), customer_id),
        };
        let state = faults.take("state", given(&self.state), state);
        let state = state.unwrap_or(MappingState::Linked);
        faults.customer(&chosen, state);
        let unionid = faults.take("unionid", given(&self.unionid), wechat_id);
        let instant = |text: &str| instant(text, known.now);
        let entry = Entry {
            follower: Follower {
                account: AccountId::new(account.unwrap_or_default()),
                openid: OpenId::new(openid.unwrap_or_default()),
            },
            tenant,
            chosen,
            state,
            unionid: unionid.map(UnionId::new),
            reason: faults.text("reason", given(&self.reason), longest::REASON),
            name: faults.text("name", given(&self.name), longest::NAME),
            scene: faults.text("scene", given(&self.scene), longest::SCENE),
            followed_at: faults.take("followed_at", given(&self.followed_at), instant),
            linked_at: faults.take("linked_at", given(&self.linked_at), instant),
        };
        faults.none_or(entry)
    }
}

/// What is wrong with a line.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    /// Reads a column that may be empty.
    fn take<'t, T>(
        &mut self,
        column: &str,
        text: Option<&'t str>,
        read: impl Fn(&'t str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let read = read(text?);
        read.map_err(|what| self.add(format!("{column}: {what}")))
            .ok()
    }

    fn text(&mut self, column: &str, text: Option<&str>, longest: usize) -> Option<String> {
        let text = text?;
        if text.len() > longest {
            self.add(format!("{column}: it has more than {longest} bytes"));
        }
        if text.contains(char::is_control) {
            self.add(format!("{column}: it holds control characters"));
        }
        Some(text.to_owned())
    }

    /// A column that every line needs. What could not be read was named already.
    fn need(&mut self, column: &str, read: Option<&str>) {
        if read.is_none() && !self.0.iter().any(|fault| fault.starts_with(column)) {
            self.add(format!("{column}: it is missing"));
        }
    }

    /// The tenant of the account, which the line may only repeat.
    fn tenant(&mut self, account: Option<&str>, said: Option<&str>, known: &Known<'_>) -> TenantId {
        let home = account.map(|id| known.accounts.get(&AccountId::new(id)));
        match home {
            Some(Some(account)) => {
                if said.is_some_and(|said| said != account.tenant.as_str()) {
                    self.add("tenant: the account's followers live in another one");
                }
                return account.tenant.clone();
            }
            Some(None) => self.add("account: it is not in the configuration"),
            None => {}
        }
        TenantId::new("")
    }

    /// Who is linked needs a customer; C4C is asked for the number or key that is not said.
    fn customer(&mut self, chosen: &Chosen, state: MappingState) {
        let columns = ["object_id", "customer_id"];
        let is_named = |fault: &String| columns.iter().any(|column| fault.starts_with(column));
        if self.0.iter().any(is_named) {
            return;
        }
        let (object, number) = (chosen.object_id.is_some(), chosen.customer_id.is_some());
        if state == MappingState::Linked && !object && !number {
            self.add("customer_id, object_id: one who is linked needs one of them");
        } else if state != MappingState::Linked && object != number {
            self.add("customer_id, object_id: give both or none of one who is not linked");
        }
    }

    fn none_or(self, entry: Entry) -> Result<Entry, String> {
        if self.0.is_empty() {
            return Ok(entry);
        }
        Err(self.0.join("; "))
    }
}

/// An empty text is none.
#[expect(clippy::ref_option, reason = "for the fields of a line")]
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

fn account(text: &str) -> Result<&str, &'static str> {
    let known = crate::domain::ids::is_config_id(text);
    known.then_some(text).ok_or("it is no name of an account")
}

fn wechat_id(text: &str) -> Result<&str, &'static str> {
    let plausible = (1..=longest::WECHAT_ID).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    plausible
        .then_some(text)
        .ok_or("it is not of the form that WeChat gives: letters, digits, `_` and `-`")
}

fn object_id(text: &str) -> Result<ObjectId, &'static str> {
    ObjectId::parse(text).ok_or("it is no ObjectID of 32 hex digits")
}

fn customer_id(text: &str) -> Result<CustomerId, &'static str> {
    let plausible = text.len() <= longest::CUSTOMER_ID
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    plausible
        .then(|| CustomerId::new(text))
        .ok_or("it is no number of a customer")
}

fn state(text: &str) -> Result<MappingState, &'static str> {
    MappingState::parse(text).ok_or("it is no state of a mapping (docs/SCHEMA.md names them)")
}

fn instant(text: &str, now: Timestamp) -> Result<Timestamp, &'static str> {
    let instant: Timestamp = text
        .parse()
        .map_err(|_| "it is no instant such as 2026-11-23T08:00:00Z")?;
    // Pushes older than the last follow change nothing: one of tomorrow would hide all of today.
    if instant > now {
        return Err("it lies in the future");
    }
    if instant < Timestamp::UNIX_EPOCH {
        return Err("it lies before 1970");
    }
    Ok(instant)
}
