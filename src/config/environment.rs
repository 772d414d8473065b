//! The environment as an argument: variables that set keys, and variables that hold secrets.
//!
//! `QIAO_` and the key's path, upper case, joined with two underscores: `QIAO_SERVER__LISTEN`,
//! `QIAO_WECHAT__MAIN__APP_ID`. Names without two underscores (`QIAO_CONFIG`) set no key.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::error::{ConfigError, Fault};
use super::keys::{self, Place};

const PREFIX: &str = "QIAO_";
const JOINT: &str = "__";

/// Environment variables, by name.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl std::fmt::Debug for Environment {
    /// Values may be secrets, so only their number is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(pairs.map(|(n, v)| (n.into(), v.into())).collect())
    }
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Writes the keys that variables set over those of the file. Their values stay text; whoever
    /// reads a key converts it.
    pub(super) fn lay_over(&self, tree: &mut Table) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        for (name, value) in &self.0 {
            let Some(joined) = name.strip_prefix(PREFIX).filter(|n| n.contains(JOINT)) else {
                continue;
            };
            let joined = joined.to_ascii_lowercase();
            let path: Vec<&str> = joined.split(JOINT).collect();
            match settable(&path) {
                Ok(()) => set(tree, &path, value),
                Err(fault) => errors.push(fault.at(name)),
            }
        }
        errors
    }
}

/// Whether a variable may set this path.
fn settable(path: &[&str]) -> Result<(), Fault> {
    match keys::place(path) {
        // Upper-casing has lost how a name that is the operator's own was written.
        Place::Key(pattern) if pattern.ends_with('*') => Err(Fault::new(
            "a variable cannot set a key whose name is your own",
            "set it in the file",
        )),
        Place::Key(_) => Ok(()),
        Place::Table => Err(Fault::new(
            "a variable cannot set a whole table",
            "set its keys one by one, or in the file",
        )),
        Place::Unknown => Err(keys::unknown(path)),
    }
}

/// A table of the file that is no table stays as it is: its reader complains about it.
fn set(tree: &mut Table, path: &[&str], value: &str) {
    let (last, above) = path.split_last().expect("a path has a segment");
    let mut table = tree;
    for name in above {
        let below = table
            .entry(*name)
            .or_insert_with(|| Value::Table(Table::new()));
        match below {
            Value::Table(below) => table = below,
            _ => return,
        }
    }
    table.insert((*last).to_owned(), Value::String(value.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_over(file: &str, variables: &[(&str, &str)]) -> (Table, Vec<String>) {
        let mut tree = file.parse().expect("the test writes TOML");
        let environment: Environment = variables.iter().copied().collect();
        let errors = environment.lay_over(&mut tree);
        (tree, errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_variable_sets_a_key_and_beats_the_file() {
        let (tree, errors) = laid_over(
            "[server]\nlisten = \"a\"\ntime_zone = \"b\"",
            &[
                ("QIAO_SERVER__LISTEN", "c"),
                ("QIAO_WECHAT__MAIN__TEXTS__WELCOME", "嗨"),
                ("QIAO_CONFIG", "elsewhere"),
                ("OTHER__NAME", "x"),
            ],
        );
        assert_eq!(errors, [""; 0]);
        assert_eq!(tree["server"]["listen"].as_str(), Some("c"));
        assert_eq!(tree["server"]["time_zone"].as_str(), Some("b"));
        assert_eq!(
            tree["wechat"]["main"]["texts"]["welcome"].as_str(),
            Some("嗨")
        );
        assert_eq!(tree.len(), 2);
    }

    #[test]
    fn a_variable_that_sets_no_key_is_named() {
        let (tree, errors) = laid_over(
            "",
            &[
                ("QIAO_C4C__MAIN__CUSTOMER__FIRSTNAME", "x"),
                ("QIAO_C4C__MAIN__WECHAT_ID", "x"),
                ("QIAO_SERVER__LISEN", "x"),
            ],
        );
        assert_eq!(
            errors,
            [
                "QIAO_C4C__MAIN__CUSTOMER__FIRSTNAME: a variable cannot set a key whose name is your own; set it in the file",
                "QIAO_C4C__MAIN__WECHAT_ID: a variable cannot set a whole table; set its keys one by one, or in the file",
                "QIAO_SERVER__LISEN: there is no such key; the nearest known one is server.listen",
            ]
        );
        assert!(tree.is_empty());
    }

    #[test]
    fn the_values_are_not_shown() {
        let environment: Environment = [("PASSWORD", "hush")].into_iter().collect();
        assert_eq!(format!("{environment:?}"), "Environment(1 variables)");
    }
}
