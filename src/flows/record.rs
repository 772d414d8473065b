//! A follower's message on its way into C4C: how it reads there, and what is remembered of it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::acted::Acted;
use super::names::{CONVERSATION_RECORD, TICKET_ASSIGN, TICKET_FIND};
use super::pickup;
use crate::config::{Account, IntoC4c, TicketFields};
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::map_link::map_link;
use crate::domain::placeholder::render;
use crate::domain::rows::{
    Changes, ConversationChange, Follower, NewActivity, NewEffect, Priority, Release, names,
};
use crate::store::{Conversation, Said, StoredLocation};

/// Held until the follower has a customer.
pub const HELD_NO_CUSTOMER: &str = "no_customer";

/// Held until the message that it hangs on stands in C4C.
pub const HELD_NOT_RECORDED: &str = "not_recorded";

/// What a place without an address is called on the map.
const PLACE: &str = "位置";

/// The property of a ticket by which it is known again after a lost answer.
pub const TICKET_MARK: &str = "Name";

/// The words of a location message with a link that opens the place, which an agent cannot read from numbers.
pub fn with_map(words: Option<String>, location: Option<&StoredLocation>) -> Option<String> {
    let Some(location) = location else {
        return words;
    };
    let label = location.label.as_deref().unwrap_or(PLACE);
    let link = map_link(location.place.gcj02, label, "");
    Some(format!("{}\n{link}", words.unwrap_or_default()))
}

/// How a message reads as a note. Its head has the MsgId: notes have no key of their own, so that is
/// how one is known again after a lost answer.
pub fn note(said: &Said, zone: &TimeZone) -> String {
    let at = said.created_at.to_zoned_datetime(zone.clone());
    let key = said.msg_id.as_deref().unwrap_or("-");
    let words = said.text.as_deref().unwrap_or_default();
    format!(
        "WeChat {} #{key}\n{words}",
        at.strftime("%Y-%m-%d %H:%M:%S")
    )
}

/// The fields of a new ticket. Its name ends with the MsgId of the message that opens it.
pub fn ticket(
    fields: &TicketFields,
    said: &Said,
    customer_id: &str,
    agent: Option<&str>,
) -> TicketFields {
    let values = [
        ("name", ""),
        ("customer_id", customer_id),
        ("agent", agent.unwrap_or_default()),
        ("text", said.text.as_deref().unwrap_or_default()),
    ];
    let mut fields: TicketFields = fields
        .iter()
        .map(|(field, template)| (field.clone(), render(template, &values)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let subject = fields
        .remove(TICKET_MARK)
        .unwrap_or_else(|| "WeChat".to_owned());
    let key = said.msg_id.as_deref().unwrap_or("-");
    fields.insert(TICKET_MARK.to_owned(), format!("{subject} #{key}"));
    fields
}

/// A message stands in C4C as this.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// Where.
    pub tenant: &'a TenantId,
    /// `activity` or `note`.
    pub kind: &'static str,
    /// Its key.
    pub object_id: ObjectId,
    /// An activity's ID.
    pub number: Option<String>,
}

/// What is remembered of it; what hangs on it may follow.
pub fn recorded(standing: &Standing<'_>, said: &Said) -> Changes {
    Changes {
        releases: vec![release(&said.follower, HELD_NOT_RECORDED)],
        activities: vec![NewActivity {
            tenant: standing.tenant.clone(),
            kind: standing.kind,
            object_id: Some(standing.object_id.clone()),
            number: standing.number.clone(),
            direction: "in",
            message_id: Some(said.id),
            message: None,
        }],
        ..Changes::none()
    }
}

/// The payload of `ticket.find`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketFind {
    /// Where.
    pub tenant: TenantId,
    /// `conversation.id`
    pub conversation: i64,
    /// The ID of its first activity, of which C4C makes the ticket.
    pub activity: String,
    /// To whom it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Assignee>,
}

/// The agent to whom a ticket goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignee {
    /// The ticket's property.
    pub field: String,
    /// Their employee ID.
    pub agent: String,
}

impl Assignee {
    /// Of a conversation whose follower asked for an agent. A ticket that is opened with that field has it
    /// already.
    pub fn of(conversation: &Conversation, account: &Account) -> Option<Self> {
        let agent = conversation.agent.clone()?;
        let field = account.conversation.agent_field.clone()?;
        let opened_with = match &account.conversation.into_c4c {
            IntoC4c::Ticket(fields) => fields.contains_key(&field),
            IntoC4c::Social(_) | IntoC4c::Off => false,
        };
        (!opened_with).then_some(Self { field, agent })
    }
}

/// The payload of `ticket.assign`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketAssign {
    /// Where.
    pub tenant: TenantId,
    /// Which.
    pub ticket: ObjectId,
    /// To whom.
    #[serde(flatten)]
    pub assignee: Assignee,
}

/// The first activity of a conversation stands in C4C: the others follow it, and its ticket is looked for.
pub fn rooted(
    conversation: &Conversation,
    account: &Account,
    root: &ObjectId,
    number: &str,
) -> Changes {
    let find = TicketFind {
        tenant: account.tenant.clone(),
        conversation: conversation.id,
        activity: number.to_owned(),
        assignee: Assignee::of(conversation, account),
    };
    Changes {
        conversations: vec![ConversationChange::InC4c {
            id: conversation.id,
            root_object_id: Some(root.clone()),
            ticket: None,
        }],
        effects: vec![NewEffect::new(
            names::object_lane(&account.tenant, root),
            TICKET_FIND,
            names::c4c(&account.tenant),
            &find,
        )],
        ..Changes::none()
    }
}

