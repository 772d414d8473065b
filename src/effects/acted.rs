//! `follower.acted`: windows, held sends and first contact. Local: it calls nobody.

use std::collections::{HashMap, HashSet};

use super::{Context, Live, either, payload, unconfigured, unreadable};
use crate::domain::rows::Follower;
use crate::flows::contact::{self, Acted};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Decider, Outcome};
use crate::store::{Job, Mapping};

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
            let acted: Vec<Result<Acted, Box<Outcome>>> = acted.collect();
            let followers: Vec<&Follower> = acted
                .iter()
                .flatten()
                .map(|acted| &acted.follower)
                .collect();
            let mappings = match self.0.store.mappings_of_followers(&followers).await {
                Ok(mappings) => mappings,
                Err(fault) => {
                    let unreadable = unreadable(fault);
                    return acted.iter().map(|_| (*unreadable).clone()).collect();
                }
            };
            let live = self.0.live();
            acted
                .into_iter()
                .map(|acted| either(acted.and_then(|acted| follow_up(&live, &mappings, &acted))))
                .collect()
        })
    }
}

fn follow_up(
    live: &Live,
    mappings: &HashMap<Follower, Mapping>,
    acted: &Acted,
) -> Result<Outcome, Box<Outcome>> {
    let (account, _) = live
        .account(&acted.follower.account)
        .ok_or_else(|| unconfigured("the account"))?;
    let mapping = mappings.get(&acted.follower);
    let changes = contact::decide(acted, mapping, &account.tenant);
    Ok(Outcome::done_with(changes))
}
