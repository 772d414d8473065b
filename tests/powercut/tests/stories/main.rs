//! Stories of power cuts under the real store.
//!
//! Each records a workload once, then looks at thousands of disks that it could have left. How many
//! says `POWERCUT_IMAGES` (in all stories together). A fault names the seed and the place of its
//! cut; with `POWERCUT_SEED` and `POWERCUT_CRASH` set to these, only that image is looked at.

#![expect(
    unreachable_pub,
    reason = "one binary: nothing is reached from outside"
)]
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod content;
mod inspection;
mod ledger;
mod machine;
mod workload;

use machine::{Recorded, images};
use qiao_powercut::Cut;
use workload::Plan;

/// Short enough that the power is cut after each single operation.
const SHORT: Plan = Plan {
    rounds: 12,
    pushes: 5,
    body: 600,
    checkpoints: true,
    volatile: false,
};

/// Long enough that the store checkpoints by itself, and starts its WAL anew.
const LONG: Plan = Plan {
    rounds: 16,
    pushes: 8,
    body: 20_000,
    checkpoints: false,
    volatile: false,
};

#[test]
fn nothing_acknowledged_is_lost_whenever_the_power_goes() {
    let recorded = Recorded::run(SHORT);
    recorded.survives(images() * 7 / 8);
}

#[test]
fn nothing_acknowledged_is_lost_around_the_stores_own_checkpoints() {
    let recorded = Recorded::run(LONG);
    recorded.survives(images() / 8);
}

#[test]
fn a_store_that_does_not_sync_is_caught() {
    let recorded = Recorded::run(Plan {
        checkpoints: false,
        volatile: true,
        ..SHORT
    });
    let after = recorded.ops.len();
    let fault = recorded.look(Cut { after, seed: 0 }).unwrap_err();
    assert!(fault.contains("acknowledged events are missing"), "{fault}");
    assert!(
        fault.contains("acknowledged settlements are missing"),
        "{fault}"
    );
}

#[test]
fn the_same_workload_records_the_same_operations() {
    let (one, other) = (Recorded::run(SHORT), Recorded::run(SHORT));
    assert_eq!(
        one.shape(),
        other.shape(),
        "a seed must name the same image again"
    );
}
