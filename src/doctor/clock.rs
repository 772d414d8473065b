//! This machine's clock: against those of the platforms, and against its own past.

use jiff::{SignedDuration, Timestamp};

use super::row::{Check, Outcome, Row, told};
use super::{Limits, Patient};

static SKEW: Check = Check::live(
    "clock.skew",
    [
        "Our clock and the platform's agree",
        "本机时钟与平台时钟一致",
    ],
    [
        "let this machine follow a time server, for example with chrony",
        "让本机与时间服务器同步，例如使用 chrony",
    ],
);
static BACKWARDS: Check = Check::local(
    "clock.backwards",
    ["The clock did not go back", "时钟没有倒退"],
    [
        "correct the clock; what was written in the future waits until then",
        "校正时钟；以“未来”时间写入的任务要等到那时才会执行",
    ],
);

pub(super) static CHECKS: &[&Check] = &[&SKEW, &BACKWARDS];

/// A row is written by a clock that may be read a moment after ours.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// How a host's clock stands to ours, by the `Date` of its answer; `None` when it told none.
pub(super) fn skew(host: &str, ours_ahead: Option<SignedDuration>, limits: &Limits) -> Row {
    let Some(ahead) = ours_ahead else {
        return SKEW.skips(host, told!("its answer has no date", "应答中没有日期"));
    };
    let seconds = ahead.as_secs();
    SKEW.row(
        host,
        Outcome::above(&ahead.abs(), &limits.skew),
        told!("ours is {seconds} s ahead", "本机时钟快 {seconds} 秒"),
    )
}

pub(super) async fn backwards(patient: &Patient<'_>) -> Row {
    let unknown = told!("the database cannot be read", "无法读取数据库");
    let Ok(store) = &patient.store else {
        return BACKWARDS.skips("", unknown);
    };
    match store.newest().await {
        Ok(newest) => compared(newest, patient.clock.now()),
        Err(_) => BACKWARDS.skips("", unknown),
    }
}

fn compared(newest: Option<Timestamp>, now: Timestamp) -> Row {
    match newest {
        Some(newest) if newest.duration_since(now) > TOLERANCE => BACKWARDS.fails(
            "",
            told!(
                "it is {now:.0}, and the newest row was written at {newest:.0}",
                "现在是 {now:.0}，而最新一行写于 {newest:.0}"
            ),
        ),
        _ => BACKWARDS.is_ok("", told!("it is {now:.0}", "现在是 {now:.0}")),
    }
}
