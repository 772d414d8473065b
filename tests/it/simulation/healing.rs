//! The end of a seed: everything works again, and time passes until all is quiet.

use jiff::{SignedDuration, Timestamp};
use qiao::control::Command;
use qiao::kit::clock::Clock;
use qiao_sim::wire::Core;

use super::world::World;

/// Turns until a healed world must be quiet.
const TURNS: usize = 3_000;

impl World {
    /// Mends everything, brings what was given up back, and lets both sides be compared.
    pub async fn heal(&mut self) {
        self.release().await;
        self.mend();
        self.time.set_wrong_by(SignedDuration::ZERO);
        self.until_quiet().await;
        self.retry_dead().await;
        self.until_quiet().await;
        self.check_before_reconciling().await;
        for job in ["expire", "token_refresh", "reconcile"] {
            self.pass(1);
            self.job(job);
            self.until_quiet().await;
        }
    }

    /// The first reconciliation of an installation; the next ones look back to it.
    pub async fn first_night(&mut self) {
        self.job("reconcile");
        self.until_quiet().await;
    }

    /// An operator sets going again what was given up and still makes sense.
    async fn retry_dead(&mut self) {
        let dead: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM outbox WHERE state IN ('dead', 'cancelled')
                 AND effect IN ('customer.ensure', 'customer.reread', 'customer.sweep',
                     'follower.acted') ORDER BY id",
        )
        .fetch_all(&mut self.sqlite)
        .await
        .unwrap();
        for id in dead {
            self.order(Command::OutboxRetry { id });
        }
    }

    /// Everything happens as soon as it can, in order, until nothing is due any more.
    pub async fn until_quiet(&mut self) {
        for _ in 0..TURNS {
            if !self.turn().await {
                return;
            }
            if !self.witness.broken.is_empty() {
                return;
            }
        }
        self.witness
            .breaks("a healed world never becomes quiet".to_owned());
    }

    /// Does what can be done now, or waits for what is due next. `false` when nothing is.
    async fn turn(&mut self) -> bool {
        self.collect_pushes();
        if let Some(at) = self.tasks.iter().position(super::tasks::Task::can_go_on) {
            self.drive(at).await;
            return true;
        }
        if self.network.len() > 0 {
            let mut call = self.network.take(0);
            if call.answer.is_none() {
                self.reach(&mut call).await;
            }
            self.give(call);
            return true;
        }
        if !self.on_the_way.is_empty() {
            let (from, push) = self.on_the_way.remove(0);
            self.arrive(from, push);
            return true;
        }
        let tasks = self.tasks.len();
        self.claim().await;
        if self.tasks.len() > tasks {
            return true;
        }
        let Some(pause) = self.until_next().await else {
            return false;
        };
        self.pass(pause.max(1));
        true
    }

    /// Seconds until something is due at Qiao or at the platforms.
    pub async fn until_next(&mut self) -> Option<u64> {
        let pushes = self.wechat.iter().filter_map(Core::next_due);
        let truth = self.now();
        let mut next: Vec<SignedDuration> = pushes
            .chain(self.c4c.next_due())
            .map(|due| due.duration_since(truth))
            .collect();
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT remote, min(next_attempt_at) FROM outbox WHERE state = 'ready' AND head = 1
             GROUP BY remote ORDER BY remote",
        )
        .fetch_all(&mut self.sqlite)
        .await
        .unwrap();
        let now = self.time.now();
        let report = self.parts.engine.report();
        for (remote, due) in rows {
            let due = Timestamp::from_microsecond(due).expect("an instant of Qiao's");
            let until = report
                .iter()
                .find(|r| r.name == remote)
                .and_then(|r| r.until);
            let at = until.map_or(due, |until| due.max(until));
            next.push(at.duration_since(now));
        }
        let soonest = next.into_iter().min()?;
        Some(soonest.as_secs().max(0).unsigned_abs() + 1)
    }
}
