//! The engine's loop: claim, start attempts, settle what has ended. No transaction is open while a
//! handler runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::remote::{Remote, RemoteReport, RemoteState};
use super::retry::LEASE;
use super::run::{self, Run};
use super::{Ahead, Decider, Handler, Handlers};
use crate::kit::clock::Clock;
use crate::kit::random::Random;
use crate::store::{Ask, Job, RunAhead, Settlement, Store, StoreError};

/// Between two tries to claim or settle while the disk is full or locked. Real time: it is the
/// disk that is waited for.
pub(super) const STORE_AGAIN: Duration = Duration::from_secs(1);

/// Without any wake-up the engine still looks this often, should one ever be lost.
pub(super) const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);

/// How long attempts that have ended wait for others, to share their commit.
const LINGER: Duration = Duration::from_millis(1);

/// The same while claimed rows wait for slots, so that nothing stands still meanwhile.
const LONG_LINGER: Duration = Duration::from_millis(5);

/// While senders wait for their commits the engine takes its turns this far apart: the five seconds
/// of a push come first.
const PRESSED_TURN: Duration = Duration::from_millis(25);

/// With fewer attempts under way than this, waiting for others gains nothing.
const LINGER_FROM: usize = 8;

/// How long the loop waits for more to end before it asks the database when the next row is due.
const BREATH: Duration = Duration::from_millis(5);

/// Rows of one lane that are claimed together where that does no harm: enough to hide the commits
/// between their calls, and few enough that a crash leaves little to look up.
const RUN_AHEAD: usize = 64;

/// Delivers the outbox. Clones share one engine.
#[derive(Clone)]
pub struct Engine(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Random,
    pub(super) handlers: HashMap<&'static str, Arc<dyn Handler>>,
    pub(super) deciders: HashMap<&'static str, Arc<dyn Decider>>,
    /// What may be claimed ahead.
    ahead: RunAhead,
    remotes: Mutex<HashMap<String, RemoteState>>,
}

/// An attempt that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) settlement: Settlement,
    /// Whether it gives its slot back, since nothing follows in it.
    pub(super) frees: bool,
}

pub(super) type Endings = mpsc::UnboundedSender<Ended>;

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({} effects)", self.0.handlers.len())
    }
}

