//! What flows ask of any push, whatever its kind.

use crate::domain::ids::OpenId;
use crate::wechat::window::GrantTrigger;

use super::{Event, MessageBody, Push, PushKind};

/// Whether a push starts or ends somebody's following.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowAction {
    /// They follow now.
    Follow,
    /// They do not any more.
    Unfollow,
    /// Neither.
    None,
}

impl Push {
    /// Tells this push from any other of the same account and sender (design.md 4).
    ///
    /// A message: `m:` and its MsgId in 20 digits. An event, or a message of an undocumented kind
    /// without MsgId: `e:`, CreateTime in 20 digits and 32 hex digits over all decrypted fields. Two
    /// equal events of one second have one key: the platform itself cannot tell them apart.
    pub fn dedupe_key(&self) -> &str {
        &self.dedupe_key
    }

    /// `text`, `image` … or `event:subscribe` …: the kind in SQL, logs and metrics. Lower case.
    pub fn kind_word(&self) -> &str {
        &self.kind_word
    }

    /// `MsgId`, if it is a message.
    pub fn msg_id(&self) -> Option<i64> {
        match self.kind {
            PushKind::Message { msg_id, .. } => msg_id,
            PushKind::Event(_) => None,
        }
    }

    /// The event, if it is one.
    pub fn event(&self) -> Option<&Event> {
        match &self.kind {
            PushKind::Event(event) => Some(event),
            PushKind::Message { .. } => None,
        }
    }

    /// What was said, for the history; see [`MessageBody::text`]. `None` for events.
    pub fn text(&self) -> Option<String> {
        match &self.kind {
            PushKind::Message { body, .. } => Some(body.text()),
            PushKind::Event(_) => None,
        }
    }

    /// Whom it is about. `None` when it is about the account itself, or when the platform names
    /// nobody.
    pub fn follower(&self) -> Option<&OpenId> {
        match self.event() {
            Some(Event::Privacy { openid, .. }) => openid.as_ref(),
            Some(Event::MassSent(_) | Event::Published { .. } | Event::Certification { .. }) => {
                None
            }
            _ => Some(&self.from),
        }
    }

    /// Whether it shows that [`Push::follower`] is there, so that an unknown one becomes a
    /// customer. Not so for an unfollow, for what the platform says about people, and for unknown
    /// events: their sender may be the platform, and a customer made in error stays in C4C,
    /// while a real follower's next message makes up for the wait.
    pub fn is_contact(&self) -> bool {
        self.follower().is_some()
            && !matches!(
                self.event(),
                Some(Event::Unsubscribe | Event::Privacy { .. } | Event::Other { .. })
            )
    }

    /// Follow, unfollow or neither.
    pub fn follow_action(&self) -> FollowAction {
        match self.event() {
            Some(Event::Subscribe(_)) => FollowAction::Follow,
            Some(Event::Unsubscribe) => FollowAction::Unfollow,
            _ => FollowAction::None,
        }
    }

    /// The value of the parametric QR code that was scanned, following or to follow.
    pub fn scene(&self) -> Option<&str> {
        match self.event() {
            Some(Event::Subscribe(Some(scene)) | Event::Scan(scene)) => Some(&scene.value),
            _ => None,
        }
    }

    /// The send window that this push opens (wechat.md 4.1). A tapped `msgmenu` item arrives as a
    /// text but counts as the menu; VIEW, LOCATION and the other menu buttons open nothing.
    pub fn grant(&self) -> Option<GrantTrigger> {
        match &self.kind {
            PushKind::Message {
                body:
                    MessageBody::Text {
                        menu_item: Some(_), ..
                    },
                ..
            } => Some(GrantTrigger::Menu),
            PushKind::Message { .. } => Some(GrantTrigger::Message),
            PushKind::Event(Event::Click { .. } | Event::ScanCode { .. }) => {
                Some(GrantTrigger::Menu)
            }
            PushKind::Event(Event::Subscribe(_)) => Some(GrantTrigger::Follow),
            PushKind::Event(Event::Scan(_)) => Some(GrantTrigger::Scan),
            PushKind::Event(_) => None,
        }
    }
}
