//! Promises that are looked at while a seed runs.

use std::collections::BTreeMap;

use qiao::outbox::remote::RemoteReport;
use qiao::store::Job;

use super::network::Far;
use super::platforms::is_token_fetch;
use super::world::{ACCOUNTS, MAX_CALLS, World};

impl World {
    /// What was claimed: heads of lanes only, one of each, and before a pause at most its probe.
    pub async fn check_claim(&mut self, before: &[RemoteReport], jobs: &[Job]) {
        for job in jobs {
            let passed: Vec<(i64, String)> = sqlx::query_as(
                "SELECT id, state FROM outbox WHERE lane = ?1 AND id <> ?2
                     AND (state = 'running' OR (state = 'ready' AND id < ?2))",
            )
            .bind(&job.lane)
            .bind(job.id)
            .fetch_all(&mut self.sqlite)
            .await
            .unwrap();
            self.witness.holds(passed.is_empty(), || {
                format!("{} was claimed although {passed:?} go before it", job.id)
            });
        }
        for remote in before {
            let Some(reason) = remote.paused else {
                continue;
            };
            let claimed = jobs.iter().filter(|job| job.remote == remote.name).count();
            let now = qiao::kit::clock::Clock::now(&self.time);
            let probes =
                usize::from(remote.running == 0 && remote.until.is_some_and(|until| until <= now));
            self.witness.holds(claimed <= probes, || {
                format!(
                    "{claimed} calls although {} is paused: {reason}",
                    remote.name
                )
            });
        }
    }

    /// What must hold after every turn of a task.
    pub async fn check_after_drive(&mut self) {
        let (c4c, tokens) = self.network.look(|calls| {
            let c4c = calls.iter().filter(|call| call.far == Far::C4c).count();
            let fetches = |at| {
                let of = |call: &&_| is_token_fetch(call) && call.far == Far::Wechat(at);
                calls.iter().filter(of).count()
            };
            (c4c, [fetches(0), fetches(1)])
        });
        self.witness.holds(c4c <= MAX_CALLS, || {
            format!("{c4c} calls at once at C4C, which takes {MAX_CALLS}")
        });
        for (at, fetches) in tokens.into_iter().enumerate() {
            self.witness.holds(fetches <= 1, || {
                format!(
                    "{fetches} fetches of {}'s access_token at once",
                    ACCOUNTS[at]
                )
            });
        }
        if std::mem::take(&mut self.witness.token_came) {
            self.check_tokens().await;
        }
    }

    /// No older token ever takes the place of a newer one.
    async fn check_tokens(&mut self) {
        let stored: Vec<(String, String)> =
            sqlx::query_as("SELECT account, value FROM account_token")
                .fetch_all(&mut self.sqlite)
                .await
                .unwrap();
        for (account, value) in stored {
            let at = usize::from(account == ACCOUNTS[1]);
            let place = self.witness.tokens[at].iter().position(|t| *t == value);
            let before = self.witness.stored[at];
            self.witness.holds(place.is_some() && place >= before, || {
                format!("{account}'s token {place:?} took the place of {before:?}")
            });
            self.witness.stored[at] = place;
        }
    }

    /// What a reading found changed is told to every follower of the customer, in its own commit.
    pub async fn check_told(&mut self, effect: &str) {
        let baselines: Vec<(String, String)> =
            sqlx::query_as("SELECT object_id, fields FROM customer_snapshot")
                .fetch_all(&mut self.sqlite)
                .await
                .unwrap();
        let baselines: BTreeMap<String, String> = baselines.into_iter().collect();
        let listeners: Vec<(String, String, String)> =
            sqlx::query_as("SELECT object_id, account, openid FROM mapping WHERE state = 'linked'")
                .fetch_all(&mut self.sqlite)
                .await
                .unwrap();
        let notices: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT account, openid, count(*) FROM message WHERE purpose = 'customer_changed'
             GROUP BY 1, 2",
        )
        .fetch_all(&mut self.sqlite)
        .await
        .unwrap();
        let notices: BTreeMap<(String, String), i64> = notices
            .into_iter()
            .map(|(account, openid, count)| ((account, openid), count))
            .collect();
        let several = std::mem::take(&mut self.witness.several);
        if effect == "customer.reread" && !several {
            for (object, account, openid) in listeners {
                let before = self.witness.baselines.get(&object);
                let changed = before.is_some() && before != baselines.get(&object);
                let of = (account, openid);
                let told = notices.get(&of) > self.witness.notices.get(&of);
                self.witness.holds(!changed || told, || {
                    format!("a change of {} was not told", &object[28..])
                });
            }
        }
        self.witness.baselines = baselines;
        self.witness.notices = notices;
    }

    /// C4C has at most one customer for each follower.
    pub fn check_one_customer_each(&mut self) {
        let mut openids: Vec<&str> = self
            .c4c
            .customers()
            .filter(|customer| !customer.is_obsolete())
            .map(|customer| customer.text("LastName"))
            .collect();
        openids.sort_unstable();
        let all = openids.len();
        openids.dedup();
        let once = openids.len() == all;
        self.witness
            .holds(once, || "a follower has two customers".to_owned());
    }
}
