//! A remote as the engine sees it: how much it can take, and when.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::gate::Gate;
use super::retry::LEASE;
use super::run::Run;
use crate::domain::rows::Priority;
use crate::store::{Ask, RunAhead};

/// When a remote may not be called, by plan: the end of the present maintenance window.
pub type Closure = Arc<dyn Fn(Timestamp) -> Option<Timestamp> + Send + Sync>;

/// What the engine must know of a remote.
#[derive(Clone)]
pub struct Remote {
    /// As in `outbox.remote`.
    pub name: String,
    /// Attempts at once.
    pub slots: usize,
    /// Rows that may be claimed before there is a slot for them, if their effects allow it: those
    /// that can be tried while a commit is under way.
    pub ahead: usize,
    /// Planned closures; `None` for none.
    pub closure: Option<Closure>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({}, {} slots)", self.name, self.slots)
    }
}

/// A remote, its gate, what runs there now, and what is claimed and waits for a slot.
pub(super) struct RemoteState {
    pub(super) remote: Remote,
    pub(super) gate: Gate,
    /// When the gate closed, while it is closed.
    pub(super) since: Option<Timestamp>,
    pub(super) running: usize,
    /// The most urgent first. Only what may run ahead waits here.
    waiting: VecDeque<Run>,
}

/// How a remote stands, for `/readyz` and the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteReport {
    /// As in `outbox.remote`.
    pub name: String,
    /// Why it is paused; `None` when it is not.
    pub paused: Option<&'static str>,
    /// When its gate closed; `None` while it is not closed.
    pub since: Option<Timestamp>,
    /// When it is probed next.
    pub until: Option<Timestamp>,
    /// Attempts under way.
    pub running: usize,
}

impl RemoteState {
    /// A remote of which nothing is known yet.
    pub(super) fn new(remote: Remote) -> Self {
        Self {
            gate: Gate::Probing,
            since: None,
            running: 0,
            waiting: VecDeque::new(),
            remote,
        }
    }