impl Engine {
    /// An engine for these remotes and effects. Effects without a handler are held.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Random,
        remotes: Vec<Remote>,
        handlers: Handlers,
    ) -> Self {
        let remotes = remotes
            .into_iter()
            .map(|remote| {
                let state = RemoteState::new(remote);
                (state.remote.name.clone(), state)
            })
            .collect();
        let at_least = |ahead: Ahead| {
            let named = handlers.remote.iter();
            let fitting = named.filter(|(_, handler)| handler.ahead() >= ahead);
            fitting.map(|(name, _)| *name).collect()
        };
        let ahead = RunAhead {
            heads: 0,
            waiting: at_least(Ahead::Heads),
            rows: RUN_AHEAD,
            effects: at_least(Ahead::Rows),
        };
        Self(Arc::new(Inner {
            store,
            clock,
            random,
            handlers: handlers.remote,
            deciders: handlers.local,
            ahead,
            remotes: Mutex::new(remotes),
        }))
    }

    /// Delivers and decides until `stop`; then claims nothing more, and returns when the attempts
    /// under way have ended and are settled.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::join!(self.deliver_until(&stop), self.decide_until(&stop));
    }

    async fn deliver_until(&self, stop: &CancellationToken) {
        let mut wake = self.0.store.wake();
        // Never more than the slots of all remotes, times the rows of a run.
        let (ended, mut endings) = mpsc::unbounded_channel();
        let mut first = None;
        let mut last_turn = Instant::now();
        while !stop.is_cancelled() {
            if self.0.store.is_pressed() {
                tokio::time::sleep_until(last_turn + PRESSED_TURN).await;
            }
            last_turn = Instant::now();
            let settlements = self.gather(first.take(), &mut endings).await;
            let now = self.0.clock.now();
            let is_busy = !settlements.is_empty();
            // Read before looking for work, so that no wake-up is lost.
            let before = *wake.borrow();
            let Some(turned) = self.turn(settlements, now, &ended).await else {
                continue;
            };
            let seen = turned.seen.unwrap_or(before);
            let is_busy = is_busy || turned.has_started;
            tokio::select! {
                () = stop.cancelled() => {}
                ending = self.wait(&mut wake, &mut endings, seen, now, is_busy) => first = ending,
            }
        }
        drop(ended);
        self.0.give_back_waiting(RemoteState::wait_no_more).await;
        if let Some(ending) = first {
            self.0.settle(ending.settlement).await;
        }
        while let Some(ending) = endings.recv().await {
            self.0.settle(ending.settlement).await;
        }
    }

    /// Lets every paused remote be probed again: somebody may have mended it.
    pub fn probe_again(&self) {
        for state in self.0.remotes().values_mut() {
            if state.gate.reason().is_some() {
                state.gate = Gate::Probing;
                state.since = None;
            }
        }
    }

    /// The names of all effects that this version knows.
    pub fn effects(&self) -> impl Iterator<Item = &'static str> {
        let remote = self.0.handlers.keys();
        remote.chain(self.0.deciders.keys()).copied()
    }

    /// How every remote stands, by name.
    pub fn report(&self) -> Vec<RemoteReport> {
        let now = self.0.clock.now();
        let mut report: Vec<RemoteReport> = self
            .0
            .remotes()
            .values()
            .map(|state| state.report(now))
            .collect();
        report.sort_by(|a, b| a.name.cmp(&b.name));
        report
    }

    /// What has ended by now. While many attempts are under way it waits a moment for the next
    /// ones: one commit settles them all.
    async fn gather(
        &self,
        first: Option<Ended>,
        endings: &mut mpsc::UnboundedReceiver<Ended>,
    ) -> Vec<Settlement> {
        let free = |ending: Ended| {
            if ending.frees {
                self.0.free(&ending.settlement.job.remote);
            }
            ending.settlement
        };
        let mut gathered: Vec<Settlement> = first.into_iter().map(free).collect();
        gathered.extend(std::iter::from_fn(|| endings.try_recv().ok()).map(free));
        if !gathered.is_empty() && self.0.under_way() >= LINGER_FROM {
            let has_more = self.0.remotes().values().any(RemoteState::has_waiting);
            tokio::time::sleep(if has_more { LONG_LINGER } else { LINGER }).await;
            gathered.extend(std::iter::from_fn(|| endings.try_recv().ok()).map(free));
        }
        gathered
    }

    /// Settles what has ended, claims what is due after it, and starts its attempts. `None` when
    /// the database did not take it: what is due is still due, and nothing would wake the loop.
    async fn turn(
        &self,
        settlements: Vec<Settlement>,
        now: Timestamp,
        ended: &Endings,
    ) -> Option<Turn> {
        self.0
            .give_back_waiting(|state| state.turned_away(now))
            .await;
        // Slots that were given back since the last turn.
        let mut has_started = self.start(Vec::new(), now, ended);
        let asks = self.0.asks(now, &self.0.ahead);
        let has_asked = !asks.is_empty();
        if settlements.is_empty() && !has_asked {
            return Some(Turn {
                has_started,
                seen: None,
            });
        }
        let settlements: Arc<[Settlement]> = settlements.into();
        let turned = match self.0.store.turn(Arc::clone(&settlements), asks).await {
            Ok(turned) => turned,
            Err(fault) => {
                self.0.settle_each(&settlements, &fault).await;
                return None;
            }
        };
        has_started |= self.start(run::runs(turned.jobs), now, ended);
        // The gate may have closed since they were asked for, by the very settlements before them.
        self.0
            .give_back_waiting(|state| state.turned_away(now))
            .await;
        Some(Turn {
            has_started,
            seen: has_asked.then_some(turned.seen),
        })
    }

    /// Starts what may start, of these runs and of those that wait. Returns whether anything could.
    fn start(&self, runs: Vec<Run>, now: Timestamp, ended: &Endings) -> bool {
        let started = self.0.start(runs, now);
        let has_started = !started.is_empty();
        for run in started {
            tokio::spawn(Arc::clone(&self.0).work(run, ended.clone()));
        }
        has_started
    }

    /// Waits until there is something to do; returns an attempt that has ended, if that is it.
    async fn wait(
        &self,
        wake: &mut watch::Receiver<u64>,
        endings: &mut mpsc::UnboundedReceiver<Ended>,
        seen: u64,
        now: Timestamp,
        is_busy: bool,
    ) -> Option<Ended> {
        if is_busy {
            tokio::select! {
                ending = endings.recv() => return ending,
                _ = wake.wait_for(|count| *count > seen) => return None,
                () = tokio::time::sleep(BREATH) => {}
            }
        }
        let next = self.next_look(now).await;
        tokio::select! {
            ending = endings.recv() => ending,
            _ = wake.wait_for(|count| *count > seen) => None,
            () = self.0.clock.sleep_until(next) => None,
        }
    }

    /// One step of [`Engine::run`] by itself: claims what is due and fits the free slots. Each row
    /// claimed is owed an [`Engine::attempt`].
    pub async fn claim(&self, now: Timestamp) -> Result<Vec<Job>, StoreError> {
        let asks = self.0.asks(now, &RunAhead::default());
        if asks.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = self.0.store.claim(asks).await?;
        let (admitted, refused): (Vec<Job>, Vec<Job>) = jobs
            .into_iter()
            .partition(|job| self.0.admit(&job.remote, now));
        self.0
            .give_back(refused.iter().map(|job| job.id).collect())
            .await;
        Ok(admitted)
    }

    /// The other step: tries a claimed row once and settles it.
    pub async fn attempt(&self, job: Job) {
        let settlement = self.0.attempt(job).await;
        let remote = settlement.job.remote.clone();
        self.0.settle(settlement).await;
        self.0.free(&remote);
    }

    /// Without [`Engine::run`] beside it: tries the head of a lane and what is behind it, each once, until
    /// it has tried the effect `id` or may not try it yet. Nothing else of the outbox is touched.
    pub async fn carry_out(&self, lane: &str, id: i64) -> Result<(), StoreError> {
        loop {
            let now = self.0.clock.now();
            let lease_until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
            let claimed = self.0.store.claim_head(lane, now, lease_until).await?;
            let Some(job) = claimed else { return Ok(()) };
            let was_last = job.id >= id;
            let settlement = self.0.attempt(job).await;
            self.0.settle(settlement).await;
            if was_last {
                return Ok(());
            }
        }
    }

    /// When the next row is due or the next gate may be probed, after nothing could be claimed
    /// at `now`. What was due then waits for a slot, and a freed slot wakes by itself.
    async fn next_look(&self, now: Timestamp) -> Timestamp {
        let latest = now.saturating_add(LONGEST_SLEEP).unwrap_or(Timestamp::MAX);
        let names: Vec<String> = self.0.remotes().keys().cloned().collect();
        let Ok(due) = self.0.store.next_due(&names).await else {
            return latest;
        };
        let remotes = self.0.remotes();
        due.into_iter()
            .filter_map(|(name, due)| Some(remotes.get(&name)?.look_at(due, now)))
            .filter(|at| *at > now)
            .fold(latest, Timestamp::min)
    }
}

