//! Lenient reading: every key of every section is looked at, and what is wrong is noted.
//!
//! A reader that fails returns [`Noted`]: the error already stands in the [`Notes`]. Sections
//! read all their keys first and use `?` only afterwards, so that one run finds every fault.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use toml::{Table, Value};

use super::environment::Environment;
use super::error::{ConfigError, Fault};
use super::secret::{self, Place};
use crate::domain::place::decimal;

/// The error has been noted; there is nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted;

/// A reading whose failure has been noted.
pub(super) type Reading<T> = Result<T, Noted>;

/// What was found on the way.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) errors: Vec<ConfigError>,
    pub(super) warnings: Vec<String>,
    /// The files that secrets came from.
    pub(super) secret_files: Vec<PathBuf>,
    /// Whether a secret stands in the configuration as it is.
    pub(super) holds_secrets: bool,
}

/// What every section of one run shares.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) env: &'a Environment,
    /// Relative paths count from here.
    pub(super) folder: &'a Path,
    pub(super) notes: RefCell<Notes>,
}

/// A table of the configuration, present or not, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    pub(super) run: &'a Run<'a>,
    path: String,
    table: Option<&'a Table>,
}

impl<'a> Section<'a> {
    /// The whole configuration.
    pub(super) fn root(table: &'a Table, run: &'a Run<'a>) -> Self {
        Self {
            run,
            path: String::new(),
            table: Some(table),
        }
    }

    /// The dotted key of `key` in this section.
    pub(super) fn at(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    /// Notes an error of `key`; an empty `key` stands for the section itself.
    pub(super) fn error(&self, key: &str, fault: Fault) -> Noted {
        self.run
            .notes
            .borrow_mut()
            .errors
            .push(fault.at(self.at(key)));
        Noted
    }

    /// Notes a warning about `key`.
    pub(super) fn warn(&self, key: &str, sentence: &str) {
        let warning = format!("{}: {sentence}", self.at(key));
        self.run.notes.borrow_mut().warnings.push(warning);
    }

    /// Whether the section stands in the configuration.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Whether the section has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Whether this key holds a text.
    pub(super) fn is_text(&self, key: &str) -> bool {
        self.value(key).is_some_and(Value::is_str)
    }

    /// The names of the section's entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.table
            .into_iter()
            .flat_map(Table::keys)
            .map(String::as_str)
    }

    /// Whether every entry of the section is a table.
    pub(super) fn holds_only_tables(&self) -> bool {
        self.table
            .into_iter()
            .flat_map(Table::values)
            .all(Value::is_table)
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.table?.get(key)
    }

    fn below(&self, path: String, value: Option<&'a Value>) -> Reading<Section<'a>> {
        let table = match value {
            None => None,
            Some(Value::Table(table)) => Some(table),
            Some(_) => {
                let fault = Fault::new("this must be a table", format!("write [{path}]"));
                self.run.notes.borrow_mut().errors.push(fault.at(path));
                return Err(Noted);
            }
        };
        Ok(Section {
            run: self.run,
            path,
            table,
        })
    }

    /// The table `key` of this section.
    pub(super) fn section(&self, key: &str) -> Reading<Section<'a>> {
        self.below(self.at(key), self.value(key))
    }

