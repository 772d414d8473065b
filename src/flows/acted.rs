//! What a follower did, as the payload of `follower.acted`: without a word of what was said.

use jiff::Timestamp;
use jiff::fmt::serde::timestamp::microsecond;
use serde::{Deserialize, Serialize};

use super::location;
use super::names::FOLLOWER_ACTED;
use crate::domain::rows::{Follower, NewEffect, Priority, names};
use crate::wechat::push::{Event, FollowAction, MessageBody, Push, PushKind};

/// What the act was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// Who.
    pub follower: Follower,
    /// What.
    pub act: Act,
    /// CreateTime.
    #[serde(with = "microsecond::required")]
    pub created: Timestamp,
    /// When it reached us.
    #[serde(with = "microsecond::required")]
    pub received: Timestamp,
    /// The word of the send window that it opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Of the QR code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    /// What hangs on the message, by WeChat's ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Attached>,
    /// Its push tells where they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub located: bool,
    /// What happened at WeChat's own seats: a kind of `conversation_event` and who sits there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<(SeatAct, String)>,
    /// A rule says that their customer is to be looked up, and they wait to hear of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub binds: bool,
    /// No push told of it: reconciliation found it out. What follows is bulk work, and nobody is
    /// told of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
}

/// A medium of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// `image`, `voice`, `video` or `thumb`.
    pub kind: String,
    /// WeChat's id, good for three days (wechat.md 2.3).
    pub media_id: String,
}

/// What happened at a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeatAct {
    /// Somebody took the conversation.
    Accepted,
    /// Somebody else has it now.
    Transferred,
    /// It is over at the seats.
    Closed,
}

impl SeatAct {
    /// The word in `conversation_event.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Transferred => "transferred",
            Self::Closed => "closed",
        }
    }
}

/// What a follower did, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// They follow now.
    Follow,
    /// They left.
    Unfollow,
    /// They said or did something, so they are there.
    Contact,
}

/// The effect by which an act is followed up; `None` when nothing follows from the push.
/// `binds`: whether a rule answers the push with [`crate::config::Action::Bind`].
pub fn follow_up(
    follower: &Follower,
    push: &Push,
    binds: bool,
    received: Timestamp,
) -> Option<NewEffect> {
    let act = match push.follow_action() {
        FollowAction::Follow => Act::Follow,
        FollowAction::Unfollow => Act::Unfollow,
        FollowAction::None if push.is_contact() => Act::Contact,
        FollowAction::None => return None,
    };
    let acted = Acted {
        follower: follower.clone(),
        act,
        created: push.created,
        received,
        grant: push.grant().map(|trigger| trigger.as_str().to_owned()),
        scene: push.scene().map(str::to_owned),
        media: attached(push),
        located: location::is_told(push),
        seat: seat(push),
        binds,
        found: false,
    };
    Some(NewEffect {
        priority: Priority::Live,
        ..NewEffect::new(
            names::inbound_lane(&follower.account),
            FOLLOWER_ACTED,
            names::LOCAL,
            &acted,
        )
    })
}

/// What hangs on a message. Of a voice the better copy, where there is one.
fn attached(push: &Push) -> Vec<Attached> {
    let PushKind::Message { body, .. } = &push.kind else {
        return Vec::new();
    };
    let media: Vec<(&str, &String)> = match body {
        MessageBody::Image { media_id, .. } => vec![("image", media_id)],
        MessageBody::Voice {
            media_id,
            media_id_16k,
            ..
        } => vec![("voice", media_id_16k.as_ref().unwrap_or(media_id))],
        MessageBody::Video(video) | MessageBody::ShortVideo(video) => {
            vec![("video", &video.media_id)]
        }
        _ => Vec::new(),
    };
    let filled = media.into_iter().filter(|(_, id)| !id.is_empty());
    filled
        .map(|(kind, media_id)| Attached {
            kind: kind.to_owned(),
            media_id: media_id.clone(),
        })
        .collect()
}

fn seat(push: &Push) -> Option<(SeatAct, String)> {
    match push.event()? {
        Event::AgentJoined { agent } => Some((SeatAct::Accepted, agent.clone())),
        Event::AgentLeft { agent } => Some((SeatAct::Closed, agent.clone())),
        Event::AgentSwitched { from, to } => {
            Some((SeatAct::Transferred, format!("{from} -> {to}")))
        }
        _ => None,
    }
}
