//! The scheduler: what happens next is drawn from the seed.

use jiff::Timestamp;
use qiao::kit::clock::Clock;
use qiao::kit::transport::TransportError;
use qiao::store::Moment;
use rand::RngExt;

use super::faults::Fault;
use super::platforms::{key_of, line};
use super::tasks::{Effect, Ended, Task, Work};
use super::world::{World, seconds};

/// What may happen next, and how readily.
const STEPS: [(u32, Step); 13] = [
    (26, Step::Go),
    (16, Step::Claim),
    (34, Step::Call),
    (14, Step::Push),
    (10, Step::Follower),
    (6, Step::Agent),
    (2, Step::Operator),
    (2, Step::Job),
    (8, Step::Wait),
    (3, Step::WaitForNext),
    (5, Step::Trouble),
    (2, Step::Restart),
    (6, Step::Release),
];

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A task that can go on goes on.
    Go,
    /// The engine claims.
    Claim,
    /// A call gets further.
    Call,
    /// A push arrives, or does not.
    Push,
    Follower,
    Agent,
    Operator,
    Job,
    /// A little time passes.
    Wait,
    /// Time passes until something is due.
    WaitForNext,
    /// Something breaks, or is mended.
    Trouble,
    Restart,
    /// A held commit goes on.
    Release,
}

impl World {
    /// One step. Those that find nothing to do do nothing.
    pub async fn step(&mut self) {
        let total = STEPS.iter().map(|(weight, _)| weight).sum();
        let mut drawn = self.rng.random_range(0..total);
        let step = STEPS.iter().find_map(|(weight, step)| {
            let hit = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            hit.then_some(*step)
        });
        match step.expect("the weights cover what is drawn") {
            Step::Go => self.go().await,
            Step::Claim => self.claim().await,
            Step::Call => self.call().await,
            Step::Push => self.push().await,
            Step::Follower => self.follower_acts(),
            Step::Agent => self.agent_acts(),
            Step::Operator => self.operator_acts().await,
            Step::Job => self.some_job(),
            Step::Wait => {
                let pause = self.rng.random_range(0..12);
                self.pass(pause);
            }
            Step::WaitForNext => self.wait_for_next().await,
            Step::Trouble => self.trouble(),
            Step::Restart => {
                if self.chance(Fault::Killed, 0.5) {
                    self.met(Fault::Killed);
                    self.restart().await;
                }
            }
            Step::Release => self.release().await,
        }
        self.collect_pushes();
    }

    /// A task that can go on does, until it ends or parks.
    async fn go(&mut self) {
        let able: Vec<usize> = (0..self.tasks.len())
            .filter(|at| self.tasks[*at].can_go_on())
            .collect();
        if able.is_empty() {
            return;
        }
        let at = able[self.rng.random_range(0..able.len())];
        self.turn_of(at).await;
    }

    /// Drives a task; its commit may be held, and the daemon killed there.
    async fn turn_of(&mut self, at: usize) {
        if !self.commits.is_held() && self.chance(Fault::CommitHeld, 0.25) {
            let moments = [Moment::Begun, Moment::Written, Moment::Committed];
            let moment = moments[self.rng.random_range(0..moments.len())];
            self.commits.hold_next(Some(moment));
        }
        let was_held = self.commits.is_held();
        self.drive(at).await;
        if self.commits.is_held() && !was_held {
            self.met(Fault::CommitHeld);
            self.tell("— its commit is held");
            if self.chance(Fault::KilledInCommit, 0.4) {
                self.restart().await;
            }
        }
    }

    /// Drives one task and looks at what came of it.
    pub async fn drive(&mut self, at: usize) {
        let store = self.store().clone();
        let task = &mut self.tasks[at];
        let id = task.id;
        let ended = task.drive(&self.network, &self.commits, &store).await;
        self.commits.hold_next(None);
        if let Some(ended) = ended {
            let task = self.tasks.remove(at);
            if let Work::Attempt(effect) = &task.work
                && effect.name.starts_with("customer.")
            {
                self.check_told(&effect.name).await;
            }
            self.ended(task.work, id, ended);
        }
        self.check_after_drive().await;
    }

