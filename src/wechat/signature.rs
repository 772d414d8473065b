//! Signatures of pushes and replies (wechat.md 1.3).

use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};
use subtle::{Choice, ConstantTimeEq};

use crate::kit::hex::hex;

/// Lower-case hex of the SHA-1 of the parts, sorted bytewise and joined without a separator.
pub fn sign(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    let mut hash = Sha1::new();
    for part in sorted {
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// The token that made `given` over `parts`, the parts being everything but the token.
///
/// All tokens are always tried and compared in constant time, so the answer's delay tells
/// nothing about them. An empty list of tokens fits nothing.
pub fn signer<'a>(
    tokens: &'a [SecretString],
    parts: &[&str],
    given: &str,
) -> Option<&'a SecretString> {
    let mut found = None;
    for token in tokens {
        let mut all = parts.to_vec();
        all.push(token.expose_secret());
        let fits: Choice = sign(&all).as_bytes().ct_eq(given.as_bytes());
        if fits.into() {
            found = Some(token);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    // wechat.md 1.7, sets A and B and the SHA-1 check.
    const TIMESTAMP: &str = "1409304348";
    const NONCE: &str = "xxxxxx";
    const PLAIN: &str = "76480565cbe296026c53aaacd1ad523a1ddba24f";

    #[test]
    fn parts_are_sorted_before_they_are_joined() {
        let expected = "9f537aeb751ec72605f57f94a2f6dc3e3958e1dd";
        assert_eq!(sign(&["123", "345"]), expected);
        assert_eq!(sign(&["345", "123"]), expected);
    }

    #[test]
    fn the_published_signatures_are_ours_too() {
        assert_eq!(sign(&["pamtest", TIMESTAMP, NONCE]), PLAIN);
        let set_b = [
            "123456",
            "1411443780",
            "437374425",
            "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==",
        ];
        assert_eq!(sign(&set_b), "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96");
    }

    #[test]
    fn during_rotation_every_listed_token_is_good() {
        let tokens = ["new", "pamtest"].map(SecretString::from);
        let signer = signer(&tokens, &[TIMESTAMP, NONCE], PLAIN).unwrap();
        assert_eq!(signer.expose_secret(), "pamtest");
    }

    #[test]
    fn anything_else_is_refused() {
        let tokens = [SecretString::from("pamtest")];
        let upper = PLAIN.to_ascii_uppercase();
        for wrong in ["", &PLAIN[1..], &upper, &sign(&["other", TIMESTAMP, NONCE])] {
            assert!(
                signer(&tokens, &[TIMESTAMP, NONCE], wrong).is_none(),
                "{wrong}"
            );
        }
        assert!(signer(&tokens, &[TIMESTAMP, "another"], PLAIN).is_none());
        assert!(signer(&[], &[TIMESTAMP, NONCE], PLAIN).is_none());
    }
}
