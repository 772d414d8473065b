//! How a text is found: what it is indexed under, and what a person looks for.
//!
//! Chinese has no spaces between words, so each character stands in the index with the one behind
//! it: `订单号` is indexed under `订单 单号 号`, and whoever looks for `订单号` looks for the phrase
//! `订单 单号`. A single character is the beginning of such a gram. Scripts with spaces are indexed
//! by words, and a word is found by its beginning.
//!
//! The index only proposes: [`Sought::is_in`] decides. What it finds, the index must propose, and a
//! property test holds that. It knows no database; the form of [`Sought::phrases`] is that of FTS5.

use std::fmt;

/// Phrases that the index is asked for: a few narrow the search enough, the text decides on all.
const MOST_PHRASES: usize = 8;

/// Grams of one phrase that the index is asked for: each opens a reader of its own.
const MOST_GRAMS: usize = 16;

/// What a text is indexed under: its grams in order, apart by spaces. Empty when it has none.
///
/// ```
/// use qiao::domain::grams::grams;
///
/// assert_eq!(grams("订单号：A-42"), "订单 单号 号 a 42");
/// ```
pub fn grams(text: &str) -> String {
    grams_of(&folded(text)).join(" ")
}

/// What a person looks for: pieces apart by spaces, all of which a text must have.
#[derive(Clone, PartialEq, Eq)]
pub struct Sought {
    pieces: Vec<String>,
    phrases: String,
}

/// Nothing in it can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing to look for: name at least one letter, digit or Chinese character")]
pub struct NothingSought;

impl Sought {
    /// Reads what was typed. Letter case and full width (`Ａ` for `A`) do not matter.
    pub fn parse(typed: &str) -> Result<Self, NothingSought> {
        let pieces: Vec<String> = folded(typed).split_whitespace().map(Into::into).collect();
        let phrases = pieces.iter().filter_map(|piece| phrase(piece));
        let phrases: Vec<String> = phrases.take(MOST_PHRASES).collect();
        if phrases.is_empty() {
            return Err(NothingSought);
        }
        let phrases = phrases.join(" AND ");
        Ok(Self { pieces, phrases })
    }

    /// What the index is asked for, as FTS5 reads it.
    pub fn phrases(&self) -> &str {
        &self.phrases
    }

    /// Whether a text has every piece as it was typed; one that begins with a letter or digit only
    /// where a word begins.
    pub fn is_in(&self, text: &str) -> bool {
        let text = folded(text);
        self.pieces.iter().all(|piece| stands_in(piece, &text))
    }
}

/// What people look for is as private as what was said.
impl fmt::Debug for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sought({} pieces)", self.pieces.len())
    }
}

fn stands_in(piece: &str, text: &str) -> bool {
    let in_word = |c: Option<char>| c.is_some_and(|c| Kind::of(c) == Kind::Letter);
    let begins_word = in_word(piece.chars().next());
    let mut places = text.char_indices().map(|(at, _)| text.split_at(at));
    places.any(|(before, rest)| {
        rest.starts_with(piece) && !(begins_word && in_word(before.chars().next_back()))
    })
}

/// The phrase that every text with this piece is indexed under; `None` for signs alone.
fn phrase(piece: &str) -> Option<String> {
    let mut grams = grams_of(piece);
    let (kind, last) = runs(piece).last()?;
    // The text may go on where the piece ends: its last gram need not be the text's.
    let mut open = kind != Kind::Between;
    if kind == Kind::Character && last.chars().count() > 1 {
        grams.pop();
        open = false;
    }
    if grams.len() > MOST_GRAMS {
        grams.truncate(MOST_GRAMS);
        open = false;
    }
    let ending = if open { "*" } else { "" };
    (!grams.is_empty()).then(|| format!("\"{}\"{ending}", grams.join(" ")))
}

/// Of what kind a character is, for the index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of a script that has no spaces between words: Chinese, Japanese, and Korean with them.
    Character,
    /// A letter or digit of any other script.
    Letter,
    /// Signs and spaces, which are not indexed.
    Between,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            // 々〇 and kana; bopomofo; hangul; Han with its extensions and compatibility forms.
            '\u{3005}'..='\u{3007}'
            | '\u{3041}'..='\u{3096}'
            | '\u{309d}'..='\u{309f}'
            | '\u{30a1}'..='\u{30fa}'
            | '\u{30fc}'..='\u{312f}'
            | '\u{31a0}'..='\u{31bf}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}' => Self::Character,
            c if c.is_alphanumeric() => Self::Letter,
            _ => Self::Between,
        }
    }
}

/// The grams of a folded text, in order.
fn grams_of(folded: &str) -> Vec<&str> {
    let mut grams = Vec::new();
    for (kind, run) in runs(folded) {
        match kind {
            Kind::Character => grams.extend(run.char_indices().map(|(at, _)| {
                let rest = &run[at..];
                let end = rest
                    .char_indices()
                    .nth(2)
                    .map_or(rest.len(), |(end, _)| end);
                &rest[..end]
            })),
            Kind::Letter => grams.push(run),
            Kind::Between => {}
        }
    }
    grams
}

/// A text as stretches of characters of one kind.
fn runs(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = Kind::of(rest.chars().next()?);
        let end = rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        rest = behind;
        Some((kind, run))
    })
}

