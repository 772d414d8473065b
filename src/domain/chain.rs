//! The chain of the audit: each row's hash covers the row before it, so that nobody changes, takes out,
//! puts in or swaps one unseen.
//!
//! Pure: the store reads and writes the rows. Start reading at [`Entry::hash`] and [`Chain::follow`].
//! What a chain alone cannot show: that rows are gone from its end, or that all from one row on were
//! written anew. For that its head must be known elsewhere (docs/PRIVACY.md).

use serde::Serialize;

use crate::kit::media::sha256;

/// A row of the audit, without its hash. The order of its members is part of the canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Grows by one from row to row.
    pub id: i64,
    /// Microseconds since 1970.
    pub at: i64,
    /// Who acted.
    pub who: String,
    /// What they did.
    pub act: String,
    /// On what.
    pub target: String,
    /// What it was before.
    pub before: Option<String>,
    /// What it became.
    pub after: Option<String>,
}

impl Entry {
    /// The hash of this row behind the row whose hash is `previous`: SHA-256 over the canonical form, 64
    /// hex digits.
    pub fn hash(&self, previous: &str) -> String {
        sha256(self.canonical(previous).as_bytes())
    }

    /// JSON: texts are quoted and NULL is no text, so that no two rows have one form.
    fn canonical(&self, previous: &str) -> String {
        serde_json::to_string(&(previous, self)).expect("text and numbers")
    }
}

/// A chain that has been followed up to some row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// Its last row; 0 before the first.
    pub id: i64,
    /// The hash of that row; empty before the first.
    pub hash: String,
}

/// Why a row does not continue its chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Rows before it are gone.
    #[error("row {before} follows on row {after}: what stood between them is gone")]
    Missing {
        /// The last row that is there.
        after: i64,
        /// The next one that is there.
        before: i64,
    },
    /// It, or what it follows on, is not what was written.
    #[error("row {0} does not fit the row before it: it was changed, put in or moved")]
    Changed(i64),
    /// SQLite has given higher ids than are there.
    #[error("the last row is {last}, but rows were written up to {written}: the end is gone")]
    Cut {
        /// The last row that is there.
        last: i64,
        /// The highest id that was given.
        written: i64,
    },
    /// The hash of a row is not the one that was noted elsewhere.
    #[error("row {0} is not the one whose hash was noted: it is gone, or was written anew")]
    NotAsNoted(i64),
}

impl Chain {
    /// Goes on to `entry`, if it continues the chain with this hash.
    pub fn follow(&mut self, entry: &Entry, hash: &str) -> Result<(), Broken> {
        if entry.id != self.id + 1 {
            return Err(Broken::Missing {
                after: self.id,
                before: entry.id,
            });
        }
        if entry.hash(&self.hash) != hash {
            return Err(Broken::Changed(entry.id));
        }
        self.id = entry.id;
        hash.clone_into(&mut self.hash);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries() -> impl Strategy<Value = Entry> {
        // Few letters, among them those of the form itself: what could be confused meets often.
        let text = || "[a\",\\[\\]\\\\ n]{0,4}";
        let some = || prop::option::of(text());
        (0..3_i64, 0..3_i64, (text(), text(), text()), some(), some()).prop_map(
            |(id, at, (who, act, target), before, after)| Entry {
                id,
                at,
                who,
                act,
                target,
                before,
                after,
            },
        )
    }

    fn chain(acts: &[String]) -> Vec<(Entry, String)> {
        let mut previous = String::new();
        let link = |(act, id): (&String, i64)| {
            let entry = Entry {
                id,
                at: id,
                who: "wang".to_owned(),
                act: act.clone(),
                target: "7".to_owned(),
                before: None,
                after: None,
            };
            previous = entry.hash(&previous);
            (entry, previous.clone())
        };
        acts.iter().zip(1..).map(link).collect()
    }

    fn followed(rows: &[(Entry, String)]) -> Result<Chain, Broken> {
        let mut chain = Chain::default();
        for (entry, hash) in rows {
            chain.follow(entry, hash)?;
        }
        Ok(chain)
    }

    proptest! {
        #[test]
        fn no_two_rows_have_one_form(
            one in entries(), other in entries(), before in "[ab\",]{0,2}", behind in "[ab\",]{0,2}",
        ) {
            let same = one == other && before == behind;
            prop_assert_eq!(one.canonical(&before) == other.canonical(&behind), same);
        }

        #[test]
        fn whatever_is_done_to_a_row_is_found_there(
            acts in prop::collection::vec("[a-z]{1,3}", 3..8), at: prop::sample::Index, how in 0..4,
        ) {
            let whole = chain(&acts);
            prop_assert_eq!(followed(&whole).unwrap().id, i64::try_from(acts.len()).unwrap());
            let place = at.index(acts.len() - 1);
            let mut rows = whole.clone();
            match how {
                0 => rows[place].0.act.push('x'),
                1 => drop(rows.remove(place)),
                2 => rows.insert(place, whole[place].clone()),
                _ => rows.swap(place, place + 1),
            }
            let id = i64::try_from(place).unwrap() + 1;
            let first = match followed(&rows).unwrap_err() {
                Broken::Missing { after, .. } => after + 1,
                Broken::Changed(row) => row,
                other => panic!("{other}"),
            };
            prop_assert!(first == id || first == id + 1, "{first} and not {id}");
        }
    }
}
