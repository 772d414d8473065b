//! The secrets that both sides must have, made from the system's randomness.

use crate::kit::random::Random;

/// Letters of the base64 alphabet that say nothing beyond the 32 bytes of a key: its 43rd has two bits to spare, and
/// strict readers want them to be zero.
const LAST_LETTERS: &[u8] = b"AEIMQUYcgkosw048";

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// WeChat takes 3 to 32 letters and digits (wechat.md 13, no. 8): 190 bits.
const TOKEN: usize = 32;

/// All but the last of the 43 letters of an EncodingAESKey.
const AES_KEY: usize = 42;

/// Typed or pasted into a screen of C4C, whose limits nobody tells: 142 bits.
const PASSWORD: usize = 24;

/// A segment of a URL.
const KEY: usize = 32;

/// A file of one secret.
pub(super) struct Secret {
    /// The file's name, as the configuration has it.
    pub(super) name: &'static str,
    /// The secret; `None` where the platform gives it.
    pub(super) value: Option<String>,
    /// Where it comes from, if it is not made here.
    pub(super) source: &'static str,
}

impl Secret {
    /// What stands in the file.
    pub(super) fn line(&self) -> String {
        let value = self.value.as_ref();
        value.map_or_else(String::new, |value| format!("{value}\n"))
    }
}

/// All that the configuration names.
pub(super) fn secrets(random: &Random) -> Vec<Secret> {
    let made = |name, length| Secret {
        name,
        value: Some(letters(random, LETTERS, length)),
        source: "",
    };
    let given = |name, source| Secret {
        name,
        value: None,
        source,
    };
    let mut aes_key = made("wechat-aes-key", AES_KEY);
    let last = letters(random, LAST_LETTERS, 1);
    aes_key.value.iter_mut().for_each(|key| key.push_str(&last));
    vec![
        given(
            "wechat-secret",
            "AppSecret (开发者密码), from the WeChat console",
        ),
        made("wechat-token", TOKEN),
        aes_key,
        given("c4c-password", "the technical user's password, set in C4C"),
        made("c4c-notify-password", PASSWORD),
        made("c4c-notify-key", KEY),
    ]
}

/// So many of these letters, each as likely as another.
fn letters(random: &Random, of: &[u8], count: usize) -> String {
    // Bytes beyond the last whole round would favour the first letters.
    let fair = 256 - 256 % of.len();
    let bytes = std::iter::repeat_with(|| usize::from(random.bytes::<1>()[0]));
    bytes
        .filter(|byte| *byte < fair)
        .map(|byte| char::from(of[byte % of.len()]))
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn secrets_have_their_forms_and_no_two_are_the_same() {
        let mut seen = BTreeSet::new();
        for seed in 0..50 {
            for secret in secrets(&Random::from_seed(seed)) {
                let Some(value) = secret.value else { continue };
                let length = match secret.name {
                    "wechat-token" | "c4c-notify-key" => 32,
                    "wechat-aes-key" => 43,
                    _ => 24,
                };
                assert_eq!(value.len(), length, "{}", secret.name);
                assert!(value.bytes().all(|b| b.is_ascii_alphanumeric()));
                if secret.name == "wechat-aes-key" {
                    assert_eq!(STANDARD.decode(format!("{value}=")).unwrap().len(), 32);
                }
                assert!(seen.insert(value));
            }
        }
    }

    #[test]
    fn every_letter_is_used() {
        let many = letters(&Random::from_seed(1), LETTERS, 5_000);
        assert_eq!(many.bytes().collect::<BTreeSet<_>>().len(), LETTERS.len());
    }
}
