//! What commands print: aligned columns for people, JSON for programs.
//!
//! A row is one JSON object in both forms; columns are some of its members. Long listings are
//! printed page by page, so that memory stays bounded. OpenIDs are shown whole: the operator
//! needs them to act.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

/// What stands where a row has no value.
const NOTHING: &str = "-";

/// A listing on standard output, a page at a time.
pub(super) struct Listing {
    columns: &'static [&'static str],
    json: bool,
    /// Grow with the rows, so that a later page never breaks an earlier one's columns.
    widths: Vec<usize>,
    printed: usize,
    out: BufWriter<Stdout>,
}

impl Listing {
    /// An empty listing of these members; as an array of whole rows with `json`.
    pub(super) fn new(columns: &'static [&'static str], json: bool) -> Self {
        Self {
            columns,
            json,
            widths: columns.iter().map(|column| column.len()).collect(),
            printed: 0,
            out: BufWriter::new(io::stdout()),
        }
    }

    /// Prints a page of rows.
    pub(super) fn page(&mut self, rows: &[Value]) -> Result<()> {
        if self.json {
            self.page_of_json(rows)?;
        } else {
            self.page_of_columns(rows)?;
        }
        self.printed += rows.len();
        Ok(())
    }

    /// Ends it; without any row, `nothing` says so to a person.
    pub(super) fn end(mut self, nothing: &str) -> Result<()> {
        match (self.json, self.printed) {
            (true, 0) => writeln!(self.out, "[]")?,
            (true, _) => writeln!(self.out, "\n]")?,
            (false, 0) => eprintln!("{nothing}"),
            (false, _) => {}
        }
        Ok(self.out.flush()?)
    }

    fn page_of_json(&mut self, rows: &[Value]) -> Result<()> {
        for (index, row) in rows.iter().enumerate() {
            let before = if self.printed + index == 0 {
                "[\n"
            } else {
                ",\n"
            };
            write!(self.out, "{before}  {row}")?;
        }
        Ok(())
    }

    fn page_of_columns(&mut self, rows: &[Value]) -> Result<()> {
        let mut lines: Vec<Vec<String>> = Vec::new();
        if self.printed == 0 && !rows.is_empty() {
            lines.push(self.columns.iter().map(|c| c.to_uppercase()).collect());
        }
        for row in rows {
            lines.push(self.columns.iter().map(|c| shown(&row[*c])).collect());
        }
        for line in &lines {
            for (width, cell) in self.widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for line in lines {
            let padded: Vec<String> = line
                .iter()
                .zip(&self.widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            writeln!(self.out, "{}", padded.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Prints a whole listing at once.
pub(super) fn list(
    columns: &'static [&'static str],
    rows: &[Value],
    json: bool,
    nothing: &str,
) -> Result<()> {
    let mut listing = Listing::new(columns, json);
    listing.page(rows)?;
    listing.end(nothing)
}

/// Prints those of the members that have a value, one a line.
pub(super) fn card(row: &Value, members: &[&str]) -> Result<()> {
    let width = members.iter().map(|m| m.len()).max().unwrap_or_default();
    for member in members.iter().filter(|member| !row[**member].is_null()) {
        say(&format!("{member:<width$}  {}", shown(&row[*member])))?;
    }
    Ok(())
}

/// Prints one line.
pub(super) fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Prints one object for programs.
pub(super) fn object(value: &Value) -> Result<()> {
    say(&format!("{value:#}"))
}

/// An instant: RFC 3339 in UTC, of one width.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A row whose `id` is text, because not every reader of JSON keeps 64 bits of a number.
pub(super) fn row(of: &impl Serialize) -> Value {
    let mut row = serde_json::to_value(of).expect("rows hold text and numbers");
    if let Some(id) = row["id"].as_i64() {
        row["id"] = json!(id.to_string());
    }
    row
}

/// A character as it may reach a person. What a follower wrote must not steer the operator's
/// terminal, begin a line of its own, or turn the direction in which others are read.
pub(super) fn harmless(c: char) -> char {
    match c {
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '�',
        c if c.is_control() => '�',
        c => c,
    }
}

/// A value for a person, in one line.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let plain = |c: char| match c {
        '\n' => '⏎',
        c => harmless(c),
    };
    text.chars().map(plain).collect()
}

/// Where a whole export goes. A file is for its owner only: it holds who people are and what they said.
pub(super) fn writer(path: Option<&Path>) -> Result<Box<dyn Write>> {
    let Some(path) = path else {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    };
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let file = opened.with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        assert_eq!(shown(&json!("a\nb\u{1b}[2J")), "a⏎b�[2J");
        assert_eq!(shown(&json!("1\u{2028}2\u{202e}3")), "1�2�3");
        assert_eq!(shown(&json!(null)), "-");
        assert_eq!(shown(&json!(true)), "true");
    }

    #[test]
    fn an_instant_has_one_width() {
        let at: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        assert_eq!(instant(at), "2026-11-23T08:00:00.000Z");
    }

    #[test]
    fn an_id_is_text() {
        let id = json!({ "id": 9_007_199_254_740_993_i64, "state": "dead" });
        assert_eq!(row(&id)["id"], "9007199254740993");
    }
}
