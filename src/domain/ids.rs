//! Identifiers of both platforms, a type for each, so that none is taken for another.
//! Their clones share one text: an OpenID goes into several rows of each push.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; whoever parses the wire has checked it.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself, shared.
            pub fn text(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

macro_rules! shown_whole {
    ($($name:ident)*) => { $(
        /// Whole, with control characters escaped: it may come from outside and stand in a log.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if !self.0.contains(char::is_control) {
                    return f.write_str(&self.0);
                }
                self.0.chars().try_for_each(|c| match c.is_control() {
                    true => write!(f, "{}", c.escape_unicode()),
                    false => write!(f, "{c}"),
                })
            }
        }
    )* };
}

macro_rules! shown_masked {
    ($($name:ident)*) => { $(
        /// Masked, because logs and errors never hold a whole one: first four and last two.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&masked(&self.0))
            }
        }
    )* };
}

text_id! {
    /// The configured name of a WeChat account, as in `/wechat/main`: `[a-z0-9_]{1,32}`.
    AccountId
}
text_id! {
    /// The configured name of a C4C tenant: `[a-z0-9_]{1,32}`.
    TenantId
}
text_id! {
    /// A follower of one account; case-sensitive (wechat.md 0). Shown masked.
    OpenId
}
text_id! {
    /// A person across the accounts of one owner (wechat.md 0). Shown masked.
    UnionId
}
text_id! {
    /// C4C's number for a customer, from a number range, for example `1000490`.
    CustomerId
}
text_id! {
    /// The key of a C4C object: 32 upper-case hex digits, longer when composite (c4c.md 1.7).
    ObjectId
}
shown_whole!(AccountId TenantId CustomerId ObjectId);
shown_masked!(OpenId UnionId);

impl ObjectId {
    /// Reads an ObjectID or a dashed UUID in any case and gives the canonical form.
    ///
    /// ```
    /// use qiao::domain::ids::ObjectId;
    ///
    /// let read = ObjectId::parse("00163eaa-1111-1ee7-b897-5bd4ab3f0001").unwrap();
    /// assert_eq!(read.as_str(), "00163EAA11111EE7B8975BD4AB3F0001");
    /// ```
    ///
    /// `None` when the text is not 32 hex digits, dashes aside. Longer composite keys never
    /// stand for a customer, so they are refused here.
    pub fn parse(text: &str) -> Option<Self> {
        let bare: String = text.chars().filter(|c| *c != '-').collect();
        let plausible = bare.len() == 32 && bare.bytes().all(|b| b.is_ascii_hexdigit());
        plausible.then(|| Self(bare.to_ascii_uppercase().into()))
    }
}

/// Whether `text` may name an account or a tenant: `[a-z0-9_]{1,32}`.
pub fn is_config_id(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The first four and the last two characters, enough to recognise and too little to use. Strangers
/// choose the text, so no control character of it reaches a terminal.
pub fn masked(text: &str) -> String {
    let count = text.chars().count();
    if count <= 8 {
        return "…".to_owned();
    }
    let shown = || {
        text.chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
    };
    let head: String = shown().take(4).collect();
    let tail: String = shown().skip(count - 2).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_openid_is_never_shown_whole() {
        let openid = OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc");
        assert_eq!(openid.to_string(), "oLVP…Lc");
        assert_eq!(format!("{openid:?}"), "OpenId(oLVP…Lc)");
        assert_eq!(OpenId::new("short").to_string(), "…");
    }

    #[test]
    fn an_object_id_is_read_in_both_forms() {
        let bare = ObjectId::parse("00163eaa11111ee7b8975bd4ab3f0001");
        assert_eq!(
            bare,
            ObjectId::parse("00163EAA-1111-1EE7-B897-5BD4AB3F0001")
        );
        assert_eq!(bare.unwrap().as_str(), "00163EAA11111EE7B8975BD4AB3F0001");
        assert_eq!(ObjectId::parse("12345"), None);
        assert_eq!(ObjectId::parse("00163EAA11111EE7B8975BD4AB3F000'"), None);
    }

    #[test]
    fn a_config_id_is_short_and_plain() {
        assert!(is_config_id("main_2"));
        for wrong in ["", "Main", "a-b", &"x".repeat(33)] {
            assert!(!is_config_id(wrong), "{wrong}");
        }
    }
}