/// What a turn did.
#[derive(Debug)]
struct Turn {
    has_started: bool,
    /// The wake-ups that its claim has seen; `None` when it claimed nothing.
    seen: Option<u64>,
}

impl Inner {
    /// The name of an effect as the code has it: a label that costs no copy.
    pub(super) fn known(&self, effect: &str) -> Option<&'static str> {
        let handled = self.handlers.get_key_value(effect).map(|(name, _)| *name);
        handled.or_else(|| self.deciders.get_key_value(effect).map(|(name, _)| *name))
    }

    pub(super) fn remotes(&self) -> std::sync::MutexGuard<'_, HashMap<String, RemoteState>> {
        self.remotes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for a claimed row, if there is one.
    fn admit(&self, remote: &str, now: Timestamp) -> bool {
        let mut remotes = self.remotes();
        let Some(state) = remotes.get_mut(remote) else {
            return false;
        };
        let fits = state.slots(now) > 0;
        state.running += usize::from(fits);
        fits
    }

    /// Takes claimed runs in, and gives those that may start now, older ones first, their slots taken.
    fn start(&self, runs: Vec<Run>, now: Timestamp) -> Vec<Run> {
        let mut remotes = self.remotes();
        for run in runs {
            if let Some(state) = remotes.get_mut(run.remote()) {
                state.wait(run);
            }
        }
        let waiting = remotes.values_mut();
        waiting
            .flat_map(|state| std::iter::from_fn(|| state.start(now)))
            .collect()
    }

    /// Gives back what `leaving` takes from those that wait.
    async fn give_back_waiting(&self, leaving: impl Fn(&mut RemoteState) -> Vec<Run>) {
        let runs: Vec<Run> = self.remotes().values_mut().flat_map(leaving).collect();
        self.give_back(runs.iter().flat_map(Run::ids).collect())
            .await;
    }

    fn free(&self, remote: &str) {
        if let Some(state) = self.remotes().get_mut(remote) {
            state.running = state.running.saturating_sub(1);
        }
    }

    fn under_way(&self) -> usize {
        self.remotes().values().map(|state| state.running).sum()
    }

    fn asks(&self, now: Timestamp, ahead: &RunAhead) -> Vec<Ask> {
        self.remotes()
            .values()
            .flat_map(|state| state.asks(now, ahead))
            .collect()
    }
}
