//! `menu.toml`: the menu of an account, with every limit of WeChat's (wechat.md 7).

use std::collections::BTreeSet;

use url::Url;

use super::forms;
use crate::config::error::Fault;
use crate::config::tree::{Parse, Reading, Section, all};
use crate::domain::menu::{
    Button, Conditional, Does, Kind, MAX_BUTTONS, MAX_CONDITIONAL, MAX_HOSTS, MAX_KEY, MAX_NAME,
    MAX_SUB_BUTTONS, MAX_SUB_NAME, MAX_URL, MINI_PROGRAM, MatchRule, Menu, Platform, Tag, leaves,
};

/// Where the link to a page leads, if the account has such a page.
pub(in crate::config) type PageUrl<'a> = dyn Fn(&str) -> Option<Url> + 'a;

/// What a button may say besides its name, its type and its sub-buttons.
const VALUES: [&str; 7] = [
    "key",
    "url",
    "page",
    "media_id",
    "article_id",
    "app_id",
    "path",
];

/// Reads a whole file; what is wrong stands in the notes of the run.
pub(in crate::config) fn menu(root: &Section<'_>, page_url: &PageUrl<'_>) -> Reading<Menu> {
    let reader = Reader { page_url };
    let buttons = reader.buttons(root);
    let conditional = root.sections("conditional").and_then(|sections| {
        let few = at_most(root, "conditional", sections.len(), MAX_CONDITIONAL);
        let read = all(sections.iter().map(|one| reader.conditional(one)));
        few.and(read).map(|read| (sections, read))
    });
    let (sections, conditional) = conditional?;
    let apart = each_for_others(&sections, &conditional);
    let hosts = few_hosts(root, &conditional);
    let buttons = buttons?;
    apart.and(hosts)?;
    Ok(Menu {
        buttons,
        conditional,
    })
}

struct Reader<'a> {
    page_url: &'a PageUrl<'a>,
}

impl Reader<'_> {
    /// The buttons of one menu.
    fn buttons(&self, menu: &Section<'_>) -> Reading<Vec<Button>> {
        let sections = menu.sections("button")?;
        if sections.is_empty() {
            let reason = "the menu has no button";
            let remedy = format!("write 1 to {MAX_BUTTONS} tables [[{}]]", menu.at("button"));
            return Err(menu.error("button", Fault::new(reason, remedy)));
        }
        let few = at_most(menu, "button", sections.len(), MAX_BUTTONS);
        let buttons = all(sections.iter().map(|one| self.button(one)));
        few.and(buttons)
    }

    fn conditional(&self, section: &Section<'_>) -> Reading<Conditional> {
        let rule = match_rule(section);
        let buttons = self.buttons(section);
        Ok(Conditional {
            rule: rule?,
            buttons: buttons?,
        })
    }

    fn button(&self, section: &Section<'_>) -> Reading<Button> {
        let name = section.required("name", words("name", MAX_NAME));
        let does = if section.has("sub_button") {
            self.opens(section)
        } else {
            self.acts(section)
        };
        Ok(Button {
            name: name?,
            does: does?,
        })
    }

    /// A button with sub-buttons does nothing else.
    fn opens(&self, section: &Section<'_>) -> Reading<Does> {
        let others = ["type"].into_iter().chain(VALUES);
        let alone = all(others.filter(|key| section.has(key)).map(|key| {
            let reason = "a button with sub-buttons only opens them";
            Err::<(), _>(section.error(key, Fault::new(reason, "take this key away")))
        }));
        let sections = section.sections("sub_button")?;
        let few = at_most(section, "sub_button", sections.len(), MAX_SUB_BUTTONS);
        let below = all(sections.iter().map(|one| self.sub_button(one)));
        alone.and(few)?;
        let below = below?;
        if below.is_empty() {
            return Err(section.missing("sub_button"));
        }
        Ok(Does::Opens(below))
    }

    fn sub_button(&self, section: &Section<'_>) -> Reading<Button> {
        let name = section.required("name", words("name", MAX_SUB_NAME));
        let does = self.acts(section);
        Ok(Button {
            name: name?,
            does: does?,
        })
    }

    fn acts(&self, section: &Section<'_>) -> Reading<Does> {
        let kind = section.required("type", kind)?;
        let known: &[&str] = match kind {
            None => &["app_id", "path", "url"],
            Some(Kind::View) => &["url", "page"],
            Some(kind) => &[kind.member()],
        };
        let strange = VALUES.into_iter().filter(|key| !known.contains(key));
        let alone = all(strange.filter(|key| section.has(key)).map(|key| {
            let reason = "a button of this type has no such key";
            let remedy = format!("take it away; this type has {}", known.join(", "));
            Err::<(), _>(section.error(key, Fault::new(reason, remedy)))
        }));
        let does = match kind {
            None => mini_program(section),
            Some(Kind::View) => self.view(section),
            Some(kind) => {
                let value = section.required(kind.member(), words(kind.member(), MAX_KEY));
                value.map(|value| Does::Acts { kind, value })
            }
        };
        alone.and(does)
    }

    /// A link of their own, or to a page of ours.
    fn view(&self, section: &Section<'_>) -> Reading<Does> {
        let value = match (section.has("url"), section.has("page")) {
            (true, true) => {
                let fault = Fault::new("url and page exclude each other", "keep one of the two");
                Err(section.error("page", fault))
            }
            (false, true) => section.required("page", |page: &str| {
                link(page_link(page, self.page_url)?.as_str())
            }),
            _ => section.required("url", link),
        };
        let kind = Kind::View;
        value.map(|value| Does::Acts { kind, value })
    }
}

