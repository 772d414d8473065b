//! Long texts: the pieces are the text, none is too long, none cuts a character.

use qiao::wechat::split::{MAX_SEND_BYTES, split_text};

use crate::Target;

pub(crate) const TARGET: Target = Target {
    name: "split",
    check,
    words: &["\n", " ", "您好", "😀", "e\u{301}", "\u{200d}", "long"],
};

/// The first byte is the limit, the rest is the text.
fn check(bytes: &[u8]) {
    let (limit, text) = bytes.split_first().unwrap_or((&0, bytes));
    let text = String::from_utf8_lossy(text);
    check_limit(&text, usize::from(*limit));
    check_limit(&text, MAX_SEND_BYTES);
}

fn check_limit(text: &str, limit: usize) {
    let pieces = split_text(text, limit);
    assert_eq!(pieces.concat(), text);
    for piece in &pieces {
        let fits = piece.len() <= limit || piece.chars().count() == 1;
        assert!(fits && !piece.is_empty());
    }
    // A piece is at least half of what fits, or a message would be sent in needlessly many.
    if limit > 4 {
        let shortest = (limit - 3) / 2 + 1;
        assert!(pieces.len() <= text.len() / shortest + 1);
    }
}
