//! Users of the tenant: passwords, lock-out and rights (c4c.md 1.2).
//!
//! It decides who calls; sessions and tokens are in [`super::csrf`].

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::error::html_page;
use crate::wire::{Request, Response};

/// A user of the interface. Its password is never shown.
#[derive(Clone, Serialize)]
pub struct User {
    #[serde(skip)]
    password: String,
    /// Whether writes need a CSRF token and its cookies: business users do, technical ones do not.
    pub csrf: bool,
    /// Locked users are refused even with the right password.
    pub locked: bool,
    /// Wrong passwords since the last right one.
    pub wrong_in_a_row: u32,
    /// Refused logons in all, those while locked included: a lock-out storm shows here.
    pub refused: u64,
    /// Names of the services the user may call; `None` for all.
    pub services: Option<Vec<String>>,
}

impl User {
    /// With that password, unlocked, for all services.
    pub fn new(password: &str, csrf: bool) -> Self {
        Self {
            password: password.to_owned(),
            csrf,
            locked: false,
            wrong_in_a_row: 0,
            refused: 0,
            services: None,
        }
    }

    /// Whether the user may call that service.
    pub fn may_call(&self, service: &str) -> bool {
        let listed = |services: &Vec<String>| services.iter().any(|s| s == service);
        self.services.as_ref().is_none_or(listed)
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("csrf", &self.csrf)
            .field("locked", &self.locked)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

/// All users by name.
#[derive(Debug, Clone)]
pub struct Users(BTreeMap<String, User>);

impl Default for Users {
    /// `qiao` is a technical user, `agent` a business user; both with the password `secret`.
    fn default() -> Self {
        Self(BTreeMap::from([
            ("qiao".to_owned(), User::new("secret", false)),
            ("agent".to_owned(), User::new("secret", true)),
        ]))
    }
}

impl Users {
    /// The user of that name.
    pub fn get(&self, name: &str) -> Option<&User> {
        self.0.get(name)
    }

    /// Adds or replaces one.
    pub fn insert(&mut self, name: &str, user: User) {
        self.0.insert(name.to_owned(), user);
    }

    /// All, by name.
    pub fn all(&self) -> &BTreeMap<String, User> {
        &self.0
    }

    /// Changes one. False when there is none of that name.
    pub fn update(&mut self, name: &str, change: impl FnOnce(&mut User)) -> bool {
        self.0.get_mut(name).map(change).is_some()
    }

    /// Locks or unlocks one; unlocking forgives the wrong passwords.
    pub fn set_locked(&mut self, name: &str, locked: bool) -> bool {
        self.update(name, |user| {
            user.locked = locked;
            user.wrong_in_a_row = 0;
        })
    }

    /// Gives one a new password; a lock stays.
    pub fn set_password(&mut self, name: &str, password: &str) -> bool {
        self.update(name, |user| password.clone_into(&mut user.password))
    }

    /// Whose request it is, or the 401. Wrong passwords count towards the lock, missing
    /// credentials do not.
    pub(super) fn authenticate(
        &mut self,
        request: &Request,
        lock_after: u32,
    ) -> Result<String, Response> {
        let (name, password) = basic(request).ok_or_else(unauthorized)?;
        let user = self.0.get_mut(&name).ok_or_else(unauthorized)?;
        if user.locked {
            user.refused += 1;
            return Err(unauthorized());
        }
        if user.password != password {
            user.refused += 1;
            user.wrong_in_a_row += 1;
            user.locked = lock_after > 0 && user.wrong_in_a_row >= lock_after;
            return Err(unauthorized());
        }
        user.wrong_in_a_row = 0;
        Ok(name)
    }
}

/// Name and password of a Basic `Authorization` header.
fn basic(request: &Request) -> Option<(String, String)> {
    let (scheme, encoded) = request.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn unauthorized() -> Response {
    let mut response = html_page(401, "Logon failed");
    let challenge = "Basic realm=\"SAP NetWeaver Application Server\"";
    let header = ("www-authenticate".to_owned(), challenge.to_owned());
    response.headers.push(header);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logon(users: &mut Users, name: &str, password: &str) -> bool {
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        let request = Request {
            headers: vec![("authorization".to_owned(), format!("Basic {credentials}"))],
            ..Request::default()
        };
        users.authenticate(&request, 3).is_ok()
    }

    #[test]
    fn the_last_wrong_password_locks_even_the_right_one_out() {
        let mut users = Users::default();
        for _ in 0..3 {
            assert!(!logon(&mut users, "qiao", "guess"));
        }
        assert!(!logon(&mut users, "qiao", "secret"));
        assert_eq!(users.get("qiao").unwrap().refused, 4);
        assert!(logon(&mut users, "agent", "secret"));
        users.set_locked("qiao", false);
        assert!(logon(&mut users, "qiao", "secret"));
    }

    #[test]
    fn a_right_password_forgives_the_wrong_ones() {
        let mut users = Users::default();
        for _ in 0..2 {
            for _ in 0..2 {
                assert!(!logon(&mut users, "qiao", "guess"));
            }
            assert!(logon(&mut users, "qiao", "secret"));
        }
    }

    #[test]
    fn no_or_foreign_credentials_get_a_challenge_and_lock_nobody() {
        let mut users = Users::default();
        let refused = users.authenticate(&Request::default(), 1).unwrap_err();
        assert_eq!(refused.status, 401);
        assert!(refused.headers.iter().any(|(n, _)| n == "www-authenticate"));
        assert!(!logon(&mut users, "nobody", "secret"));
        assert!(logon(&mut users, "qiao", "secret"));
    }

    #[test]
    fn a_new_password_replaces_the_old_one() {
        let mut users = Users::default();
        assert!(users.set_password("qiao", "fresh"));
        assert!(!logon(&mut users, "qiao", "secret"));
        assert!(logon(&mut users, "qiao", "fresh"));
    }
}
