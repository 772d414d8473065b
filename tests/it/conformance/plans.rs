//! No statement of the store walks a table that grows, and none of them is unknown: every one in
//! the sources is made by the suite, and nothing else is made.

use std::collections::BTreeSet;

use regex::Regex;

use super::statements::{Written, made, operations, remember, stories, written};
use super::walks::{ALLOWED, walks};
use super::{Way, played};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_makes_every_statement_and_none_walks_a_table_that_grows() {
    remember();
    played().await;
    let (made, written) = (made(), written());
    let known = written.len();
    assert!(known > 50, "only {known} statements stand in the sources");
    let mut faults = Vec::new();
    for statement in &written {
        if !made.iter().any(|made| statement.is(made)) {
            let Written { file, text, .. } = statement;
            faults.push(format!("{file}: no story makes\n    {text}"));
        }
    }
    for statement in unknown(&made, &written) {
        faults.push(format!("the sources do not have\n    {statement}"));
    }
    faults.extend(harmful_walks(&made).await);
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The walks of these statements that nothing allows, and the leave that nothing needs.
async fn harmful_walks(statements: &BTreeSet<String>) -> Vec<String> {
    let way = Way::of_the_daemon();
    way.open().await.close().await;
    let (mut faults, mut needed) = (Vec::new(), BTreeSet::new());
    for statement in statements.iter().filter(|statement| !is_of_sqlx(statement)) {
        for step in walks(&way.plan(statement).await) {
            let leave = ALLOWED.iter().find(|a| a.allows(statement, &step));
            match leave {
                Some(allowed) => drop(needed.insert((allowed.statement, step))),
                None => faults.push(format!("{step}:\n    {statement}")),
            }
        }
    }
    for allowed in ALLOWED {
        for step in allowed.steps {
            if !needed.contains(&(allowed.statement, (*step).to_owned())) {
                let (statement, reason) = (allowed.statement, allowed.reason);
                faults.push(format!(
                    "nothing walks {step}:\n    {statement}\n    {reason}"
                ));
            }
        }
    }
    faults
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
    assert!(made.len() > 10, "only {} statements were made", made.len());
    let unknown: Vec<_> = unknown(&made, &written).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// What was made and does not stand in the sources.
fn unknown<'a>(
    made: &'a BTreeSet<String>,
    written: &[Written],
) -> impl Iterator<Item = &'a String> {
    let known = |made: &str| is_of_sqlx(made) || written.iter().any(|written| written.is(made));
    made.iter().filter(move |made| !known(made))
}

#[test]
fn the_suite_calls_every_operation_of_the_store() {
    let (operations, stories) = (operations(), stories());
    assert!(operations.len() > 30, "only {operations:?}");
    let is_called = |name: &str| {
        let call = Regex::new(&format!(r"\.{name}\(")).unwrap();
        call.is_match(&stories)
    };
    let missing: Vec<_> = operations.iter().filter(|name| !is_called(name)).collect();
    assert!(missing.is_empty(), "no story calls {missing:?}");
}

/// Its book of migrations: one row for each.
fn is_of_sqlx(statement: &str) -> bool {
    statement.contains("_sqlx_migrations")
}
