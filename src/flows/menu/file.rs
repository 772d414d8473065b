//! A menu at WeChat as `menu.toml`, so that one that was made elsewhere can be taken over.

use super::Found;
use crate::domain::menu::{Button, Does, MINI_PROGRAM, MatchRule, Platform, Tag};

/// The file. What only the console makes becomes a click, with a remark on the rule that it needs.
pub fn written(found: &Found) -> String {
    let mut file = Writer::default();
    file.buttons("button", found.buttons.as_deref().unwrap_or_default());
    for one in &found.conditional {
        file.table("conditional");
        file.rule(&one.rule);
        file.buttons("conditional.button", &one.buttons);
    }
    file.text
}

#[derive(Default)]
struct Writer {
    text: String,
    /// Clicks that stand for what only the console makes.
    replaced: usize,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn table(&mut self, path: &str) {
        if !self.text.is_empty() {
            self.line("");
        }
        self.line(&format!("[[{path}]]"));
    }

    fn key(&mut self, key: &str, value: &str) {
        let value = toml::Value::from(value);
        self.line(&format!("{key} = {value}"));
    }

    fn rule(&mut self, rule: &MatchRule) {
        match &rule.tag {
            Some(Tag::Id(id)) => self.line(&format!("tag = {id}")),
            Some(Tag::Name(name)) => self.key("tag", name),
            None => {}
        }
        let platforms = Platform::ALL.iter();
        for (word, ..) in platforms.filter(|(_, one, _)| Some(*one) == rule.platform) {
            self.key("client_platform_type", word);
        }
    }

    fn buttons(&mut self, path: &str, buttons: &[Button]) {
        for Button { name, does } in buttons {
            self.table(path);
            self.key("name", name);
            match does {
                Does::Opens(below) => self.buttons(&format!("{path}.sub_button"), below),
                Does::Acts { kind, value } => {
                    self.key("type", kind.as_str());
                    self.key(kind.member(), value);
                }
                Does::MiniProgram { app_id, path, url } => {
                    self.key("type", MINI_PROGRAM);
                    self.key("app_id", app_id);
                    self.key("path", path);
                    self.key("url", url);
                }
                Does::Other { kind, value } => self.replace(kind, value),
            }
        }
    }

    fn replace(&mut self, kind: &str, value: &str) {
        self.replaced += 1;
        let key = format!("console_{}", self.replaced);
        // In one line, whatever it is.
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        self.line(&format!(
            "# The console answered with {kind}: {value}. WeChat's API has no such button: answer this key"
        ));
        self.line(&format!(
            "# by a rule of the account, when = {{ click = \"{key}\" }}."
        ));
        self.key("type", "click");
        self.key("key", &key);
    }
}
