//! Signatures and the message cipher (`wechat.md` 1.3, 1.5): this crate's own reading of them.

use aes::Aes256;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use sha1::{Digest, Sha1};

/// PKCS#7 block of this protocol, bytes; AES's own is 16.
const PADDING: usize = 32;

/// AES block, bytes.
const BLOCK: usize = 16;

/// Random prefix and length field before the message, bytes.
const HEADER: usize = 20;

/// Accepts keys with non-zero trailing bits, as published ones have them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Lower-case hex SHA-1 over the byte-wise sorted parts: `signature` with token, timestamp and
/// nonce; `msg_signature` with the text of `<Encrypt>` as fourth.
pub fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    hex_sha1(sorted.concat().as_bytes())
}

/// Lower-case hex SHA-1.
pub(super) fn hex_sha1(bytes: &[u8]) -> String {
    let digest = Sha1::digest(bytes);
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)]))
        .collect()
}

/// AES-256-CBC as WeChat frames it, for one account.
pub struct Cipher {
    key: [u8; 32],
    app_id: String,
}

impl Cipher {
    /// From the 43 characters of an EncodingAESKey; `None` if they are not 32 bytes.
    pub fn new(encoding_aes_key: &str, app_id: &str) -> Option<Self> {
        let key = BASE64.decode(encoding_aes_key).ok()?.try_into().ok()?;
        Some(Self {
            key,
            app_id: app_id.to_owned(),
        })
    }

    /// Encrypts; the result is the text of `<Encrypt>`.
    pub fn seal(&self, message: &str, random: [u8; 16]) -> String {
        let mut bytes = random.to_vec();
        let length = u32::try_from(message.len()).expect("a message is far below 4 GiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(message.as_bytes());
        bytes.extend_from_slice(self.app_id.as_bytes());
        let pad = PADDING - bytes.len() % PADDING;
        let pad_byte = u8::try_from(pad).expect("a pad is at most 32");
        bytes.resize(bytes.len() + pad, pad_byte);
        let (key, iv) = self.key_and_iv();
        let mut cbc = cbc::Encryptor::<Aes256>::new(key.into(), iv.into());
        for block in bytes.chunks_exact_mut(BLOCK) {
            cbc.encrypt_block(block.try_into().expect("chunks are blocks"));
        }
        BASE64.encode(bytes)
    }

    /// Decrypts the text of `<Encrypt>`, or says what is wrong with it.
    pub fn open(&self, sealed: &str) -> Result<String, &'static str> {
        let mut bytes = BASE64.decode(sealed).map_err(|_| "Encrypt is not base64")?;
        if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) {
            return Err("Encrypt is not whole AES blocks");
        }
        let (key, iv) = self.key_and_iv();
        let mut cbc = cbc::Decryptor::<Aes256>::new(key.into(), iv.into());
        for block in bytes.chunks_exact_mut(BLOCK) {
            cbc.decrypt_block(block.try_into().expect("chunks are blocks"));
        }
        self.unframe(&bytes)
    }

    fn unframe(&self, bytes: &[u8]) -> Result<String, &'static str> {
        let pad = usize::from(*bytes.last().ok_or("nothing was encrypted")?);
        let padded_right = bytes.len().is_multiple_of(PADDING)
            && (1..=PADDING).contains(&pad)
            && bytes[bytes.len() - pad..]
                .iter()
                .all(|byte| usize::from(*byte) == pad);
        if !padded_right {
            return Err("the padding is not PKCS#7 with blocks of 32");
        }
        let bytes = &bytes[..bytes.len() - pad];
        let length = bytes.get(16..HEADER).ok_or("shorter than its header")?;
        let length = u32::from_be_bytes(length.try_into().expect("four bytes were taken"));
        let (message, app_id) = usize::try_from(length)
            .ok()
            .and_then(|length| bytes[HEADER..].split_at_checked(length))
            .ok_or("the message length is beyond the end")?;
        if app_id != self.app_id.as_bytes() {
            return Err("the appid is another's");
        }
        String::from_utf8(message.to_vec()).map_err(|_| "the message is not UTF-8")
    }

    fn key_and_iv(&self) -> (&[u8; 32], &[u8; 16]) {
        let iv = self.key.first_chunk().expect("a key is longer than an IV");
        (&self.key, iv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
    const SHORT: &str =
        "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg==";
    const FULL_BLOCK: &str = "jn1L23DB+6ELqJ+6bruv2whn1fDIMpmLPYOiQU5ZlCf5ISusdxHOJKY4l/VvGZXv1gdIWBk2mReXBoyRsZWbYWp3WTghbH/zS/0xHsPUs416Ez/Wti2iAH72px6IwxBl";

    fn cipher() -> Cipher {
        Cipher::new(KEY, "wxb11529c136998cb6").unwrap()
    }

    #[test]
    fn published_messages_are_sealed_and_opened_to_the_byte() {
        let filler = "x".repeat(26);
        for (message, sealed, signed) in [
            (
                "我是中文abcd123",
                SHORT,
                "82c962d39941aa48552f90ef55aa323dc620cc10",
            ),
            (
                filler.as_str(),
                FULL_BLOCK,
                "3f34d7d58ceda9096226b792cd1ad1ca73f954d6",
            ),
        ] {
            assert_eq!(cipher().seal(message, *b"aaaabbbbccccdddd"), sealed);
            assert_eq!(cipher().open(sealed).unwrap(), message);
            let parts = ["pamtest", "1409304348", "xxxxxx", sealed];
            assert_eq!(signature(&parts), signed);
        }
        assert_eq!(
            signature(&["pamtest", "1409304348", "xxxxxx"]),
            "76480565cbe296026c53aaacd1ad523a1ddba24f"
        );
    }

    #[test]
    fn a_message_for_another_account_or_with_another_key_is_refused() {
        let other = Cipher::new(KEY, "wx0123456789abcdef").unwrap();
        assert_eq!(other.open(SHORT), Err("the appid is another's"));
        let other = Cipher::new(&KEY.replace('a', "b"), "wxb11529c136998cb6").unwrap();
        assert!(other.open(SHORT).is_err());
        assert!(Cipher::new("short", "wx0123456789abcdef").is_none());
    }

    #[test]
    fn the_signature_sorts_strings() {
        assert_eq!(
            signature(&["345", "123"]),
            "9f537aeb751ec72605f57f94a2f6dc3e3958e1dd"
        );
    }
}
