//! WeChat's error codes as data (wechat.md 3.5).
//!
//! A code is matched by number only: the words beside it change. What a [`Sense`] leads to is
//! [`super::error`]'s business.

use std::time::Duration;

/// What a code comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// The platform is busy. No proof that a send did not happen.
    Busy,
    /// The access_token is not good: fetch another one, once.
    TokenRefused,
    /// Nothing works for the whole account until a person acts.
    Account(Trouble),
    /// The account has no permission for this call, for example because it is not verified.
    MayNotCall,
    /// No send window is open, or the receiver does not follow any more.
    WindowClosed,
    /// The send window is open but its messages are used up.
    CountUsed,
    /// The receiver does not follow the account.
    NotFollowing,
    /// The receiver cannot be reached, whatever is sent: blocked, refused, unknown, frozen.
    Unreachable,
    /// Told of followers who do exist, too: one more try, later.
    Doubtful,
    /// The medium is not there, or not any more: it lives for three days.
    MediaGone,
    /// The account has no menu that was made by the API.
    NoMenu,
    /// The content is too long: split it.
    TooLong,
    /// The day's calls are used up.
    DailyQuota,
    /// The minute's calls are used up.
    MinuteQuota,
    /// Asked for too often; the platform does not say until when.
    TooOften,
    /// The person must log in again.
    LoginAgain,
    /// Ours to correct: a bug or a configuration that never works.
    Wrong,
    /// Not in the table.
    Unknown,
}

/// What is wrong with a whole account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// Short and stable, for `/readyz` and metrics.
    pub reason: &'static str,
    /// What a person must do.
    pub remedy: &'static str,
    /// When to try whether it has been done.
    pub probe_after: Duration,
}

/// A line of the table; it may stand for neighbouring codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    first: i64,
    last: i64,
    /// What it comes down to.
    pub sense: Sense,
    /// In words.
    pub meaning: &'static str,
}

/// The line of `code`.
pub fn look_up(code: i64) -> Option<&'static Code> {
    let at = TABLE.partition_point(|line| line.last < code);
    TABLE.get(at).filter(|line| line.first <= code)
}

/// Shortest probe: the address may be listed at any moment and the probe costs nothing.
const SOON: Duration = Duration::from_mins(1);

/// For what takes a person longer.
const LATER: Duration = Duration::from_mins(15);

/// The platform itself answers no sooner.
const AN_HOUR: Duration = Duration::from_hours(1);

const IP: Sense = trouble(
    "ip_not_allowed",
    "list this machine's outgoing address in the IP allow-list of the WeChat console",
    SOON,
);
const SECRET: Sense = trouble(
    "app_secret_refused",
    "correct app_id and app_secret, or reset the secret in the WeChat console",
    LATER,
);
const FROZEN: Sense = trouble(
    "app_secret_frozen",
    "unfreeze the AppSecret in the WeChat console",
    LATER,
);
const BANNED: Sense = trouble(
    "banned",
    "read the notices in the WeChat console: the API was taken away for irregularities",
    LATER,
);
const COMPONENT: Sense = trouble(
    "component_refused",
    "use an account of your own: this appid belongs to a third-party platform",
    LATER,
);
const CONFIRM: Sense = trouble(
    "ip_unconfirmed",
    "let an administrator confirm this machine's address in WeChat",
    SOON,
);
const DECLINED: Sense = trouble(
    "ip_declined",
    "let an administrator confirm this machine's address once WeChat asks again",
    AN_HOUR,
);

const fn trouble(reason: &'static str, remedy: &'static str, probe_after: Duration) -> Sense {
    Sense::Account(Trouble {
        reason,
        remedy,
        probe_after,
    })
}

const fn one(code: i64, sense: Sense, meaning: &'static str) -> Code {
    range(code, code, sense, meaning)
}

const fn range(first: i64, last: i64, sense: Sense, meaning: &'static str) -> Code {
    Code {
        first,
        last,
        sense,
        meaning,
    }
}

use Sense::{
    Busy, CountUsed, DailyQuota, Doubtful, LoginAgain, MayNotCall, MediaGone, MinuteQuota, NoMenu,
    NotFollowing, TokenRefused, TooLong, TooOften, Unreachable, WindowClosed, Wrong,
};

