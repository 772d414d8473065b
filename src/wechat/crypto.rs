//! The AES envelope of pushes and replies (wechat.md 1.5).
//!
//! It only opens and seals: who signed the envelope is [`super::signature`]'s business and must
//! be asked first, because CBC says nothing about who wrote a ciphertext.

use std::fmt;

use aes::Aes256;
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

use super::xml;

/// PKCS#7 counts in blocks of 32 bytes here, although AES has blocks of 16.
const PAD_BLOCK: usize = 32;

/// Random bytes at the start of every plaintext.
const RANDOM_LEN: usize = 16;

/// The random bytes and the big-endian u32 length of the message.
const HEAD_LEN: usize = RANDOM_LEN + 4;

/// Keys as WeChat shows them need not be canonical: both published ones have stray bits in
/// their last character, which a strict decoder refuses. What is sealed is signed and checked inside, so
/// nothing is gained by refusing another spelling of it.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An EncodingAESKey, decoded. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct EncodingAesKey([u8; 32]);

impl fmt::Debug for EncodingAesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncodingAesKey(…)")
    }
}

/// The text is not an EncodingAESKey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an EncodingAESKey is 43 letters and digits: copy it again from the WeChat console, \
     Settings and Development, Basic Configuration"
)]
pub struct NotAKey;

/// The envelope cannot be opened with this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the envelope cannot be decrypted with this EncodingAESKey")]
pub struct Undecryptable;

/// What an envelope held.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The message: XML, UTF-8.
    pub message: String,
    /// The appid at the end of the plaintext; whoever opened must compare it.
    pub app_id: String,
}

impl EncodingAesKey {
    /// Decodes the 43 characters of the console.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        LENIENT_BASE64
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(NotAKey)
    }

    /// Seals `message` for the account `app_id`; the result is Base64.
    pub fn seal(&self, message: &str, app_id: &str, random: [u8; RANDOM_LEN]) -> String {
        let length = u32::try_from(message.len()).expect("a reply is far shorter than 4 GiB");
        let mut buffer = Vec::with_capacity(HEAD_LEN + message.len() + app_id.len() + PAD_BLOCK);
        buffer.extend_from_slice(&random);
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(message.as_bytes());
        buffer.extend_from_slice(app_id.as_bytes());
        // A full block more when the length fits already: without it WeChat drops the reply.
        let pad = PAD_BLOCK - buffer.len() % PAD_BLOCK;
        let pad_byte = u8::try_from(pad).expect("a pad is at most 32");
        buffer.resize(buffer.len() + pad, pad_byte);
        let length = buffer.len();
        let sealed = cbc::Encryptor::<Aes256>::new(&self.0.into(), &self.iv().into())
            .encrypt_padded::<NoPadding>(&mut buffer, length)
            .expect("the buffer is a whole number of blocks");
        STANDARD.encode(sealed)
    }

    /// Opens the Base64 text of `<Encrypt>`. Every length in it is checked before it is used:
    /// a wrong key yields garbage, and garbage claims absurd lengths.
    pub fn open(&self, sealed: &str) -> Result<Opened, Undecryptable> {
        let mut buffer = LENIENT_BASE64
            .decode(sealed.trim())
            .map_err(|_| Undecryptable)?;
        let plain = cbc::Decryptor::<Aes256>::new(&self.0.into(), &self.iv().into())
            .decrypt_padded::<NoPadding>(&mut buffer)
            .map_err(|_| Undecryptable)?;
        unwrap_plaintext(plain).ok_or(Undecryptable)
    }

    /// The platform takes the first half of the key as the IV.
    fn iv(&self) -> [u8; 16] {
        *self.0.first_chunk().expect("a key has 32 bytes")
    }
}

