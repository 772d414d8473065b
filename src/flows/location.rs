//! Where a follower is: what a push tells of it, and whether that is kept.
//!
//! Decided in the account's `in:` lane. The coordinates stay in the push until then: the payload of
//! `follower.acted` says only that there are some.

use jiff::Timestamp;

use crate::config::{Account, LocationEvents};
use crate::domain::place::{NotAPlace, Place, System, decimal};
use crate::domain::rows::{Follower, NewLocation};
use crate::wechat::push::{Event, MessageBody, Push, PushKind};

/// Latitude and longitude as a push has them.
struct Sent<'a> {
    latitude: &'a str,
    longitude: &'a str,
    system: System,
}

/// Whether a push brings a place that may be kept. `location_select` does not: the message that follows it does.
pub fn is_told(push: &Push) -> bool {
    match &push.kind {
        PushKind::Message { body, .. } => matches!(body, MessageBody::Location { .. }),
        PushKind::Event(event) => matches!(event, Event::Location { .. }),
    }
}

/// Where the push says that its follower is; `None` when it says nothing of it.
pub fn place(push: &Push, account: &Account) -> Option<Result<Place, NotAPlace>> {
    let sent = sent(push, account)?;
    Some(Place::parse(sent.system, sent.latitude, sent.longitude))
}

/// WeChat picks places on Tencent's map, whose coordinates are GCJ-02; those of LOCATION events are the account's
/// to say.
fn sent<'a>(push: &'a Push, account: &Account) -> Option<Sent<'a>> {
    let (latitude, longitude, system) = match &push.kind {
        PushKind::Message {
            body:
                MessageBody::Location {
                    latitude,
                    longitude,
                    ..
                },
            ..
        }
        | PushKind::Event(Event::LocationSelect {
            latitude,
            longitude,
            ..
        }) => (latitude, longitude, System::Gcj02),
        PushKind::Event(Event::Location {
            latitude,
            longitude,
            ..
        }) => (latitude, longitude, account.locations.event_coordinates),
        _ => return None,
    };
    Some(Sent {
        latitude,
        longitude,
        system,
    })
}

/// The row of a push that tells a place. `message_id`: the message that it is. `last`: when the follower's newest
/// kept event was. `None`: it is not to be kept.
pub fn decide(
    push: &Push,
    follower: &Follower,
    message_id: Option<i64>,
    last: Option<Timestamp>,
    account: &Account,
) -> Result<Option<NewLocation>, NotAPlace> {
    let (label, accuracy) = match &push.kind {
        PushKind::Message {
            body: MessageBody::Location { label, .. },
            ..
        } => (Some(label.trim()).filter(|label| !label.is_empty()), None),
        PushKind::Event(Event::Location { precision, .. })
            if is_due(account.locations.events, last, push.created) =>
        {
            (None, decimal(precision).filter(|metres| *metres >= 0.0))
        }
        _ => return Ok(None),
    };
    let Some(place) = place(push, account).transpose()? else {
        return Ok(None);
    };
    Ok(Some(NewLocation {
        follower: follower.clone(),
        place,
        accuracy,
        label: label.map(str::to_owned),
        message_id,
        at: push.created,
    }))
}

/// An event that was overtaken by a newer one is not kept, either.
fn is_due(events: LocationEvents, last: Option<Timestamp>, at: Timestamp) -> bool {
    match (events, last) {
        (LocationEvents::Off, _) => false,
        (LocationEvents::All, _) | (LocationEvents::Every(_), None) => true,
        (LocationEvents::Every(wait), Some(last)) => at.duration_since(last) >= wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn an_event_is_kept_when_the_last_one_is_old_enough() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let hourly = LocationEvents::Every(SignedDuration::from_hours(1));
        for (events, last, now, kept) in [
            (hourly, None, 0, true),
            (hourly, Some(0), 3_599, false),
            (hourly, Some(0), 3_600, true),
            (hourly, Some(3_600), 0, false),
            (LocationEvents::All, Some(0), 0, true),
            (LocationEvents::All, Some(9), 0, true),
            (LocationEvents::Off, None, 0, false),
        ] {
            let due = is_due(events, last.map(at), at(now));
            assert_eq!(due, kept, "{events:?} {last:?} {now}");
        }
    }
}
