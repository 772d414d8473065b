//! Rows of QR codes and their scans.

use jiff::Timestamp;

use crate::domain::qr::Scene;
use crate::domain::rows::{Invitation, MadeQrCode, NewQrCode, QrChange, QrScan};
use crate::store::codec::micros;
use crate::store::given::row;

pub(in crate::store) struct QrWanted {
    pub account: String,
    pub scene: String,
    pub is_number: bool,
    pub purpose: &'static str,
    pub target: String,
    pub tenant: Option<String>,
    pub object_id: Option<String>,
    pub single_use: bool,
    pub lifetime: Option<i64>,
    pub now: i64,
}
row!(QrWanted: account, scene, is_number, purpose, target, tenant, object_id, single_use, lifetime, now);

impl QrWanted {
    fn new(code: &NewQrCode, now: Timestamp) -> Self {
        let customer = code.customer.as_ref();
        Self {
            account: code.account.as_str().to_owned(),
            scene: code.scene.text(),
            is_number: matches!(code.scene, Scene::Number(_)),
            purpose: code.purpose.as_str(),
            target: code.target.clone(),
            tenant: customer.map(|(tenant, ..)| tenant.as_str().to_owned()),
            object_id: customer.map(|(_, object, _)| object.as_str().to_owned()),
            single_use: code.single_use,
            lifetime: code.lifetime.map(|lifetime| lifetime.as_secs()),
            now: micros(now),
        }
    }
}

pub(in crate::store) struct QrMade {
    pub account: String,
    pub scene: String,
    pub ticket: String,
    pub url: String,
    pub expires_at: Option<i64>,
    pub now: i64,
}
row!(QrMade: account, scene, ticket, url, expires_at, now);

impl QrMade {
    fn new(made: &MadeQrCode, now: Timestamp) -> Self {
        Self {
            account: made.account.as_str().to_owned(),
            scene: made.scene.clone(),
            ticket: made.ticket.clone(),
            url: made.url.clone(),
            expires_at: made.expires_at.map(micros),
            now: micros(now),
        }
    }
}

pub(in crate::store) struct QrFailed {
    pub account: String,
    pub scene: String,
    pub reason: String,
}
row!(QrFailed: account, scene, reason);

/// The changes of a batch by the statement that writes them.
#[derive(Default)]
pub(in crate::store) struct QrRows {
    pub wanted: Vec<QrWanted>,
    pub made: Vec<QrMade>,
    pub failed: Vec<QrFailed>,
    pub scans: Vec<QrScanRow>,
    pub invitations: Vec<InvitationRow>,
}

impl QrRows {
    pub(in crate::store) fn push(&mut self, change: &QrChange, now: Timestamp) {
        match change {
            QrChange::Wanted(code) => self.wanted.push(QrWanted::new(code, now)),
            QrChange::Made(made) => self.made.push(QrMade::new(made, now)),
            QrChange::Failed {
                account,
                scene,
                reason,
            } => self.failed.push(QrFailed {
                account: account.as_str().to_owned(),
                scene: scene.clone(),
                reason: reason.clone(),
            }),
        }
    }
}

#[derive(Clone)]
pub(in crate::store) struct QrScanRow {
    pub code_id: i64,
    pub account: String,
    pub openid: String,
    pub follow: bool,
    pub outcome: &'static str,
    pub uses_up: bool,
    pub at: i64,
    pub inbox_id: Option<i64>,
}
row!(QrScanRow: code_id, account, openid, follow, outcome, uses_up, at, inbox_id);

impl QrScanRow {
    pub(in crate::store) fn new(scan: &QrScan, inbox_id: Option<i64>) -> Self {
        Self {
            code_id: scan.code_id,
            account: scan.follower.account.as_str().to_owned(),
            openid: scan.follower.openid.as_str().to_owned(),
            follow: scan.follow,
            outcome: scan.outcome.as_str(),
            uses_up: scan.outcome.uses_up(),
            at: micros(scan.at),
            inbox_id,
        }
    }
}

pub(in crate::store) struct InvitationRow {
    pub account: String,
    pub openid: String,
    pub agent: String,
    pub at: i64,
}
row!(InvitationRow: account, openid, agent, at);

impl From<&Invitation> for InvitationRow {
    fn from(invitation: &Invitation) -> Self {
        Self {
            account: invitation.follower.account.as_str().to_owned(),
            openid: invitation.follower.openid.as_str().to_owned(),
            agent: invitation.agent.clone(),
            at: micros(invitation.at),
        }
    }
}
