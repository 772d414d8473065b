//! Pushes as WeChat would send them, complete requests, made before the clock runs.
//!
//! The signature of plaintext mode covers token, timestamp and nonce but not the body, so one
//! request serves for all: MsgId and OpenID are written over it in place. In safe mode each is
//! sealed by the simulator's own reading of the protocol.

use std::net::SocketAddr;

use jiff::Timestamp;
use qiao_sim::wechat::crypto::{Cipher, signature};

use super::site;
use crate::store::seeded_openid;

/// Digits of a MsgId, as WeChat gives them today.
const MSG_ID_DIGITS: usize = 19;

const NONCE: &str = "1320562132";

/// What every follower says.
const WORDS: &str = "你好，请问我上周下的订单什么时候发货？";

/// How pushes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Plain XML.
    Plain,
    /// Encrypted.
    Safe,
}

impl Mode {
    /// As tables name it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plaintext",
            Self::Safe => "safe",
        }
    }
}

/// Who speaks: so many of a population, evenly spread over it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    /// Followers that have a mapping.
    pub(super) population: u64,
    /// How many of them speak.
    pub(super) speakers: u64,
}

impl Crowd {
    /// Who sends the nth push.
    fn speaker(self, push: u64) -> u64 {
        let speakers = self.speakers.min(self.population);
        // A prime step: neighbours in time are not neighbours in the tables.
        (push.wrapping_mul(7919) % speakers) * (self.population / speakers)
    }
}

/// Requests by number, each with a MsgId of its own.
pub(super) struct Pushes {
    crowd: Crowd,
    /// MsgId of push 0; later ones grow by one.
    first_msg_id: u64,
    requests: Requests,
}

enum Requests {
    Written {
        template: Vec<u8>,
        openid_at: usize,
        msg_id_at: usize,
    },
    Sealed {
        all: Vec<u8>,
        length: usize,
    },
}

impl Pushes {
    /// At most `most` pushes; in safe mode each takes memory and time here.
    pub(super) fn prepare(
        mode: Mode,
        address: SocketAddr,
        crowd: Crowd,
        now: Timestamp,
        most: u64,
    ) -> Self {
        let first_msg_id = first_msg_id(now);
        let requests = match mode {
            Mode::Plain => plain(address, now),
            Mode::Safe => {
                let requests = (0..most).map(|number| {
                    let xml = xml(crowd.speaker(number), first_msg_id + number, now);
                    sealed(address, &xml, now)
                });
                // All fields have a fixed width, and so have the requests.
                let length = sealed(address, &xml(0, 0, now), now).len();
                Requests::Sealed {
                    all: requests.flatten().collect(),
                    length,
                }
            }
        };
        Self {
            crowd,
            first_msg_id,
            requests,
        }
    }

    /// Writes the nth request to `buffer`, which no other `Pushes` has written. `false` when
    /// there is none.
    pub(super) fn write(&self, number: u64, buffer: &mut Vec<u8>) -> bool {
        match &self.requests {
            Requests::Written {
                template,
                openid_at,
                msg_id_at,
            } => {
                if buffer.len() != template.len() {
                    buffer.clone_from(template);
                }
                let openid = seeded_openid(self.crowd.speaker(number));
                buffer[*openid_at..][..openid.len()].copy_from_slice(openid.as_bytes());
                write_digits(
                    self.msg_id(number),
                    &mut buffer[*msg_id_at..][..MSG_ID_DIGITS],
                );
                true
            }
            Requests::Sealed { all, length } => {
                let at = usize::try_from(number)
                    .unwrap_or(usize::MAX)
                    .saturating_mul(*length);
                let Some(request) = all.get(at..at + length) else {
                    return false;
                };
                buffer.clear();
                buffer.extend_from_slice(request);
                true
            }
        }
    }

    /// The MsgId of the nth push.
    pub(super) fn msg_id(&self, number: u64) -> u64 {
        self.first_msg_id + number
    }
}

