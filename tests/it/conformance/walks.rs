//! What a query plan walks, and which walks are no harm.
//!
//! The plan is SQLite's own (`EXPLAIN QUERY PLAN`). It does not depend on what the tables hold,
//! since nothing runs `ANALYZE`.

use regex::Regex;

/// Columns whose values are shared by a large part of a table: a search by nothing else is a walk.
const SHARED: [&str; 8] = [
    "account", "remote", "tenant", "job", "state", "priority", "head", "<expr>",
];

/// A walk that is no harm.
pub struct Allowed {
    /// A piece that only this statement has.
    pub statement: &'static str,
    /// The steps of its plan that walk.
    pub steps: &'static [&'static str],
    /// Why it may walk.
    pub reason: &'static str,
}

const ONE_ROW: &str = "the first or last entry of a range of an index: one row is read";
const OPERATOR: &str = "an operator asks for it, beside the daemon and not through it";

const UNSETTLED: [&str; 3] = [
    "SCAN outbox USING INDEX outbox_lane",
    "SCAN outbox USING INDEX outbox_held",
    "SCAN outbox USING INDEX outbox_dead",
];
const BESIDE_A_PAGE: &str =
    "what is not settled, once for each page that has old rows, at night and beside the writer";

pub const ALLOWED: &[Allowed] = &[
    Allowed {
        statement: "WITH waiting AS MATERIALIZED",
        steps: &["SEARCH said USING AUTOMATIC INDEX (lane=? AND place=?)"],
        reason: "the messages of one follower that wait for C4C, numbered twice",
    },
    Allowed {
        statement: "SELECT hash FROM audit ORDER BY id DESC LIMIT 1",
        steps: &["SCAN audit"],
        reason: ONE_ROW,
    },
    Allowed {
        statement: "UPDATE consent SET refresh_token = NULL",
        steps: &["SCAN consent"],
        reason: "all of them, once, in the copy of which a backup is made",
    },
    Allowed {
        statement: "SELECT seq FROM sqlite_sequence",
        steps: &["SCAN sqlite_sequence"],
        reason: "SQLite's own: one row for each table whose ids it remembers",
    },
    Allowed {
        statement: "FROM job_run WHERE job = ? ORDER BY id DESC LIMIT 1",
        steps: &["SEARCH job_run USING INDEX job_run_of_job (job=?)"],
        reason: ONE_ROW,
    },
    Allowed {
        statement: "INSERT INTO job_run",
        steps: &["SEARCH job_run USING INDEX job_run_of_job (job=?)"],
        reason: ONE_ROW,
    },
    Allowed {
        statement: "SELECT r.value, (SELECT min(o.next_attempt_at)",
        steps: &["SEARCH o USING INDEX outbox_due (remote=? AND priority=?)"],
        reason: ONE_ROW,
    },
    Allowed {
        statement: "WITH RECURSIVE known(account)",
        steps: &["SEARCH m USING PRIMARY KEY (account>?)"],
        reason: ONE_ROW,
    },
    Allowed {
        statement: "m.state = 'pending')",
        steps: &["SEARCH m USING INDEX mapping_unlinked (account=?)"],
        reason: ONE_ROW,
    },
    Allowed {
        statement: "SELECT resume ->> 'began' FROM job_run",
        steps: &["SEARCH job_run USING INDEX job_run_of_job (job=?)"],
        reason: "the runs of reconciliation or of `answers`, newest first, up to the one that fits",
    },
    Allowed {
        statement: "AS may_go FROM message m WHERE m.id > ?1",
        steps: &UNSETTLED,
        reason: BESIDE_A_PAGE,
    },
    Allowed {
        statement: "AS may_go FROM inbox i WHERE i.id > ?1",
        steps: &UNSETTLED,
        reason: BESIDE_A_PAGE,
    },
    Allowed {
        statement: "DELETE FROM job_run WHERE job = ?1 AND id <=",
        steps: &["SEARCH job_run USING INDEX job_run_of_job (job=?)"],
        reason: "the runs of a busy job that are kept, a thousand entries, once a day",
    },
    Allowed {
        statement: "DELETE FROM reconcile_seen WHERE (account, openid) IN",
        steps: &["SEARCH reconcile_seen USING PRIMARY KEY (account=?)"],
        reason: "it empties the table, 5,000 rows at a time",
    },
    Allowed {
        statement: "DELETE FROM reconcile_customer WHERE (tenant, object_id) IN",
        steps: &["SEARCH reconcile_customer USING PRIMARY KEY (tenant=?)"],
        reason: "it empties the table, 5,000 rows at a time",
    },
    Allowed {
        statement: "FROM outbox WHERE state = 'running'",
        steps: &["SCAN outbox USING INDEX outbox_running"],
        reason: "all that runs, at start only: as many as there were call slots",
    },
    Allowed {
        statement: "UPDATE send_window SET used = used + u.times FROM (SELECT m.account",
        steps: &["SCAN o USING INDEX outbox_running"],
        reason: "all that runs, at start only: as many as there were call slots",
    },
    Allowed {
        statement: "UPDATE outbox SET state = 'ready', head = 0, uncertain = 1",
        steps: &["SCAN outbox USING INDEX outbox_running"],
        reason: "all that runs, at start only: as many as there were call slots",
    },
    Allowed {
        statement: "UPDATE job_run SET outcome = 'interrupted'",
        steps: &["SCAN job_run"],
        reason: "once, at start; small rows, a thousand of each job and a day of new ones",
    },
    Allowed {
        statement: "SELECT (SELECT count(*) FROM outbox WHERE state = 'ready'",
        steps: &[
            "SCAN outbox USING INDEX outbox_lane",
            "SCAN outbox USING INDEX outbox_held",
            "SCAN outbox USING INDEX outbox_dead",
        ],
        reason: "it counts what waits; only /readyz and /metrics ask, beside the writer",
    },
    Allowed {
        statement: "WITH lately(id) AS",
        steps: &["SCAN mapping"],
        reason: OPERATOR,
    },
    Allowed {
        statement: "SELECT held_reason, count(*) FROM outbox",
        steps: &["SCAN outbox USING INDEX outbox_held"],
        reason: "it counts what is held, from the index alone; only /metrics and the doctor ask, beside the writer",
    },
    Allowed {
        statement: "WITH RECURSIVE known(job)",
        steps: &[
            "SEARCH job_run USING INDEX job_run_of_job (job>?)",
            "SEARCH r USING INDEX job_run_of_job (job>?)",
            "SEARCH r USING INDEX job_run_of_job (job=?)",
        ],
        reason: "from one name to the next, and the newest runs of each, a hundred at most, up to \
                 one that was done",
    },
    Allowed {
        statement: "SELECT 1 FROM outbox WHERE state = 'held'",
        steps: &["SCAN outbox USING INDEX outbox_held"],
        reason: "what is held, up to the first that fits, at start and reload only",
    },
    Allowed {
        statement: "SELECT count(*) FROM inbox WHERE state = 'rejected'",
        steps: &["SCAN inbox USING INDEX inbox_rejected"],
        reason: "what was rejected: no more are kept than /c4c allows",
    },
    Allowed {
        statement: "FROM inbox WHERE duplicate_of IS NOT NULL ORDER BY id DESC LIMIT ?",
        steps: &["SCAN inbox USING INDEX inbox_duplicates"],
        reason: "the newest entries of a partial index, up to the limit",
    },
    Allowed {
        statement: "FROM v_outbox WHERE (?1 IS NULL OR state = ?1)",
        steps: &["SCAN outbox"],
        reason: OPERATOR,
    },
    Allowed {
        statement: "(ended_at - at) / 1000 AS took_ms FROM (",
        steps: &[
            "SCAN inbox",
            "SCAN message",
            "SCAN outbox",
            "SCAN a",
            "SCAN mapping",
            "SCAN activity",
            "SCAN media",
        ],
        reason: "for the demo, which has just begun to write",
    },
    Allowed {
        statement: "SELECT 'activity', count(*) FROM activity UNION ALL",
        steps: &[
            "SCAN activity",
            "SCAN attempt",
            "SCAN audit",
            "SCAN conversation USING INDEX conversation_of_follower",
            "SCAN customer_snapshot",
            "SCAN inbox",
            "SCAN mapping",
            "SCAN media USING INDEX media_of_message",
            "SCAN message USING INDEX message_of_follower",
            "SCAN outbox",
        ],
        reason: "of a copy from which nobody serves, once a backup",
    },
    Allowed {
        statement: "UPDATE outbox SET uncertain = 1, last_error = 'it was restored",
        steps: &["SCAN outbox"],
        reason: "in a copy from which nobody serves yet, once a restore",
    },
    Allowed {
        statement: "SELECT (SELECT max(created_at) FROM backup WHERE deleted_at IS NULL)",
        steps: &[
            "SEARCH backup USING INDEX backup_standing",
            "SEARCH backup USING INDEX backup_sound",
            "SCAN backup USING INDEX backup_standing",
        ],
        reason: "the last entries of two indexes, and the few backups that stand",
    },
    Allowed {
        statement: "SELECT EXISTS (SELECT 1 FROM backup WHERE deleted_at IS NULL AND path = ?)",
        steps: &["SCAN backup USING INDEX backup_standing"],
        reason: "the few backups that stand, for each file that is kept, once a night",
    },
    Allowed {
        statement: "(SELECT count(*) FROM dedupe WHERE inbox_id > ?1) AS dedupe",
        steps: &["SCAN dedupe"],
        reason: "for the bench, which counts what it has made",
    },
];

