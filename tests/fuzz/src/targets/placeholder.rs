//! Texts with placeholders: every byte is accounted for, and no value is looked through.

use qiao::domain::placeholder::{Part, parts, render};

use crate::Target;
use crate::replay;

pub(crate) const TARGET: Target = Target {
    name: "placeholder",
    check,
    words: &[
        "{",
        "}",
        "|",
        "{name}",
        "{name|您好}",
        "{changes|}",
        "{{",
        "\n---\n",
    ],
};

/// More values than any of Qiao's templates has; each placeholder searches them.
const MOST_VALUES: usize = 8;

/// A template, and perhaps the value of every name in it.
fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parts_of_input = replay::parts(&text);
    let template = parts_of_input[0];
    // Short, because a template may name it thousands of times.
    let value: String = parts_of_input[parts_of_input.len() - 1]
        .chars()
        .take(12)
        .collect();
    let value = value.as_str();
    let mut rest = template;
    let mut expected = String::new();
    let mut values = Vec::new();
    for part in parts(template) {
        match part {
            Part::Text(text) => {
                rest = rest.strip_prefix(text).expect("text stands as it is");
                assert!(parts(text).eq([Part::Text(text)]));
                expected.push_str(text);
            }
            Part::Placeholder { name, default } => {
                let (bare, full) = (format!("{{{name}}}"), format!("{{{name}|{default}}}"));
                rest = rest
                    .strip_prefix(&full)
                    .or_else(|| rest.strip_prefix(&bare).filter(|_| default.is_empty()))
                    .expect("a placeholder has one of two forms");
                if values.len() < MOST_VALUES {
                    values.push((name, value));
                }
                let known = values.iter().any(|(known, _)| *known == name);
                expected.push_str(if known && !value.is_empty() {
                    value
                } else {
                    default
                });
            }
        }
    }
    assert_eq!(rest, "");
    assert_eq!(render(template, &values), expected);
}
