//! A conversation as a file: JSON Lines for programs, text and HTML for people.
//!
//! Pure: from rows to text, entry by entry. What a follower wrote must not become anything else
//! than words: no line or speaker of a transcript, no markup, nothing that a browser fetches or runs.

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::super::output::{harmless, instant};
use crate::store::{Mapping, TranscriptRow};

/// The looks of the HTML form. It allows this style only, by its hash.
const STYLE: &str = include_str!("transcript.css");
const STYLE_HASH: &str = "sha256-ADAICqoTxF/zgxFiZPqCG1NMZBBsglFbYEhmCDCU5ss=";

/// How an entry goes on in the text form: no line of a message looks like the head of an entry.
const NEXT_LINE: &str = "\n    ";

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line, with everything that is known; instants in UTC
    Jsonl,
    /// Time, speaker and words, in the time zone of the server
    Text,
    /// The same as one page for a browser
    Html,
}

/// The transcript of one conversation.
pub(super) struct Transcript<'a> {
    format: Format,
    mapping: &'a Mapping,
    zone: &'a TimeZone,
}

impl<'a> Transcript<'a> {
    pub(super) fn new(format: Format, mapping: &'a Mapping, zone: &'a TimeZone) -> Self {
        Self {
            format,
            mapping,
            zone,
        }
    }

    /// What stands before the first entry.
    pub(super) fn head(&self) -> String {
        match self.format {
            Format::Jsonl => String::new(),
            Format::Text => format!("{}\n\n", self.title()),
            Format::Html => format!(
                "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n\
                 <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
                 style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'\">\n\
                 <meta name=\"referrer\" content=\"no-referrer\">\n\
                 <title>{title}</title>\n<style>{STYLE}</style></head>\n\
                 <body><h1>{title}</h1>\n<ol>\n",
                title = escaped(&self.title()),
            ),
        }
    }

    /// One message.
    pub(super) fn entry(&self, row: &TranscriptRow) -> String {
        match self.format {
            Format::Jsonl => self.as_json(row),
            Format::Text => self.as_text(row),
            Format::Html => self.as_html(row),
        }
    }

    /// What stands behind the last entry.
    pub(super) fn foot(&self) -> &'static str {
        match self.format {
            Format::Jsonl | Format::Text => "",
            Format::Html => "</ol></body></html>\n",
        }
    }

    fn title(&self) -> String {
        let follower = &self.mapping.follower;
        let customer = self.mapping.customer.as_ref();
        let customer = customer.map(|(_, id)| format!(", customer {}", id.as_str()));
        let zone = self.zone.iana_name().unwrap_or("UTC");
        format!(
            "Conversation of {} with {}{} (times in {zone})",
            follower.openid.as_str(),
            follower.account.as_str(),
            customer.unwrap_or_default()
        )
    }

    fn as_json(&self, row: &TranscriptRow) -> String {
        let mut line = super::told(row);
        line["account"] = json!(self.mapping.follower.account);
        line["openid"] = json!(self.mapping.follower.openid);
        format!("{line}\n")
    }

    fn as_text(&self, row: &TranscriptRow) -> String {
        let time = self.local(row.message.created_at());
        let speaker = self.speaker(row);
        let state = unsettled(row).map(|state| format!(" [{state}]"));
        let state = state.unwrap_or_default();
        let lines: Vec<String> = words(row).lines().map(plain).collect();
        format!("{time}  {speaker}{state}: {}\n", lines.join(NEXT_LINE))
    }

    fn as_html(&self, row: &TranscriptRow) -> String {
        let message = &row.message;
        let state = unsettled(row).map(|state| format!(" <em>{}</em>", escaped(state)));
        format!(
            "<li class=\"{direction}\"><time datetime=\"{at}\">{time}</time> \
             <b>{speaker}</b>{state}<p dir=\"auto\">{words}</p></li>\n",
            direction = escaped(&message.direction),
            at = instant(message.created_at()),
            time = self.local(message.created_at()),
            speaker = escaped(self.speaker(row)),
            state = state.unwrap_or_default(),
            words = escaped(&words(row)),
        )
    }

    /// An instant on the clock of the server's time zone.
    fn local(&self, at: Timestamp) -> String {
        let local = at.to_zoned_datetime(self.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn speaker(&self, row: &TranscriptRow) -> &str {
        if row.message.direction == "in" {
            "follower"
        } else {
            self.mapping.follower.account.as_str()
        }
    }
}

/// The state of a message of ours that the follower may not have seen.
fn unsettled(row: &TranscriptRow) -> Option<&str> {
    let state = row.message.state.as_str();
    (!["received", "answered", "sent"].contains(&state)).then_some(state)
}

/// What was said, or of what kind it is.
fn words(row: &TranscriptRow) -> String {
    let message = &row.message;
    let kind = || format!("[{}]", message.kind);
    message.text.clone().unwrap_or_else(kind)
}

/// A line of text without what is no text.
fn plain(line: &str) -> String {
    line.chars().map(harmless).collect()
}

/// Text inside of an element or of a quoted attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            c => escaped.push(harmless(c)),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_is_words() {
        assert_eq!(
            escaped("<a href='x'>\"&\"\r\n\u{202e}"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;�\n�"
        );
    }

    #[test]
    fn the_page_allows_the_style_that_it_has() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
        let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
        let hash = suite.common.hash_provider.hash(STYLE.as_bytes());
        assert_eq!(STYLE_HASH, format!("sha256-{}", STANDARD.encode(hash)));
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }

    proptest! {
        #[test]
        fn nothing_that_is_escaped_leaves_its_element(text in "([^\\p{C}\\p{Zl}\\p{Zp}]|[<>&\"'\n]){0,40}") {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            prop_assert_eq!(back.replace("&#39;", "'").replace("&amp;", "&"), text);
        }
    }
}
