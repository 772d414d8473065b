//! Names for files that people will save and open, on any system.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::file_type::FileType;

/// Longest name, in characters: with four bytes each it still fits the 255 bytes that file systems
/// allow.
const MAX_CHARS: usize = 60;

/// The name of a file that has none: `003_voice_20261123_093000.amr`.
///
/// `number` counts within a conversation, so that names sort as things were said; `word` is what
/// a person calls it; `at` is told in `zone`.
pub fn proposed(number: u64, word: &str, at: Timestamp, zone: &TimeZone, kind: FileType) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    let time = local.strftime("%Y%m%d_%H%M%S");
    let end = format!("_{time}.{}", kind.extension());
    let mut start = sanitised(&format!("{number:03}_{word}"));
    let room = MAX_CHARS.saturating_sub(end.len());
    if let Some((cut, _)) = start.char_indices().nth(room) {
        start.truncate(cut);
    }
    start + &end
}

/// A name from outside, made harmless: one that leads into no other folder, hides nothing and is
/// allowed on every system. Letters of every script stay; the extension survives a cut.
pub fn sanitised(name: &str) -> String {
    let is_fit = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let harmless: String = name
        .chars()
        .map(|c| if is_fit(c) { c } else { '_' })
        .collect();
    // A leading dot hides a file, and Windows drops what trails.
    let harmless = harmless.trim_matches(|c| c == '.' || c == ' ');
    if harmless.is_empty() {
        "file".to_owned()
    } else if is_device(harmless) {
        shortened(&format!("_{harmless}"))
    } else {
        shortened(harmless)
    }
}

/// At most [`MAX_CHARS`]; a short extension is kept.
fn shortened(name: &str) -> String {
    if name.chars().count() <= MAX_CHARS {
        return name.to_owned();
    }
    let extension = match name.rsplit_once('.') {
        Some((_, end)) if end.len() <= 8 => format!(".{end}"),
        _ => String::new(),
    };
    let room = MAX_CHARS - extension.chars().count();
    let stem: String = name.chars().take(room).collect();
    stem.trim_end_matches(['.', ' ']).to_owned() + &extension
}

/// Windows opens a device when a file is called so, whatever the extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let is_port = |word| {
        let number = stem.strip_prefix(word).unwrap_or_default();
        matches!(number.as_bytes(), [b'0'..=b'9'])
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || is_port("COM") || is_port("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_proposed_name_tells_number_kind_and_local_time() {
        let at = "2026-11-23T01:30:00Z".parse().unwrap();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let name = |number, word| proposed(number, word, at, &zone, FileType::Amr);
        assert_eq!(name(3, "voice"), "003_voice_20261123_093000.amr");
        assert_eq!(name(12_345, "语音"), "12345_语音_20261123_093000.amr");
        assert_eq!(name(1, "a/b"), "001_a_b_20261123_093000.amr");
        let long = name(1, &"x".repeat(300));
        assert!(long.ends_with("x_20261123_093000.amr"), "{long}");
        assert_eq!(long.chars().count(), MAX_CHARS);
    }

    #[test]
    fn a_name_from_outside_is_made_harmless_and_stays_readable() {
        let cases = [
            ("报价 2026.pdf", "报价 2026.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\temp\\a.exe", "C__temp_a.exe"),
            (".bashrc", "bashrc"),
            ("a\u{202e}gpj.exe\r\n", "a_gpj.exe__"),
            ("quote\".txt. ", "quote_.txt"),
            ("", "file"),
            (" .. ", "file"),
            ("con.txt", "_con.txt"),
            ("LPT1", "_LPT1"),
            ("contract.txt", "contract.txt"),
        ];
        for (name, expected) in cases {
            assert_eq!(sanitised(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let cut = sanitised(&format!("{}.docx", "长".repeat(200)));
        assert!(cut.ends_with("长.docx"), "{cut}");
        assert!(cut.len() <= 255, "{}", cut.len());
    }

    proptest! {
        #[test]
        fn every_name_can_be_given_to_a_file(name in any::<String>()) {
            let harmless = sanitised(&name);
            prop_assert!(!harmless.is_empty());
            prop_assert!(harmless.chars().count() <= MAX_CHARS);
            prop_assert!(harmless.len() <= 255);
            prop_assert!(!harmless.contains(['/', '\\', '"', '\r', '\n', '\0']));
            prop_assert!(!harmless.starts_with('.') && !harmless.ends_with(['.', ' ']));
            prop_assert_eq!(sanitised(&harmless), harmless, "once is enough");
        }
    }
}