/// Takes pad, random bytes and length off: `16 random ‖ u32 length ‖ message ‖ appid ‖ pad`.
fn unwrap_plaintext(plain: &[u8]) -> Option<Opened> {
    let pad = usize::from(*plain.last()?);
    if !(1..=PAD_BLOCK).contains(&pad) {
        return None;
    }
    let (unpadded, _) = plain.split_at_checked(plain.len().checked_sub(pad)?)?;
    let (_, rest) = unpadded.split_at_checked(RANDOM_LEN)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (message, app_id) = rest.split_at_checked(length)?;
    Some(Opened {
        message: xml::decode(message),
        app_id: std::str::from_utf8(app_id).ok()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wechat::signature::sign;
    use proptest::prelude::*;

    // wechat.md 1.7, set A.
    const APP_ID: &str = "wxb11529c136998cb6";
    const RANDOM: [u8; 16] = *b"aaaabbbbccccdddd";
    const A1: &str =
        "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg==";
    const A2: &str = "jn1L23DB+6ELqJ+6bruv2whn1fDIMpmLPYOiQU5ZlCf5ISusdxHOJKY4l/VvGZXv1gdIWBk2mReXBoyRsZWbYWp3WTghbH/zS/0xHsPUs416Ez/Wti2iAH72px6IwxBl";

    fn key_a() -> EncodingAesKey {
        EncodingAesKey::parse("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").unwrap()
    }

    fn key_b() -> EncodingAesKey {
        EncodingAesKey::parse("kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR").unwrap()
    }

    fn signed(sealed: &str) -> String {
        sign(&["pamtest", "1409304348", "xxxxxx", sealed])
    }

    #[test]
    fn a_published_key_with_stray_bits_is_decoded() {
        let hex = crate::kit::hex::hex(&key_a().0);
        let expected = "69b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3d0010831051";
        assert_eq!(hex, expected);
        for wrong in ["", "short", &"x".repeat(44), &"-".repeat(43)] {
            assert!(EncodingAesKey::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn vector_a1_seals_and_opens_as_published() {
        let sealed = key_a().seal("我是中文abcd123", APP_ID, RANDOM);
        assert_eq!(sealed, A1);
        assert_eq!(signed(A1), "82c962d39941aa48552f90ef55aa323dc620cc10");
        let opened = key_a().open(A1).unwrap();
        assert_eq!(opened.message, "我是中文abcd123");
        assert_eq!(opened.app_id, APP_ID);
    }

    #[test]
    fn vector_a2_carries_a_whole_block_of_padding() {
        let message = "x".repeat(26);
        assert_eq!(key_a().seal(&message, APP_ID, RANDOM), A2);
        assert_eq!(signed(A2), "3f34d7d58ceda9096226b792cd1ad1ca73f954d6");
        assert_eq!(key_a().open(A2).unwrap().message, message);
    }

    #[test]
    fn vector_a3_is_the_published_video_reply() {
        let plain = include_str!("../../tests/fixtures/wechat/vector_a3.plain.xml");
        let sealed = include_str!("../../tests/fixtures/wechat/vector_a3.sealed.txt").trim();
        assert_eq!(key_a().seal(plain.trim(), APP_ID, RANDOM), sealed);
        assert_eq!(key_a().open(sealed).unwrap().message, plain.trim());
    }

    #[test]
    fn vector_b_opens_as_published() {
        let sealed = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==";
        let opened = key_b().open(sealed).unwrap();
        assert_eq!(opened.message, "5927782489442352469");
        assert_eq!(opened.app_id, "wx49f0ab532d5d035a");
        let again = key_b().seal(&opened.message, &opened.app_id, *b"2304fc2fe146f1f8");
        assert_eq!(again, sealed);
    }

    #[test]
    fn the_wrong_key_opens_nothing() {
        assert!(key_b().open(A1).is_err());
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        let mut plain = RANDOM.to_vec();
        plain.extend_from_slice(&u32::MAX.to_be_bytes());
        plain.extend_from_slice(b"message and app id");
        plain.resize(63, 1);
        plain.push(1);
        assert!(unwrap_plaintext(&plain).is_none());
    }

    #[test]
    fn a_pad_beyond_the_end_or_out_of_range_is_refused() {
        for pad in [0, 17, 33, 255] {
            assert!(unwrap_plaintext(&[pad; 16]).is_none(), "{pad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_again(message in r"\PC{0,200}", random: [u8; 16]) {
            let opened = key_a().open(&key_a().seal(&message, APP_ID, random)).unwrap();
            prop_assert_eq!(opened.message, message);
            prop_assert_eq!(opened.app_id, APP_ID);
        }

        #[test]
        fn no_ciphertext_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = key_a().open(&STANDARD.encode(&bytes));
            let _ = unwrap_plaintext(&bytes);
        }
    }
}
