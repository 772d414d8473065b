//! Access tokens (`wechat.md` 3.1, 3.2): two name spaces that do not touch each other.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rand::Rng;

use super::ids;
use super::later;
use super::quota::beijing_day;
use super::refusal::Refusal;

/// How long a token from `/token` works beside its successor, and how long before its end
/// `/stable_token` rotates.
const GRACE: SignedDuration = SignedDuration::from_secs(300);

/// Forced refreshes a Beijing day.
const FORCED_PER_DAY: u32 = 20;

/// Forced refreshes closer together than this change nothing.
const FORCED_APART: SignedDuration = SignedDuration::from_secs(30);

/// How long a dead token is remembered as expired; later it is merely unknown.
const REMEMBERED: Duration = Duration::from_hours(24);

/// An issued token's end.
#[derive(Debug, Clone, Copy)]
struct Life {
    /// Its age runs out: 42001 from then on.
    expires: Timestamp,
    /// A successor or an operator ended it earlier: 40001 from then on.
    ended: Option<Timestamp>,
}

/// All tokens of one account.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    issued: HashMap<String, Life>,
    /// The newest from `/token`.
    classic: Option<String>,
    /// The newest from `/stable_token`.
    stable: Option<String>,
    last_forced: Option<Timestamp>,
    forced_on: Option<(Date, u32)>,
}

/// A token as it is handed out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// The token.
    pub(super) token: String,
    /// Seconds it still works.
    pub(super) expires_in: i64,
}

impl Tokens {
    /// `/token`: always a new one; its predecessor works for another 300 s.
    pub(super) fn fetch(&mut self, seconds: u32, now: Timestamp, rng: &mut dyn Rng) -> Grant {
        if let Some(predecessor) = self.classic.take() {
            self.end(&predecessor, now + GRACE);
        }
        let token = self.issue(seconds, now, rng);
        self.classic = Some(token.clone());
        Grant {
            token,
            expires_in: seconds.into(),
        }
    }

