//! The questions, and whether an answer will do: the configuration's own readers say so.

use std::path::Path;

use super::text;
use crate::config::{ConfigError, Environment, load_text};

/// What only the operator knows.
#[derive(Debug)]
pub(super) struct Question {
    /// The key it fills, as table and name.
    pub(super) key: (&'static str, &'static str),
    /// The option that answers it.
    pub(super) flag: &'static str,
    /// How it is asked.
    pub(super) words: &'static str,
    /// Taken for an empty answer; an empty one leaves the key out.
    pub(super) default: &'static str,
}

/// The table of the account. Whoever wants another id renames it in the file.
pub(super) const ACCOUNT: &str = "wechat.main";

/// The table of the tenant.
pub(super) const TENANT: &str = "c4c.main";

/// All of them, in the order of the file.
pub(super) const QUESTIONS: [Question; 5] = [
    Question {
        key: ("server", "public_url"),
        flag: "--public-url",
        words: "How the outside reaches Qiao, for example https://bridge.example.cn",
        default: "",
    },
    Question {
        key: (ACCOUNT, "app_id"),
        flag: "--app-id",
        words: "AppID of the Official Account (开发者ID)",
        default: "",
    },
    Question {
        key: (ACCOUNT, "original_id"),
        flag: "--original-id",
        words: "Its original ID, gh_… (原始ID; Enter leaves it out)",
        default: "",
    },
    Question {
        key: (TENANT, "url"),
        flag: "--c4c-url",
        words: "The C4C tenant, for example https://my000000.crm.ondemand.com",
        default: "",
    },
    Question {
        key: (TENANT, "username"),
        flag: "--c4c-username",
        words: "Its technical user",
        default: "_QIAO",
    },
];

/// What was answered so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Answers(Vec<(&'static str, &'static str, String)>);

impl Answers {
    /// Answers a question; what was answered before is forgotten.
    pub(super) fn set(&mut self, question: &Question, answer: &str) {
        let (table, name) = question.key;
        self.0.retain(|(t, n, _)| (*t, *n) != question.key);
        self.0.push((table, name, answer.to_owned()));
    }

    /// The answer to the question of this key.
    pub(super) fn get(&self, key: (&str, &str)) -> &str {
        let found = self
            .0
            .iter()
            .find(|(table, name, _)| (*table, *name) == key);
        found.map_or("", |(_, _, answer)| answer)
    }

    /// The configuration file.
    pub(super) fn text(&self) -> String {
        text::filled(&self.lines(&text::IN_FILES))
    }

    fn lines(
        &self,
        secrets: &[(&'static str, &'static str, &str); 6],
    ) -> Vec<(&'static str, &'static str, String)> {
        let given = self.0.iter().filter(|(_, _, answer)| !answer.is_empty());
        let secrets = secrets
            .iter()
            .map(|(table, name, value)| (*table, *name, (*value).to_owned()));
        given.cloned().chain(secrets).collect()
    }

    /// What is wrong with the answer to a question.
    pub(super) fn fault(&self, question: &Question) -> Option<ConfigError> {
        let faults = self.faults().into_iter();
        let mut of_it = faults.filter(|(of, _)| of.key == question.key);
        of_it.next().map(|(_, fault)| fault)
    }

    /// What is wrong with all answers. The files of secrets are not there yet, so others stand for them.
    pub(super) fn faults(&self) -> Vec<(&'static Question, ConfigError)> {
        let text = text::filled(&self.lines(&text::STAND_INS));
        let nothing = Environment::default();
        let Err(errors) = load_text(&text, Path::new("/qiao.toml"), &nothing) else {
            return Vec::new();
        };
        let of = |error: ConfigError| {
            let is_its = |q: &&Question| format!("{}.{}", q.key.0, q.key.1) == error.key;
            Some((QUESTIONS.iter().find(is_its)?, error))
        };
        errors.0.into_iter().filter_map(of).collect()
    }
}
