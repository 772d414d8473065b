//! One call as it is meant, before the session adds what every call carries.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::error::Effect;
use crate::kit::transport::Method;

/// C4C answers in about two seconds and takes ten for a page of 1,000 on a bad day.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Longer than for reads: a write that is given up too early becomes uncertain.
const WRITE_TIMEOUT: Duration = Duration::from_mins(1);

/// For files of ten megabytes, which take a minute over a thin line; with a CSRF token before it,
/// still within the two minutes of an attempt.
const FILE_TIMEOUT: Duration = Duration::from_secs(90);

/// What a successful answer should bring.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// OData.
    Data,
    /// Nothing: what was sent is a file, which C4C would send back whole (c4c.md 4.6).
    Nothing,
    /// The bytes of a file.
    File {
        /// The file is itself a page for a browser, so a page is no sign of a log-in.
        is_page: bool,
    },
}

/// Something to be sent.
pub(super) struct Call {
    /// The verb.
    pub method: Method,
    /// Absolute, on the tenant.
    pub url: String,
    /// JSON; empty for a read.
    pub body: Vec<u8>,
    /// The ETag of the object that is meant.
    pub if_match: Option<String>,
    /// Values of the call that C4C may quote in a message, to be masked there.
    pub sent: Vec<String>,
    /// What it is sent for.
    pub wanted: Wanted,
}

impl Call {
    /// A read whose URL holds `sent`.
    pub(super) fn get(url: String, sent: Vec<String>) -> Self {
        Self {
            method: Method::Get,
            url,
            body: Vec::new(),
            if_match: None,
            sent,
            wanted: Wanted::Data,
        }
    }

    /// A create whose body holds `sent`.
    pub(super) fn post(url: String, body: &impl Serialize, sent: Vec<String>) -> Self {
        Self {
            method: Method::Post,
            body: json(body),
            ..Self::get(url, sent)
        }
    }

    /// A change of these properties; with an ETag only if the object is still the same.
    pub(super) fn patch(
        url: String,
        fields: &BTreeMap<String, String>,
        etag: Option<&str>,
    ) -> Self {
        Self {
            method: Method::Patch,
            body: json(fields),
            if_match: etag.map(str::to_owned),
            ..Self::get(url, fields.values().cloned().collect())
        }
    }

    /// Its name in the metrics: verb and entity set, without keys or query.
    pub(super) fn name(&self) -> String {
        let path = self.url.split('?').next().unwrap_or_default();
        let last = path.trim_end_matches('/').rsplit('/').next();
        let set = last.and_then(|segment| segment.split('(').next());
        format!("{} {}", self.method.as_str(), set.unwrap_or_default())
    }

    /// What it may leave behind in C4C.
    pub(super) fn effect(&self) -> Effect {
        match self.method {
            Method::Get => Effect::Read,
            Method::Post | Method::Patch => Effect::Write,
        }
    }

    /// How long it may take.
    pub(super) fn timeout(&self) -> Duration {
        match (self.wanted, self.effect()) {
            (Wanted::Nothing | Wanted::File { .. }, _) => FILE_TIMEOUT,
            (Wanted::Data, Effect::Read) => READ_TIMEOUT,
            (Wanted::Data, Effect::Write) => WRITE_TIMEOUT,
        }
    }

    /// Whether a page for a browser is what was asked for.
    pub(super) fn may_bring_a_page(&self) -> bool {
        self.wanted == (Wanted::File { is_page: true })
    }
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("texts in maps and lists are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_by_verb_and_set_and_never_by_a_key() {
        let home = "https://my000000.crm.ondemand.com/sap/c4c/odata/v1/c4codataapi";
        for (path, name) in [
            ("/XCollection", "GET XCollection"),
            ("/XCollection('00163E0A')", "GET XCollection"),
            ("/XCollection?$filter=LastName eq 'a/b'", "GET XCollection"),
            ("/XCollection('00163E0A')/Notes", "GET Notes"),
            ("/", "GET c4codataapi"),
        ] {
            let call = Call::get(format!("{home}{path}"), Vec::new());
            assert_eq!(call.name(), name, "{path}");
        }
    }
}