    fn ended(&mut self, work: Work, id: u64, ended: Ended) {
        match (work, ended) {
            (Work::Push { from, push, .. }, Ended::Push(answer)) => {
                let (status, acknowledged) = (answer.status, answer.status == 200);
                self.tell(&format!("[{id}] the push is answered {status}"));
                self.witness.stalled |= status == 503;
                if let Some(key) = key_of(from, &push) {
                    let pushed = self.witness.pushes.entry(key).or_default();
                    pushed.acknowledged += usize::from(acknowledged);
                }
                let lost = self.chance(Fault::AnswerLost, 0.15);
                if lost {
                    self.met(Fault::AnswerLost);
                    self.tell("  and the answer is lost");
                }
                self.report(from, &push, (!lost).then_some(answer));
            }
            (_, Ended::Told(told)) => self.tell(&format!("[{id}] told {told:?}")),
            (Work::Decisions, _) => self.tell(&format!("[{id}] decided")),
            (Work::Attempt(effect), _) => self.tell(&format!("[{id}] {} ended", effect.name)),
            _ => unreachable!("every work ends in its own way"),
        }
    }

    /// The engine claims what is due; each row becomes a task.
    pub async fn claim(&mut self) {
        if self.commits.is_held() {
            return;
        }
        let now = self.time.now();
        let due: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 'ready' AND head = 1
                 AND next_attempt_at <= ?)",
        )
        .bind(now.as_microsecond())
        .fetch_one(&mut self.sqlite)
        .await
        .unwrap();
        if !due {
            return;
        }
        self.decide(now).await;
        let before = self.parts.engine.report();
        let mut jobs = self.parts.engine.claim(now).await.unwrap();
        // The engine asks for its remotes in no order.
        jobs.sort_by_key(|job| job.id);
        self.check_claim(&before, &jobs).await;
        for job in jobs {
            let effect = Effect {
                id: job.id,
                name: job.effect.clone(),
                claimed_at: self.now(),
                unsure: self.is_behind(&job.lane).await,
                expired: job.expires_at.is_some_and(|at| at <= now),
            };
            let number = self.number();
            let whose = &job.lane[job.lane.len().saturating_sub(4)..];
            self.tell(&format!(
                "[{number}] claims {} {} of {whose}",
                job.effect, job.id
            ));
            let engine = self.parts.engine.clone();
            let future = async move {
                engine.attempt(job).await;
                Ended::Attempt
            };
            self.tasks
                .push(Task::new(number, Work::Attempt(effect), future));
        }
    }

    /// What is local is decided on in a task of its own, one at a time as in the daemon.
    async fn decide(&mut self, now: Timestamp) {
        let is_under_way = |task: &Task| matches!(task.work, Work::Decisions);
        let due: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE remote = 'local' AND state = 'ready'
                 AND head = 1 AND next_attempt_at <= ?)",
        )
        .bind(now.as_microsecond())
        .fetch_one(&mut self.sqlite)
        .await
        .unwrap();
        if !due || self.tasks.iter().any(is_under_way) {
            return;
        }
        let number = self.number();
        self.tell(&format!("[{number}] decides"));
        let engine = self.parts.engine.clone();
        let future = async move {
            engine.decide(now).await.expect("the database takes it");
            Ended::Attempt
        };
        self.tasks.push(Task::new(number, Work::Decisions, future));
    }

    /// A call gets further: it arrives, is answered, or comes to grief.
    async fn call(&mut self) {
        let calls = self.network.len();
        if calls == 0 {
            return;
        }
        let at = self.rng.random_range(0..calls);
        let mut call = self.network.take(at);
        let (what, by) = (line(&call), call.by);
        if call.answer.is_some() {
            if self.chance(Fault::LostAfter, 0.25) {
                self.met(Fault::LostAfter);
                self.tell(&format!("  {what}: its answer is lost"));
                call.answer = Some(Err(TransportError::Lost("cut off".to_owned())));
            }
            self.give(call);
            self.promptly(by).await;
            return;
        }
        if self.chance(Fault::NotSent, 0.07) {
            self.met(Fault::NotSent);
            self.tell(&format!("  {what}: never left"));
            call.end(Err(TransportError::NotSent("refused".to_owned())));
            return;
        }
        if self.chance(Fault::LostBefore, 0.1) {
            self.met(Fault::LostBefore);
            self.tell(&format!("  {what}: lost on its way"));
            call.end(Err(TransportError::Lost("cut off".to_owned())));
            return;
        }
        if self.chance(Fault::Refused, 0.1) {
            self.met(Fault::Refused);
            self.refuse_next(call.far);
        }
        self.reach(&mut call).await;
        if self.rng.random_bool(0.6) {
            self.give(call);
            self.promptly(by).await;
        } else {
            self.network.put_back(at, call);
        }
    }

    /// Mostly a task goes on as soon as its answer is there.
    async fn promptly(&mut self, id: u64) {
        let task = self.tasks.iter().position(|task| task.id == id);
        if let Some(at) = task.filter(|_| self.rng.random_bool(0.6)) {
            self.turn_of(at).await;
        }
    }

    /// A push arrives; or it is lost; or one that set out later comes first.
    async fn push(&mut self) {
        if self.on_the_way.is_empty() {
            return;
        }
        let overtakes = self.on_the_way.len() > 1 && self.chance(Fault::Overtaken, 0.4);
        let at = if overtakes {
            self.met(Fault::Overtaken);
            self.rng.random_range(1..self.on_the_way.len())
        } else {
            0
        };
        let (from, push) = self.on_the_way.remove(at);
        if self.chance(Fault::PushLost, 0.15) {
            self.met(Fault::PushLost);
            self.tell("a push is lost");
            self.report(from, &push, None);
            return;
        }
        self.tell(&format!("a push of {from:?} arrives"));
        self.arrive(from, push);
        if self.rng.random_bool(0.6) {
            self.turn_of(self.tasks.len() - 1).await;
        }
    }

    fn some_job(&mut self) {
        let jobs = [
            "token_refresh",
            "token_refresh",
            "expire",
            "prune",
            "reconcile",
        ];
        let job = jobs[self.rng.random_range(0..jobs.len())];
        self.job(job);
    }

    /// Time passes, and whoever has waited too long gives up.
    pub fn pass(&mut self, pause: u64) {
        self.time.advance(seconds(pause));
        while let Some(call) = self.network.take_overdue() {
            if call.answer.is_some() {
                self.met(Fault::TooLate);
            }
            self.tell(&format!("  {}: its caller gives up", line(&call)));
            call.end(Err(TransportError::Lost("the time-out ran out".to_owned())));
        }
        let now = self.now();
        for task in std::mem::take(&mut self.tasks) {
            match &task.work {
                Work::Push {
                    from,
                    push,
                    gives_up_at,
                } if *gives_up_at <= now => {
                    self.tell(&format!("[{}] its sender gives up", task.id));
                    self.report(*from, push, None);
                }
                _ => self.tasks.push(task),
            }
        }
    }

    async fn wait_for_next(&mut self) {
        if self.chance(Fault::LongPause, 0.1) {
            self.met(Fault::LongPause);
            let hours = self.rng.random_range(1..72);
            self.tell(&format!("{hours} hours pass"));
            self.pass(hours * 3_600);
            return;
        }
        if let Some(pause) = self.until_next().await {
            self.pass(pause.min(7_200));
        }
    }

    /// A held commit goes on, with whatever was queued behind it.
    pub async fn release(&mut self) {
        if !self.commits.is_held() {
            return;
        }
        self.tell("— the held commit goes on");
        self.commits.release();
        self.witness.several = true;
        super::tasks::write_nothing(self.store()).await;
    }
}