    /// The list of tables `key` of this section; empty when it is absent.
    pub(super) fn sections(&self, key: &str) -> Reading<Vec<Section<'a>>> {
        let path = self.at(key);
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let Some(entries) = value.as_array() else {
            let remedy = format!("write [[{path}]]");
            return Err(self.error(key, Fault::new("this must be a list of tables", remedy)));
        };
        let tables = entries.iter().enumerate();
        all(tables.map(|(i, entry)| self.below(format!("{path}[{i}]"), Some(entry))))
    }

    /// A text, possibly empty.
    pub(super) fn text(&self, key: &str) -> Reading<Option<&'a str>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(key, not_text())),
        }
    }

    /// A key that may be absent or empty, which is the same.
    pub(super) fn optional<T>(&self, key: &str, parse: impl Parse<T>) -> Reading<Option<T>> {
        let text = self.text(key)?.filter(|text| !text.is_empty());
        text.map(|text| self.parsed(key, text, &parse)).transpose()
    }

    /// A key that must be there.
    pub(super) fn required<T>(&self, key: &str, parse: impl Parse<T>) -> Reading<T> {
        self.optional(key, parse)?.ok_or_else(|| self.missing(key))
    }

    /// A key that counts as `default` when it is absent or empty.
    pub(super) fn or<T>(&self, key: &str, default: &str, parse: impl Parse<T>) -> Reading<T> {
        let text = self.text(key)?.filter(|text| !text.is_empty());
        self.parsed(key, text.unwrap_or(default), &parse)
    }

    /// A whole number; as text too, because variables only hold text.
    pub(super) fn number(&self, key: &str) -> Reading<Option<i64>> {
        let number = match self.value(key) {
            None => return Ok(None),
            Some(Value::Integer(number)) => Some(*number),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        let fault = || Fault::new("this is no whole number", "write digits only");
        number.map(Some).ok_or_else(|| self.error(key, fault()))
    }

    /// A decimal number that must be there; as text too, because variables only hold text.
    pub(super) fn decimal(&self, key: &str) -> Reading<f64> {
        let number = match self.value(key) {
            None => return Err(self.missing(key)),
            Some(Value::Float(number)) => Some(*number),
            #[expect(
                clippy::cast_precision_loss,
                reason = "it is checked against small bounds"
            )]
            Some(Value::Integer(number)) => Some(*number as f64),
            Some(Value::String(text)) => decimal(text),
            Some(_) => None,
        };
        let fault = || Fault::new("this is no decimal number", "write for example 30.66");
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| self.error(key, fault()))
    }

    /// A list of texts, or one text alone. Every entry is looked at.
    pub(super) fn list<T>(&self, key: &str, parse: impl Parse<T>) -> Reading<Option<Vec<T>>> {
        let entries = match self.value(key) {
            None => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => return Ok(Some(vec![self.parsed(key, text, &parse)?])),
            Some(Value::Array(entries)) => entries,
            Some(_) => {
                let fault = Fault::new("this must be a list of texts", "write [\"…\", \"…\"]");
                return Err(self.error(key, fault));
            }
        };
        let entry = |(index, entry): (usize, &Value)| {
            let key = format!("{key}[{index}]");
            match entry.as_str() {
                Some(text) => self.parsed(&key, text, &parse),
                None => Err(self.error(&key, not_text())),
            }
        };
        all(entries.iter().enumerate().map(entry)).map(Some)
    }

    /// A secret that may be absent or empty; `check` sees what it resolves to.
    pub(super) fn secret(&self, key: &str, check: impl Parse<()>) -> Reading<Option<SecretString>> {
        self.optional(key, self.resolved(check))
    }

    /// A secret that must be there.
    pub(super) fn required_secret(
        &self,
        key: &str,
        check: impl Parse<()>,
    ) -> Reading<SecretString> {
        self.required(key, self.resolved(check))
    }

    /// One secret or a list of them; empty when there is none.
    pub(super) fn secrets(&self, key: &str, check: impl Parse<()>) -> Reading<Vec<SecretString>> {
        Ok(self.list(key, self.resolved(check))?.unwrap_or_default())
    }

    /// Resolves what stands for a secret before it is parsed.
    pub(super) fn unlocked<T>(&self, parse: impl Parse<T>) -> impl Parse<T> {
        move |text: &str| {
            let mut notes = self.run.notes.borrow_mut();
            match secret::place(text, self.run.folder) {
                Place::File(path) => notes.secret_files.push(path),
                Place::Here => notes.holds_secrets = true,
                Place::Variable => {}
            }
            drop(notes);
            parse(&secret::resolve(text, self.run.env, self.run.folder)?)
        }
    }

    fn resolved(&self, check: impl Parse<()>) -> impl Parse<SecretString> {
        self.unlocked(move |secret: &str| check(secret).map(|()| SecretString::from(secret)))
    }

    /// Notes that `key` is missing.
    pub(super) fn missing(&self, key: &str) -> Noted {
        self.error(
            key,
            Fault::new("this key is missing or empty", "give its value"),
        )
    }

    fn parsed<T>(&self, key: &str, text: &str, parse: &impl Parse<T>) -> Reading<T> {
        parse(text).map_err(|fault| self.error(key, fault))
    }
}

/// How a text becomes a value.
pub(super) trait Parse<T>: Fn(&str) -> Result<T, Fault> {}
impl<T, F: Fn(&str) -> Result<T, Fault>> Parse<T> for F {}

/// All values, after every one of them has been looked at.
pub(super) fn all<T>(readings: impl Iterator<Item = Reading<T>>) -> Reading<Vec<T>> {
    let readings: Vec<_> = readings.collect();
    readings.into_iter().collect()
}

fn not_text() -> Fault {
    Fault::new("this must be a text", "put it in quotes")
}
