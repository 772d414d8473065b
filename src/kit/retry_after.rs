//! `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::transport::Response;

/// The longest wait that is believed: no quota of either platform lasts longer than a day, and a
/// wrong header must not silence one of them for a month.
const MAX: Duration = Duration::from_hours(24);

/// The wait that the far side asks for; `None` when it asks for none that can be read.
///
/// A date is counted from the answer's own `date`, so that no clock of ours takes part.
pub(crate) fn of(response: &Response) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    let wait = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        // Digits that overflow are a very long wait.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let until = http_date(text)?;
        let sent = http_date(response.header("date")?)?;
        Duration::try_from(until.duration_since(sent)).unwrap_or_default()
    };
    Some(wait.min(MAX))
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Option<Duration> {
        of(&Response {
            status: 503,
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: Vec::new(),
        })
    }

    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(
            asked(&[("retry-after", " 120 ")]),
            Some(Duration::from_mins(2))
        );
        let later = ("retry-after", "Sun, 06 Nov 1994 08:51:37 GMT");
        assert_eq!(asked(&[DATE, later]), Some(Duration::from_mins(2)));
    }

    #[test]
    fn a_date_in_the_past_asks_for_no_wait() {
        let earlier = ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(asked(&[DATE, earlier]), Some(Duration::ZERO));
    }

    #[test]
    fn an_absurd_wait_is_cut() {
        assert_eq!(
            asked(&[("retry-after", "99999999999999999999999")]),
            Some(MAX)
        );
        let far = ("retry-after", "Sat, 06 Nov 2094 08:49:37 GMT");
        assert_eq!(asked(&[DATE, far]), Some(MAX));
    }

    #[test]
    fn what_cannot_be_read_asks_for_nothing() {
        let dated = ("retry-after", "Sun, 06 Nov 1994 08:51:37 GMT");
        assert_eq!(asked(&[dated]), None, "no date to count from");
        for text in ["", "soon", "-5", "1.5"] {
            assert_eq!(asked(&[DATE, ("retry-after", text)]), None, "{text}");
        }
        assert_eq!(asked(&[]), None);
    }
}
