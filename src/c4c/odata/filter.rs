//! `$filter` expressions within the grammar that C4C documents (c4c.md 1.11).

use std::fmt;

use jiff::{Timestamp, Unit};

/// The stamp of the whole object, the only documented one for deltas (c4c.md 1.11).
pub const CHANGED_ON: &str = "EntityLastChangedOn";

/// An expression, not yet percent-encoded.
///
/// It may hold an OpenID: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Filter(String);

/// Why a comparison cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// In `eq`, C4C takes `*` for a wildcard and offers no way to escape it.
    #[error("the value holds `*`, which C4C takes for a wildcard; it cannot be searched for")]
    Wildcard,
    /// A property is a letter or `_`, then letters, digits and `_`.
    #[error("the name of the property is not one of OData")]
    Property,
}

impl Filter {
    /// `property eq 'value'`, with quotes in the value doubled.
    pub fn equals(property: &str, value: &str) -> Result<Self, FilterError> {
        if !is_property(property) {
            return Err(FilterError::Property);
        }
        if value.contains('*') {
            return Err(FilterError::Wildcard);
        }
        Ok(Self(format!("{property} eq '{}'", quoted(value))))
    }

    /// Both must hold; C4C knows `and` between any two properties.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self(format!("{} and {}", self.0, other.0))
    }

    /// Everything changed at `since` or later. The instant itself is included, and it is cut to
    /// whole seconds, so that the boundary comes twice rather than never.
    pub fn changed_since(since: Timestamp) -> Self {
        let second = since
            .round(
                jiff::TimestampRound::new()
                    .smallest(Unit::Second)
                    .mode(jiff::RoundMode::Floor),
            )
            .unwrap_or(since);
        Self(format!("{CHANGED_ON} ge datetimeoffset'{second}'"))
    }

    /// The expression itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

/// The inside of a string literal: quotes doubled.
pub fn quoted(value: &str) -> String {
    value.replace('\'', "''")
}

fn is_property(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_quote_in_a_value_is_doubled() {
        let filter = Filter::equals("LastName", "O'Neil' or '1' eq '1").unwrap();
        assert_eq!(filter.as_str(), "LastName eq 'O''Neil'' or ''1'' eq ''1'");
    }

    #[test]
    fn a_wildcard_and_an_odd_property_are_refused() {
        assert_eq!(Filter::equals("LastName", "o*"), Err(FilterError::Wildcard));
        for name in ["", "1a", "Last Name", "A eq 'x' or B", "Café"] {
            assert_eq!(
                Filter::equals(name, "x"),
                Err(FilterError::Property),
                "{name}"
            );
        }
    }

    #[test]
    fn two_conditions_are_joined() {
        let id = Filter::equals("ID", "59161").unwrap();
        let kind = Filter::equals("TypeCode", "1607").unwrap();
        assert_eq!(
            id.and(&kind).as_str(),
            "ID eq '59161' and TypeCode eq '1607'"
        );
    }

    #[test]
    fn a_delta_starts_at_the_whole_second() {
        let since: Timestamp = "2015-04-01T00:00:00.999999Z".parse().unwrap();
        assert_eq!(
            Filter::changed_since(since).as_str(),
            "EntityLastChangedOn ge datetimeoffset'2015-04-01T00:00:00Z'"
        );
    }

    /// Reads one string literal as OData does; gives the value and what stands behind it.
    fn literal(text: &str) -> (String, &str) {
        let mut value = String::new();
        let mut rest = text.strip_prefix('\'').unwrap();
        loop {
            let end = rest.find('\'').unwrap();
            value.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('\'') {
                Some(behind) => {
                    value.push('\'');
                    rest = behind;
                }
                None => return (value, rest),
            }
        }
    }

    proptest! {
        #[test]
        fn no_value_can_add_to_the_expression(value in "([^*]|'){0,40}") {
            let filter = Filter::equals("LastName", &value).unwrap();
            let text = filter.as_str().strip_prefix("LastName eq ").unwrap();
            prop_assert_eq!(literal(text), (value, ""));
        }

        #[test]
        fn a_delta_never_starts_late(micros in 0_i64..4_102_444_800_000_000) {
            let since = Timestamp::from_microsecond(micros).unwrap();
            let filter = Filter::changed_since(since);
            let text = filter.as_str().split('\'').nth(1).unwrap();
            let read = crate::c4c::odata::types::instant(text).unwrap();
            prop_assert!(read <= since && since.duration_since(read).as_secs() < 1);
        }
    }
}
