//! What was measured, as tables for people, Markdown for `docs/BENCHMARKS.md`, and JSON.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::machine::Machine;

/// A promise of speed or memory, and whether it is kept.
#[derive(Debug, Serialize)]
pub(super) struct Target {
    /// What is promised.
    what: String,
    /// What was measured.
    measured: f64,
    /// What it must be, in words.
    bound: String,
    /// Whether it is.
    met: bool,
}

impl Target {
    /// It must be at least `bound`.
    pub(super) fn at_least(what: impl Into<String>, measured: f64, bound: f64) -> Self {
        Self {
            what: what.into(),
            measured: rounded(measured),
            bound: format!("≥ {bound}"),
            met: measured >= bound,
        }
    }

    /// It must be at most `bound`.
    pub(super) fn at_most(what: impl Into<String>, measured: f64, bound: f64) -> Self {
        Self {
            what: what.into(),
            measured: rounded(measured),
            bound: format!("≤ {bound}"),
            met: measured <= bound,
        }
    }

    /// It must be below `bound`.
    pub(super) fn below(what: impl Into<String>, measured: f64, bound: f64) -> Self {
        Self {
            what: what.into(),
            measured: rounded(measured),
            bound: format!("< {bound}"),
            met: measured < bound,
        }
    }
}

/// One table: what belongs together.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    /// The word that chooses it.
    pub(super) name: &'static str,
    /// For people.
    pub(super) title: &'static str,
    /// What must be known to read it.
    pub(super) notes: Vec<String>,
    /// The heads of its columns.
    pub(super) columns: &'static [&'static str],
    /// Its rows: text and numbers.
    pub(super) rows: Vec<Vec<Value>>,
    /// What it promises.
    pub(super) targets: Vec<Target>,
}

/// Everything that one run measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// On what.
    pub(super) machine: Machine,
    /// What.
    pub(super) sections: Vec<Section>,
}

/// A figure as a cell, to three digits that mean something.
pub(super) fn figure(number: f64) -> Value {
    json!(rounded(number))
}

fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm is small")]
    let digits = 2 - (number.abs().log10().floor() as i32);
    let scale = 10_f64.powi(digits.max(0));
    (number * scale).round() / scale
}

impl Report {
    /// Markdown: what `docs/BENCHMARKS.md` holds and what a terminal shows.
    pub(super) fn as_markdown(&self) -> String {
        let mut text = format!("# What was measured\n\n{}", self.machine.as_markdown());
        let promised = self.sections.iter().flat_map(|section| &section.targets);
        let rows = promised.map(|target| {
            let met = if target.met { "yes" } else { "**missed**" };
            vec![
                json!(target.what),
                json!(target.measured),
                json!(target.bound),
                json!(met),
            ]
        });
        let rows: Vec<Vec<Value>> = rows.collect();
        if !rows.is_empty() {
            text += "\n## Targets\n\n";
            text += &table(&["what", "measured", "target", "met"], &rows);
        }
        for section in &self.sections {
            let _ = write!(text, "\n## {}\n\n", section.title);
            for note in &section.notes {
                let _ = writeln!(text, "- {note}");
            }
            if !section.notes.is_empty() {
                text.push('\n');
            }
            text += &table(section.columns, &section.rows);
        }
        text
    }
}

fn table(columns: &[&str], rows: &[Vec<Value>]) -> String {
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|&head| head.to_owned()).collect()];
    lines.extend(rows.iter().map(|row| row.iter().map(shown).collect()));
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text += "|\n";
        if index == 0 {
            for width in &widths {
                let _ = write!(text, "|{:-<width$}", "", width = width + 2);
            }
            text += "|\n";
        }
    }
    text
}

fn shown(cell: &Value) -> String {
    match cell {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(String::new, grouped),
        other => other.to_string(),
    }
}

/// Thousands apart, as people read them.
fn grouped(number: f64) -> String {
    let plain = number.to_string();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && !text.ends_with('-') {
            text.push(' ');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text = format!("{text}.{fraction}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits_and_thousands_stand_apart() {
        let shown_of = |number| shown(&figure(number));
        assert_eq!(shown_of(0.476_54), "0.477");
        assert_eq!(shown_of(12.345), "12.3");
        assert_eq!(shown_of(46_372.4), "46 372");
        assert_eq!(shown_of(1_234_567.0), "1 234 567");
        assert_eq!(shown_of(f64::NAN), "0");
    }

    #[test]
    fn a_missed_target_is_shown_as_missed() {
        assert!(Target::at_least("rate", 0.40, 0.40).met);
        assert!(!Target::at_least("rate", 0.39, 0.40).met);
        assert!(!Target::below("memory", 20.0, 20.0).met);
        assert!(!Target::at_most("memory", f64::NAN, 20.0).met);
    }
}
