//! What may be told to people and logs.

use crate::world::SECRETS;

/// No error, warning or `Debug` is longer: a page of a log holds several.
const LONGEST: usize = 1_200;

/// Asserts that a sentence is fit for a log: bounded, one line without terminal escapes, and none
/// of our secrets in it.
pub(crate) fn assert_fit(sentence: &str) {
    assert!(sentence.len() <= LONGEST, "endless: {sentence}");
    assert!(
        !sentence.chars().any(char::is_control),
        "control characters: {sentence:?}"
    );
    for secret in SECRETS {
        assert!(!sentence.contains(secret), "a secret: {sentence}");
    }
}
