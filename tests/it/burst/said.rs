//! What followers of the burst say, and how it must stand in C4C.

use jiff::Timestamp;
use qiao::kit::random::Random;
use qiao_sim::c4c::ActivityView;
use qiao_sim::wechat::{Place, PushOptions, Voice, WeChat};
use rand::Rng;

/// Everybody sends this one, and some send it twice: its bytes are kept once and attached each time.
const STICKER: &[u8] = b"GIF89a a sticker that everybody likes";

const PLACE: Place<'_> = Place {
    latitude: 30.67,
    longitude: 104.06,
    scale: 16,
    label: "成都天府广场",
};

/// How a medium begins; what follows makes each a file of its own.
const JPEG: &[u8] = b"\xff\xd8\xff\xe0";
const AMR: &[u8] = b"#!AMR\n";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";

/// The longest medium beyond its beginning, in bytes: several pieces of a TCP stream.
const LONGEST_MEDIUM: u64 = 40_000;

/// One message in so many comes in copies …
const IN_COPIES: u64 = 4;
/// … in so many late, so that others overtake it …
const LATE: u64 = 5;
/// … and after one in so many an earlier one comes again.
const COMES_AGAIN: u64 = 6;

/// The longest delay, in milliseconds: well within the moment that Qiao waits for the overtaken.
const LATEST: u64 = 300;

/// A message as it was said.
#[derive(Debug)]
pub struct Said {
    pub msg_id: i64,
    pub created: Timestamp,
    /// What its text in C4C holds; of a text it is all of it.
    words: String,
    is_text: bool,
    medium: Option<Vec<u8>>,
}

/// The order in which they must stand in C4C.
pub fn in_order(said: &mut [Said]) {
    said.sort_by_key(|said| (said.created.as_second(), said.msg_id));
}

/// A follower sends their message of that number, of one kind after the other, as WeChat at its worst
/// delivers it.
pub fn say(
    (wechat, now, rng): (&mut WeChat, Timestamp, &mut dyn Rng),
    openid: &str,
    number: usize,
    random: &Random,
) -> Said {
    let one_in = |many: u64| random.word().is_multiple_of(many);
    let copies = if one_in(IN_COPIES) { 3 } else { 1 };
    let delay_ms = if one_in(LATE) {
        random.word() % LATEST
    } else {
        0
    };
    wechat.next_push(PushOptions {
        copies,
        delay_ms,
        tamper: None,
    });
    let words = format!("{openid} 的第 {number} 句");
    let medium = match number % 8 {
        1 => Some(made(JPEG, random)),
        2 => Some(made(AMR, random)),
        3 => Some(made(MP4, random)),
        6 => Some(STICKER.to_vec()),
        _ => None,
    };
    let bytes = medium.as_deref().unwrap_or_default();
    let (push, words) = match number % 8 {
        1 | 6 => (wechat.send_image(openid, bytes, now, rng), String::new()),
        2 => {
            let voice = Voice {
                bytes,
                recognition: Some(&words),
                ..Voice::default()
            };
            (wechat.send_voice(openid, &voice, now, rng), words)
        }
        3 => {
            let push = wechat.send_video(openid, bytes, JPEG, now, rng);
            (push, String::new())
        }
        4 => {
            let push = wechat.send_location(openid, &PLACE, now, rng);
            (push, PLACE.label.to_owned())
        }
        5 => {
            let push = wechat.send_link(openid, &words, "", "https://example.cn/m", now, rng);
            (push, words)
        }
        _ => (wechat.say(openid, &words, now, rng), words),
    };
    let record = wechat.push(push).unwrap();
    let said = Said {
        msg_id: record.msg_id.unwrap(),
        created: record.created,
        words,
        is_text: record.what == "text",
        medium,
    };
    if one_in(COMES_AGAIN) {
        let earlier = wechat.pushes().filter(|push| push.openid == openid);
        let earlier: Vec<u64> = earlier.map(|push| push.id).collect();
        let which = usize::try_from(random.word()).unwrap() % earlier.len();
        assert!(wechat.repeat_push(earlier[which], now));
    }
    said
}

/// A file that nobody else sent.
fn made(beginning: &[u8], random: &Random) -> Vec<u8> {
    let mut bytes = beginning.to_vec();
    let length = bytes.len() + usize::try_from(1_000 + random.word() % LONGEST_MEDIUM).unwrap();
    while bytes.len() < length {
        bytes.extend(random.bytes::<32>());
    }
    bytes
}

impl Said {
    pub fn medium(&self) -> Option<&[u8]> {
        self.medium.as_deref()
    }

    /// Checks the activity that stands for this message.
    pub fn assert_stands_as(&self, activity: &ActivityView) {
        let text = &activity.text;
        self.assert_told_by(text);
        let at = activity.written_at.as_second();
        assert_eq!(at, self.created.as_second(), "`{text}` has its time");
        let files: Vec<&[u8]> = activity.files.iter().map(|file| &file.bytes[..]).collect();
        let original: Vec<&[u8]> = self.medium().into_iter().collect();
        assert!(files == original, "{:?} of `{text}`", activity.files);
    }

    /// Checks the note that stands for this message: its head, and the words below.
    pub fn assert_noted_as(&self, note: &str) {
        let local = self.created.in_tz("Asia/Shanghai").unwrap();
        let head = format!("WeChat {} #{}\n", local.strftime("%F %T"), self.msg_id);
        let text = note.strip_prefix(&head);
        self.assert_told_by(text.unwrap_or_else(|| panic!("`{note}` begins with `{head}`")));
    }

    fn assert_told_by(&self, text: &str) {
        let words = &self.words;
        assert!(text.contains(words), "`{text}` tells `{words}`");
        assert!(!self.is_text || text == words, "`{text}` is `{words}`");
    }
}