impl Allowed {
    pub fn allows(&self, statement: &str, step: &str) -> bool {
        statement.contains(self.statement) && self.steps.contains(&step)
    }
}

/// The steps of a plan that walk a table or a large part of it. Whether an index covers what is
/// asked does not matter.
pub fn walks(plan: &[String]) -> Vec<String> {
    // What the statement made itself, from rows that it was given or that other steps have found.
    let own = |name: &str| {
        let name = if name == "g" { "given" } else { name };
        let made = [format!("CO-ROUTINE {name}"), format!("MATERIALIZE {name}")];
        plan.iter().any(|step| made.contains(step))
    };
    let walks = plan.iter().filter(|step| {
        if let Some(scanned) = step.strip_prefix("SCAN ") {
            let name = scanned.split(" USING ").next().unwrap_or_default();
            !scanned.contains("VIRTUAL TABLE") && !scanned.contains("CONSTANT ROW") && !own(name)
        } else if let Some(searched) = step.strip_prefix("SEARCH ") {
            searched.contains("AUTOMATIC") || is_wide(searched)
        } else {
            false
        }
    });
    walks.map(|step| step.replace("COVERING ", "")).collect()
}

/// Whether a search finds its rows by nothing that tells them apart.
fn is_wide(searched: &str) -> bool {
    let Some((_, terms)) = searched.split_once(" (") else {
        // The smallest or largest of a table is one row, that of a partial index is a walk.
        return searched.contains(" INDEX ");
    };
    let column = Regex::new(r"<expr>|[a-z_]+").unwrap();
    let mut columns = column.find_iter(terms);
    columns.all(|column| SHARED.contains(&column.as_str()))
}

