//! The two ways of a conversation into C4C, and what the books there must hold of each.

use std::collections::HashSet;

use qiao_sim::c4c::{Business, C4c, FileView, NoteView, TicketView};

use super::House;
use super::agents::Answered;
use super::said::Said;

/// How messages stand in C4C, which is also how agents answer them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As activities. Answers are activities, too, and posted to us.
    Social,
    /// As notes of a ticket. Answers are notes, too, which nobody posts: C4C only tells that the
    /// ticket changed.
    Ticket,
}

const SOCIAL: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
delivery_notes = "10007"
"#;

/// Deliveries are told by notes of the type of answers, so that each is read and must not be said.
const TICKET: &str = r#"
[wechat.main.conversation]
into_c4c = "ticket"
delivery_notes = "10007"
"#;

/// The type of notes that agents write to the customer, as `reply_note` has it by default …
pub const TO_CUSTOMER: &str = "10007";
/// … and of those that have what the customer said.
const FROM_CUSTOMER: &str = "10008";

impl Way {
    pub fn conversation(self) -> &'static str {
        match self {
            Self::Social => SOCIAL,
            Self::Ticket => TICKET,
        }
    }

    /// What C4C tells changes of.
    pub fn notified(self) -> &'static [Business] {
        match self {
            Self::Social => &[Business::Customer],
            Self::Ticket => &[Business::Customer, Business::ServiceRequest],
        }
    }

    /// How often something was written that has a message; among the notes are a few about answers.
    pub fn written(self, c4c: &C4c) -> u64 {
        let sets: &[&str] = match self {
            Self::Social => &["SocialMediaActivityCollection"],
            Self::Ticket => &["ServiceRequestCollection", "ServiceRequestTextCollection"],
        };
        let totals = sets.iter().map(|set| c4c.calls().total("POST", set));
        totals.sum()
    }

    /// Activities and notes of followers, if that many messages stand there.
    pub fn books(self, messages: u64) -> [u64; 2] {
        match self {
            Self::Social => [messages, 0],
            Self::Ticket => [0, messages],
        }
    }
}

/// Activities and notes that have what followers said.
pub fn books(c4c: &C4c) -> [u64; 2] {
    let activities = c4c.activities().filter(|activity| activity.inbound);
    let notes = c4c.tickets().flat_map(|ticket| ticket.notes);
    let notes = notes.filter(is_from_customer);
    [activities.count() as u64, notes.count() as u64]
}

fn is_from_customer(note: &NoteView) -> bool {
    note.type_code == FROM_CUSTOMER
}

impl House {
    /// Checks all that stands in C4C of a follower who said this and was answered so.
    pub fn check_c4c(&self, openid: &str, said: &[Said], answered: &[Answered]) {
        let (customers, mut tickets) = self.site.c4c.look(|c4c| {
            let customers = c4c.find_by_wechat_id(openid).len();
            (customers, c4c.tickets_of(openid))
        });
        let ones = (customers, tickets.len());
        assert_eq!(ones, (1, 1), "one customer, one ticket");
        let ticket = tickets.remove(0);
        let theirs = answered.iter().filter(|answer| answer.openid == openid);
        let theirs: Vec<&str> = theirs.map(|answer| answer.text.as_str()).collect();
        match self.way {
            Way::Social => self.check_activities(openid, said, &theirs, &ticket),
            Way::Ticket => self.check_notes(openid, said, &theirs, &ticket),
        }
    }

    fn check_activities(&self, openid: &str, said: &[Said], answers: &[&str], ticket: &TicketView) {
        let (profiles, activities) = self
            .site
            .c4c
            .look(|c4c| (c4c.profiles_of(openid).len(), c4c.activities_of(openid)));
        assert_eq!(profiles, 1, "one profile");
        let (told, sent): (Vec<_>, Vec<_>) = activities.into_iter().partition(|a| a.inbound);
        let ids = told.iter().map(|activity| activity.message_id.as_str());
        assert_once_in_order(openid, said, ids);
        for (said, activity) in said.iter().zip(&told) {
            said.assert_stands_as(activity);
            assert_eq!(activity.root_uuid, told[0].uuid, "one conversation");
        }
        assert_eq!(sent.len(), answers.len());
        let deliveries: Vec<&str> = ticket.notes.iter().map(|n| n.text.as_str()).collect();
        assert_different(&deliveries);
    }

    fn check_notes(&self, openid: &str, said: &[Said], answers: &[&str], ticket: &TicketView) {
        let (told, sent): (Vec<_>, Vec<_>) = ticket.notes.iter().partition(|n| is_from_customer(n));
        let ids = told.iter().map(|note| msg_id(&note.text));
        assert_once_in_order(openid, said, ids);
        for (said, note) in said.iter().zip(told) {
            said.assert_noted_as(&note.text);
        }
        assert_attached_once(said, &ticket.files);
        assert!(sent.iter().all(|note| note.type_code == TO_CUSTOMER));
        let sent = sent.iter().map(|note| note.text.as_str());
        let (written, deliveries): (Vec<&str>, Vec<&str>) =
            sent.partition(|text| answers.contains(text));
        assert_eq!(written, answers, "as agents wrote them");
        assert_different(&deliveries);
        assert_eq!(deliveries.len(), answers.len(), "{deliveries:?}");
        let seen = self.site.wechat.look(|wechat| {
            let seen = wechat.seen(openid).iter().map(|seen| seen.text.clone());
            seen.collect::<Vec<String>>()
        });
        let heard = seen.iter().filter(|text| answers.contains(&text.as_str()));
        let heard: Vec<&str> = heard.map(String::as_str).collect();
        // One that is held as uncertain may have been seen or not.
        let kept = answers.iter().filter(|answer| heard.contains(answer));
        assert_eq!(heard, kept.copied().collect::<Vec<_>>(), "in order");
    }
}

fn assert_once_in_order<'a>(openid: &str, said: &[Said], ids: impl Iterator<Item = &'a str>) {
    let expected: Vec<String> = said.iter().map(|said| said.msg_id.to_string()).collect();
    let ids: Vec<&str> = ids.collect();
    assert_eq!(ids, expected, "each message of {openid} once, in order");
}

/// What tells a note from any other stands at the end of its head.
fn msg_id(note: &str) -> &str {
    let head = note.lines().next().unwrap_or_default();
    head.rsplit_once('#').map_or(head, |(_, key)| key)
}

fn assert_different(told: &[&str]) {
    let different: HashSet<&str> = told.iter().copied().collect();
    assert_eq!(different.len(), told.len(), "told once: {told:?}");
}

/// Files of a ticket come in the order in which they could be fetched.
fn assert_attached_once(said: &[Said], files: &[FileView]) {
    let mut originals: Vec<&[u8]> = said.iter().filter_map(Said::medium).collect();
    let mut attached: Vec<&[u8]> = files.iter().map(|file| &file.bytes[..]).collect();
    originals.sort_unstable();
    attached.sort_unstable();
    assert!(originals == attached, "each medium once: {files:?}");
}
