//! Words from outside that become labels of metrics: only so many, or each would cost memory for
//! good.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// How many words one place may have.
const MOST: usize = 64;

/// What all others are called.
const OTHER: &str = "other";

/// The words of one place.
#[derive(Debug, Default)]
pub(crate) struct Few(Mutex<HashSet<String>>);

impl Few {
    /// The word itself if it is one of the first 64 that came, else `other`.
    pub(crate) fn word(&self, word: String) -> String {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !words.contains(&word) {
            if words.len() >= MOST {
                return OTHER.to_owned();
            }
            words.insert(word.clone());
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_are_kept_and_a_flood_of_others_shares_one() {
        let few = Few::default();
        let words: HashSet<String> = (0..1_000)
            .map(|number| few.word(format!("word_{number}")))
            .collect();
        assert_eq!(words.len(), MOST + 1);
        assert_eq!(few.word("word_3".to_owned()), "word_3");
        assert_eq!(few.word("word_999".to_owned()), OTHER);
    }
}