#[test]
fn a_walk_is_told_from_a_search() {
    for plan in [
        &["SCAN outbox"][..],
        &["SCAN m USING INDEX i"],
        &["SEARCH outbox USING INDEX i (remote=? AND priority=?)"],
        &["SEARCH message USING INDEX i (<expr>=?)"],
        &["SEARCH outbox USING INDEX outbox_due"],
        &["SEARCH m USING AUTOMATIC INDEX (openid=?)"],
    ] {
        assert_eq!(walks(&owned(plan)), plan);
    }
    for plan in [
        &["SEARCH mapping USING PRIMARY KEY ((account,openid)>(?,?))"][..],
        &["SEARCH m USING INDEX i (<expr>=? AND openid=? AND account=?)"],
        &[
            "SEARCH inbox USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH inbox",
        ],
        &["SCAN f VIRTUAL TABLE INDEX 1:", "SCAN CONSTANT ROW"],
        &["CO-ROUTINE (subquery-1)", "SCAN (subquery-1)"],
        &["MATERIALIZE u", "SCAN u"],
    ] {
        assert!(walks(&owned(plan)).is_empty(), "{plan:?}");
    }
}

fn owned(plan: &[&str]) -> Vec<String> {
    plan.iter().map(|step| (*step).to_owned()).collect()
}
