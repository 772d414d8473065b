//! `[app.map]`: branches and tiles. Every branch is looked at, so that all faults come at once.

use url::Url;

use super::{app, forms};
use crate::config::defaults;
use crate::config::error::Fault;
use crate::config::map::{Branch, LocationEvents, Locations, Map, Tiles};
use crate::config::tree::{Reading, Section, all};
use crate::domain::ids::AccountId;
use crate::domain::place::{NotAPlace, Place, System};
use crate::domain::schedule::wait;

/// The page loads them all, some 200 bytes each, and every answer to a location measures the way to each.
const MOST_BRANCHES: usize = 1_000;

/// Longest name, address and phone, characters: what a line on a phone has room for, several times.
const MOST_CHARS: usize = 200;

const SYSTEMS: [(&str, System); 2] = [("gcj02", System::Gcj02), ("wgs84", System::Wgs84)];

/// What must be filled into the URL of a tile.
const HOLES: [&str; 3] = ["{z}", "{x}", "{y}"];

/// `None` without a branch.
pub(super) fn map(section: &Section<'_>, accounts: &[AccountId]) -> Reading<Option<Map>> {
    let is_wanted = section.has("branches") || section.has("account");
    let account = is_wanted
        .then(|| app::account(section, accounts))
        .transpose();
    let tiles = section.optional("tiles", tile_url);
    let tile_system = section.or("tiles_coordinates", defaults::COORDINATES, system);
    let tile_credit = section.optional("tiles_credit", line);
    let given = section.or("coordinates", defaults::COORDINATES, system);
    // Where that is wrong, which is noted, any will do.
    let branches = branches(section, *given.as_ref().unwrap_or(&System::Gcj02));
    let (tiles, tile_system, tile_credit) = (tiles?, tile_system?, tile_credit?);
    given?;
    let (Some(account), branches) = (account?, branches?) else {
        return Ok(None);
    };
    if branches.is_empty() {
        return Ok(None);
    }
    Ok(Some(Map {
        account,
        tiles: tiles.map(|url| Tiles {
            url,
            system: tile_system,
            credit: tile_credit.unwrap_or_default(),
        }),
        branches,
    }))
}

fn branches(section: &Section<'_>, given: System) -> Reading<Vec<Branch>> {
    let sections = section.sections("branches")?;
    if sections.len() > MOST_BRANCHES {
        let reason = format!("there are more than {MOST_BRANCHES} branches");
        let remedy = "leave some out, or show them on a page of your own (docs/MAP.md)";
        return Err(section.error("branches", Fault::new(reason, remedy)));
    }
    all(sections.iter().map(|section| branch(section, given)))
}

fn branch(section: &Section<'_>, given: System) -> Reading<Branch> {
    let name = section.required("name", line);
    let address = section.optional("address", line);
    let phone = section.optional("phone", line);
    let latitude = section.decimal("latitude");
    let longitude = section.decimal("longitude");
    let place = latitude.and_then(|latitude| {
        let place = Place::new(given, latitude, longitude?);
        place.map_err(|fault| section.error(key_of(fault), misplaced(fault)))
    });
    // A longitude that cannot be read is noted where the latitude is wrong, too.
    Ok(Branch {
        name: name?,
        address: address?.unwrap_or_default(),
        phone: phone?.unwrap_or_default(),
        place: place?,
    })
}

fn key_of(fault: NotAPlace) -> &'static str {
    match fault {
        NotAPlace::Longitude => "longitude",
        NotAPlace::Number | NotAPlace::Latitude | NotAPlace::Swapped => "latitude",
    }
}

fn misplaced(fault: NotAPlace) -> Fault {
    Fault::new(
        fault.to_string(),
        "write for example latitude = 30.66 and longitude = 104.06",
    )
}

fn line(text: &str) -> Result<String, Fault> {
    if text.chars().any(char::is_control) {
        return Err(Fault::new("the text has several lines", "write it in one"));
    }
    if text.chars().count() > MOST_CHARS {
        let reason = format!("the text is longer than {MOST_CHARS} characters");
        return Err(Fault::new(reason, "shorten it"));
    }
    Ok(text.trim().to_owned())
}

fn system(text: &str) -> Result<System, Fault> {
    forms::choice(&SYSTEMS)(text)
}

fn tile_url(text: &str) -> Result<String, Fault> {
    let example = "write for example \"https://tiles.example.cn/{z}/{x}/{y}.png\"";
    if let Some(hole) = HOLES.iter().find(|hole| !text.contains(**hole)) {
        return Err(Fault::new(format!("the URL has no {hole}"), example));
    }
    let filled = HOLES
        .iter()
        .fold(text.to_owned(), |url, hole| url.replace(hole, "0"));
    let url: Url = forms::http_url(&filled)?;
    if filled.contains(['{', '}']) {
        return Err(Fault::new("the URL has further places to fill in", example));
    }
    // Pages are told which host pictures may come from.
    let authority = text.split('/').nth(2).unwrap_or_default();
    if authority.contains('{') || !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::new("the host of the URL is no plain one", example));
    }
    Ok(text.to_owned())
}

/// The keys of an account that say what is kept of where its followers are.
pub(super) fn locations(account: &Section<'_>) -> Reading<Locations> {
    let events = account.or("location_events", defaults::LOCATION_EVENTS, events);
    let event_coordinates = account.or("location_event_coordinates", defaults::COORDINATES, system);
    Ok(Locations {
        events: events?,
        event_coordinates: event_coordinates?,
    })
}

fn events(text: &str) -> Result<LocationEvents, Fault> {
    match text {
        "off" => Ok(LocationEvents::Off),
        "all" => Ok(LocationEvents::All),
        text => {
            let read = text
                .split_once(' ')
                .map(|(number, unit)| wait(number, unit));
            match read {
                Some(Ok(wait)) => Ok(LocationEvents::Every(wait)),
                _ => Err(Fault::new(
                    "this is no time",
                    "write \"all\", \"off\", or a number with s, min, h or d, for example \"60 min\"",
                )),
            }
        }
    }
}
