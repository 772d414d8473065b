//! The scheduler: what happens next is drawn from the seed.

use jiff::SignedDuration;
use qiao::kit::clock::Clock;
use qiao::kit::transport::TransportError;
use qiao::store::Moment;
use qiao_sim::fault::{self, Kind, UNTIL_CLEARED};
use rand::RngExt;

use super::faults::Fault;
use super::network::Far;
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
    (4, Step::Agent),
    (2, Step::Operator),
    (2, Step::Job),
    (8, Step::Wait),
    (3, Step::WaitForNext),
    (3, Step::Trouble),
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
            Step::Push => self.push(),
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
        if !self.commits.is_held() && self.chance(Fault::CommitHeld, 0.15) {
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
            self.tell(&format!("[{number}] claims {} {}", job.effect, job.id));
            let engine = self.parts.engine.clone();
            let future = async move {
                engine.attempt(job).await;
                Ended::Attempt
            };
            self.tasks
                .push(Task::new(number, Work::Attempt(effect), future));
        }
    }

    /// A call gets further: it arrives, is answered, or comes to grief.
    async fn call(&mut self) {
        let calls = self.network.len();
        if calls == 0 {
            return;
        }
        let at = self.rng.random_range(0..calls);
        let mut call = self.network.take(at);
        let what = line(&call);
        if call.answer.is_some() {
            if self.chance(Fault::LostAfter, 0.15) {
                self.met(Fault::LostAfter);
                self.tell(&format!("  {what}: its answer is lost"));
                call.answer = Some(Err(TransportError::Lost("cut off".to_owned())));
            }
            self.give(call);
            return;
        }
        if self.chance(Fault::NotSent, 0.04) {
            self.met(Fault::NotSent);
            self.tell(&format!("  {what}: never left"));
            call.end(Err(TransportError::NotSent("refused".to_owned())));
            return;
        }
        if self.chance(Fault::LostBefore, 0.06) {
            self.met(Fault::LostBefore);
            self.tell(&format!("  {what}: lost on its way"));
            call.end(Err(TransportError::Lost("cut off".to_owned())));
            return;
        }
        if self.chance(Fault::Refused, 0.08) {
            self.met(Fault::Refused);
            self.refuse_next(call.far);
        }
        self.reach(&mut call).await;
        if self.rng.random_bool(0.6) {
            self.give(call);
        } else {
            self.network.put_back(at, call);
        }
    }

    /// The next call of a far side meets an error.
    fn refuse_next(&mut self, far: Far) {
        let html = self.rng.random();
        let after_effect = self.rng.random();
        let drawn = self.rng.random_range(0..5);
        let kind = match (far, drawn) {
            (_, 0) => Kind::Status {
                status: 500,
                html,
                retry_after: None,
            },
            (_, 1) => Kind::Status {
                status: 429,
                html,
                retry_after: Some(20),
            },
            (_, 2) => Kind::HtmlBody,
            (Far::Wechat(_), 3) => Kind::Code {
                code: -1,
                after_effect,
            },
            (Far::Wechat(_), _) => Kind::Code {
                code: 40001,
                after_effect: false,
            },
            (_, 3) => Kind::Code {
                code: 409,
                after_effect: false,
            },
            (_, _) => Kind::Drop { after_effect },
        };
        self.arm(far, "", kind, 1);
    }

    fn arm(&mut self, far: Far, on: &str, kind: Kind, times: u32) {
        let fault = fault::Fault {
            on: on.to_owned(),
            kind,
            times,
        };
        match far {
            Far::Wechat(at) => self.wechat[at].faults.add(fault),
            Far::C4c => self.c4c.faults().add(fault),
            Far::Hook => {}
        }
    }

    /// A push arrives; or it is lost; or one that set out later comes first.
    fn push(&mut self) {
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

    /// Something breaks or is mended.
    fn trouble(&mut self) {
        let far = [Far::Wechat(0), Far::Wechat(1), Far::C4c][self.rng.random_range(0..3)];
        match self.rng.random_range(0..11) {
            0..3 => self.mend(),
            3 if self.climate.knows(Fault::Outage) => {
                self.met(Fault::Outage);
                self.tell(&format!("{far:?} is out of order"));
                let kind = Kind::Status {
                    status: 503,
                    html: true,
                    retry_after: None,
                };
                self.arm(far, "", kind, UNTIL_CLEARED);
            }
            4 if self.climate.knows(Fault::TokenRevoked) => {
                if let Far::Wechat(at) = far {
                    self.met(Fault::TokenRevoked);
                    self.tell(&format!("{far:?} ends its tokens"));
                    let now = self.now();
                    self.wechat[at].revoke_tokens(now);
                }
            }
            5 if self.climate.knows(Fault::Quota) => self.use_up(far),
            6 if self.climate.knows(Fault::Maintenance) => {
                self.met(Fault::Maintenance);
                self.tell("the tenant is in maintenance");
                self.arm(Far::C4c, "", Kind::HtmlBody, UNTIL_CLEARED);
            }
            7 if self.climate.knows(Fault::LockedOut) => {
                self.met(Fault::LockedOut);
                self.tell("our user's password is another");
                self.c4c.users().set_password("qiao", "other");
                self.c4c.users().set_password("agent", "other");
            }
            8 if self.climate.knows(Fault::SessionEnded) => {
                self.met(Fault::SessionEnded);
                self.c4c.expire_sessions();
            }
            9 if self.climate.knows(Fault::WrongClock) => self.set_clock(),
            10 if self.climate.knows(Fault::NotAllowed) => {
                if let Far::Wechat(at) = far {
                    self.met(Fault::NotAllowed);
                    self.tell(&format!("{far:?} may not send any more"));
                    self.wechat[at].settings.may_send = false;
                }
            }
            _ => {}
        }
    }

    fn use_up(&mut self, far: Far) {
        let Far::Wechat(_) = far else { return };
        self.met(Fault::Quota);
        let codes = [45009, 45011, 45015, 45047];
        let code = codes[self.rng.random_range(0..codes.len())];
        self.tell(&format!("{far:?} refuses two sends with {code}"));
        let kind = Kind::Code {
            code,
            after_effect: false,
        };
        self.arm(far, "custom/send", kind, 2);
    }

    fn set_clock(&mut self) {
        self.met(Fault::WrongClock);
        self.witness.clock_was_wrong = true;
        let minutes = [-120, -11, -1, 0, 1, 30, 300];
        let minutes = minutes[self.rng.random_range(0..minutes.len())];
        self.tell(&format!("our clock is {minutes} minutes ahead"));
        self.time.set_wrong_by(SignedDuration::from_mins(minutes));
    }

    /// Everything that was broken works again, but for our clock.
    pub fn mend(&mut self) {
        self.tell("what was broken is mended");
        for wechat in &mut self.wechat {
            wechat.faults.clear(None);
            wechat.settings.may_send = true;
        }
        self.c4c.faults().clear(None);
        for user in ["qiao", "agent"] {
            self.c4c.users().set_password(user, "secret");
            self.c4c.users().set_locked(user, false);
        }
        self.parts.engine.probe_again();
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
