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
mod daemon;
mod inspection;
mod ledger;
mod machine;
mod workload;

use machine::{Recorded, images};
use qiao_powercut::{Cut, Op};
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
    rounds: 24,
    pushes: 8,
    body: 600,
    checkpoints: false,
    volatile: false,
};

#[test]
fn nothing_acknowledged_is_lost_whenever_the_power_goes() {
    let recorded = Recorded::store(SHORT);
    let wal_deleted = |op: &Op| matches!(op, Op::Delete { name } if name.ends_with("-wal"));
    let wal_emptied = |op: &Op| matches!(op, Op::Truncate { len: 0, .. });
    assert!(recorded.ops.iter().any(wal_deleted));
    assert!(recorded.ops.iter().any(wal_emptied));
    recorded.survives(images() * 3 / 4);
}

#[test]
fn nothing_acknowledged_is_lost_around_the_stores_own_checkpoints() {
    let recorded = Recorded::store(LONG);
    // A WAL begins with a header of 32 bytes, each time anew.
    let wal_begun = |op: &&Op| matches!(op, Op::Write { at: 0, bytes, .. } if bytes.len() == 32);
    assert!(recorded.ops.iter().filter(wal_begun).count() > 1);
    recorded.survives(images() / 8);
}

#[test]
fn nothing_acknowledged_is_lost_by_the_daemon() {
    Recorded::daemon().survives(images() / 8);
}

#[test]
fn a_store_that_does_not_sync_is_caught() {
    let recorded = Recorded::store(Plan {
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
    let (one, other) = (Recorded::store(SHORT), Recorded::store(SHORT));
    assert_eq!(
        one.shape(),
        other.shape(),
        "a seed must name the same image again"
    );
}
