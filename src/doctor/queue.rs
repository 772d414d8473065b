//! The queue: what is dead, held, late or paused, and what came in wrong.

use jiff::Timestamp;

use super::own::Daemon;
use super::row::{Check, Outcome, Row, told};
use super::{Limits, Patient};
use crate::flows::sending::{HELD_PASSIVE, HELD_WINDOW};
use crate::store::{QueueState, Troubles};

static DEAD: Check = Check::local(
    "queue.dead",
    ["There are no dead letters", "没有死信"],
    [
        "see `qiao outbox list --state dead`, correct the cause, then `qiao outbox retry ID`",
        "用 qiao outbox list --state dead 查看，排除原因后执行 qiao outbox retry ID",
    ],
);
static AGE: Check = Check::local(
    "queue.age",
    ["What is due is done soon", "到期任务及时执行"],
    [
        "see whether a daemon runs and which remote is paused",
        "查看守护进程是否在运行，以及哪个对端被暂停",
    ],
);
static HELD: Check = Check::local(
    "queue.held",
    [
        "Nothing is held but what waits for a follower",
        "除等待粉丝操作的消息外，没有被搁置的任务",
    ],
    [
        "see `qiao outbox list --state held`, then `qiao outbox retry ID` or `qiao outbox cancel ID`",
        "用 qiao outbox list --state held 查看，再执行 qiao outbox retry ID 或 cancel ID",
    ],
);
static UNCERTAIN: Check = Check::local(
    "queue.uncertain",
    [
        "It is known of every message whether it was sent",
        "每条消息是否已发出都是明确的",
    ],
    [
        "ask the follower or look at their phone, then `qiao outbox retry ID` or `qiao outbox cancel ID`",
        "向粉丝确认是否收到，再执行 qiao outbox retry ID 或 cancel ID",
    ],
);
static PAUSED: Check = Check::local(
    "queue.paused",
    ["No account or tenant is paused", "没有被暂停的公众号或租户"],
    [
        "correct what the reason names; qiao tries again by itself, at once after a reload",
        "按原因处理；qiao 会自动重试，重新加载配置后立即重试",
    ],
);
static CONFLICTS: Check = Check::local(
    "queue.conflicts",
    ["Every follower has one customer", "每位粉丝只对应一个客户"],
    [
        "see `qiao mapping list --state conflict`, and merge the customers in C4C",
        "用 qiao mapping list --state conflict 查看，并在 C4C 中合并客户",
    ],
);
static REJECTED: Check = Check::local(
    "queue.rejected",
    [
        "What arrived lately could be read",
        "近期收到的内容都能解析",
    ],
    [
        "see the reasons: SELECT id, reason FROM inbox WHERE state = 'rejected'",
        "查看原因：SELECT id, reason FROM inbox WHERE state = 'rejected'",
    ],
);
static SUPPRESSED: Check = Check::local(
    "queue.suppressed",
    ["Few pushes come twice", "很少有重复推送"],
    [
        "look at disk.sync and the load: WeChat repeats what is not answered in 5 s",
        "检查 disk.sync 和负载：5 秒内未应答的推送会被微信重发",
    ],
);
static JOBS_FAILED: Check = Check::local(
    "queue.jobs_failed",
    [
        "The last run of every job went well",
        "每个定时任务最近一次运行成功",
    ],
    [
        "see `qiao jobs list`, and run it again with `qiao jobs run NAME`",
        "用 qiao jobs list 查看，再用 qiao jobs run 名称 重新运行",
    ],
);
static JOBS_LATE: Check = Check::local(
    "queue.jobs_late",
    ["No job is overdue", "没有逾期的定时任务"],
    [
        "see whether a daemon runs; a run that never ends is in `qiao jobs list`",
        "查看守护进程是否在运行；qiao jobs list 会显示一直未结束的任务",
    ],
);

pub(super) static CHECKS: &[&Check] = &[
    &DEAD,
    &AGE,
    &HELD,
    &UNCERTAIN,
    &PAUSED,
    &CONFLICTS,
    &REJECTED,
    &SUPPRESSED,
    &JOBS_FAILED,
    &JOBS_LATE,
];

/// The reason of sends of which nobody knows whether they went out.
const HELD_UNCERTAIN: &str = "uncertain";

/// What is held by plan: the follower's next act releases it.
const WAITING: [&str; 2] = [HELD_WINDOW, HELD_PASSIVE];

/// How a job stands.
#[derive(Debug, Clone)]
pub struct JobFacts {
    /// Its name.
    pub name: &'static str,
    /// The outcome of its last run, if it ever ran.
    pub last: Option<String>,
    /// When it is due; `None` when it is off or has nothing to do.
    pub due: Option<Timestamp>,
}

pub(super) async fn examine(patient: &Patient<'_>, daemon: &Daemon) -> Vec<Row> {
    let (now, limits) = (patient.clock.now(), &patient.limits);
    let mut rows = match &patient.store {
        Ok(store) => match (store.queue_state().await, store.troubles().await) {
            (Ok(state), Ok(troubles)) => told_by_rows(&state, &troubles, now, limits),
            (Err(fault), _) | (_, Err(fault)) => unread(&fault.to_string()),
        },
        Err(_) => unread("the database does not open"),
    };
    rows.push(match &daemon.state {
        Some(state) => paused(
            state
                .remotes
                .iter()
                .map(|r| (r.remote.as_str(), r.paused.as_deref())),
        ),
        None => PAUSED.skips("", told!("no daemon answers", "没有守护进程应答")),
    });
    if let Some(jobs) = &patient.jobs {
        rows.extend([jobs_failed(jobs), jobs_late(jobs, now, limits)]);
    } else {
        let why = told!("the jobs cannot be read", "无法读取定时任务");
        rows.extend([&JOBS_FAILED, &JOBS_LATE].map(|check| check.skips("", why.clone())));
    }
    rows
}

