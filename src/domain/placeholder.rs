//! Texts with placeholders: `{name}` and `{name|default}`.
//!
//! Texts to followers and the fields of a new customer are written like this. A brace that does
//! not begin a placeholder is text like any other, and a value is never looked through for
//! further placeholders, so a follower cannot smuggle one in.

/// A piece of a template, in order of appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text that stands as it is.
    Text(&'a str),
    /// Something to fill in.
    Placeholder {
        /// Letters, digits and underscores; at least one.
        name: &'a str,
        /// What stands there when the value is unknown or empty; may itself be empty.
        default: &'a str,
    },
}

/// Splits a template into its parts.
pub fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let (part, length) = first_part(rest)?;
        rest = &rest[length..];
        Some(part)
    })
}

/// The names that a template uses, repeated ones repeated.
pub fn names(template: &str) -> impl Iterator<Item = &str> {
    parts(template).filter_map(|part| match part {
        Part::Placeholder { name, .. } => Some(name),
        Part::Text(_) => None,
    })
}

/// Fills a template in. A name without a value, or with an empty one, gives its default.
///
/// ```
/// use qiao::domain::placeholder::render;
///
/// let values = [("customer_id", "1000441")];
/// assert_eq!(render("No. {customer_id}, {name|dear customer}", &values), "No. 1000441, dear customer");
/// ```
pub fn render(template: &str, values: &[(&str, &str)]) -> String {
    let filled = |name: &str| {
        let value = values.iter().find(|(known, _)| *known == name);
        value.map(|(_, value)| *value).filter(|v| !v.is_empty())
    };
    parts(template)
        .map(|part| match part {
            Part::Text(text) => text,
            Part::Placeholder { name, default } => filled(name).unwrap_or(default),
        })
        .collect()
}

/// The part that `rest` begins with and its length in bytes; `None` at the end.
fn first_part(rest: &str) -> Option<(Part<'_>, usize)> {
    if rest.is_empty() {
        return None;
    }
    // What no brace closes holds no placeholder; to look at each open one would take for ever.
    if !rest.contains('}') {
        return Some((Part::Text(rest), rest.len()));
    }
    placeholder_at_start(rest).or_else(|| {
        let next = rest
            .match_indices('{')
            .map(|(at, _)| at)
            .find(|at| placeholder_at_start(&rest[*at..]).is_some())
            .unwrap_or(rest.len());
        Some((Part::Text(&rest[..next]), next))
    })
}

fn placeholder_at_start(rest: &str) -> Option<(Part<'_>, usize)> {
    let inside = rest.strip_prefix('{')?;
    let (name, behind) = inside.split_at(inside.find(|c| !is_in_name(c))?);
    if name.is_empty() || !behind.starts_with(['|', '}']) {
        return None;
    }
    let (default, _) = behind.split_once('}')?;
    let length = 1 + name.len() + default.len() + 1;
    let default = default.strip_prefix('|').unwrap_or_default();
    Some((Part::Placeholder { name, default }, length))
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_defaults_and_plain_text_each_find_their_place() {
        let values = [("name", "李雷"), ("customer_id", ""), ("openid", "o1")];
        for (template, expected) in [
            ("你好 {name}！", "你好 李雷！"),
            ("{customer_id|尚未分配}", "尚未分配"),
            ("[{customer_id}]", "[]"),
            ("{unheard_of|-}{openid}", "-o1"),
            ("{name|x}{name}", "李雷李雷"),
        ] {
            assert_eq!(render(template, &values), expected, "{template}");
        }
    }

    #[test]
    fn a_brace_that_begins_no_placeholder_is_text() {
        for text in ["{", "}", "{}", "{ name }", r#"{"a":1}"#, "{|x}", "a{b"] {
            assert_eq!(render(text, &[("name", "X"), ("b", "X")]), text);
        }
        assert_eq!(render("{{name}}", &[("name", "X")]), "{X}");
    }

    #[test]
    fn a_value_is_not_searched_for_placeholders() {
        let values = [("name", "{openid}"), ("openid", "secret")];
        assert_eq!(render("{name}", &values), "{openid}");
    }

    #[test]
    fn the_names_are_listed_whatever_their_case() {
        let found: Vec<_> = names("{Name} {changes|a} { no } {name}").collect();
        assert_eq!(found, ["Name", "changes", "name"]);
    }

    proptest! {
        #[test]
        fn what_uses_no_name_is_rendered_unchanged(template in "[a-c{}|_ 好]{0,40}") {
            // Nine in ten use none. To reject the others would end a long run early.
            if names(&template).next().is_none() {
                prop_assert_eq!(render(&template, &[("a", "X")]), template);
            }
        }

        #[test]
        fn a_template_whose_names_are_all_unknown_keeps_its_other_text(
            pieces in proptest::collection::vec("[^{}]{0,6}", 1..6),
        ) {
            prop_assert_eq!(render(&pieces.join("{unknown}"), &[]), pieces.concat());
        }

        #[test]
        fn any_value_stands_whole_where_its_name_stood(
            before in "[^{}]{0,10}", value in "\\PC{1,20}", after in "[^{}]{0,10}",
        ) {
            let template = format!("{before}{{x}}{after}");
            prop_assert_eq!(render(&template, &[("x", &value)]), format!("{before}{value}{after}"));
        }
    }
}
