//! CSRF tokens and the cookies they are compared with (c4c.md 1.3).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use jiff::{SignedDuration, Timestamp};
use rand::Rng;

use super::error::Refusal;
use super::settings::Settings;
use crate::wire::Request;

/// Names of the two cookies; the SID and client are this tenant's.
const SESSION_COOKIE: &str = "SAP_SESSIONID_QIA_100";
const TOKEN_COOKIE: &str = "sap-XSRF_QIA_100";

#[derive(Debug, Clone)]
struct Session {
    user: String,
    token: String,
    used_at: Timestamp,
}

/// Open sessions by the value of their cookie.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions(BTreeMap<String, Session>);

/// Sessions kept: clients without a cookie jar would open one per fetch for ever.
const MAX_SESSIONS: usize = 1000;

impl Sessions {
    /// Ends all, as a timeout or a restart of the application server does.
    pub(super) fn expire(&mut self) {
        self.0.clear();
    }

    /// Answers `x-csrf-token: fetch`: the headers to send back. A live session keeps its token.
    pub(super) fn fetch(
        &mut self,
        request: &Request,
        user: &str,
        settings: &Settings,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Vec<(String, String)> {
        if let Some(session) = self.live(request, user, settings, now) {
            return vec![("x-csrf-token".to_owned(), session.token.clone())];
        }
        let (id, token) = (random(rng), random(rng));
        let headers = vec![
            ("x-csrf-token".to_owned(), token.clone()),
            // Without `Secure`, because the simulator speaks plain HTTP.
            cookie(SESSION_COOKIE, &id),
            cookie(TOKEN_COOKIE, &token),
        ];
        if self.0.len() >= MAX_SESSIONS {
            self.0.pop_first();
        }
        let session = Session {
            user: user.to_owned(),
            token,
            used_at: now,
        };
        self.0.insert(id, session);
        headers
    }

    /// Checks a write: a live session of this user, and the header equal to the cookie.
    pub(super) fn check(
        &mut self,
        request: &Request,
        user: &str,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let token = request.header("x-csrf-token").unwrap_or_default();
        let sent = cookie_value(request, TOKEN_COOKIE).unwrap_or_default();
        let session = self.live(request, user, settings, now);
        if session.is_some_and(|s| s.token == token && sent == token) {
            return Ok(());
        }
        let refusal = Refusal::new(403, "CSRF token validation failed");
        if settings.csrf_required_header {
            return Err(refusal.with_header("x-csrf-token", "Required"));
        }
        Err(refusal)
    }

    fn live(
        &mut self,
        request: &Request,
        user: &str,
        settings: &Settings,
        now: Timestamp,
    ) -> Option<&Session> {
        let id = cookie_value(request, SESSION_COOKIE)?;
        let session = self.0.get_mut(id)?;
        let idle = now.duration_since(session.used_at);
        if session.user != user || idle > SignedDuration::from_mins(settings.session_minutes) {
            return None;
        }
        session.used_at = now;
        Some(session)
    }
}

/// Whether the request asks for a token.
pub(super) fn is_fetch(request: &Request) -> bool {
    let token = request.header("x-csrf-token");
    token.is_some_and(|token| token.eq_ignore_ascii_case("fetch"))
}

/// 24 characters, as C4C's tokens have.
fn random(rng: &mut dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    URL_SAFE.encode(bytes)
}

fn cookie(name: &str, value: &str) -> (String, String) {
    let cookie = format!("{name}={value}; path=/; HttpOnly");
    ("set-cookie".to_owned(), cookie)
}

/// The value of a cookie in whichever `Cookie` header holds it.
fn cookie_value<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let headers = request.headers.iter().filter(|(n, _)| n == "cookie");
    let mut cookies = headers.flat_map(|(_, value)| value.split(';'));
    cookies.find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_600_000_000 + minute * 60).unwrap()
    }

    /// A session fetched at minute zero, and a write with its token and cookies.
    fn fetched() -> (Sessions, Request) {
        let mut sessions = Sessions::default();
        let mut rng = StdRng::seed_from_u64(1);
        let settings = Settings::default();
        let headers = sessions.fetch(&Request::default(), "agent", &settings, at(0), &mut rng);
        let mut write = Request::default();
        for (name, value) in headers {
            let pair = value.split(';').next().unwrap_or_default().to_owned();
            let name = if name == "set-cookie" {
                "cookie"
            } else {
                &name
            };
            write.headers.push((name.to_owned(), pair));
        }
        (sessions, write)
    }

    fn passes(sessions: &mut Sessions, write: &Request, user: &str, minute: i64) -> bool {
        sessions
            .check(write, user, &Settings::default(), at(minute))
            .is_ok()
    }

    #[test]
    fn the_token_with_both_cookies_passes() {
        let (mut sessions, write) = fetched();
        assert_eq!(write.header("x-csrf-token").unwrap().len(), 24);
        assert!(passes(&mut sessions, &write, "agent", 1));
    }

    #[test]
    fn dropping_the_token_or_any_cookie_is_refused() {
        for dropped in 0..3 {
            let (mut sessions, mut write) = fetched();
            write.headers.remove(dropped);
            assert!(!passes(&mut sessions, &write, "agent", 1), "{dropped}");
        }
    }

    #[test]
    fn a_session_ends_when_unused_when_expired_and_for_another_user() {
        let (mut sessions, write) = fetched();
        assert!(passes(&mut sessions, &write, "agent", 29));
        assert!(passes(&mut sessions, &write, "agent", 58));
        assert!(!passes(&mut sessions, &write, "agent", 89));
        let (mut sessions, write) = fetched();
        assert!(!passes(&mut sessions, &write, "qiao", 1));
        sessions.expire();
        assert!(!passes(&mut sessions, &write, "agent", 1));
    }
}
