//! The statements of the store, twice: as they stand in its sources, and as sqlx tells that they
//! were made.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Mutex;

use regex::Regex;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

static MADE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// From now on every statement of this process is remembered. sqlx makes them on threads of its
/// own, so this is for the process as a whole.
pub fn remember() {
    let told = Targets::new().with_target("sqlx::query", LevelFilter::DEBUG);
    let remembering = tracing_subscriber::registry().with(Remembering.with_filter(told));
    tracing::subscriber::set_global_default(remembering).expect("the first in this process");
}

/// What was made since: queries and changes, not what SQLite is told about itself.
pub fn made() -> BTreeSet<String> {
    MADE.lock().unwrap().clone()
}

/// A statement as it stands in the store's sources.
pub struct Written {
    /// Its words.
    pub text: String,
    /// Where it stands.
    pub file: String,
    pattern: Regex,
}

impl Written {
    fn new(text: String, file: &str) -> Self {
        // What `format!` fills in may be anything.
        let filled = Regex::new(r"\\\{\w+\\\}").unwrap();
        let pattern = regex::escape(&text);
        let pattern = format!("^{}$", filled.replace_all(&pattern, ".+"));
        Self {
            text,
            file: file.to_owned(),
            pattern: Regex::new(&pattern).unwrap(),
        }
    }

    /// Whether that is what was made, apart from the rows that it was given.
    pub fn is(&self, made: &str) -> bool {
        let given = Regex::new(r"^WITH given\([^)]*\) AS \(VALUES [?,()]+\) ").unwrap();
        self.pattern.is_match(&given.replace(made, ""))
    }
}

/// A history for `qiao bench`, written before anybody uses it: nothing there may be quick.
const NOT_OF_A_DAEMON: &str = "seeding.rs";

/// What stands in the store's sources, its own tests and what no daemon does apart.
pub fn written() -> Vec<Written> {
    let mut found = Vec::new();
    collect(&sources(), &mut |name, text| {
        if name.ends_with(NOT_OF_A_DAEMON) {
            return;
        }
        let words = Regex::new(r#"//[^\n]*|'(?:\\.|[^'\\])'|"((?:\\.|[^"\\])*)""#).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in words.captures_iter(text) {
            let Some(literal) = literal.get(1) else {
                continue;
            };
            let statement = plain(&literal.as_str().replace("\\\"", "\""));
            // `given` alone is the head of other statements.
            if is_query(&statement) && !statement.starts_with("WITH given(") {
                found.push(Written::new(statement, name));
            }
        }
    });
    found
}

/// The names of the store's operations.
pub fn operations() -> BTreeSet<String> {
    let operation = Regex::new(r"(?m)^    pub (?:async )?fn (\w+)\(\s*&self").unwrap();
    let store = Regex::new(r"(?ms)^impl Store \{\n(.*?)^\}").unwrap();
    let mut found = BTreeSet::new();
    collect(&sources(), &mut |_, text| {
        for operations in store.captures_iter(text) {
            let names = operation.captures_iter(operations.get(1).unwrap().as_str());
            found.extend(names.map(|name| name[1].to_owned()));
        }
    });
    found
}

/// The text of all stories.
pub fn stories() -> String {
    let mut all = String::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance");
    collect(&here, &mut |_, text| all.push_str(text));
    all
}

fn sources() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")
}

fn collect(folder: &Path, each: &mut dyn FnMut(&str, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, each);
        } else {
            each(
                &path.display().to_string(),
                &std::fs::read_to_string(&path).unwrap(),
            );
        }
    }
}

fn plain(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_query(statement: &str) -> bool {
    let first = statement.split(' ').next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"].contains(&first)
}

struct Remembering;

impl<S: Subscriber> Layer<S> for Remembering {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        // sqlx tells a statement of up to four words as its own summary.
        let statement = if told.statement.is_empty() {
            told.summary
        } else {
            told.statement
        };
        if is_query(&statement) {
            MADE.lock().unwrap().insert(statement);
        }
    }
}

#[derive(Default)]
struct Told {
    summary: String,
    statement: String,
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = plain(value),
            "db.statement" => self.statement = plain(value),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
