//! Identifiers in the shapes WeChat gives them (`wechat.md` 0), made from a seed.

use rand::{Rng, RngExt};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// All OpenIDs of one account begin alike.
const OPENID_PREFIX: &str = "o6_bm";

/// 28 characters, as every observed OpenID has.
const OPENID_LENGTH: usize = 28;

/// Characters of an access token; clients are told to store at least 512.
pub(super) const TOKEN_LENGTH: usize = 136;

/// Random characters that need no escaping in a URL.
pub(super) fn random_text(length: usize, rng: &mut dyn Rng) -> String {
    (0..length)
        .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
        .collect()
}

/// An OpenID or a UnionID.
pub(super) fn person_id(rng: &mut dyn Rng) -> String {
    let random = random_text(OPENID_LENGTH - OPENID_PREFIX.len(), rng);
    format!("{OPENID_PREFIX}{random}")
}

/// An access token. Its alphabet and length are how malformed ones are told apart.
pub(super) fn access_token(rng: &mut dyn Rng) -> String {
    random_text(TOKEN_LENGTH, rng)
}

/// Whether a text could ever have been an access token.
pub(super) fn is_access_token(text: &str) -> bool {
    text.len() == TOKEN_LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// A nonce of a push: ten digits at most.
pub(super) fn nonce(rng: &mut dyn Rng) -> String {
    rng.random_range(0..=u32::MAX).to_string()
}