    /// What it can take, and what may wait there for a slot. Bulk work never takes the last slot.
    pub(super) fn asks(&self, now: Timestamp, ahead: &RunAhead) -> Vec<Ask> {
        let waiting: usize = self.waiting.iter().map(Run::len).sum();
        let room = self.remote.ahead.saturating_sub(waiting);
        let lease = SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::MAX);
        let ask = |down_to, limit| Ask {
            remote: self.remote.name.clone(),
            down_to,
            limit,
            now,
            lease_until: now.saturating_add(lease).unwrap_or(Timestamp::MAX),
            // A probe is one call.
            ahead: if self.gate == Gate::Open {
                RunAhead {
                    heads: room,
                    ..ahead.clone()
                }
            } else {
                RunAhead::default()
            },
        };
        let last_is_kept = self.remote.slots > 1 && self.gate == Gate::Open;
        match self.slots(now) {
            // Half of what may wait has been tried: time to claim more, in one go.
            0 if self.gate == Gate::Open && 2 * waiting < self.remote.ahead => {
                vec![ask(Priority::Bulk, 0)]
            }
            0 => Vec::new(),
            free if !last_is_kept => vec![ask(Priority::Bulk, free)],
            1 => vec![ask(Priority::Normal, 1)],
            free => vec![ask(Priority::Bulk, free - 1), ask(Priority::Normal, 1)],
        }
    }

    /// How many attempts may be started now.
    pub(super) fn slots(&self, now: Timestamp) -> usize {
        if self.closed_until(now).is_some() {
            return 0;
        }
        self.gate
            .slots(self.remote.slots, now)
            .saturating_sub(self.running)
    }

    /// Whether a run of this priority may start now.
    fn has_slot_for(&self, priority: Priority, now: Timestamp) -> bool {
        let kept = usize::from(priority == Priority::Bulk && self.remote.slots > 1);
        let kept = if self.gate == Gate::Open { kept } else { 0 };
        self.slots(now) > kept
    }

    /// Lets a claimed run wait for a slot, behind those that are as urgent.
    pub(super) fn wait(&mut self, run: Run) {
        let at = self
            .waiting
            .iter()
            .position(|other| other.priority() > run.priority());
        self.waiting.insert(at.unwrap_or(self.waiting.len()), run);
    }

    /// The next run that may start now; it takes a slot.
    pub(super) fn start(&mut self, now: Timestamp) -> Option<Run> {
        let run = self.waiting.front()?;
        if !self.has_slot_for(run.priority(), now) {
            return None;
        }
        self.running += 1;
        self.waiting.pop_front()
    }

    /// The next run that may start in the slot of one that has ended.
    pub(super) fn start_after(&mut self, now: Timestamp) -> Option<Run> {
        self.running = self.running.saturating_sub(1);
        let next = self.start(now);
        // Without a next one the slot is given back by whoever hears of the end.
        self.running += usize::from(next.is_none());
        next
    }

    /// The runs that wait before a gate which has closed: they lose their place.
    pub(super) fn turned_away(&mut self, now: Timestamp) -> Vec<Run> {
        if self.gate == Gate::Open && self.closed_until(now).is_none() {
            return Vec::new();
        }
        self.wait_no_more()
    }

    /// Whether claimed rows wait for a slot.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// All runs that wait.
    pub(super) fn wait_no_more(&mut self) -> Vec<Run> {
        self.waiting.drain(..).collect()
    }

    fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.remote
            .closure
            .as_ref()
            .and_then(|closure| closure(now))
    }

    /// When a row due at `due` may run, slots aside.
    pub(super) fn look_at(&self, due: Timestamp, now: Timestamp) -> Timestamp {
        let closed = self.closed_until(now).or_else(|| self.gate.not_before());
        closed.map_or(due, |until| due.max(until))
    }

    /// How it stands.
    pub(super) fn report(&self, now: Timestamp) -> RemoteReport {
        let planned = self.closed_until(now);
        RemoteReport {
            name: self.remote.name.clone(),
            paused: planned
                .map(|_| "maintenance")
                .or_else(|| self.gate.reason()),
            since: self.since,
            until: planned.or_else(|| self.gate.not_before()),
            running: self.running,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::Pause;
    use crate::outbox::run::{runs, tests::job};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// A remote that answers, with two slots.
    fn open() -> RemoteState {
        let remote = Remote {
            name: "any".to_owned(),
            slots: 2,
            ahead: 4,
            closure: None,
        };
        RemoteState {
            gate: Gate::Open,
            ..RemoteState::new(remote)
        }
    }

    fn run(id: i64, priority: Priority) -> Run {
        runs(vec![job(id, &format!("lane {id}"), priority)]).remove(0)
    }

    fn started(state: &mut RemoteState) -> Vec<i64> {
        let runs = std::iter::from_fn(|| state.start(NOW));
        runs.flat_map(|run| run.ids().collect::<Vec<_>>()).collect()
    }

    #[test]
    fn what_waits_starts_when_a_slot_is_given_back_the_most_urgent_first() {
        let mut state = open();
        for (id, priority) in [
            (1, Priority::Normal),
            (2, Priority::Normal),
            (3, Priority::Normal),
            (4, Priority::Live),
        ] {
            state.wait(run(id, priority));
        }
        assert_eq!(started(&mut state), [4, 1]);
        assert!(state.has_waiting() && started(&mut state).is_empty());
        let next = state.start_after(NOW).map(|run| run.ids().collect());
        assert_eq!(next, Some(vec![2]), "in the slot of one that has ended");
        state.running -= 1;
        assert_eq!(started(&mut state), [3]);
        assert_eq!(state.start_after(NOW), None);
        assert_eq!(
            state.running, 2,
            "whoever hears of the end gives the slot back"
        );
    }

    #[test]
    fn bulk_work_never_takes_the_last_slot_in_whatever_way_it_starts() {
        let mut state = open();
        state.wait(run(1, Priority::Bulk));
        state.wait(run(2, Priority::Bulk));
        assert_eq!(started(&mut state), [1]);
        state.running += 1;
        assert_eq!(state.start_after(NOW), None, "one other still runs");
        state.running -= 1;
        assert!(state.start_after(NOW).is_some());
    }

    #[test]
    fn what_waits_loses_its_place_when_the_gate_closes() {
        let mut state = open();
        state.wait(run(1, Priority::Live));
        assert!(state.turned_away(NOW).is_empty());
        let trouble = Pause {
            reason: "unavailable",
            probe_after: Duration::from_mins(1),
            backs_off: false,
        };
        state.gate = Gate::Open.troubled(&trouble, NOW);
        assert_eq!(state.start_after(NOW), None);
        assert_eq!(state.turned_away(NOW).len(), 1);
        assert!(!state.has_waiting());
    }

    #[test]
    fn more_is_asked_for_once_half_of_what_may_wait_has_been_tried() {
        let ahead = RunAhead::default();
        let mut state = open();
        state.running = 2;
        let heads = |state: &RemoteState| -> Vec<(usize, usize)> {
            let asks = state.asks(NOW, &ahead);
            asks.iter()
                .map(|ask| (ask.limit, ask.ahead.heads))
                .collect()
        };
        assert_eq!(heads(&state), [(0, 4)]);
        state.wait(run(1, Priority::Live));
        assert_eq!(heads(&state), [(0, 3)]);
        state.wait(run(2, Priority::Live));
        assert_eq!(heads(&state), []);
        state.gate = Gate::Probing;
        state.running = 0;
        assert_eq!(heads(&state), [(1, 0)], "a probe is one call");
    }
}
