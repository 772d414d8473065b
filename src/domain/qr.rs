//! QR codes: their purposes, their scenes and WeChat's limits (wechat.md 7). Pure.
//!
//! A scene is the text by which WeChat tells which code was scanned. Those of campaigns and agents can be read,
//! those that bind a customer cannot be guessed.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The longest scene, in characters.
pub const MAX_SCENE: usize = 64;

/// How long a temporary code may live.
pub const LONGEST: SignedDuration = SignedDuration::from_secs(2_592_000);

/// Permanent codes that an account may have.
pub const MOST_PERMANENT: i64 = 100_000;

/// The highest number as a scene of a permanent code.
const MAX_PERMANENT_ID: u32 = 100_000;

/// The highest number as a scene of a temporary code: it is a signed number of 32 bits.
const MAX_TEMPORARY_ID: u32 = i32::MAX as u32;

/// The longest name of a campaign and of an employee: what C4C's shorter fields take.
const MAX_TARGET: usize = 60;

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// It tells how followers came.
    Campaign,
    /// It links a follower to a customer who exists.
    Bind,
    /// It brings a follower to an agent.
    Agent,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Campaign, Self::Bind, Self::Agent];

    /// The word in `qr_code.purpose`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Bind => "bind",
            Self::Agent => "agent",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }
}

/// How WeChat knows the scene.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scene {
    /// As a text.
    Text(String),
    /// As a number.
    Number(u32),
}

impl Scene {
    /// As pushes tell it.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }

    /// WeChat's `action_name`; a code without a lifetime is permanent.
    pub fn action(&self, lifetime: Option<SignedDuration>) -> &'static str {
        match (self, lifetime) {
            (Self::Text(_), Some(_)) => "QR_STR_SCENE",
            (Self::Text(_), None) => "QR_LIMIT_STR_SCENE",
            (Self::Number(_), Some(_)) => "QR_SCENE",
            (Self::Number(_), None) => "QR_LIMIT_SCENE",
        }
    }

    /// A scene that nobody guesses.
    pub fn secret(random: [u8; 16]) -> Self {
        Self::Text(format!("bind-{:032x}", u128::from_be_bytes(random)))
    }
}

/// Why a code cannot be made: a sentence with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotACode {
    /// The scene of letters.
    #[error("a scene has 1 to {MAX_SCENE} letters, digits, - or _; name another with --scene")]
    Scene,
    /// The scene is a number that only its own kind may be.
    #[error(
        "a scene of digits alone would be taken for a number; use --scene-id, or put a letter before it"
    )]
    Digits,
    /// The number.
    #[error("the number of a {0} code is between 1 and {1}")]
    Number(&'static str, u32),
    /// How long it lives.
    #[error("a temporary code lives for 1 second to 30 days; for longer, make it permanent")]
    Lifetime,
    /// Whom or what it names.
    #[error(
        "what the code is for has 1 to {MAX_TARGET} characters, none of them a control character"
    )]
    Target,
    /// A scene was chosen for a code that binds.
    #[error(
        "the scene of a code that binds is made by Qiao, so that nobody can guess it; leave --scene and --scene-id out"
    )]
    Guessable,
    /// A code that binds once and never ends.
    #[error(
        "a code that binds one follower would take one of 100,000 permanent ones for ever; make it --temporary, or --reusable"
    )]
    Wasteful,
}

/// A code that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// What for.
    pub purpose: Purpose,
    /// The campaign, the customer, or the agent.
    pub target: String,
    /// The scene, where it is chosen.
    pub scene: Option<Scene>,
    /// How long it lives; `None`: for ever.
    pub lifetime: Option<SignedDuration>,
    /// A code that binds does so again and again.
    pub reusable: bool,
}

impl Wish {
    /// The scene, once everything about the wish is allowed. `random` makes a secret one.
    pub fn scene(&self, random: [u8; 16]) -> Result<Scene, NotACode> {
        let length = self.target.chars().count();
        if length == 0 || length > MAX_TARGET || self.target.contains(char::is_control) {
            return Err(NotACode::Target);
        }
        let fits = |lifetime: &SignedDuration| {
            *lifetime >= SignedDuration::from_secs(1) && *lifetime <= LONGEST
        };
        if !self.lifetime.as_ref().is_none_or(fits) {
            return Err(NotACode::Lifetime);
        }
        if self.purpose == Purpose::Bind {
            return match (&self.scene, self.lifetime) {
                (Some(_), _) => Err(NotACode::Guessable),
                (None, None) if !self.reusable => Err(NotACode::Wasteful),
                (None, _) => Ok(Scene::secret(random)),
            };
        }
        let own = || match self.purpose {
            Purpose::Agent => Scene::Text(format!("agent-{}", self.target)),
            Purpose::Campaign | Purpose::Bind => Scene::Text(self.target.clone()),
        };
        allowed(self.scene.clone().unwrap_or_else(own), self.lifetime)
    }
}

fn allowed(scene: Scene, lifetime: Option<SignedDuration>) -> Result<Scene, NotACode> {
    match &scene {
        Scene::Text(text) => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if text.is_empty() || text.len() > MAX_SCENE || !text.bytes().all(plain) {
                return Err(NotACode::Scene);
            }
            if text.bytes().all(|b| b.is_ascii_digit()) {
                return Err(NotACode::Digits);
            }
        }
        Scene::Number(number) => {
            let (kind, most) = match lifetime {
                Some(_) => ("temporary", MAX_TEMPORARY_ID),
                None => ("permanent", MAX_PERMANENT_ID),
            };
            if !(1..=most).contains(number) {
                return Err(NotACode::Number(kind, most));
            }
        }
    }
    Ok(scene)
}

/// What came of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanOutcome {
    /// Nothing is to be done about it.
    Counted,
    /// The follower is being linked.
    Binding,
    /// The follower stood for that customer already.
    Bound,
    /// The code had bound somebody before.
    Used,
    /// The code was too old.
    Expired,
    /// The follower stands for another customer: a person decides.
    Conflict,
    /// Their next conversation goes to the agent.
    Invited,
}

impl ScanOutcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Counted,
        Self::Binding,
        Self::Bound,
        Self::Used,
        Self::Expired,
        Self::Conflict,
        Self::Invited,
    ];

    /// The word in `qr_scan.outcome`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Binding => "binding",
            Self::Bound => "bound",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Conflict => "conflict",
            Self::Invited => "invited",
        }
    }

    /// Whether a code that binds once has done so with it.
    pub fn uses_up(self) -> bool {
        matches!(self, Self::Binding | Self::Bound)
    }
}

#[cfg(test)]
mod tests;
