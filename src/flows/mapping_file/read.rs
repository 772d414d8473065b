//! Reading line by line. Every line is a record of its own, so that one bad line hides no other, numbers are
//! those of an editor, and however the file is made, only one line of it is in memory.

use std::io::{self, BufRead};
use std::sync::LazyLock;

use csv::StringRecord;
use regex::Regex;

use super::{COLUMNS, Format, Line};

/// The longest line, in bytes: all columns at their longest have less, even with every character escaped
/// as JSON may have it.
pub const MAX_LINE: usize = 16 * 1024;

/// The most lines of a file: twice what an account of a million followers needs. Duplicates are found in
/// memory, which takes 40 to 70 bytes a line.
const MAX_LINES: u64 = 2_000_000;

/// The most bytes of a file: so many lines of half a KiB. A longer one is no mapping file.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// Fields without quotes, or in quotes with those inside doubled (RFC 4180). The reader of `csv` takes
/// anything else, too, and would guess.
static WELL_QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    let field = r#"(?:[^",]*|"(?:[^"]|"")*")"#;
    Regex::new(&format!("^{field}(?:,{field})*$")).expect("a regular expression")
});

/// A line and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// From 1, as editors count.
    pub number: u64,
    /// What it says, or why it cannot be read.
    pub line: Result<Line, String>,
}

/// Reads lines one after the other; empty ones are skipped. After a fault of the whole file (its header, its
/// size) nothing more comes.
pub struct Reader<R> {
    input: R,
    format: Format,
    header: Option<StringRecord>,
    number: u64,
    bytes: u64,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads from `input`, which may begin with a byte order mark.
    pub fn new(input: R, format: Format) -> Self {
        Self {
            input,
            format,
            header: None,
            number: 0,
            bytes: 0,
            ended: false,
        }
    }

    /// The next line that is not empty; `None` at the end.
    fn read(&mut self) -> io::Result<Option<Numbered>> {
        while !self.ended {
            let Some(bytes) = self.bytes_of_line()? else {
                return Ok(None);
            };
            if let Some(line) = self.said(bytes).transpose() {
                let number = self.number;
                return Ok(Some(Numbered { number, line }));
            }
        }
        Ok(None)
    }

    /// What a line says; `None` when it is empty or the header.
    fn said(&mut self, bytes: Result<Vec<u8>, String>) -> Result<Option<Line>, String> {
        self.see_size()?;
        let Some(text) = self.text(bytes?)? else {
            return Ok(None);
        };
        match self.format {
            Format::Jsonl => json(&text).map(Some),
            Format::Csv => self.csv(&text),
        }
    }

    fn see_size(&mut self) -> Result<(), String> {
        self.ended = self.number > MAX_LINES || self.bytes > MAX_BYTES;
        if self.ended {
            return Err(format!(
                "the file has more than {MAX_LINES} lines or {MAX_BYTES} bytes; split it"
            ));
        }
        Ok(())
    }

    /// The bytes of the next line without its end; of one that is too long none are kept.
    fn bytes_of_line(&mut self) -> io::Result<Option<Result<Vec<u8>, String>>> {
        let (mut line, mut length) = (Vec::new(), 0);
        loop {
            let available = match self.input.fill_buf() {
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
                available => available?,
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |at| at + 1);
            if taken == 0 && length == 0 {
                return Ok(None);
            }
            length += taken;
            if length <= MAX_LINE {
                line.extend_from_slice(&available[..taken]);
            }
            let is_whole = end.is_some() || taken == 0;
            self.input.consume(taken);
            if is_whole {
                break;
            }
        }
        self.number += 1;
        self.bytes += length as u64;
        if length > MAX_LINE {
            return Ok(Some(Err(format!("it has more than {MAX_LINE} bytes"))));
        }
        Ok(Some(Ok(line)))
    }

    /// The text of a line; `None` when it is empty.
    fn text(&self, line: Vec<u8>) -> Result<Option<String>, String> {
        let text = String::from_utf8(line).map_err(|fault| {
            format!(
                "it is not UTF-8 (byte {})",
                fault.utf8_error().valid_up_to()
            )
        })?;
        let text = match self.number {
            1 => text.strip_prefix('\u{feff}').unwrap_or(&text),
            _ => &text,
        };
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn csv(&mut self, text: &str) -> Result<Option<Line>, String> {
        let fields = fields(text);
        let Some(header) = &self.header else {
            let read = fields.and_then(checked_header);
            self.ended = read.is_err();
            self.header = Some(read?);
            return Ok(None);
        };
        let fields = fields?;
        if fields.len() != header.len() {
            return Err(format!(
                "it has {} fields and the header names {}",
                fields.len(),
                header.len()
            ));
        }
        let line = fields.deserialize(Some(header));
        line.map(Some)
            .map_err(|_| "its fields cannot be read".to_owned())
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = io::Result<Numbered>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        self.ended |= read.is_err();
        read.transpose()
    }
}

fn json(text: &str) -> Result<Line, String> {
    // An array would be read as the members in their order, and nobody writes that on purpose.
    let object = if text.trim_start().starts_with('{') {
        text
    } else {
        ""
    };
    serde_json::from_str(object).map_err(|fault| {
        let column = fault.column();
        format!(
            "it is no JSON object with the members of a mapping, all of them text (column {column})"
        )
    })
}

/// The fields of a line of CSV.
fn fields(text: &str) -> Result<StringRecord, String> {
    if text.contains(char::is_control) {
        return Err("it holds control characters".to_owned());
    }
    if !WELL_QUOTED.is_match(text) {
        let fault =
            "its quotes are wrong: a field in quotes ends with one, and those inside are doubled";
        return Err(fault.to_owned());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(text.len())
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let read = reader.read_record(&mut record);
    read.map_err(|_| "its fields cannot be read".to_owned())?;
    Ok(record)
}

fn checked_header(header: StringRecord) -> Result<StringRecord, String> {
    let needed = |column: &str| header.iter().any(|name| name == column);
    let strange = header.iter().any(|name| !COLUMNS.contains(&name));
    let twice = COLUMNS
        .iter()
        .any(|column| header.iter().filter(|name| name == column).count() > 1);
    if strange || twice || !needed("account") || !needed("openid") {
        return Err(format!(
            "the header must name account, openid and others of these columns, each once: {}",
            COLUMNS.join(", ")
        ));
    }
    Ok(header)
}