    /// `/stable_token` in normal mode: the same one until 300 s before its end.
    pub(super) fn fetch_stable(
        &mut self,
        seconds: u32,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Grant {
        if let Some(grant) = self
            .current_stable(now)
            .filter(|g| g.expires_in > GRACE.as_secs())
        {
            return grant;
        }
        let token = self.issue(seconds, now, rng);
        self.stable = Some(token.clone());
        Grant {
            token,
            expires_in: seconds.into(),
        }
    }

    /// `/stable_token` in force mode: a new one, and the previous one dies at once.
    pub(super) fn force_stable(
        &mut self,
        seconds: u32,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Result<Grant, Refusal> {
        let too_soon = self
            .last_forced
            .is_some_and(|last| now.duration_since(last) < FORCED_APART);
        if too_soon {
            return Ok(self.fetch_stable(seconds, now, rng));
        }
        let today = beijing_day(now);
        let used = match self.forced_on {
            Some((day, used)) if day == today => used,
            _ => 0,
        };
        if used >= FORCED_PER_DAY {
            return Err(Refusal::new(45009));
        }
        self.forced_on = Some((today, used + 1));
        self.last_forced = Some(now);
        if let Some(predecessor) = self.stable.take() {
            self.end(&predecessor, now);
        }
        Ok(self.fetch_stable(seconds, now, rng))
    }

    /// Whether a call may be made with this token: 41001, 40014, 40001 or 42001.
    pub(super) fn check(&self, token: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
        let token = token.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Refusal::new(41001))?;
        if !ids::is_access_token(token) {
            return Err(Refusal::new(40014));
        }
        match self.issued.get(token) {
            None => Err(Refusal::new(40001)),
            Some(life) if life.ended.is_some_and(|ended| ended <= now) => Err(Refusal::new(40001)),
            Some(life) if life.expires <= now => Err(Refusal::new(42001)),
            Some(_) => Ok(()),
        }
    }

    /// Ends all tokens as if another process had taken new ones: 40001.
    pub(super) fn revoke(&mut self, now: Timestamp) {
        for life in self.issued.values_mut() {
            life.ended = Some(now);
        }
        self.forget_current();
    }

    /// Ends all tokens as if they had grown old: 42001.
    pub(super) fn expire(&mut self, now: Timestamp) {
        for life in self.issued.values_mut() {
            life.expires = life.expires.min(now);
        }
        self.forget_current();
    }

    fn forget_current(&mut self) {
        self.classic = None;
        self.stable = None;
    }

    fn current_stable(&self, now: Timestamp) -> Option<Grant> {
        let token = self.stable.clone()?;
        let life = self.issued.get(&token)?;
        Some(Grant {
            token,
            expires_in: life.expires.duration_since(now).as_secs(),
        })
    }

    fn issue(&mut self, seconds: u32, now: Timestamp, rng: &mut dyn Rng) -> String {
        self.issued
            .retain(|_, life| life.expires + REMEMBERED > now);
        let token = ids::access_token(rng);
        let life = Life {
            expires: later(now, Duration::from_secs(seconds.into())),
            ended: None,
        };
        self.issued.insert(token.clone(), life);
        token
    }

    fn end(&mut self, token: &str, at: Timestamp) {
        if let Some(life) = self.issued.get_mut(token) {
            life.ended = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const LIFE: u32 = 7200;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    fn code(tokens: &Tokens, grant: &Grant, second: i64) -> i64 {
        let checked = tokens.check(Some(&grant.token), at(second));
        checked.map_or_else(|refusal| refusal.code, |()| 0)
    }

    #[test]
    fn a_new_token_ends_its_predecessor_after_five_minutes() {
        let (mut tokens, mut rng) = (Tokens::default(), rng());
        let first = tokens.fetch(LIFE, at(0), &mut rng);
        let second = tokens.fetch(LIFE, at(100), &mut rng);
        assert_ne!(first.token, second.token);
        assert_eq!(code(&tokens, &first, 399), 0);
        assert_eq!(code(&tokens, &first, 400), 40001);
        assert_eq!(code(&tokens, &second, 7299), 0);
        assert_eq!(code(&tokens, &second, 7300), 42001);
    }

    #[test]
    fn the_stable_token_stays_until_five_minutes_before_its_end() {
        let (mut tokens, mut rng) = (Tokens::default(), rng());
        let first = tokens.fetch_stable(LIFE, at(0), &mut rng);
        let again = tokens.fetch_stable(LIFE, at(6855), &mut rng);
        assert_eq!((&again.token, again.expires_in), (&first.token, 345));
        let rotated = tokens.fetch_stable(LIFE, at(6900), &mut rng);
        assert_ne!(rotated.token, first.token);
        assert_eq!(rotated.expires_in, i64::from(LIFE));
        assert_eq!(code(&tokens, &first, 7199), 0);
        assert_eq!(code(&tokens, &first, 7200), 42001);
    }

    #[test]
    fn the_two_kinds_do_not_end_each_other() {
        let (mut tokens, mut rng) = (Tokens::default(), rng());
        let stable = tokens.fetch_stable(LIFE, at(0), &mut rng);
        let classic = tokens.fetch(LIFE, at(1), &mut rng);
        tokens.force_stable(LIFE, at(2), &mut rng).unwrap();
        assert_eq!(code(&tokens, &classic, 1000), 0);
        assert_eq!(code(&tokens, &stable, 2), 40001);
    }

    #[test]
    fn forcing_twice_within_half_a_minute_changes_nothing() {
        let (mut tokens, mut rng) = (Tokens::default(), rng());
        let forced = tokens.force_stable(LIFE, at(0), &mut rng).unwrap();
        let again = tokens.force_stable(LIFE, at(29), &mut rng).unwrap();
        assert_eq!(again.token, forced.token);
        let third = tokens.force_stable(LIFE, at(30), &mut rng).unwrap();
        assert_ne!(third.token, forced.token);
    }

    #[test]
    fn forcing_works_twenty_times_a_day() {
        let (mut tokens, mut rng) = (Tokens::default(), rng());
        for n in 0..20 {
            tokens.force_stable(LIFE, at(n * 60), &mut rng).unwrap();
        }
        let refused = tokens.force_stable(LIFE, at(1200), &mut rng).unwrap_err();
        assert_eq!(refused.code, 45009);
        assert!(tokens.force_stable(LIFE, at(86_400), &mut rng).is_ok());
    }

    #[test]
    fn missing_malformed_unknown_revoked_and_expired_tokens_are_told_apart() {
        let (mut tokens, mut rng) = (Tokens::default(), rng());
        let unknown = ids::access_token(&mut rng);
        for (token, expected) in [
            (None, 41001),
            (Some(""), 41001),
            (Some("abc"), 40014),
            (Some(unknown.as_str()), 40001),
        ] {
            assert_eq!(tokens.check(token, at(0)).unwrap_err().code, expected);
        }
        let expired = tokens.fetch(LIFE, at(0), &mut rng);
        tokens.expire(at(1));
        assert_eq!(code(&tokens, &expired, 1), 42001);
        let revoked = tokens.fetch_stable(LIFE, at(1), &mut rng);
        tokens.revoke(at(2));
        assert_eq!(code(&tokens, &revoked, 2), 40001);
        assert_ne!(
            tokens.fetch_stable(LIFE, at(2), &mut rng).token,
            revoked.token
        );
    }
}
