//! What stands for a person where their OpenID must not: a name that only their salt can make.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::rows::Follower;
use crate::kit::hex::hex;

/// The salt of one person: random, kept beside their rows, deleted with them.
pub type Salt = [u8; 32];

/// 128 bits: no two persons share one, and nobody finds a person by trying.
const BYTES: usize = 16;

/// The pseudonym of a follower: 32 hex digits of the HMAC-SHA-256 of `account:openid` under their salt.
/// Once the salt is gone it is a number that leads to nobody.
pub fn pseudonym(salt: &Salt, follower: &Follower) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of any length");
    mac.update(follower.account.as_str().as_bytes());
    mac.update(b":");
    mac.update(follower.openid.as_str().as_bytes());
    hex(&mac.finalize().into_bytes()[..BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, OpenId};

    #[test]
    fn it_depends_on_person_account_and_salt() {
        let follower = |account: &str, openid: &str| Follower {
            account: AccountId::new(account),
            openid: OpenId::new(openid),
        };
        let anna = follower("main", "oAnna");
        let one = pseudonym(&[1; 32], &anna);
        assert_eq!(one.len(), 32);
        assert_eq!(one, pseudonym(&[1; 32], &anna));
        assert_ne!(one, pseudonym(&[2; 32], &anna), "another salt");
        assert_ne!(one, pseudonym(&[1; 32], &follower("main", "oBert")));
        assert_ne!(one, pseudonym(&[1; 32], &follower("shop", "oAnna")));
    }
}
