//! `[[wechat.<account>.rules]]`: exactly one condition, exactly one answer.

use regex::Regex;

use super::{forms, texts};
use crate::config::error::Fault;
use crate::config::tree::{Reading, Section, all};
use crate::config::types::{Action, Rule, Then, When};

/// The kinds of messages (wechat.md 2.3).
const MESSAGES: [&str; 9] = [
    "text",
    "image",
    "voice",
    "video",
    "shortvideo",
    "location",
    "link",
    "file",
    "miniprogrampage",
];

pub(super) fn rules(account: &Section<'_>) -> Reading<Vec<Rule>> {
    all(account.sections("rules")?.iter().map(rule))
}

fn rule(section: &Section<'_>) -> Reading<Rule> {
    let when = section.section("when").and_then(|s| when(&s));
    let then = section.section("then").and_then(|s| then(&s));
    if let Ok(Then::Hook(url)) = &then
        && forms::is_readable_on_the_way(url)
    {
        section.warn("then.hook", forms::READABLE_ON_THE_WAY);
    }
    Ok(Rule {
        when: when?,
        then: then?,
    })
}

fn when(section: &Section<'_>) -> Reading<When> {
    match only_key(section, &["text", "regex", "click", "event", "message"])? {
        "text" => section.required("text", forms::text).map(When::Text),
        "regex" => section.required("regex", regex).map(When::Regex),
        "click" => section.required("click", forms::text).map(When::Click),
        "message" => {
            let kinds = MESSAGES.map(|kind| (kind, kind.to_owned()));
            section
                .required("message", forms::choice(&kinds))
                .map(When::Message)
        }
        _ => section.required("event", forms::text).map(When::Event),
    }
}

fn then(section: &Section<'_>) -> Reading<Then> {
    let article = article(section);
    match only_key(section, &["text", "news", "hook", "action", "page"])? {
        "page" => page(section, article),
        _ if article? != Article::default() => {
            let reason = "title, description and pic_url stand here only beside page";
            let fault = Fault::new(reason, "write them into news = { … }, or take them away");
            Err(section.error("", fault))
        }
        "text" => section
            .required("text", texts::short_enough)
            .map(Then::Text),
        "news" => news(&section.section("news")?),
        "hook" => section
            .required("hook", section.unlocked(forms::http_url))
            .map(Then::Hook),
        _ => {
            let actions = [
                ("review", Action::Review),
                ("delete", Action::Delete),
                ("bind", Action::Bind),
                ("branches", Action::Branches),
            ];
            section
                .required("action", forms::choice(&actions))
                .map(Then::Action)
        }
    }
}

/// What stands on an article beside its link.
#[derive(Debug, Default, PartialEq)]
struct Article {
    title: String,
    description: String,
    pic_url: String,
}

fn article(section: &Section<'_>) -> Reading<Article> {
    let title = section.optional("title", forms::text);
    let description = section.optional("description", forms::text);
    let pic_url = section.optional("pic_url", forms::http_url);
    Ok(Article {
        title: title?.unwrap_or_default(),
        description: description?.unwrap_or_default(),
        pic_url: pic_url?.map(String::from).unwrap_or_default(),
    })
}

/// One article that opens a page of ours. Whether there is such a page is seen when all is known.
fn page(section: &Section<'_>, article: Reading<Article>) -> Reading<Then> {
    let page = section.required("page", forms::text);
    let Article {
        title,
        description,
        pic_url,
    } = article?;
    if title.is_empty() {
        return Err(section.missing("title"));
    }
    Ok(Then::Page {
        page: page?,
        title,
        description,
        pic_url,
    })
}

fn news(section: &Section<'_>) -> Reading<Then> {
    let title = section.required("title", forms::text);
    let description = section.optional("description", forms::text);
    let pic_url = section.optional("pic_url", forms::http_url);
    let url = section.optional("url", forms::http_url);
    Ok(Then::News {
        title: title?,
        description: description?.unwrap_or_default(),
        pic_url: pic_url?.map(String::from).unwrap_or_default(),
        url: url?.map(String::from).unwrap_or_default(),
    })
}

/// The one of `keys` that the section has.
fn only_key<'k>(section: &Section<'_>, keys: &[&'k str]) -> Reading<&'k str> {
    let present: Vec<&str> = keys.iter().copied().filter(|k| section.has(k)).collect();
    let reason = match present.as_slice() {
        [only] => return Ok(only),
        [] => "none of its keys is there".to_owned(),
        several => format!("{} exclude each other", several.join(" and ")),
    };
    let remedy = format!("write exactly one of {}", keys.join(", "));
    Err(section.error("", Fault::new(reason, remedy)))
}

/// The last line of the library's error is its sentence; the lines above it draw the pattern.
fn regex(text: &str) -> Result<Regex, Fault> {
    Regex::new(text).map_err(|error| {
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default();
        let reason = last.trim_start_matches("error: ");
        let remedy = "see https://docs.rs/regex for what a pattern may hold";
        Fault::new(format!("the pattern cannot be used: {reason}"), remedy)
    })
}
