//! W3C trace context: one id from what woke us to every call that follows from it.
//!
//! The id of the present task is ambient, as the contexts of tracing tools are: whoever begins a
//! piece of work says [`within`], the store writes the id into the rows of that work, and the
//! transport sends it along. Nothing in between has to hand it on. Start reading at [`TraceId`].

use std::future::Future;
use std::sync::Arc;

use super::hex::hex;
use super::random::Random;

/// The header that carries it.
pub const TRACEPARENT: &str = "traceparent";

/// Digits of a trace id.
const DIGITS: usize = 32;

/// The shortest `traceparent`: version, trace id, parent id and flags, with dashes between them.
const SHORTEST_HEADER: usize = 55;

/// A trace id: 32 lower-case hexadecimal digits, not all of them zero. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceId(Arc<str>);

impl TraceId {
    /// A new one.
    pub fn made(random: &Random) -> Self {
        let mut bytes: [u8; DIGITS / 2] = random.bytes();
        // All zeros would mean "no trace".
        bytes[0] |= 1;
        Self(hex(&bytes).into())
    }

    /// Reads one as it stands in a row.
    pub fn parse(text: &str) -> Option<Self> {
        is_id(text, DIGITS).then(|| Self(text.into()))
    }

    /// The trace id of a `traceparent` header; `None` when the header is not valid.
    ///
    /// Later versions may append fields, so those are not looked at; version `ff` is none.
    pub fn of_header(header: &str) -> Option<Self> {
        let mut parts = header.splitn(5, '-');
        let (version, id, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_whole = version != "00" || header.len() == SHORTEST_HEADER;
        let is_valid = is_hex(version, 2)
            && version != "ff"
            && is_id(parent, 16)
            && is_hex(flags, 2)
            && is_whole;
        if is_valid { Self::parse(id) } else { None }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits, shared.
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == digits && text.bytes().all(is_digit)
}

fn is_id(text: &str, digits: usize) -> bool {
    is_hex(text, digits) && text.bytes().any(|b| b != b'0')
}

tokio::task_local! {
    static PRESENT: (TraceId, Random);
}

/// Runs `work` under `trace`; without one, as it is. `random` makes the spans of its calls.
pub async fn within<F: Future>(trace: Option<TraceId>, random: &Random, work: F) -> F::Output {
    match trace {
        Some(trace) => PRESENT.scope((trace, random.clone()), work).await,
        None => work.await,
    }
}

/// The trace of the present task.
pub fn present() -> Option<TraceId> {
    PRESENT.try_with(|(trace, _)| trace.clone()).ok()
}

/// The `traceparent` of a call that the present task makes: its trace with a new span, sampled.
pub(super) fn header() -> Option<String> {
    let made = PRESENT.try_with(|(trace, random)| {
        // A span of zeros would not be one.
        let span = random.word() | 1;
        format!("00-{trace}-{span:016x}-01")
    });
    made.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn the_id_of_a_valid_header_is_taken() {
        for header in [
            format!("00-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-00f067aa0ba902b7-00"),
            format!("01-{ID}-00f067aa0ba902b7-01-and-more"),
        ] {
            let found = TraceId::of_header(&header);
            assert_eq!(found.unwrap().as_str(), ID, "{header}");
        }
    }

    #[test]
    fn an_invalid_header_is_ignored() {
        for header in [
            String::new(),
            ID.to_owned(),
            format!("00-{ID}-00f067aa0ba902b7"),
            format!("00-{ID}-00f067aa0ba902b7-01-more"),
            format!("00-{ID}-00f067aa0ba902b7-01-"),
            format!("ff-{ID}-00f067aa0ba902b7-01"),
            format!("0g-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", ID.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", &ID[1..]),
            format!("00-{ID}-00f067aa0ba902b7-é"),
        ] {
            assert_eq!(TraceId::of_header(&header), None, "{header}");
        }
    }

    #[tokio::test]
    async fn a_call_carries_the_trace_of_its_task_and_a_span_of_its_own() {
        assert_eq!(header(), None);
        let random = Random::from_seed(1);
        let trace = TraceId::made(&random);
        let calls = async { [header().unwrap(), header().unwrap()] };
        let headers = within(Some(trace.clone()), &random, calls).await;
        for header in &headers {
            assert_eq!(TraceId::of_header(header).as_ref(), Some(&trace));
        }
        assert_ne!(headers[0], headers[1]);
        assert_eq!(present(), None, "it ends with its work");
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_ignored(header in "\\PC{0,80}") {
            if let Some(trace) = TraceId::of_header(&header) {
                prop_assert!(header.contains(trace.as_str()));
                prop_assert_eq!(TraceId::parse(trace.as_str()), Some(trace));
            }
        }

        #[test]
        fn what_is_made_is_valid(seed in any::<u64>()) {
            let random = Random::from_seed(seed);
            let trace = TraceId::made(&random);
            prop_assert_eq!(TraceId::parse(trace.as_str()), Some(trace));
        }
    }
}
