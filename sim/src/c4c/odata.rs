//! One OData request from door to door: who calls, may they, CSRF, which service, which form.
//!
//! What the request then does is in `operations`.

use std::sync::Arc;

use jiff::Timestamp;
use rand::Rng;

use super::C4c;
use super::csrf;
use super::error::{Format, Refusal, html_page};
use super::schema::Service;
use super::target::Target;
use crate::wire::{Request, Response};

/// A request whose caller is known, on its way to an operation.
pub(super) struct Errand<'a> {
    /// As it arrived, or as it stood in a batch.
    pub(super) request: &'a Request,
    /// The verb, tunnelling undone.
    pub(super) verb: &'a str,
    /// Path below the service root, percent-encoded.
    pub(super) path: &'a str,
    /// Scheme and host of links.
    pub(super) origin: &'a str,
    /// Name of the caller.
    pub(super) user: &'a str,
    /// Body of the answer.
    pub(super) format: Format,
    /// Whether it stood in a batch.
    pub(super) in_batch: bool,
    /// The present.
    pub(super) now: Timestamp,
}

impl C4c {
    /// Answers a request that is not for the control API.
    pub(super) fn serve(
        &mut self,
        request: &Request,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Response {
        let lock_after = self.settings.lock_after;
        let user = match self.users.authenticate(request, lock_after) {
            Ok(user) => user,
            Err(challenge) => return challenge,
        };
        let schema = Arc::clone(&self.schema);
        let Some((service, path)) = schema.locate(&request.path) else {
            return html_page(404, "Service not found");
        };
        let format = format_of(request);
        let mut headers = Vec::new();
        let result = self
            .admit(service, &user, request, now, rng)
            .and_then(|csrf_headers| {
                headers = csrf_headers;
                let errand = Errand {
                    request,
                    verb: verb_of(request),
                    path: &path,
                    origin: &self.origin(request),
                    user: &user,
                    format,
                    in_batch: false,
                    now,
                };
                self.carry_out(service, &errand)
            });
        let mut response = result.unwrap_or_else(|refusal| refusal.response(format));
        response.headers.extend(headers);
        let time = format!("{} ms", self.settings.response_millis);
        for (name, value) in [
            ("cache-control", "no-cache, no-store"),
            ("c4c-odata-response-time", time.as_str()),
        ] {
            let header = (name.to_owned(), value.to_owned());
            response.headers.push(header);
        }
        response
    }

    /// Rights and CSRF. Gives the headers of a token fetch.
    fn admit(
        &mut self,
        service: &Service,
        user: &str,
        request: &Request,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Result<Vec<(String, String)>, Refusal> {
        let known = self.users.get(user);
        if !known.is_some_and(|user| user.may_call(service.name)) {
            let message = "You are not authorized to call this service";
            return Err(Refusal::new(403, message));
        }
        let needs_token = known.is_some_and(|user| user.csrf);
        match request.method.as_str() {
            // SDKs fetch tokens by HEAD, which SAP's OData does not know (c4c.md 1.3).
            "HEAD" => Err(Refusal::new(405, "Method HEAD is not supported")),
            "GET" if !csrf::is_fetch(request) => Ok(Vec::new()),
            "GET" if self.settings.token_fetch_fails => Err(Refusal::new(500, "Internal error")),
            "GET" => Ok(self.sessions.fetch(request, user, &self.settings, now, rng)),
            _ if needs_token => {
                let checked = self.sessions.check(request, user, &self.settings, now);
                checked.map(|()| Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Carries out an admitted request, alone or as part of a batch.
    pub(super) fn carry_out(
        &mut self,
        service: &Service,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        let target = Target::parse(service, errand.path)?;
        match (&target, errand.verb) {
            (Target::Batch, "POST") if !errand.in_batch => self.batch(service, errand),
            (_, "GET") => self.read(service, &target, errand),
            (Target::Feed { kind, count: false }, "POST") if kind.creatable => {
                self.create(service, kind, None, errand)
            }
            (
                Target::Related {
                    kind,
                    key,
                    navigation,
                    to,
                    count: false,
                },
                "POST",
            ) if to.creatable && navigation.deep => {
                self.create(service, to, Some((*kind, key.as_str())), errand)
            }
            (Target::Entity { kind, key }, "PATCH" | "MERGE" | "PUT") if kind.updatable => {
                self.change_entity(kind, key, errand)
            }
            (Target::Entity { kind, key }, "DELETE") if kind.deletable => {
                self.delete_entity(kind, key, errand)
            }
            (_, verb) => {
                let message = format!("Method {verb} is not allowed here");
                Err(Refusal::new(405, &message))
            }
        }
    }

    /// Start of every link: the configured URL, the host that was called, or the tenant's own.
    fn origin(&self, request: &Request) -> String {
        match (self.settings.public_url.as_str(), request.header("host")) {
            ("", Some(host)) => format!("http://{host}"),
            ("", None) => format!("https://{}", self.settings.host),
            (url, _) => url.trim_end_matches('/').to_owned(),
        }
    }
}

/// The verb, with `X-HTTP-Method` on a POST undone.
pub(super) fn verb_of(request: &Request) -> &str {
    let tunnelled = request.header("x-http-method");
    match request.method.as_str() {
        "POST" => tunnelled.unwrap_or("POST"),
        method => method,
    }
}

/// JSON when the query or `Accept` asks for it, else Atom (c4c.md 1.4).
pub(super) fn format_of(request: &Request) -> Format {
    let accepts_json = || {
        let accept = request.header("accept").unwrap_or_default();
        accept.contains("application/json")
    };
    match request.param("$format").as_deref() {
        Some("json") => Format::Json,
        None if accepts_json() => Format::Json,
        _ => Format::Atom,
    }
}
