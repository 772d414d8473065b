//! Promises that are looked at while a seed runs.

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
            let expired = job.expires_at.is_some_and(|at| at <= job.created_at);
            self.witness
                .holds(!expired, || "it was born expired".to_owned());
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
        self.check_tokens().await;
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
