//! A clear page for a person: what is the matter, and what they can do. And the same in a line, for
//! programs on their behalf. Both in the person's language.

use axum::Json;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::doctor::Language;

/// The same words in English and Chinese.
pub(super) type Words = [&'static str; 2];

/// A page.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    /// The HTTP status.
    pub status: StatusCode,
    /// What it is about.
    pub title: Words,
    /// What is the matter.
    pub sentence: Words,
    /// What they can do.
    pub remedy: Words,
    /// Where they can go on: our own addresses, and what the link says.
    pub ways: Vec<(String, Words)>,
}

impl Notice {
    /// A page that leads nowhere.
    pub(super) fn new(status: StatusCode, title: Words, sentence: Words, remedy: Words) -> Self {
        Self {
            status,
            title,
            sentence,
            remedy,
            ways: Vec::new(),
        }
    }

    /// The page with another link.
    pub(super) fn way(mut self, to: impl Into<String>, words: Words) -> Self {
        self.ways.push((to.into(), words));
        self
    }

    /// The page in the reader's language.
    pub(super) fn render(&self, headers: &HeaderMap) -> Response {
        let language = language(headers);
        let say = |words: &Words| escaped(said(language, words));
        let ways = self.ways.iter().map(|(to, words)| {
            let (to, words) = (escaped(to), say(words));
            format!("<p><a href=\"{to}\">{words}</a></p>")
        });
        let ways = ways.collect::<Vec<_>>().concat();
        let html = format!(
            "<!doctype html>\n<html lang=\"{lang}\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n\
             <main><h1>{title}</h1><p>{sentence}</p><p>{remedy}</p>{ways}</main>\n</html>\n",
            lang = language.of(&["en", "zh-CN"]),
            title = say(&self.title),
            sentence = say(&self.sentence),
            remedy = say(&self.remedy),
        );
        let html_type = [(CONTENT_TYPE, "text/html; charset=utf-8")];
        (self.status, html_type, html).into_response()
    }
}

/// Readable on a phone, in light and in dark.
const STYLE: &str = "body{margin:0;font:17px/1.6 system-ui,sans-serif;color:#1b1b1b;background:#f7f7f7}\
    main{max-width:32rem;margin:0 auto;padding:3rem 1.25rem}h1{font-size:1.3rem}\
    a{color:#05603a;display:inline-block;padding:.6rem 0}\
    @media(prefers-color-scheme:dark){body{color:#eee;background:#1b1b1b}a{color:#5fd39a}}";

/// What is wrong, for a page's own program to show.
pub(super) fn wrong(status: StatusCode, words: &Words, headers: &HeaderMap) -> Response {
    let told = json!({ "error": said(language(headers), words) });
    (status, Json(told)).into_response()
}

/// The words in that language.
pub(super) fn said(language: Language, words: &Words) -> &'static str {
    let said: &&str = language.of(words);
    said
}

/// The language that the reader likes best of both; English when they like neither.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let mut best: Option<(f32, Language)> = None;
    for entry in wanted.unwrap_or_default().split(',') {
        let (tag, rest) = entry.split_once(';').unwrap_or((entry, ""));
        let tag = tag.trim().to_ascii_lowercase();
        if !tag.starts_with("zh") && !tag.starts_with("en") {
            continue;
        }
        let weight = rest
            .trim()
            .strip_prefix("q=")
            .map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if best.as_ref().is_none_or(|(most, _)| weight > *most) {
            best = Some((weight, Language::of_locale(&tag)));
        }
    }
    best.map_or(Language::En, |(_, language)| language)
}

/// As it may stand in HTML, in attributes, too.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_liked_best() {
        for (wanted, language_is) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh),
            ("en-GB,zh;q=0.9", Language::En),
            ("de,zh;q=0.7,en;q=0.2", Language::Zh),
            ("en;q=0.2, zh-TW;q=0.5", Language::Zh),
            ("de", Language::En),
            ("", Language::En),
            (";;;q=", Language::En),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, wanted.parse().unwrap());
            assert_eq!(language(&headers), language_is, "{wanted}");
        }
    }

    #[test]
    fn nothing_that_is_shown_is_read_as_html() {
        assert_eq!(
            escaped("<a href='\"&\">"),
            "&lt;a href=&#39;&quot;&amp;&quot;&gt;"
        );
    }
}
