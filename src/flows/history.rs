//! A follower's own history as one passive reply: newest first, within WeChat's limit.

use jiff::tz::TimeZone;

use crate::store::HistoryLine;

/// The passive reply takes 2,048 bytes (wechat.md 2.5).
const MAX_BYTES: usize = 2_048;

/// More lines never fit: the shortest has about 30 bytes.
pub const MAX_LINES: u32 = 80;

/// What is left out at the end is marked.
const MORE: &str = "…";

/// Renders as many lines as fit; `None` when there are none.
pub fn render(lines: &[HistoryLine], zone: &TimeZone) -> Option<String> {
    let mut text = String::new();
    for line in lines {
        let at = line
            .at
            .to_zoned_datetime(zone.clone())
            .strftime("%m-%d %H:%M")
            .to_string();
        let arrow = if line.incoming { "→" } else { "←" };
        let separator = if text.is_empty() { "" } else { "\n" };
        let next = format!("{separator}{at} {arrow} {}", line.text);
        if text.len() + next.len() > MAX_BYTES - MORE.len() {
            let room = (MAX_BYTES - MORE.len()).saturating_sub(text.len());
            text.push_str(&next[..next.floor_char_boundary(room)]);
            text.push_str(MORE);
            break;
        }
        text.push_str(&next);
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn line(text: &str) -> HistoryLine {
        HistoryLine {
            incoming: true,
            text: text.to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn times_are_the_followers() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        assert_eq!(
            render(&[line("你好")], &zone).unwrap(),
            "01-01 08:00 → 你好"
        );
        assert_eq!(render(&[], &zone), None);
    }

    proptest! {
        #[test]
        fn it_always_fits(texts in prop::collection::vec(".{0,900}", 1..40)) {
            let lines: Vec<_> = texts.iter().map(|text| line(text)).collect();
            let shown = render(&lines, &TimeZone::UTC).unwrap();
            prop_assert!(shown.len() <= MAX_BYTES);
        }
    }
}
