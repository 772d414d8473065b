//! Cuts long texts into pieces that WeChat takes (wechat.md 4.1).

/// Longest text of one custom message, in bytes of UTF-8. The reference is sure of 2,048 for
/// replies and unsure for custom messages, hence the distance.
pub const MAX_SEND_BYTES: usize = 2_000;

/// Cuts `text` into pieces of at most `max_bytes` that together are the text again: after a line
/// end or else a space in a piece's second half, or else between any two characters. A character
/// longer than `max_bytes` stays whole. An empty text has no pieces.
///
/// ```
/// use qiao::wechat::split::split_text;
///
/// assert_eq!(split_text("您好，世界", 9), ["您好，", "世界"]);
/// ```
pub fn split_text(text: &str, max_bytes: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(cut(rest, max_bytes));
        pieces.push(piece.to_owned());
        rest = tail;
    }
    pieces
}

/// Where the first piece ends.
fn cut(text: &str, max_bytes: usize) -> usize {
    if text.len() <= max_bytes {
        return text.len();
    }
    let first = text.chars().next().map_or(0, char::len_utf8);
    let end = text.floor_char_boundary(max_bytes).max(first);
    let head = &text[..end];
    let after = |separator: char| {
        head.rfind(separator)
            .map(|at| at + separator.len_utf8())
            .filter(|at| *at > end / 2)
    };
    after('\n').or_else(|| after(' ')).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_text_stays_whole_and_an_empty_one_is_nothing() {
        assert_eq!(split_text("hello", 5), ["hello"]);
        assert!(split_text("", 5).is_empty());
    }

    #[test]
    fn a_cut_goes_after_a_line_then_after_a_word_then_anywhere() {
        assert_eq!(split_text("one\ntwo three", 8), ["one\ntwo ", "three"]);
        assert_eq!(split_text("first\nx y", 8), ["first\n", "x y"]);
        assert_eq!(split_text("你好吗", 7), ["你好", "吗"]);
        assert_eq!(split_text("你好", 2), ["你", "好"]);
    }

    proptest! {
        #[test]
        fn pieces_are_short_and_together_the_text(text in "([a-z 你😀]|\n){0,120}", max in 4..40_usize) {
            let pieces = split_text(&text, max);
            prop_assert_eq!(pieces.concat(), text);
            for piece in pieces {
                prop_assert!(!piece.is_empty() && piece.len() <= max);
            }
        }
    }
}