fn told_by_rows(
    state: &QueueState,
    troubles: &Troubles,
    now: Timestamp,
    limits: &Limits,
) -> Vec<Row> {
    vec![
        dead(state),
        age(state, now, limits),
        held(troubles),
        uncertain(troubles),
        conflicts(troubles),
        rejected(troubles),
        suppressed(troubles, limits),
    ]
}

fn unread(fault: &str) -> Vec<Row> {
    let checks = [
        &DEAD,
        &AGE,
        &HELD,
        &UNCERTAIN,
        &CONFLICTS,
        &REJECTED,
        &SUPPRESSED,
    ];
    let why = told!("{fault}", "无法读取数据库：{fault}");
    checks.map(|check| check.skips("", why.clone())).to_vec()
}

/// Also for `/readyz`.
pub(super) fn dead(state: &QueueState) -> Row {
    let count = state.dead;
    DEAD.row(
        "",
        Outcome::warning_if(count > 0),
        told!("{count} dead letters", "{count} 条死信"),
    )
}

/// Also for `/readyz`.
pub(super) fn age(state: &QueueState, now: Timestamp, limits: &Limits) -> Row {
    let Some(due) = state.oldest_due_at.filter(|due| *due <= now) else {
        return AGE.is_ok("", told!("nothing is due", "没有到期任务"));
    };
    let waits = now.duration_since(due);
    let seconds = waits.as_secs();
    let evidence = told!(
        "the oldest has waited {seconds} s",
        "最久的已等待 {seconds} 秒"
    );
    AGE.row("", Outcome::above(&waits, &limits.due), evidence)
}

fn held(troubles: &Troubles) -> Row {
    let strange = |reason: &str| !WAITING.contains(&reason) && reason != HELD_UNCERTAIN;
    let told: Vec<String> = troubles
        .held
        .iter()
        .map(|(reason, count)| format!("{reason}: {count}"))
        .collect();
    let told = told.join(", ");
    let outcome = Outcome::warning_if(troubles.held.keys().any(|reason| strange(reason)));
    if told.is_empty() {
        return HELD.is_ok("", told!("nothing is held", "没有被搁置的任务"));
    }
    HELD.row("", outcome, told!("{told}", "{told}"))
}

fn uncertain(troubles: &Troubles) -> Row {
    let count = troubles
        .held
        .get(HELD_UNCERTAIN)
        .copied()
        .unwrap_or_default();
    let evidence = told!(
        "{count} messages are uncertain",
        "{count} 条消息不确定是否已发出"
    );
    UNCERTAIN.row("", Outcome::warning_if(count > 0), evidence)
}

fn conflicts(troubles: &Troubles) -> Row {
    let count = troubles.conflicts;
    let evidence = told!(
        "{count} followers are in conflict",
        "{count} 位粉丝存在冲突"
    );
    CONFLICTS.row("", Outcome::warning_if(count > 0), evidence)
}

fn rejected(troubles: &Troubles) -> Row {
    let (count, all) = (troubles.rejected, troubles.arrived);
    let evidence = told!("{count} of the last {all}", "最近 {all} 条中有 {count} 条");
    REJECTED.row("", Outcome::warning_if(count > 0), evidence)
}

fn suppressed(troubles: &Troubles, limits: &Limits) -> Row {
    let (count, all) = (troubles.suppressed, troubles.arrived);
    let many = all >= limits.few_arrivals && count * 100 >= all * limits.suppressed;
    let evidence = told!("{count} of the last {all}", "最近 {all} 条中有 {count} 条");
    SUPPRESSED.row("", Outcome::warning_if(many), evidence)
}

/// Also for `/readyz`. A remote that is closed by plan is no trouble.
pub(super) fn paused<'a>(remotes: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Row {
    let paused: Vec<String> = remotes
        .filter_map(|(remote, reason)| Some((remote, reason?)))
        .filter(|(_, reason)| *reason != "maintenance")
        .map(|(remote, reason)| format!("{remote}: {reason}"))
        .collect();
    if paused.is_empty() {
        return PAUSED.is_ok("", told!("none is paused", "没有暂停"));
    }
    let paused = paused.join(", ");
    PAUSED.warns("", told!("{paused}", "{paused}"))
}

fn jobs_failed(jobs: &[JobFacts]) -> Row {
    let bad = |job: &&JobFacts| matches!(job.last.as_deref(), Some("failed" | "interrupted"));
    named(&JOBS_FAILED, jobs.iter().filter(bad))
}

fn jobs_late(jobs: &[JobFacts], now: Timestamp, limits: &Limits) -> Row {
    // One that never ran has nothing to be late for: the daemon was never started.
    let is_late = |due: Timestamp| now.duration_since(due) >= limits.job_late;
    let late = |job: &&JobFacts| job.last.is_some() && job.due.is_some_and(is_late);
    named(&JOBS_LATE, jobs.iter().filter(late))
}

fn named<'a>(check: &'static Check, jobs: impl Iterator<Item = &'a JobFacts>) -> Row {
    let names: Vec<&str> = jobs.map(|job| job.name).collect();
    if names.is_empty() {
        return check.is_ok("", told!("none", "没有"));
    }
    let names = names.join(", ");
    check.warns("", told!("{names}", "{names}"))
}
