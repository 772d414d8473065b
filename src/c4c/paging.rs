//! Long lists come in pages: `__next` where C4C sends it, else `$skip` (c4c.md 1.5, 1.11).

use std::fmt;
use std::str::FromStr;

use super::customer::Customer;

/// What C4C sends at most without options (c4c.md 1.11). A page of this size without a `__next`
/// may have a successor.
pub(super) const FULL_PAGE: usize = 1000;

/// Some customers, and where the next ones are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of their last change.
    pub customers: Vec<Customer>,
    /// Hand it in for the next page; it may be stored meanwhile. `None` on the last page.
    pub next: Option<String>,
}

/// Some of what changed, and where the rest is; [`Page`] for all that is no customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<T> {
    /// In the order of their last change.
    pub rows: Vec<T>,
    /// As [`Page::next`].
    pub next: Option<String>,
}

/// How the next page is asked for; its text is what callers keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cursor {
    /// The `__next` link. Wherever it comes from, it is checked before it is followed.
    Link(String),
    /// This many rows are already known.
    Skip(usize),
}

impl Cursor {
    /// Where to go on after a page of `rows` with this `__next`, when `skipped` came before it.
    pub(super) fn after(rows: usize, next: Option<String>, skipped: usize) -> Option<Self> {
        match next {
            Some(link) => Some(Self::Link(link)),
            None => (rows >= FULL_PAGE).then_some(Self::Skip(skipped + rows)),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(link) => write!(f, "next={link}"),
            Self::Skip(rows) => write!(f, "skip={rows}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once('=') {
            Some(("next", link)) => Ok(Self::Link(link.to_owned())),
            Some(("skip", rows)) => rows.parse().map(Self::Skip).map_err(|_| ()),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_preferred_and_a_full_page_without_one_is_skipped_over() {
        let link = Some("/x?$skiptoken=1001".to_owned());
        assert_eq!(
            Cursor::after(1000, link.clone(), 0),
            Some(Cursor::Link("/x?$skiptoken=1001".into()))
        );
        assert_eq!(Cursor::after(1000, None, 2000), Some(Cursor::Skip(3000)));
        assert_eq!(Cursor::after(999, None, 2000), None);
    }

    #[test]
    fn a_cursor_survives_being_stored() {
        for cursor in [Cursor::Link("/x?a=b&c=d".into()), Cursor::Skip(1000)] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "skip=", "skip=-1", "https://evil.example"] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }
}
