//! Send windows (`wechat.md` 4.1): what a follower's act allows the account to send them.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::later;
use super::refusal::Refusal;

const MINUTE: Duration = Duration::from_mins(1);
const TWO_DAYS: Duration = Duration::from_hours(48);

/// An act of a follower that opens a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A message: 5 in 48 hours.
    Message,
    /// A tap on a menu that counts, or on a `msgmenu` item: 3 in a minute.
    Menu,
    /// Following: 3 in a minute.
    Follow,
    /// Scanning a QR code: 3 in a minute.
    Scan,
}

impl Trigger {
    fn allows(self) -> (u32, Duration) {
        match self {
            Self::Message => (5, TWO_DAYS),
            Self::Menu | Self::Follow | Self::Scan => (3, MINUTE),
        }
    }
}

/// How grants of different acts go together; `wechat.md` 13.2 leaves it open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grants {
    /// One allowance: an act resets it to the larger count and the longer validity.
    #[default]
    Merge,
    /// One allowance for each kind of act; a send uses the one that ends first.
    Separate,
}

#[derive(Debug, Clone, Copy)]
struct Grant {
    trigger: Trigger,
    left: u32,
    until: Timestamp,
}

/// The windows of one follower.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows(Vec<Grant>);

impl Windows {
    /// The follower acted.
    pub(super) fn open(&mut self, trigger: Trigger, rule: Grants, now: Timestamp) {
        self.0.retain(|grant| grant.until > now);
        let (mut left, validity) = trigger.allows();
        let mut until = later(now, validity);
        match rule {
            Grants::Merge => {
                for grant in self.0.drain(..) {
                    left = left.max(grant.left);
                    until = until.max(grant.until);
                }
            }
            Grants::Separate => self.0.retain(|grant| grant.trigger != trigger),
        }
        self.0.push(Grant {
            trigger,
            left,
            until,
        });
    }

    /// Uses one message: 45015 without a live grant, 45047 when all live ones are used up.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.0.retain(|grant| grant.until > now);
        if self.0.is_empty() {
            return Err(Refusal::new(45015));
        }
        let usable = self.0.iter_mut().filter(|grant| grant.left > 0);
        let grant = usable
            .min_by_key(|grant| grant.until)
            .ok_or_else(|| Refusal::new(45047))?;
        grant.left -= 1;
        Ok(())
    }

    /// The follower left: nothing may be sent any more.
    pub(super) fn void(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn sends(windows: &mut Windows, now: Timestamp) -> (usize, i64) {
        let mut sent = 0;
        loop {
            match windows.take(now) {
                Ok(()) => sent += 1,
                Err(refusal) => return (sent, refusal.code),
            }
        }
    }

    #[test]
    fn a_follow_allows_three_within_a_minute() {
        let mut windows = Windows::default();
        windows.open(Trigger::Follow, Grants::Merge, at(0));
        assert_eq!(sends(&mut windows.clone(), at(59)), (3, 45047));
        assert_eq!(sends(&mut windows, at(60)), (0, 45015));
    }

    #[test]
    fn a_message_allows_five_within_two_days() {
        let mut windows = Windows::default();
        windows.open(Trigger::Message, Grants::Merge, at(0));
        assert_eq!(sends(&mut windows.clone(), at(172_799)), (5, 45047));
        assert_eq!(sends(&mut windows, at(172_800)), (0, 45015));
    }

    #[test]
    fn acts_refresh_and_do_not_add_up() {
        let mut windows = Windows::default();
        windows.open(Trigger::Message, Grants::Merge, at(0));
        windows.open(Trigger::Message, Grants::Merge, at(1));
        assert_eq!(sends(&mut windows.clone(), at(2)), (5, 45047));
        windows.open(Trigger::Menu, Grants::Merge, at(3));
        assert_eq!(sends(&mut windows, at(100)), (5, 45047));
    }

    #[test]
    fn a_tap_refills_a_used_up_message_grant_only_when_they_merge() {
        for (rule, at_once, later) in [
            (Grants::Merge, 3, (3, 45047)),
            (Grants::Separate, 3, (0, 45047)),
        ] {
            let mut windows = Windows::default();
            windows.open(Trigger::Message, rule, at(0));
            assert_eq!(sends(&mut windows, at(1)), (5, 45047));
            windows.open(Trigger::Menu, rule, at(2));
            assert_eq!(sends(&mut windows.clone(), at(100)), later, "{rule:?}");
            assert_eq!(sends(&mut windows, at(3)).0, at_once, "{rule:?}");
        }
    }

    #[test]
    fn separate_grants_use_the_one_that_ends_first() {
        let mut windows = Windows::default();
        windows.open(Trigger::Message, Grants::Separate, at(0));
        windows.open(Trigger::Menu, Grants::Separate, at(0));
        assert_eq!(sends(&mut windows.clone(), at(1)), (8, 45047));
        windows.take(at(1)).unwrap();
        assert_eq!(sends(&mut windows, at(61)), (5, 45047));
    }
}
