//! When something that repeats is due. Pure: schedule, last start and the time in, an instant out.
//!
//! Start reading at [`Schedule::next`]. What a cron expression means is croner's business; what
//! downtime, a new installation and a clock that was set mean is decided here.

mod local;
#[cfg(test)]
mod tests;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use local::Local;

/// The longest wait of an `every`: a year. What waits longer is a mistake or should be `off`.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// The fields of a cron expression, in their order.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// When something that repeats is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    text: String,
    rhythm: Rhythm,
}

#[derive(Debug, Clone, PartialEq)]
enum Rhythm {
    /// Only when a person asks.
    Off,
    /// This long after its last start.
    Every(SignedDuration),
    /// When the clock of a zone shows what the expression describes.
    Cron(Box<Cron>, TimeZone),
}

/// From when a schedule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The last start, whatever came of it.
    Ran(Timestamp),
    /// It never ran; since then this installation knows it.
    Known(Timestamp),
}

/// Why a text is no schedule. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotASchedule {
    /// `every` without a usable wait.
    #[error("after \"every\" stands no whole number from 1 with s, min, h or d, of a year at most")]
    Wait,
    /// Not five fields.
    #[error("a cron expression has five fields: minute, hour, day of month, month, day of week")]
    Fields,
    /// One of the fields cannot be read.
    #[error("the field \"{0}\" of the cron expression cannot be read")]
    Field(&'static str),
    /// There is no such moment, as with 30 February.
    #[error("there is no moment that fits the cron expression, so it would never fire")]
    Never,
}

impl Schedule {
    /// Reads `every 5 min`, a cron expression of five fields for the clock of `zone`, or `off`.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, NotASchedule> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let rhythm = match words.as_slice() {
            ["off"] => Rhythm::Off,
            ["every", number, unit] => Rhythm::Every(wait(number, unit)?),
            ["every", ..] => return Err(NotASchedule::Wait),
            fields => Rhythm::Cron(Box::new(cron(fields)?), zone.clone()),
        };
        let schedule = Self {
            text: words.join(" "),
            rhythm,
        };
        let fires = schedule.is_off() || schedule.after(Timestamp::UNIX_EPOCH).is_some();
        fires.then_some(schedule).ok_or(NotASchedule::Never)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// By whose clock a cron expression goes; `None` for the others.
    pub fn zone(&self) -> Option<&TimeZone> {
        match &self.rhythm {
            Rhythm::Cron(_, zone) => Some(zone),
            Rhythm::Off | Rhythm::Every(_) => None,
        }
    }

    /// Whether nothing but a person starts it.
    pub fn is_off(&self) -> bool {
        self.rhythm == Rhythm::Off
    }

    /// When it is due next; not later than `now`: it is due. `None` when it is off.
    ///
    /// What never ran is due at once by a wait, and by a cron expression at its next moment: a new
    /// installation does not begin with a reconciliation. After downtime it is due once, however
    /// often it was missed: its next start is what counts from then on.
    pub fn next(&self, since: Since, now: Timestamp) -> Option<Timestamp> {
        let from = match (since, &self.rhythm) {
            (Since::Known(_), Rhythm::Every(_)) => return Some(now),
            (Since::Ran(at) | Since::Known(at), _) => at,
        };
        let next = self.after(from)?;
        Some(if self.is_forgotten(from, now) {
            now
        } else {
            next
        })
    }

    /// The first moment after `from`.
    fn after(&self, from: Timestamp) -> Option<Timestamp> {
        match &self.rhythm {
            Rhythm::Off => None,
            Rhythm::Every(wait) => from.checked_add(*wait).ok(),
            Rhythm::Cron(cron, zone) => {
                let from = Local(from.to_zoned_datetime(zone.clone()));
                let next = cron.find_next_occurrence(&from, false);
                next.ok().map(|next| next.0.timestamp())
            }
        }
    }

    /// Whether `from` lies so far ahead that the clock must have been set back since. By less than a
    /// period it is waited out, so that nothing runs twice in one; by more, waiting would silence it.
    fn is_forgotten(&self, from: Timestamp, now: Timestamp) -> bool {
        let period = self.after(now).and_then(|next| {
            let after_next = self.after(next)?;
            Some(after_next.duration_since(next))
        });
        period.is_some_and(|period| from.duration_since(now) > period)
    }
}

/// A time as `5 min` tells it; `None` when it cannot be read.
pub fn span(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.trim().split_once(' ')?;
    wait(number, unit.trim()).ok()
}

/// The wait that a whole number and a unit (s, min, h, d) are, as in `5 min`: a year at most.
pub fn wait(number: &str, unit: &str) -> Result<SignedDuration, NotASchedule> {
    let unit: i64 = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(NotASchedule::Wait),
    };
    let seconds = number.parse().ok().and_then(|n: i64| n.checked_mul(unit));
    let wait = seconds.map(SignedDuration::from_secs);
    let fits = |wait: &SignedDuration| wait.is_positive() && *wait <= LONGEST;
    wait.filter(fits).ok_or(NotASchedule::Wait)
}

fn cron(fields: &[&str]) -> Result<Cron, NotASchedule> {
    if fields.len() != FIELDS.len() {
        return Err(NotASchedule::Fields);
    }
    for (place, field) in fields.iter().enumerate() {
        let mut alone = ["*"; FIELDS.len()];
        alone[place] = field;
        read(&alone).ok_or(NotASchedule::Field(FIELDS[place]))?;
    }
    read(fields).ok_or(NotASchedule::Never)
}

fn read(fields: &[&str]) -> Option<Cron> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    parser.parse(&fields.join(" ")).ok()
}
