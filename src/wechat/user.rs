//! What the platform tells about followers (wechat.md 5).

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::ids::{OpenId, UnionId};

use super::json::{list, number, text};

/// One person. Of somebody who does not follow only the ids are told. Names and pictures have not been
/// told since 2021-12-27.
#[derive(Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// Whether they follow.
    pub subscribe: bool,
    /// Who.
    pub openid: OpenId,
    /// Who across accounts; only if the account is bound to an Open Platform account.
    pub unionid: Option<UnionId>,
    /// `nickname`, should the platform ever tell it again.
    pub nickname: Option<String>,
    /// The remark that the account's operators gave.
    pub remark: Option<String>,
    /// `zh_CN`, `en` …
    pub language: Option<String>,
    /// When they last followed.
    pub subscribe_time: Option<Timestamp>,
    /// `ADD_SCENE_QR_CODE` …
    pub subscribe_scene: Option<String>,
    /// The value of the parametric QR code that led them here: `qr_scene_str`, or else `qr_scene`
    /// unless 0.
    pub qr_scene: Option<String>,
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let follows = if self.subscribe {
            "follows"
        } else {
            "does not follow"
        };
        write!(f, "UserInfo({} {follows})", self.openid)
    }
}

impl UserInfo {
    /// Reads an object of user/info or batchget; `None` without an OpenID.
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            subscribe: number(value, "subscribe") == Some(1),
            openid: OpenId::new(text(value, "openid")?),
            unionid: text(value, "unionid").map(UnionId::new),
            nickname: text(value, "nickname"),
            remark: text(value, "remark"),
            language: text(value, "language"),
            subscribe_time: number(value, "subscribe_time")
                .and_then(|seconds| Timestamp::from_second(seconds).ok()),
            subscribe_scene: text(value, "subscribe_scene"),
            qr_scene: text(value, "qr_scene_str").or_else(|| {
                number(value, "qr_scene")
                    .filter(|scene| *scene != 0)
                    .map(|scene| scene.to_string())
            }),
        })
    }
}

/// What became of an OpenID when its account was migrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedOpenId {
    /// As it was.
    pub from: OpenId,
    /// As it is now.
    pub to: OpenId,
}

impl ChangedOpenId {
    /// Reads an entry of `result_list`; `None` when WeChat knows no new OpenID.
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            from: OpenId::new(text(value, "ori_openid")?),
            to: OpenId::new(text(value, "new_openid")?),
        })
    }
}

/// A page of followers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowerPage {
    /// How many follow in all.
    pub total: i64,
    /// Those on this page.
    pub openids: Vec<OpenId>,
    /// Where the next page starts; `None` when this one was empty and so the last.
    pub next: Option<OpenId>,
}

impl FollowerPage {
    /// Reads the answer to a call that started after `start`. A page that leads back to its own
    /// start ends the listing, so that no answer makes it endless.
    pub(super) fn read(value: &Value, start: Option<&OpenId>) -> Self {
        let openids: Vec<_> = list(&value["data"], "openid")
            .filter_map(Value::as_str)
            .map(OpenId::new)
            .collect();
        let next = text(value, "next_openid")
            .map(OpenId::new)
            .filter(|next| !openids.is_empty() && Some(next) != start);
        Self {
            total: number(value, "total").unwrap_or_default(),
            openids,
            next,
        }
    }
}