/// A text in lower case and half width, so that it is found however it was typed.
fn folded(text: &str) -> String {
    text.chars()
        .map(half_width)
        .flat_map(char::to_lowercase)
        .collect()
}

fn half_width(c: char) -> char {
    match c {
        // The full-width forms stand in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(typed: &str) -> String {
        Sought::parse(typed).unwrap().phrases().to_owned()
    }

    fn finds(typed: &str, text: &str) -> bool {
        Sought::parse(typed).unwrap().is_in(text)
    }

    #[test]
    fn characters_stand_in_pairs_and_words_whole() {
        for (text, expected) in [
            ("订单号", "订单 单号 号"),
            ("好", "好"),
            ("我的iPhone坏了！", "我的 的 iphone 坏了 了"),
            ("Hello, World 2026", "hello world 2026"),
            ("ＡＢＣ１２３", "abc123"),
            ("カメラ、𠮷野家", "カメ メラ ラ 𠮷野 野家 家"),
            ("？！ 😀\n", ""),
        ] {
            assert_eq!(grams(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_sought_is_a_phrase_that_leaves_its_end_open() {
        for (typed, expected) in [
            ("订单", r#""订单""#),
            ("订单号", r#""订单 单号""#),
            ("号", r#""号"*"#),
            ("Order", r#""order"*"#),
            ("订单号：", r#""订单 单号 号""#),
            ("iPhone手机", r#""iphone 手机""#),
            ("手机 A-1", r#""手机" AND "a 1"*"#),
            ("C++ 😀", r#""c""#),
        ] {
            assert_eq!(asked(typed), expected, "{typed}");
        }
        for nothing in ["", "  ", "?!", "😀"] {
            assert_eq!(Sought::parse(nothing), Err(NothingSought), "{nothing}");
        }
    }

    #[test]
    fn a_text_has_it_only_as_it_was_typed() {
        for (typed, text) in [
            ("订单号", "请问我的订单号是多少"),
            ("多少 订单", "请问我的订单号是多少"),
            ("ipHONE", "新的 iPhone15"),
            ("ａ－１", "see a-1."),
            ("a-a", "xa-a-a"),
            ("c++", "I like C++"),
        ] {
            assert!(finds(typed, text), "{typed} in {text}");
        }
        for (typed, text) in [
            ("订单号", "订单，单号"),
            ("订单 退款", "请问我的订单号是多少"),
            ("phone", "新的 iPhone15"),
            ("a-1", "a 1"),
            ("c++", "c"),
        ] {
            assert!(!finds(typed, text), "{typed} in {text}");
        }
    }

    #[test]
    fn a_query_cannot_leave_its_quotes_and_is_asked_in_short() {
        assert_eq!(
            asked(r#"a" OR "b* NEAR("#),
            r#""a" AND "or"* AND "b" AND "near""#
        );
        let long = asked(&"订单号码".repeat(100));
        assert_eq!(long.split(' ').count(), MOST_GRAMS);
        let many = asked(&"a ".repeat(100));
        assert_eq!(many.matches(" AND ").count(), MOST_PHRASES - 1);
        assert_eq!(
            format!("{:?}", Sought::parse("a b").unwrap()),
            "Sought(2 pieces)"
        );
    }

    /// What FTS5 does with [`Sought::phrases`] and the grams of a text.
    fn proposes(phrases: &str, grams: &str) -> bool {
        let grams: Vec<&str> = grams.split(' ').collect();
        phrases.split(" AND ").all(|phrase| {
            let (words, ending) = phrase[1..].split_once('"').unwrap();
            let words: Vec<&str> = words.split(' ').collect();
            let is = |(at, (gram, word)): (usize, (&&str, &&str))| {
                gram == word || (ending == "*" && at + 1 == words.len() && gram.starts_with(*word))
            };
            let mut places = grams.windows(words.len());
            places.any(|place| place.iter().zip(&words).enumerate().all(is))
        })
    }

    proptest! {
        #[test]
        fn whatever_a_text_has_the_index_proposes(
            text in "[订单号码aBc1Ａ１，.+ ]{1,24}", from in 0..24_usize, length in 1..24_usize,
        ) {
            let typed: String = text.chars().skip(from).take(length).collect();
            if let Ok(sought) = Sought::parse(&typed)
                && sought.is_in(&text)
            {
                prop_assert!(proposes(sought.phrases(), &grams(&text)), "{:?}", sought.phrases());
            }
        }

        #[test]
        fn every_stretch_of_characters_is_found_in_its_text(
            text in "\\PC{0,20}", sought in "[订单号码客服]{1,6}", behind in "\\PC{0,20}",
        ) {
            let text = format!("{text}{sought}{behind}");
            let sought = Sought::parse(&sought).unwrap();
            prop_assert!(sought.is_in(&text));
            prop_assert!(proposes(sought.phrases(), &grams(&text)));
        }

        #[test]
        fn any_text_and_any_query_are_read(text in "\\PC{0,40}", typed in "\\PC{0,40}") {
            let grams = grams(&text);
            prop_assert!(!grams.contains("  ") && grams.trim() == grams);
            if let Ok(sought) = Sought::parse(&typed)
                && sought.is_in(&text)
            {
                prop_assert!(proposes(sought.phrases(), &grams));
            }
        }
    }
}
