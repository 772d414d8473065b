//! Rows of QR codes, of their scans, and of what a scan asks for.

use jiff::{SignedDuration, Timestamp};

use super::Follower;
use crate::domain::ids::{AccountId, CustomerId, ObjectId, TenantId};
use crate::domain::qr::{Purpose, ScanOutcome, Scene};

/// What becomes of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QrChange {
    /// Somebody wants it. One that stands and can be scanned stays as it is.
    Wanted(Box<NewQrCode>),
    /// WeChat has made it.
    Made(Box<MadeQrCode>),
    /// It could not be made.
    Failed {
        /// In which account.
        account: AccountId,
        /// Its scene.
        scene: String,
        /// Why: a sentence.
        reason: String,
    },
}

/// A row of `qr_code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQrCode {
    /// In which account.
    pub account: AccountId,
    /// By what it is known.
    pub scene: Scene,
    /// What it is for.
    pub purpose: Purpose,
    /// The campaign, or the agent's employee ID; of a customer their CustomerID.
    pub target: String,
    /// Whom it binds to.
    pub customer: Option<(TenantId, ObjectId, CustomerId)>,
    /// It binds one follower only.
    pub single_use: bool,
    /// How long it lives; `None`: for ever.
    pub lifetime: Option<SignedDuration>,
}

/// What WeChat answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeQrCode {
    /// In which account.
    pub account: AccountId,
    /// Its scene.
    pub scene: String,
    /// WeChat's name of the picture.
    pub ticket: String,
    /// What the picture says.
    pub url: String,
    /// Until when it can be scanned; `None`: for ever.
    pub expires_at: Option<Timestamp>,
}

/// A row of `qr_scan`, counted in its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrScan {
    /// `qr_code.id`
    pub code_id: i64,
    /// Who.
    pub follower: Follower,
    /// Whether it made a follower of them.
    pub follow: bool,
    /// What came of it.
    pub outcome: ScanOutcome,
    /// WeChat's clock.
    pub at: Timestamp,
}

/// A row of `invitation`: the follower's next conversation goes to this agent. A later one replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Who.
    pub follower: Follower,
    /// The agent's employee ID in C4C.
    pub agent: String,
    /// When they scanned.
    pub at: Timestamp,
}