/// The conversation's ticket is known, and read: what C4C told of it before was of no conversation, and
/// agents may have worked on it. It goes to the agent by an effect of its own: one whom C4C does not know
/// must not cost what was said.
pub fn ticketed(
    tenant: &TenantId,
    conversation: i64,
    (object_id, number): (ObjectId, String),
    assignee: Option<Assignee>,
) -> Changes {
    let assign = assignee.map(|assignee| {
        let assign = TicketAssign {
            tenant: tenant.clone(),
            ticket: object_id.clone(),
            assignee,
        };
        NewEffect::new(
            names::object_lane(tenant, &object_id),
            TICKET_ASSIGN,
            names::c4c(tenant),
            &assign,
        )
    });
    let reread = pickup::ticket(tenant, &object_id, Priority::Normal);
    Changes {
        effects: assign.into_iter().chain([reread]).collect(),
        conversations: vec![ConversationChange::InC4c {
            id: conversation,
            root_object_id: None,
            ticket: Some((object_id, number)),
        }],
        ..Changes::none()
    }
}

/// What was held for this reason may go into C4C now.
pub fn release(follower: &Follower, reason: &'static str) -> Release {
    Release {
        lane: follower.c4c_lane(),
        reason,
        if_open: None,
        acted_after: None,
    }
}

/// How long a message waits for those that were said before it: pushes of one moment overtake each other
/// (wechat.md 2.1), and what stands in C4C cannot be put in order any more.
pub const OVERTAKING: SignedDuration = SignedDuration::from_secs(1);

/// Where decisions are late, the one on the overtaken message may be as late again. No decision is later
/// than this, unless a clock has jumped.
const LATEST: SignedDuration = SignedDuration::from_secs(10);

/// WeChat brings a push that nobody took again after five seconds (wechat.md 2.1): so long after a restart
/// something older may come.
const BROUGHT_AGAIN: SignedDuration = SignedDuration::from_secs(6);

/// When a message is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    /// The time.
    pub at: Timestamp,
    /// When the daemon took over from an earlier one; nobody took pushes just before.
    pub back_since: Option<Timestamp>,
}

impl Decided {
    /// When a message that was received then may go into C4C.
    fn due(self, received: Timestamp) -> Option<Timestamp> {
        let late = self.at.duration_since(received);
        let wait = OVERTAKING + late.clamp(SignedDuration::ZERO, LATEST);
        let due = self.at.saturating_add(wait).ok()?;
        let back = self.back_since.filter(|back| *back <= self.at);
        let missed = back.and_then(|back| back.saturating_add(BROUGHT_AGAIN).ok());
        Some(missed.map_or(due, |missed| missed.max(due)))
    }
}

/// The effect that records a message in C4C. It stands behind the one that makes the customer.
pub fn effect(acted: &Acted, account: &Account, message_id: i64, decided: Decided) -> NewEffect {
    let follower = &acted.follower;
    NewEffect {
        message_id: Some(message_id),
        in_order_said: true,
        not_before: decided.due(acted.received),
        ..NewEffect::new(
            follower.c4c_lane(),
            CONVERSATION_RECORD,
            names::c4c(&account.tenant),
            follower,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, OpenId};

    fn said(text: &str) -> Said {
        Said {
            id: 7,
            follower: Follower {
                account: AccountId::new("main"),
                openid: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
            },
            kind: "text".to_owned(),
            msg_id: Some("24012345678901234".to_owned()),
            text: Some(text.to_owned()),
            created_at: Timestamp::from_second(1_764_000_000).unwrap(),
        }
    }

    #[test]
    fn a_message_waits_a_second_and_as_long_again_as_its_decision_was_late() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let due = |received, decided| {
            let decided = Decided {
                at: at(decided),
                back_since: None,
            };
            decided.due(at(received)).unwrap()
        };
        assert_eq!(due(0, 0), at(1_000));
        assert_eq!(due(0, 3_000), at(7_000));
        assert_eq!(due(0, 3_600_000), at(3_611_000), "a clock has jumped");
        assert_eq!(due(5_000, 0), at(1_000), "and back");
    }

    #[test]
    fn after_a_restart_it_waits_for_what_nobody_took() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let due = |now| {
            let decided = Decided {
                at: at(now),
                back_since: Some(at(10_000)),
            };
            decided.due(at(now)).unwrap()
        };
        assert_eq!(due(10_100), at(16_000));
        assert_eq!(due(15_500), at(16_500));
        assert_eq!(due(9_000), at(10_000), "the clock was set back");
    }

    #[test]
    fn a_note_tells_when_and_which_message_it_was() {
        let note = note(&said("你好"), &TimeZone::get("Asia/Shanghai").unwrap());
        assert_eq!(note, "WeChat 2025-11-25 00:00:00 #24012345678901234\n你好");
    }

    #[test]
    fn a_ticket_is_marked_whatever_its_fields_are() {
        let fields = TicketFields::from([
            ("BuyerPartyID".to_owned(), "{customer_id}".to_owned()),
            ("Channel".to_owned(), "{name}".to_owned()),
        ]);
        let ticket = ticket(&fields, &said("hello"), "1000441", None);
        let expected = TicketFields::from([
            ("BuyerPartyID".to_owned(), "1000441".to_owned()),
            ("Name".to_owned(), "WeChat #24012345678901234".to_owned()),
        ]);
        assert_eq!(ticket, expected, "what is empty is not sent");
    }
}
