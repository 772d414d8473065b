//! Why a call is refused, in WeChat's codes (`wechat.md` 3.5), and how a refusal looks.

use std::borrow::Cow;

use jiff::Timestamp;
use rand::Rng;
use serde_json::{Value, json};

/// What an operation gives: its JSON object, or a refusal.
pub(super) type Outcome = Result<Value, Refusal>;

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// `errcode`.
    pub(super) code: i64,
    message: Cow<'static, str>,
}

impl Refusal {
    /// With the message WeChat sends for that code.
    pub(super) fn new(code: i64) -> Self {
        Self {
            code,
            message: Cow::Borrowed(message_of(code)),
        }
    }

    /// With a message of its own.
    pub(super) fn with(code: i64, message: String) -> Self {
        Self {
            code,
            message: Cow::Owned(message),
        }
    }

    /// The error object; `rid` as [`rid`] makes it.
    pub(super) fn object(&self, rid: &str) -> Value {
        json!({"errcode": self.code, "errmsg": format!("{} rid: {rid}", self.message)})
    }
}

/// The request id at the end of every error message.
pub(super) fn rid(now: Timestamp, rng: &mut dyn Rng) -> String {
    let (second, random) = (now.as_second(), rng.next_u64());
    format!(
        "{second:08x}-{:08x}-{:08x}",
        random >> 32,
        random & 0xffff_ffff
    )
}

fn message_of(code: i64) -> &'static str {
    match code {
        -1 => "system error",
        40001 => "invalid credential, access_token is invalid or not latest",
        40002 => "invalid grant_type",
        40003 => "invalid openid",
        40004 => "invalid media type",
        40097 => "invalid args",
        40005 => "invalid file type",
        40007 => "invalid media_id",
        40008 => "invalid message type",
        40009 => "invalid image size",
        40010 => "invalid voice size",
        40011 => "invalid video size",
        40012 => "invalid thumb size",
        40013 => "invalid appid",
        40014 => "invalid access_token",
        40016 => "invalid button size",
        40017 => "invalid button type",
        40018 => "invalid button name size",
        40019 => "invalid button key size",
        40020 => "invalid button url size",
        40022 => "invalid sub button level",
        40023 => "invalid sub button size",
        40024 => "invalid sub button type",
        40025 => "invalid sub button name size",
        40026 => "invalid sub button key size",
        40027 => "invalid sub button url size",
        40029 => "invalid code",
        40030 => "invalid refresh_token",
        40032 => "invalid openid list size",
        40033 => "invalid charset. please check your request, if include \\uxxxx will create fail!",
        40037 => "invalid template_id",
        40054 => "invalid sub button url domain",
        40055 => "invalid button url domain",
        40052 => "invalid action_name",
        40053 => "invalid action_info",
        40066 => "invalid url",
        40125 => "invalid appsecret",
        40163 => "code been used",
        40169 => "invalid length for scene, or the data is not json string",
        40200 => "invalid account type",
        41001 => "access_token missing",
        41002 => "appid missing",
        41004 => "appsecret missing",
        41005 => "media data missing",
        41008 => "missing code",
        42001 => "access_token expired",
        42002 => "refresh_token expired",
        42003 => "code expired",
        43001 => "require GET method",
        43002 => "require POST method",
        43004 => "require subscribe",
        43019 => "require remove blacklist",
        44001 => "empty media data",
        44002 => "empty post data",
        44004 => "empty content",
        45002 => "content size out of limit",
        45007 => "playtime out of limit",
        45008 => "article size out of limit",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit, must slower, retry next minute",
        45015 => "response out of time limit or subscription is canceled",
        45029 => "qrcode count out of limit",
        45047 => "out of response count limit",
        45056 => "too many tag now, no need to add new",
        45059 => "can't add this tag to a user",
        45064 => "no permission to use weapp in menu",
        45157 => "invalid tag name",
        45158 => "tag name too long",
        45159 => "invalid tag id",
        45072 => "invalid command",
        45080 => "no message exchanged with the user in the last 30 seconds",
        45081 => "already in the typing state",
        46003 => "menu no exist",
        47001 => "data format error",
        47003 => "argument invalid!",
        48001 => "api unauthorized",
        48002 => "user block receive message",
        48004 => "api forbidden for irregularities, view detail on mp.weixin.qq.com",
        48006 => "forbid to clear quota because of reaching the limit",
        48008 => "no permission for this msgtype",
        65301 => "no such conditional menu",
        65302 => "no such user",
        65303 => "there is no default menu",
        65304 => "match rule is empty",
        65307 => "conditional menu is empty",
        65316 => "too many domains",
        65320 => "match rule is not supported for privacy",
        76003 => "invalid cgi_path",
        _ => "error",
    }
}