/// Ascending, without overlaps; a test holds that.
static TABLE: &[Code] = &[
    one(-1, Busy, "the platform is busy"),
    one(
        40001,
        TokenRefused,
        "the access_token is invalid or not the latest",
    ),
    one(40002, Wrong, "the grant_type is invalid"),
    one(
        40003,
        Doubtful,
        "the OpenID is not one of this account's followers",
    ),
    range(
        40004,
        40006,
        Wrong,
        "the media's type or size is not allowed",
    ),
    one(
        40007,
        MediaGone,
        "the media_id is invalid or older than three days",
    ),
    one(40008, Wrong, "the message type is invalid"),
    range(40009, 40012, Wrong, "the media's size is not allowed"),
    one(40013, SECRET, "the appid is invalid"),
    one(40014, TokenRefused, "the access_token is malformed"),
    range(40015, 40028, Wrong, "the menu's buttons are refused"),
    range(
        40029,
        40030,
        LoginAgain,
        "the OAuth code or refresh_token is invalid",
    ),
    one(40033, Wrong, "the body has \\u escapes"),
    one(40037, Wrong, "the template_id is invalid"),
    range(
        40052,
        40053,
        Wrong,
        "the kind of the QR code or its scene is invalid",
    ),
    range(
        40054,
        40055,
        Wrong,
        "the link of a button leads to no place that is allowed",
    ),
    one(40097, Wrong, "an argument is invalid"),
    one(40125, SECRET, "the appsecret is invalid"),
    one(40163, LoginAgain, "the OAuth code has been used"),
    one(
        40164,
        IP,
        "this machine's address is not in the IP allow-list",
    ),
    one(
        40169,
        Wrong,
        "the scene of the QR code is too long or empty",
    ),
    one(40200, Wrong, "the account's type does not allow this"),
    one(40243, FROZEN, "the AppSecret is frozen"),
    one(41001, Wrong, "the access_token is missing"),
    one(41002, SECRET, "the appid is missing"),
    one(41004, SECRET, "the secret is missing"),
    one(42001, TokenRefused, "the access_token has expired"),
    range(
        42002,
        42003,
        LoginAgain,
        "the OAuth code or refresh_token has expired",
    ),
    one(42007, LoginAgain, "the person changed their password"),
    range(43001, 43003, Wrong, "the call needs another verb or HTTPS"),
    one(
        43004,
        NotFollowing,
        "the receiver does not follow the account",
    ),
    one(
        43005,
        Unreachable,
        "the receiver is no friend of the account",
    ),
    one(
        43019,
        Unreachable,
        "the receiver is on the account's blacklist",
    ),
    one(43100, TooOften, "the template is changed too often"),
    one(
        43101,
        Unreachable,
        "the receiver does not take this kind of message",
    ),
    range(44001, 44004, Wrong, "the content is empty"),
    one(45002, TooLong, "the content is too long"),
    one(45007, TooLong, "the recording is longer than a minute"),
    one(45008, Wrong, "there are too many articles"),
    one(45009, DailyQuota, "the day's calls are used up"),
    one(45011, MinuteQuota, "the minute's calls are used up"),
    one(
        45015,
        WindowClosed,
        "no send window is open, or the receiver does not follow",
    ),
    one(45026, Wrong, "the account has too many templates"),
    one(
        45029,
        Wrong,
        "the account has as many permanent QR codes as it may",
    ),
    one(
        45035,
        IP,
        "this machine's address is not in the IP allow-list",
    ),
    one(
        45047,
        CountUsed,
        "the messages of the send window are used up",
    ),
    range(45056, 45059, Wrong, "the tag cannot be used like this"),
    one(
        45064,
        Wrong,
        "the menu uses a mini-program that is not linked",
    ),
    one(45072, Wrong, "the typing command is invalid"),
    range(45080, 45081, Wrong, "typing cannot be shown now"),
    range(45157, 45159, Wrong, "the tag's name or id is invalid"),
    one(46003, NoMenu, "the account has no menu made by the API"),
    one(46004, Unreachable, "the person does not exist"),
    one(47001, Wrong, "the body cannot be parsed"),
    one(47003, Wrong, "a value does not fit the template"),
    one(
        48001,
        MayNotCall,
        "the account has no permission for this call",
    ),
    one(
        48002,
        Unreachable,
        "the receiver blocks the account's messages",
    ),
    one(48003, Wrong, "nobody agreed to the mass-send protocol"),
    one(48004, BANNED, "the API is banned for irregularities"),
    one(
        48006,
        TooOften,
        "the quota was cleared too often this month",
    ),
    one(48008, Wrong, "this message type is not allowed"),
    one(49003, Unreachable, "the OpenID belongs to another appid"),
    range(
        50001,
        50002,
        Unreachable,
        "the person did not allow this or is restricted",
    ),
    one(
        50005,
        NotFollowing,
        "the person does not follow the account",
    ),
    one(61004, IP, "this machine's address is not registered"),
    one(
        61007,
        COMPONENT,
        "the call is not authorised to the third-party platform",
    ),
    one(
        61024,
        COMPONENT,
        "the appid belongs to a third-party platform",
    ),
    range(
        61450,
        61457,
        Wrong,
        "the service agent cannot be used like this",
    ),
    range(65301, 65320, Wrong, "the conditional menu is refused"),
    range(
        65400,
        65417,
        Wrong,
        "the service session cannot be used like this",
    ),
    one(76003, Wrong, "the path to ask the quota of is invalid"),
    one(76022, Wrong, "the quota of this path cannot be asked"),
    one(
        89501,
        CONFIRM,
        "this machine's address waits for confirmation",
    ),
    one(89503, CONFIRM, "this machine's address needs confirmation"),
    range(
        89506,
        89507,
        DECLINED,
        "this machine's address was declined",
    ),
    one(200_012, Wrong, "the account has too many templates"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_ascending_without_overlaps() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].first <= pair[0].last);
            assert!(pair[0].last < pair[1].first, "{:?}", pair[1]);
        }
    }

    #[test]
    fn first_last_and_inner_codes_are_found_and_gaps_are_not() {
        assert_eq!(look_up(-1).unwrap().sense, Busy);
        assert_eq!(look_up(40005).unwrap().sense, Wrong);
        assert_eq!(look_up(200_012).unwrap().sense, Wrong);
        for unknown in [i64::MIN, 0, 40034, 99_999, i64::MAX] {
            assert_eq!(look_up(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn no_probe_is_sooner_than_a_minute() {
        for line in TABLE {
            if let Sense::Account(trouble) = line.sense {
                assert!(trouble.probe_after >= Duration::from_mins(1), "{line:?}");
            }
        }
    }
}
