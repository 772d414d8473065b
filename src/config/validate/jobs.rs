//! `[jobs.<name>]`: schedules over the defaults.

use jiff::tz::TimeZone;

use super::forms;
use crate::config::error::Fault;
use crate::config::jobs::Schedules;
use crate::config::tree::{Reading, Section, all};
use crate::domain::ids::is_config_id;
use crate::domain::jobs::{JOBS, KnownJob, known};
use crate::domain::schedule::Schedule;

/// Reads the schedule of every job; where no `zone` is given, hours are those of `zone`.
pub(super) fn schedules(section: &Section<'_>, zone: &TimeZone) -> Reading<Schedules> {
    // Names of a wrong form are noted with the unknown keys.
    let names = section.names().filter(|name| is_config_id(name));
    let unknown = names.filter(|name| known(name).is_none());
    let unknown = all(unknown.map(|name| refuse(section, name, zone)));
    let read =
        |job: &'static KnownJob| Ok((job.name, one(&section.section(job.name)?, job, zone)?));
    let schedules = all(JOBS.iter().map(read));
    unknown?;
    Ok(Schedules(schedules?.into_iter().collect()))
}

fn one(section: &Section<'_>, job: &KnownJob, zone: &TimeZone) -> Reading<Schedule> {
    let own = section.optional("zone", forms::time_zone);
    let zone = own.as_ref().ok().and_then(Option::as_ref).unwrap_or(zone);
    let schedule = section.or("schedule", job.schedule, |text| schedule(text, zone))?;
    if job.vital && schedule.is_off() {
        let reason = format!("qiao cannot do without the job {}", job.name);
        let remedy = format!(
            "leave the key out, or write for example \"{}\"",
            job.schedule
        );
        return Err(section.error("schedule", Fault::new(reason, remedy)));
    }
    if own?.is_some() && schedule.zone().is_none() {
        let warning = "it changes nothing, since the schedule is no cron expression";
        section.warn("zone", warning);
    }
    Ok(schedule)
}

/// Notes that there is no such job; its keys are looked at all the same.
fn refuse(section: &Section<'_>, name: &str, zone: &TimeZone) -> Reading<()> {
    let likeness = |job: &&KnownJob| strsim::jaro_winkler(job.name, name);
    let nearest = JOBS
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .expect("there are jobs");
    let remedy = format!(
        "the nearest known one is {}; `qiao jobs list` names them",
        nearest.name
    );
    let refused = section.error(name, Fault::new("there is no such job", remedy));
    one(&section.section(name)?, nearest, zone)?;
    Err(refused)
}

fn schedule(text: &str, zone: &TimeZone) -> Result<Schedule, Fault> {
    let remedy =
        "write for example \"30 3 * * *\" (daily at 03:30), \"0 4 * * SUN\" or \"every 5 min\"";
    Schedule::parse(text, zone).map_err(|fault| Fault::new(fault.to_string(), remedy))
}