fn plain(address: SocketAddr, now: Timestamp) -> Requests {
    let openid = seeded_openid(0);
    let msg_id = "0".repeat(MSG_ID_DIGITS);
    let template = request(address, &query(now), &xml(0, 0, now));
    let place = |piece: &str| {
        let found = template
            .windows(piece.len())
            .position(|window| window == piece.as_bytes());
        found.expect("it was just written")
    };
    Requests::Written {
        openid_at: place(&openid),
        msg_id_at: place(&format!("<MsgId>{msg_id}")) + "<MsgId>".len(),
        template,
    }
}

fn sealed(address: SocketAddr, xml: &str, now: Timestamp) -> Vec<u8> {
    let cipher = Cipher::new(site::AES_KEY, site::APP_ID).expect("a key of 43 characters");
    let sealed = cipher.seal(xml, *b"0123456789abcdef");
    let timestamp = now.as_second().to_string();
    let signed = signature(&[site::TOKEN, &timestamp, NONCE, &sealed]);
    let query = format!("{}&encrypt_type=aes&msg_signature={signed}", query(now));
    let body = format!(
        "<xml><ToUserName><![CDATA[{}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>",
        site::ORIGINAL_ID
    );
    request(address, &query, &body)
}

/// Query and body of the nth push in plain XML.
pub(super) fn plain_parts(crowd: Crowd, number: u64, now: Timestamp) -> (String, String) {
    let first_msg_id = first_msg_id(now);
    let body = xml(crowd.speaker(number), first_msg_id + number, now);
    (query(now), body)
}

/// The MsgId of push 0: later than any of an earlier run.
fn first_msg_id(now: Timestamp) -> u64 {
    u64::try_from(now.as_microsecond()).unwrap_or_default() * 1000
}

fn query(now: Timestamp) -> String {
    let timestamp = now.as_second().to_string();
    let signed = signature(&[site::TOKEN, &timestamp, NONCE]);
    format!("signature={signed}&timestamp={timestamp}&nonce={NONCE}")
}

fn xml(speaker: u64, msg_id: u64, now: Timestamp) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{}]]></ToUserName>\
         <FromUserName><![CDATA[{}]]></FromUserName><CreateTime>{}</CreateTime>\
         <MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{WORDS}]]></Content>\
         <MsgId>{msg_id:0MSG_ID_DIGITS$}</MsgId></xml>",
        site::ORIGINAL_ID,
        seeded_openid(speaker),
        now.as_second()
    )
}

fn request(address: SocketAddr, query: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /wechat/main?{query} HTTP/1.1\r\nhost: {address}\r\ncontent-type: text/xml\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn write_digits(mut number: u64, place: &mut [u8]) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: Crowd = Crowd {
        population: 1000,
        speakers: 10,
    };

    fn written(mode: Mode, number: u64) -> String {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let address = "127.0.0.1:80".parse().unwrap();
        let pushes = Pushes::prepare(mode, address, CROWD, now, 20);
        let mut buffer = Vec::new();
        for number in 0..=number {
            assert!(pushes.write(number, &mut buffer));
        }
        assert_eq!(pushes.msg_id(number), 1_700_000_000_000_000_000 + number);
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn each_push_has_its_own_msg_id_and_speaker() {
        let request = written(Mode::Plain, 7);
        assert!(request.contains("<MsgId>1700000000000000007</MsgId>"));
        let speaker = seeded_openid(7919 * 7 % 10 * 100);
        assert!(request.contains(&speaker), "{request}");
    }

    #[test]
    fn a_sealed_push_opens_to_the_same_words() {
        let request = written(Mode::Safe, 7);
        let (_, rest) = request.split_once("<Encrypt><![CDATA[").unwrap();
        let (sealed, _) = rest.split_once("]]>").unwrap();
        let cipher = Cipher::new(site::AES_KEY, site::APP_ID).unwrap();
        let (_, plain) = written(Mode::Plain, 7)
            .split_once("\r\n\r\n")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(cipher.open(sealed).unwrap(), plain);
    }
}
