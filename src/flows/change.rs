//! A follower changes something of their own: what they may write, and the effect that carries it.

use serde::{Deserialize, Serialize};

use super::names::CUSTOMER_CHANGE;
use crate::domain::ids::TenantId;
use crate::domain::rows::{Changes, Follower, MappingState, NewEffect, Priority, names};
use crate::store::Mapping;

/// The property of C4C's customers that holds the number of their mobile phone (c4c.md 2.1).
pub const MOBILE: &str = "Mobile";

/// Digits of a number with its country's, at least and at most (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Longest way to write one.
const LONGEST: usize = 30;

/// The payload of `customer.change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Who asked for it.
    pub follower: Follower,
    /// Which property of their customer.
    pub field: String,
    /// What it shall be.
    pub value: String,
}

/// Why a number is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It does not begin with `+` and a country's digits.
    Country,
    /// Something in it is no digit, space, hyphen or bracket.
    Sign,
    /// It has too few or too many digits.
    Length,
}

impl Wrong {
    /// What to do about it, in English and Chinese.
    pub fn told(self) -> [&'static str; 2] {
        match self {
            Self::Country => [
                "write the number with its country: +86 138 0000 0000",
                "请填写带国家代码的号码：+86 138 0000 0000",
            ],
            Self::Sign => [
                "write the number with digits and spaces only: +86 138 0000 0000",
                "号码只能包含数字和空格：+86 138 0000 0000",
            ],
            Self::Length => [
                "the number has too few or too many digits",
                "号码位数不正确",
            ],
        }
    }
}

/// Reads a number: `+`, then digits with single separators. It is kept as it is written, since people
/// read it.
pub fn mobile(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('+') else {
        return Err(Wrong::Country);
    };
    if !rest.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return Err(Wrong::Country);
    }
    let known = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')');
    if !rest.chars().all(known) {
        return Err(Wrong::Sign);
    }
    let ends_well = rest.ends_with(|c: char| c.is_ascii_digit());
    if !DIGITS.contains(&digits(rest).len()) || text.len() > LONGEST || !ends_well {
        return Err(Wrong::Length);
    }
    Ok(text.to_owned())
}

/// Whether two numbers are the same, however they are written.
pub fn same_number(one: &str, other: &str) -> bool {
    digits(one) == digits(other)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The lane of changes of a follower's customer. It is the customer's own, so that C4C's notification of
/// the change is looked at behind it: the baseline is renewed by then. `None` for who has no customer.
pub fn lane(mapping: &Mapping) -> Option<String> {
    let (object, _) = mapping.customer.as_ref()?;
    Some(names::object_lane(&mapping.tenant, object))
}

/// The change that somebody asked for; `None` for who stands for no customer now.
pub fn ask(mapping: &Mapping, field: &str, value: String) -> Option<Changes> {
    if mapping.state != MappingState::Linked {
        return None;
    }
    let change = Change {
        follower: mapping.follower.clone(),
        field: field.to_owned(),
        value,
    };
    Some(Changes {
        effects: vec![effect(lane(mapping)?, &mapping.tenant, &change)],
        ..Changes::none()
    })
}

fn effect(lane: String, tenant: &TenantId, change: &Change) -> NewEffect {
    NewEffect {
        priority: Priority::Live,
        ..NewEffect::new(lane, CUSTOMER_CHANGE, names::c4c(tenant), change)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_has_its_country_and_is_kept_as_it_is_written() {
        for right in ["+86 138 0000 0000", "+8613800000000", "+49 (30) 123-4567"] {
            assert_eq!(mobile(&format!(" {right} ")).as_deref(), Ok(right));
        }
        for (wrong, why) in [
            ("", Wrong::Country),
            ("13800000000", Wrong::Country),
            ("+013800000000", Wrong::Country),
            ("+ 86 138", Wrong::Country),
            ("+86 138 0000 000x", Wrong::Sign),
            ("+86\u{2003}13800000000", Wrong::Sign),
            ("+86１３８", Wrong::Sign),
            ("+86 138", Wrong::Length),
            ("+8613800000000000", Wrong::Length),
            ("+86 1 3 8 0 0 0 0 0 0 0 0          ", Wrong::Length),
            ("+86 13800000000-", Wrong::Length),
        ] {
            let told = mobile(wrong);
            if wrong.trim().len() <= LONGEST || told.is_err() {
                assert!(
                    told.is_err_and(|told| told == why) || wrong.ends_with(' '),
                    "{wrong}"
                );
            }
        }
        assert!(same_number("+86 138 0000 0000", "+86 13800000000"));
    }

    proptest! {
        #[test]
        fn what_is_taken_has_seven_to_fifteen_digits_and_nothing_strange(text in "\\PC{0,40}") {
            if let Ok(number) = mobile(&text) {
                prop_assert!(DIGITS.contains(&digits(&number).len()));
                prop_assert!(number.is_ascii() && number.starts_with('+'));
            }
        }
    }
}
