//! What a follower's message means beyond their windows: their conversation, its media, and what C4C
//! must learn of it.

use jiff::SignedDuration;

use super::acted::{Act, Acted};
use super::conversation::{self, Heard};
use super::names::MEDIA_FETCH;
use super::record::{self, Decided};
use crate::config::{Account, IntoC4c};
use crate::domain::rows::{Changes, MediaChange, NewEffect, Priority, SeatEvent, names};
use crate::store::Conversation;

/// How long WeChat keeps what a follower sent (wechat.md 2.3).
pub const MEDIA_LIVES: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What follows from an act, given the follower's newest conversation. `message`: the message that it
/// was, with its words. It may be decided on later than it was received.
pub fn follow_up(
    acted: &Acted,
    message: Option<(i64, &str)>,
    newest: Option<&Conversation>,
    account: &Account,
    decided: Decided,
) -> Changes {
    let heard = Heard {
        follower: &acted.follower,
        message,
        left: acted.act == Act::Unfollow,
        at: acted.received,
    };
    let mut changes = Changes {
        conversations: conversation::heard(&heard, newest, &account.conversation),
        seat_events: acted
            .seat
            .iter()
            .map(|seat| seat_event(acted, seat))
            .collect(),
        ..Changes::none()
    };
    if let Some((message_id, _)) = message {
        if account.conversation.into_c4c != IntoC4c::Off {
            changes
                .effects
                .push(record::effect(acted, account, message_id, decided));
        }
        changes.extend(media(acted, message_id));
    }
    changes
}

fn seat_event(acted: &Acted, (act, detail): &(super::acted::SeatAct, String)) -> SeatEvent {
    SeatEvent {
        follower: acted.follower.clone(),
        kind: act.as_str(),
        detail: detail.clone(),
        at: acted.created,
    }
}

/// What hangs on a message is wanted at once: its ids die.
fn media(acted: &Acted, message_id: i64) -> Changes {
    if acted.media.is_empty() {
        return Changes::none();
    }
    let wanted = acted.media.iter().map(|medium| MediaChange::Wanted {
        message_id,
        kind: medium.kind.clone(),
        media_id: medium.media_id.clone(),
    });
    let fetch = NewEffect {
        message_id: Some(message_id),
        priority: Priority::Live,
        ..NewEffect::new(
            acted.follower.media_lane(),
            MEDIA_FETCH,
            names::wechat(&acted.follower.account),
            &acted.follower,
        )
    };
    Changes {
        media: wanted.collect(),
        effects: vec![fetch],
        ..Changes::none()
    }
}
