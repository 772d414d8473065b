//! The menu at the foot of a conversation, and what WeChat bears of it (wechat.md 7).
//!
//! Plain data: [`crate::config::load_menu`] reads it from a file and holds the limits, `flows::menu`
//! turns it into WeChat's words and compares.

use serde::{Deserialize, Serialize};

/// Buttons side by side.
pub const MAX_BUTTONS: usize = 3;
/// Sub-buttons of one button.
pub const MAX_SUB_BUTTONS: usize = 5;
/// Bytes of a button's name; a Chinese character has three.
pub const MAX_NAME: usize = 16;
/// Bytes of a sub-button's name.
pub const MAX_SUB_NAME: usize = 60;
/// Bytes of a key.
pub const MAX_KEY: usize = 128;
/// Bytes of a link.
pub const MAX_URL: usize = 1024;
/// Hosts that the links of all conditional menus of an account lead to.
pub const MAX_HOSTS: usize = 3;
/// WeChat does not tell how many conditional menus it bears (65305). Each costs up to two calls, and all
/// of them must fit into one attempt.
pub const MAX_CONDITIONAL: usize = 20;

/// Everything that an account's followers may see there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu {
    /// What everybody sees for whom no conditional menu is meant.
    pub buttons: Vec<Button>,
    /// The first that fits a follower is theirs.
    #[serde(default)]
    pub conditional: Vec<Conditional>,
}

/// A menu for some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditional {
    /// For whom.
    pub rule: MatchRule,
    /// What they see.
    pub buttons: Vec<Button>,
}

/// Whom a conditional menu is meant for: those for whom all that it says is so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRule {
    /// Who has this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// Whose WeChat runs on this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// A tag of followers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tag {
    /// By WeChat's number.
    Id(i64),
    /// By its name in the console.
    Name(String),
}

/// What a follower's WeChat runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// iPhones and iPads.
    Ios,
    /// Android.
    Android,
    /// Anything else.
    Other,
}

impl Platform {
    /// All, with the word of `menu.toml` and WeChat's number.
    pub const ALL: [(&'static str, Self, i64); 3] = [
        ("ios", Self::Ios, 1),
        ("android", Self::Android, 2),
        ("other", Self::Other, 3),
    ];
}

/// A button or sub-button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What stands on it.
    pub name: String,
    /// What a tap does.
    pub does: Does,
}

/// What a tap on a button does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Opens these.
    Opens(Vec<Button>),
    /// Something that needs one value.
    Acts {
        /// What.
        kind: Kind,
        /// The member that [`Kind::member`] names.
        value: String,
    },
    /// Opens a mini-program.
    MiniProgram {
        /// Its AppID.
        app_id: String,
        /// The page in it.
        path: String,
        /// What a client opens that knows no mini-programs.
        url: String,
    },
    /// Something that only the console makes, or that is newer than Qiao. Never in a file.
    Other {
        /// WeChat's word for it.
        kind: String,
        /// What WeChat tells of it.
        value: String,
    },
}

/// What needs one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Pushes its key to us.
    Click,
    /// Opens a link.
    View,
    /// Scans a code, and pushes it to us.
    ScancodePush,
    /// The same, and a sign that an answer is coming is shown.
    ScancodeWaitmsg,
    /// Takes a photograph and sends it.
    PicSysphoto,
    /// Takes or chooses one.
    PicPhotoOrAlbum,
    /// Chooses one in WeChat's own album.
    PicWeixin,
    /// Chooses a place and sends it.
    LocationSelect,
    /// Sends this material to the follower.
    MediaId,
    /// Opens this material; WeChat's older word.
    ViewLimited,
    /// Sends this article.
    ArticleId,
    /// Opens this article.
    ArticleViewLimited,
}

impl Kind {
    /// All, with WeChat's word, which is that of `menu.toml`, too.
    pub const ALL: [(&'static str, Self); 12] = [
        ("click", Self::Click),
        ("view", Self::View),
        ("scancode_push", Self::ScancodePush),
        ("scancode_waitmsg", Self::ScancodeWaitmsg),
        ("pic_sysphoto", Self::PicSysphoto),
        ("pic_photo_or_album", Self::PicPhotoOrAlbum),
        ("pic_weixin", Self::PicWeixin),
        ("location_select", Self::LocationSelect),
        ("media_id", Self::MediaId),
        ("view_limited", Self::ViewLimited),
        ("article_id", Self::ArticleId),
        ("article_view_limited", Self::ArticleViewLimited),
    ];

    /// WeChat's word.
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map(|(word, _)| *word).expect("all are in the list")
    }

    /// Reads WeChat's word.
    pub fn parse(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, kind)| *kind)
    }

    /// The member that holds its value, at WeChat and in `menu.toml`.
    pub fn member(self) -> &'static str {
        match self {
            Self::View => "url",
            Self::MediaId | Self::ViewLimited => "media_id",
            Self::ArticleId | Self::ArticleViewLimited => "article_id",
            _ => "key",
        }
    }
}

/// WeChat's word for [`Does::MiniProgram`].
pub const MINI_PROGRAM: &str = "miniprogram";

impl Menu {
    /// Every button that does something itself, of the default and the conditional menus.
    pub fn leaves(&self) -> impl Iterator<Item = &Button> {
        let conditional = self.conditional.iter().map(|one| &one.buttons);
        std::iter::once(&self.buttons)
            .chain(conditional)
            .flat_map(|buttons| leaves(buttons))
    }
}

/// Every one of these buttons, or of their sub-buttons, that does something itself.
pub fn leaves(buttons: &[Button]) -> impl Iterator<Item = &Button> {
    buttons.iter().flat_map(|button| match &button.does {
        Does::Opens(below) => below.as_slice(),
        _ => std::slice::from_ref(button),
    })
}