/// Where a page of the account is opened.
pub(super) fn page_link(page: &str, page_url: &PageUrl<'_>) -> Result<Url, Fault> {
    page_url(page).ok_or_else(|| {
        let reason = "the account has no page of this name";
        let remedy = "write the name of one of its [app.pages.<name>], or add it";
        Fault::new(reason, remedy)
    })
}

fn mini_program(section: &Section<'_>) -> Reading<Does> {
    let app_id = section.required("app_id", forms::app_id);
    let path = section.required("path", words("path", MAX_URL));
    let url = section.required("url", link);
    Ok(Does::MiniProgram {
        app_id: app_id?,
        path: path?,
        url: url?,
    })
}

/// `None` for a mini-program, which needs more than one value.
fn kind(word: &str) -> Result<Option<Kind>, Fault> {
    if word == MINI_PROGRAM {
        return Ok(None);
    }
    Kind::parse(word).map(Some).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|(word, _)| *word).collect();
        let remedy = format!("write one of {}, {MINI_PROGRAM}", known.join(", "));
        Fault::new("there is no such type of buttons", remedy)
    })
}

/// A text of at most so many bytes in one line. WeChat's JSON loses other control characters.
fn words(what: &'static str, most: usize) -> impl Parse<String> {
    move |text: &str| {
        if text.len() > most {
            let reason = format!(
                "the {what} has {} bytes, and WeChat takes {most}",
                text.len()
            );
            let remedy = "shorten it; a Chinese character takes 3 bytes";
            return Err(Fault::new(reason, remedy));
        }
        if text.chars().any(char::is_control) {
            let reason = format!("the {what} has line ends or control characters");
            return Err(Fault::new(reason, "take them away"));
        }
        Ok(text.to_owned())
    }
}

/// A link as it is written: WeChat gives it back to the letter. It may have a `#fragment`.
fn link(text: &str) -> Result<String, Fault> {
    let text = words("url", MAX_URL)(text)?;
    let is_web = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_web {
        let remedy = "write for example \"https://example.com/path\"";
        return Err(Fault::new("this is no URL of the web", remedy));
    }
    Ok(text)
}

fn match_rule(section: &Section<'_>) -> Reading<MatchRule> {
    let tag = if section.is_text("tag") {
        section
            .optional("tag", forms::text)
            .map(|name| name.map(Tag::Name))
    } else {
        section.number("tag").map(|id| id.map(Tag::Id))
    };
    let platforms = Platform::ALL.map(|(word, platform, _)| (word, platform));
    let platform = section.optional("client_platform_type", forms::choice(&platforms));
    let rule = MatchRule {
        tag: tag?,
        platform: platform?,
    };
    if rule == MatchRule::default() {
        let reason = "it does not say whom this menu is meant for";
        let remedy = "write tag or client_platform_type, or both";
        return Err(section.error("", Fault::new(reason, remedy)));
    }
    Ok(rule)
}

/// The first that fits is shown, so a second one for the same followers never is.
fn each_for_others(sections: &[Section<'_>], conditional: &[Conditional]) -> Reading<()> {
    let twice = sections.iter().zip(conditional).enumerate();
    let twice = twice.filter(|(at, (_, one))| {
        let mut earlier = conditional[..*at].iter();
        earlier.any(|earlier| earlier.rule == one.rule)
    });
    let noted = twice.map(|(_, (section, _))| {
        let reason = "an earlier conditional menu is meant for the same followers";
        Err::<(), _>(section.error("", Fault::new(reason, "join the two")))
    });
    all(noted).map(drop)
}

fn few_hosts(root: &Section<'_>, conditional: &[Conditional]) -> Reading<()> {
    let links = conditional.iter().flat_map(|one| leaves(&one.buttons));
    let links = links.filter_map(|button| match &button.does {
        Does::Acts {
            kind: Kind::View,
            value: url,
        }
        | Does::MiniProgram { url, .. } => Url::parse(url).ok(),
        _ => None,
    });
    let hosts: BTreeSet<String> = links
        .filter_map(|url| url.host_str().map(str::to_owned))
        .collect();
    if hosts.len() <= MAX_HOSTS {
        return Ok(());
    }
    let hosts: Vec<String> = hosts.into_iter().collect();
    let reason = format!(
        "the links of all conditional menus lead to {} hosts, and WeChat takes {MAX_HOSTS}: {}",
        hosts.len(),
        hosts.join(", ")
    );
    let remedy = "let some of them go through one host that redirects";
    Err(root.error("conditional", Fault::new(reason, remedy)))
}

fn at_most(section: &Section<'_>, key: &str, count: usize, most: usize) -> Reading<()> {
    if count <= most {
        return Ok(());
    }
    let reason = format!("there are {count}, and at most {most} are possible");
    Err(section.error(key, Fault::new(reason, "take some away")))
}
