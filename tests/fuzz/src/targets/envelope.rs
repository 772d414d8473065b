//! The AES envelope: nothing but the account's own is opened, and both readings of it agree.

use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use qiao::wechat::crypto::EncodingAesKey;
use qiao::wechat::query::PushQuery;
use qiao::wechat::receive::{Refusal, open_push};
use qiao::wechat::signature::sign;
use qiao::wechat::xml;
use qiao_sim::wechat::crypto::Cipher;

use super::push::assert_faithful;
use crate::Target;
use crate::world::{AES_KEY, APP_ID, SAFE_KEYS, TOKEN};

pub(crate) const TARGET: Target = Target {
    name: "envelope",
    check,
    words: &[
        "\0\0\0\0",
        "\0\0\0\u{1}",
        "\u{7f}\u{7f}\u{7f}\u{7f}",
        "wxb11529c136998cb6",
        "wx0123456789abcdef",
        "<xml>",
        "</xml>",
        "<Encrypt>",
        "====",
        "AAAA",
    ],
};

const RANDOM: [u8; 16] = *b"aaaabbbbccccdddd";

fn check(bytes: &[u8]) {
    let key = EncodingAesKey::parse(AES_KEY).expect("the key is a published one");
    let cipher = Cipher::new(AES_KEY, APP_ID).expect("the key is a published one");
    let text = String::from_utf8_lossy(bytes);
    agree(&key, &cipher, &text);
    agree(&key, &cipher, &STANDARD.encode(bytes));
    // The bytes as the decrypted frame, so that lengths and padding in it are theirs.
    agree(&key, &cipher, &framed(bytes));
    there_and_back(&key, &cipher, &text);
    receive(&cipher.seal(&text, RANDOM), &text);
}

/// What the strict reading opens, ours opens to the same.
fn agree(key: &EncodingAesKey, cipher: &Cipher, sealed: &str) {
    let ours = key.open(sealed);
    if let Ok(message) = cipher.open(sealed) {
        let ours = ours.expect("the simulator opens it");
        assert!(ours.message == xml::decode(message.as_bytes()) && ours.app_id == APP_ID);
    } else if let Ok(opened) = ours {
        assert!(opened.message.len() + opened.app_id.len() <= 3 * sealed.len());
    }
}

/// What one seals the other opens.
fn there_and_back(key: &EncodingAesKey, cipher: &Cipher, message: &str) {
    let sealed = key.seal(message, APP_ID, RANDOM);
    assert_eq!(sealed, cipher.seal(message, RANDOM));
    assert!(cipher.open(&sealed).as_deref() == Ok(message));
    let opened = key.open(&sealed).expect("our own is opened");
    assert!(opened.message == xml::decode(message.as_bytes()) && opened.app_id == APP_ID);
}

/// A whole push in safe mode: a wrong signature or AppID is refused whatever stands in it.
fn receive(sealed: &str, message: &str) {
    let body = format!("<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>");
    let mut query = signed(sealed);
    match open_push(&SAFE_KEYS, &query, body.as_bytes()) {
        Ok(received) => {
            assert_eq!(*received.xml, *xml::decode(message.as_bytes()));
            assert!(received.reply_key.is_some());
            assert_faithful(&received);
        }
        Err(refusal) => assert!(!matches!(
            refusal,
            Refusal::Signature | Refusal::AppId | Refusal::Unencrypted
        )),
    }
    query.msg_signature = sign(&["another token", "1795420800", "1372623149", sealed]);
    let forged = open_push(&SAFE_KEYS, &query, body.as_bytes());
    assert!(matches!(forged, Err(Refusal::Signature)));
    let plain = open_push(&SAFE_KEYS, &PushQuery::default(), message.as_bytes());
    assert!(matches!(plain, Err(Refusal::Unencrypted)));
    let stranger = Cipher::new(AES_KEY, "wx0123456789abcdef").expect("the key is published");
    let sealed = stranger.seal(message, RANDOM);
    let body = format!("<xml><Encrypt>{sealed}</Encrypt></xml>");
    let foreign = open_push(&SAFE_KEYS, &signed(&sealed), body.as_bytes());
    assert!(matches!(foreign, Err(Refusal::AppId)));
}

fn signed(sealed: &str) -> PushQuery {
    PushQuery {
        timestamp: "1795420800".to_owned(),
        nonce: "1372623149".to_owned(),
        encrypt_type: "aes".to_owned(),
        msg_signature: sign(&[TOKEN, "1795420800", "1372623149", sealed]),
        ..PushQuery::default()
    }
}

/// The whole blocks of `frame`, encrypted as they are.
fn framed(frame: &[u8]) -> String {
    let key: [u8; 32] = STANDARD
        .decode(format!("{AES_KEY}="))
        .ok()
        .and_then(|key| key.try_into().ok())
        .expect("the key has 32 bytes");
    let iv: [u8; 16] = *key.first_chunk().expect("a key is longer than an IV");
    let mut blocks = frame.to_vec();
    let length = blocks.len() - blocks.len() % 16;
    let sealed = cbc::Encryptor::<Aes256>::new(&key.into(), &iv.into())
        .encrypt_padded::<NoPadding>(&mut blocks, length)
        .expect("whole blocks need no padding");
    STANDARD.encode(sealed)
}
