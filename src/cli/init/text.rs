//! The example of the configuration with values in it.

use super::answers::{ACCOUNT, TENANT};

/// What explains every key.
const EXAMPLE: &str = include_str!("../../../config.example.toml");

/// Where the configuration finds each secret: table, name, value.
pub(super) const IN_FILES: [(&str, &str, &str); 6] = [
    (ACCOUNT, "app_secret", "file:wechat-secret"),
    (ACCOUNT, "token", "file:wechat-token"),
    (ACCOUNT, "encoding_aes_key", "file:wechat-aes-key"),
    (TENANT, "password", "file:c4c-password"),
    (TENANT, "notify_password", "file:c4c-notify-password"),
    (TENANT, "notify_key", "file:c4c-notify-key"),
];

/// Secrets of the right form that open nothing, for looking at the other answers.
pub(super) const STAND_INS: [(&str, &str, &str); 6] = [
    (ACCOUNT, "app_secret", "none"),
    (ACCOUNT, "token", "none"),
    (
        ACCOUNT,
        "encoding_aes_key",
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    ),
    (TENANT, "password", "none"),
    (TENANT, "notify_password", "none"),
    (TENANT, "notify_key", "0123456789abcdef"),
];

/// The user by which C4C calls us, as the example has it.
pub(super) const NOTIFY_USERNAME: &str = "c4c";

/// The example, with these values (table, name, value) in place of what it shows, and their tables in force.
pub(super) fn filled(values: &[(&str, &str, String)]) -> String {
    let notify = (TENANT, "notify_username", NOTIFY_USERNAME.to_owned());
    let mut left: Vec<&(&str, &str, String)> = values.iter().chain([&notify]).collect();
    let mut table = String::new();
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        let bare = line.strip_prefix('#').unwrap_or(line);
        let is_header = bare.starts_with('[') && bare.ends_with(']');
        if is_header {
            bare.trim_matches(['[', ']']).clone_into(&mut table);
        }
        let of_it = |(t, name, _): &&(&str, &str, String)| {
            *t == table && bare.split_once(" = ").is_some_and(|(key, _)| key == *name)
        };
        if let Some(at) = left.iter().position(of_it) {
            let (_, name, value) = left.remove(at);
            let value = toml::Value::from(value.as_str()).to_string();
            text.extend([*name, " = ", &value]);
        } else if is_header && (table == ACCOUNT || table == TENANT) {
            text.push_str(bare);
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    debug_assert!(
        left.is_empty(),
        "the example shows every key that is asked for"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::super::answers::{Answers, QUESTIONS};

    #[test]
    fn every_answer_stands_in_the_text_and_the_rest_of_the_example_stays() {
        let mut answers = Answers::default();
        for question in &QUESTIONS {
            answers.set(question, &format!("the \"answer\" to {}", question.flag));
        }
        let text = answers.text();
        let table: toml::Table = text.parse().unwrap();
        for question in &QUESTIONS {
            let (path, name) = question.key;
            let found = path
                .split('.')
                .try_fold(&table, |table, key| table[key].as_table());
            let expected = format!("the \"answer\" to {}", question.flag);
            assert_eq!(found.unwrap()[name].as_str(), Some(&*expected));
        }
        let example = super::EXAMPLE.lines().filter(|line| line.starts_with("# "));
        for line in example {
            assert!(text.contains(line), "{line}");
        }
    }
}
