//! Which core does what: the servers on one, the load on another, so that neither takes the
//! other's time.

use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// The cores of a measurement; `None` where there is only one for both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cores {
    /// For what is measured.
    pub(super) server: Option<usize>,
    /// For what makes it work.
    pub(super) load: Option<usize>,
}

impl Cores {
    /// The first two cores that this process may use.
    pub(super) fn of_this_process() -> Self {
        let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        match (cores.next(), cores.next()) {
            (server @ Some(_), load @ Some(_)) => Self { server, load },
            _ => Self {
                server: None,
                load: None,
            },
        }
    }
}

/// Runs `act` in a thread of its own on that core. What it spawns, processes too, stays there.
pub(super) fn on<T: Send>(core: Option<usize>, act: impl FnOnce() -> T + Send) -> T {
    let bound = || {
        if let Some(core) = core {
            let mut set = CpuSet::new();
            set.set(core);
            // Refused at most by a container; the figures are then noisier, not wrong.
            let _ = sched_setaffinity(None, &set);
        }
        act()
    };
    std::thread::scope(|scope| {
        let thread = scope.spawn(bound);
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The processor time that the calling thread has used.
pub(super) fn time_of_this_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
