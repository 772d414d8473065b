//! `follower.acted`: windows, held sends, first contact, conversations. Local: it calls nobody.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Context, Live, either, payload, unreadable};
use crate::config::Account;
use crate::domain::ids::AccountId;
use crate::domain::place::NotAPlace;
use crate::domain::rows::{Changes, Follower, NewLocation};
use crate::flows::acted::{Act, Acted};
use crate::flows::qr::{self, Scanned};
use crate::flows::record::Decided;
use crate::flows::{bind, contact, location, message, privacy};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Decider, Outcome};
use crate::store::{Conversation, Job, Mapping, QrCode, StoreError};
use crate::wechat::push::Push;

pub(super) struct FollowerActed(pub(super) Context);

impl Decider for FollowerActed {
    /// Up to the second act of a follower: that one is decided on when the first one's rows are there.
    fn decide<'a>(&'a self, jobs: &'a [Job]) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let mut seen = HashSet::new();
            let mut is_first = |acted: &Result<Acted, Box<Outcome>>| {
                let follower = acted.as_ref().ok().map(|acted| acted.follower.clone());
                follower.is_none_or(|follower| seen.insert(follower))
            };
            let acted = jobs.iter().map(payload).take_while(|acted| is_first(acted));
            let mut acted: Vec<Result<Acted, Box<Outcome>>> = acted.collect();
            let readable: Vec<(&Acted, &Job)> = acted
                .iter()
                .zip(jobs)
                .filter_map(|(acted, job)| Some((acted.as_ref().ok()?, job)))
                .collect();
            let known = match self.known(&readable).await {
                Ok(known) => known,
                Err(fault) => {
                    let unreadable = unreadable(fault);
                    return acted.iter().map(|_| (*unreadable).clone()).collect();
                }
            };
            acted.truncate(known.decidable(&acted));
            let live = self.0.live();
            let when = Decided {
                at: self.0.clock.now(),
                back_since: self.0.back_since,
            };
            let decided = acted.into_iter().zip(jobs);
            decided
                .map(|(acted, job)| {
                    either(acted.and_then(|acted| known.decide(&live, &acted, job, when)))
                })
                .collect()
        })
    }
}

/// What is known of those who acted.
struct Known {
    mappings: HashMap<Follower, Mapping>,
    conversations: HashMap<Follower, Conversation>,
    places: Places,
    /// The codes of ours that were scanned.
    codes: HashMap<(AccountId, String), QrCode>,
    /// What tickets are told of answers that those who left will not get.
    left: HashMap<Follower, Changes>,
}

impl FollowerActed {
    async fn known(&self, acted: &[(&Acted, &Job)]) -> Result<Known, StoreError> {
        let followers: Vec<&Follower> = acted.iter().map(|(acted, _)| &acted.follower).collect();
        let store = &self.0.store;
        let mut left = HashMap::new();
        let gone = acted.iter().map(|(acted, _)| acted);
        for acted in gone.filter(|acted| acted.act == Act::Unfollow) {
            let told = self.0.told_of_leaving(&acted.follower).await?;
            left.insert(acted.follower.clone(), told);
        }
        let scenes = acted.iter().filter_map(|(acted, _)| {
            let scene = acted.scene.as_deref()?;
            Some((&acted.follower.account, scene))
        });
        Ok(Known {
            codes: store.qr_codes_of(&scenes.collect::<Vec<_>>()).await?,
            mappings: store.mappings_of_followers(&followers).await?,
            conversations: store.newest_conversations(&followers).await?,
            places: self.places(acted).await?,
            left,
        })
    }

    /// Most acts tell no place; then nothing is read.
    async fn places(&self, acted: &[(&Acted, &Job)]) -> Result<Places, StoreError> {
        let located = acted.iter().filter(|(acted, _)| acted.located);
        let (followers, pushes): (Vec<&Follower>, Vec<Option<i64>>) = located
            .map(|(acted, job)| (&acted.follower, job.inbox_id))
            .unzip();
        if followers.is_empty() {
            return Ok(Places::default());
        }
        let pushes: Vec<i64> = pushes.into_iter().flatten().collect();
        let store = &self.0.store;
        Ok(Places {
            pushes: store.inbox_bodies(&pushes).await?,
            last: store.last_location_events(&followers).await?,
        })
    }
}

/// What is known of those whose pushes tell where they are.
#[derive(Default)]
struct Places {
    /// By `inbox.id`.
    pushes: HashMap<i64, String>,
    /// When their newest kept event was.
    last: HashMap<Follower, Timestamp>,
}

impl Places {
    /// A push that was deleted meanwhile tells nothing any more.
    fn decide(
        &self,
        acted: &Acted,
        job: &Job,
        account: &Account,
    ) -> Result<Option<NewLocation>, NotAPlace> {
        let body = job.inbox_id.and_then(|id| self.pushes.get(&id));
        let Some(push) = body.and_then(|xml| Push::parse(xml).ok()) else {
            return Ok(None);
        };
        let last = self.last.get(&acted.follower).copied();
        location::decide(&push, &acted.follower, job.message_id, last, account)
    }
}

impl Known {
    /// The code of ours that was scanned.
    fn code(&self, acted: &Acted) -> Option<&QrCode> {
        let scene = acted.scene.clone()?;
        self.codes.get(&(acted.follower.account.clone(), scene))
    }

    /// How many can be decided on: up to the second scan of a code that binds once. Whether it has bound by
    /// then is known when the first one's rows are there.
    fn decidable(&self, acted: &[Result<Acted, Box<Outcome>>]) -> usize {
        let mut seen = HashSet::new();
        let again = acted.iter().position(|acted| {
            let code = acted.as_ref().ok().and_then(|acted| self.code(acted));
            code.is_some_and(|code| code.single_use && !seen.insert(code.id))
        });
        again.unwrap_or(acted.len())
    }

    fn decide(
        &self,
        live: &Live,
        acted: &Acted,
        job: &Job,
        when: Decided,
    ) -> Result<Outcome, Box<Outcome>> {
        let (account, _) = live.known_account(&acted.follower.account)?;
        let mapping = self.mappings.get(&acted.follower);
        let mut changes = contact::decide(acted, mapping, &account.tenant);
        changes.extend(bind::refused(acted, mapping, account, when.at));
        if let Some(code) = self.code(acted).filter(|_| acted.act != Act::Unfollow) {
            let (tenant, _) = live.known_tenant(&account.tenant)?;
            let scan = Scanned {
                acted,
                code,
                mapping,
                account,
                tenant,
            };
            qr::scanned(&scan, &mut changes, when.at);
        }
        changes.erasures = privacy::left(&changes, account.on_unfollow, acted.received);
        if !changes.cancels.is_empty() {
            changes.extend(self.left.get(&acted.follower).cloned().unwrap_or_default());
        }
        let message = job.message_id.zip(job.text.as_deref());
        let newest = self.conversations.get(&acted.follower);
        changes.extend(message::follow_up(acted, message, newest, account, when));
        let note = match self.places.decide(acted, job, account) {
            Ok(found) => {
                changes.locations.extend(found);
                None
            }
            Err(fault) => Some(format!("where they are was not kept: {fault}")),
        };
        Ok(Outcome::Done { note, changes })
    }
}
