//! No statement of the store walks a table that grows, and none of them is unknown: every one in
//! the sources is made by the suite, and nothing else is made.
//!
//! The plan is SQLite's own (`EXPLAIN QUERY PLAN`). It does not depend on what the tables hold,
//! since nothing runs `ANALYZE`.

use regex::Regex;

use super::statements::{made, operations, remember, stories, written};
use super::{Way, played};
use crate::world::World;

/// Columns whose values are shared by a large part of a table: a search by nothing else is a walk.
const SHARED: [&str; 8] = [
    "account", "remote", "tenant", "job", "state", "priority", "head", "<expr>",
];

/// A walk that is no harm.
struct Allowed {
    /// A piece that only this statement has.
    statement: &'static str,
    /// The step of its plan, without the statement's own names for a table.
    step: &'static str,
    /// Why it may walk.
    reason: &'static str,
}

const ALLOWED: [Allowed; 0] = [];

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_makes_every_statement_and_none_walks_a_table_that_grows() {
    remember();
    played().await;
    let (made, written) = (made(), written());
    assert!(
        written.len() > 50,
        "only {} statements stand in the sources",
        written.len()
    );
    let mut faults = Vec::new();
    for (statement, file) in &written {
        if !made.contains(statement) {
            faults.push(format!(
                "{file}: no story of the suite makes\n    {statement}"
            ));
        }
    }
    let way = Way::of_the_daemon();
    way.open().await.close().await;
    let mut needed = Vec::new();
    for statement in made.iter().filter(|statement| !is_of_sqlx(statement)) {
        if !written.contains_key(statement) {
            faults.push(format!(
                "not in the sources as it was made:\n    {statement}"
            ));
        }
        for step in walks(&way.plan(statement).await) {
            match ALLOWED.iter().position(|a| a.is(statement, &step)) {
                Some(allowed) => needed.push(allowed),
                None => faults.push(format!("{step}:\n    {statement}")),
            }
        }
    }
    for (number, allowed) in ALLOWED.iter().enumerate() {
        if !needed.contains(&number) {
            let Allowed {
                statement,
                step,
                reason,
            } = allowed;
            faults.push(format!("needs no leave ({reason}): {step}: {statement}"));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_flows_make_no_statement_that_is_not_in_the_sources() {
    remember();
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.settled().await;
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&openid, "Mobile").await;
    world.unfollow(&openid);
    world.settled().await;
    let (made, written) = (made(), written());
    let known = made
        .iter()
        .filter(|made| written.contains_key(*made))
        .count();
    assert!(known > 10, "only {known} statements were made");
    let unknown: Vec<_> = made
        .iter()
        .filter(|made| !is_of_sqlx(made) && !written.contains_key(*made))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn the_suite_calls_every_operation_of_the_store() {
    let (operations, stories) = (operations(), stories());
    assert!(operations.len() > 30, "only {operations:?}");
    let called = |name: &&String| {
        !Regex::new(&format!(r"\.{name}\("))
            .unwrap()
            .is_match(&stories)
    };
    let missing: Vec<_> = operations.iter().filter(called).collect();
    assert!(missing.is_empty(), "no story calls {missing:?}");
}

/// Its book of migrations: one row for each.
fn is_of_sqlx(statement: &str) -> bool {
    statement.contains("_sqlx_migrations")
}

impl Allowed {
    fn is(&self, statement: &str, step: &str) -> bool {
        statement.contains(self.statement) && step == self.step
    }
}

/// The steps of a plan that walk a table or a large part of it.
fn walks(plan: &[String]) -> Vec<String> {
    // What the statement made itself, from rows that other steps have found.
    let own = |name: &str| {
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
    walks.cloned().collect()
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
fn the_reader_of_plans_knows_a_walk_from_a_search() {
    for (plan, expected) in [
        (&["SCAN outbox"][..], &["SCAN outbox"][..]),
        (
            &["SCAN m USING COVERING INDEX i"],
            &["SCAN m USING COVERING INDEX i"],
        ),
        (
            &["SEARCH outbox USING INDEX i (remote=? AND priority=?)"],
            &["SEARCH outbox USING INDEX i (remote=? AND priority=?)"],
        ),
        (
            &["SEARCH outbox USING INDEX outbox_due"],
            &["SEARCH outbox USING INDEX outbox_due"],
        ),
        (
            &["SEARCH m USING AUTOMATIC COVERING INDEX (openid=?)"],
            &["SEARCH m USING AUTOMATIC COVERING INDEX (openid=?)"],
        ),
        (
            &["SEARCH mapping USING PRIMARY KEY ((account,openid)>(?,?))"],
            &[],
        ),
        (
            &["SEARCH m USING INDEX i (<expr>=? AND openid=? AND account=?)"],
            &[],
        ),
        (
            &[
                "SEARCH inbox USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH inbox",
            ],
            &[],
        ),
        (&["SCAN f VIRTUAL TABLE INDEX 1:", "SCAN CONSTANT ROW"], &[]),
        (&["CO-ROUTINE (subquery-1)", "SCAN (subquery-1)"], &[]),
        (&["MATERIALIZE u", "SCAN u"], &[]),
    ] {
        let plan: Vec<String> = plan.iter().map(|step| (*step).to_owned()).collect();
        assert_eq!(walks(&plan), expected);
    }
}
