//! Writing. What is written can be read again.

use std::io::{self, Write};

use jiff::Timestamp;

use super::{COLUMNS, Format, Line, longest};
use crate::store::Mapping;

/// Writes lines one after the other.
pub enum Writer<W: Write> {
    /// With a header.
    Csv(Box<csv::Writer<W>>),
    /// Without.
    Jsonl(W),
}

impl<W: Write> Writer<W> {
    /// Begins a file; CSV has its header even when nobody follows.
    pub fn new(out: W, format: Format) -> io::Result<Self> {
        Ok(match format {
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new()
                    .has_headers(false)
                    .from_writer(out);
                writer.write_record(COLUMNS).map_err(io_fault)?;
                Self::Csv(Box::new(writer))
            }
            Format::Jsonl => Self::Jsonl(out),
        })
    }

    /// Writes one line.
    pub fn line(&mut self, line: &Line) -> io::Result<()> {
        match self {
            Self::Csv(writer) => writer.serialize(line).map_err(io_fault),
            Self::Jsonl(out) => {
                serde_json::to_writer(&mut *out, line)?;
                out.write_all(b"\n")
            }
        }
    }

    /// Writes what is still kept back.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(writer) => writer.flush(),
            Self::Jsonl(out) => out.flush(),
        }
    }
}

/// Whoever reads our output may have left: that must stay an I/O error of its kind.
fn io_fault(fault: csv::Error) -> io::Error {
    match fault.into_kind() {
        csv::ErrorKind::Io(fault) => fault,
        other => io::Error::other(format!("a line cannot be written: {other:?}")),
    }
}

impl From<&Mapping> for Line {
    fn from(mapping: &Mapping) -> Self {
        let customer = mapping.customer.as_ref();
        let text = |text: &Option<String>, longest| text.as_deref().map(|text| fit(text, longest));
        Self {
            account: Some(mapping.follower.account.as_str().to_owned()),
            openid: Some(mapping.follower.openid.as_str().to_owned()),
            unionid: mapping.unionid.as_ref().map(|id| id.as_str().to_owned()),
            tenant: Some(mapping.tenant.as_str().to_owned()),
            customer_id: customer.map(|(_, number)| number.as_str().to_owned()),
            object_id: customer.map(|(object, _)| object.as_str().to_owned()),
            state: Some(mapping.state.as_str().to_owned()),
            reason: text(&mapping.reason, longest::REASON),
            name: text(&mapping.name, longest::NAME),
            scene: text(&mapping.scene, longest::SCENE),
            followed_at: mapping.followed_at.map(instant),
            linked_at: mapping.linked_at.map(instant),
        }
    }
}

/// RFC 3339 in UTC, whole: microseconds are what the database has.
fn instant(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// A text as it may stand in one line: a control character becomes a space.
fn fit(text: &str, longest: usize) -> String {
    let cut = &text[..text.floor_char_boundary(longest)];
    cut.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
