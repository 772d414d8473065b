//! Where followers are: what flows and effects ask of `location`.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::apply::Written;
use super::codec::{instant, json, micros};
use super::given::{self, row};
use super::{Store, StoreError};
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::place::{Place, System};
use crate::domain::rows::{Follower, NewLocation};

/// Where a message says that its follower is.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLocation {
    /// Where.
    pub place: Place,
    /// Its address, if it has one.
    pub label: Option<String>,
}

impl Store {
    /// When the newest kept LOCATION event of each of these followers was, as far as there is one.
    pub async fn last_location_events(
        &self,
        followers: &[&Follower],
    ) -> Result<HashMap<Follower, Timestamp>, StoreError> {
        let rows: Vec<(String, String, Option<i64>)> = sqlx::query_as(
            "SELECT f.value ->> 'account', f.value ->> 'openid', (
                 SELECT max(l.at) FROM location l WHERE l.account = f.value ->> 'account'
                     AND l.openid = f.value ->> 'openid' AND l.source = 'event')
             FROM json_each(?) f",
        )
        .bind(json(followers))
        .fetch_all(&self.readers)
        .await?;
        let last = |(account, openid, at): (String, String, Option<i64>)| {
            let follower = Follower {
                account: AccountId::new(account),
                openid: OpenId::new(openid),
            };
            at.map(|at| (follower, instant(at)))
        };
        Ok(rows.into_iter().filter_map(last).collect())
    }

    /// The raw pushes of these effects, as far as they were not deleted.
    pub async fn inbox_bodies(&self, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT i.id, i.body FROM json_each(?) j CROSS JOIN inbox i ON i.id = j.value
             WHERE i.body IS NOT NULL",
        )
        .bind(json(ids))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().collect())
    }

    /// The place of a location message; `None` when it was no place, or is deleted.
    pub async fn location_of_message(
        &self,
        message_id: i64,
    ) -> Result<Option<StoredLocation>, StoreError> {
        let row: Option<(f64, f64, Option<String>)> = sqlx::query_as(
            "SELECT gcj02_latitude, gcj02_longitude, label FROM location WHERE message_id = ?",
        )
        .bind(message_id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.and_then(|(latitude, longitude, label)| {
            let place = Place::new(System::Gcj02, latitude, longitude).ok()?;
            Some(StoredLocation { place, label })
        }))
    }
}

pub(super) struct LocationInsert {
    account: String,
    openid: String,
    source: &'static str,
    given: &'static str,
    gcj02_latitude: f64,
    gcj02_longitude: f64,
    wgs84_latitude: f64,
    wgs84_longitude: f64,
    accuracy: Option<f64>,
    label: Option<String>,
    message_id: Option<i64>,
    inbox_id: Option<i64>,
    at: i64,
    recorded_at: i64,
}
row!(LocationInsert: account, openid, source, given, gcj02_latitude, gcj02_longitude, wgs84_latitude, wgs84_longitude, accuracy, label, message_id, inbox_id, at, recorded_at);

impl LocationInsert {
    pub(super) fn new(new: &NewLocation, inbox_id: Option<i64>, now: Timestamp) -> Self {
        let Place {
            gcj02,
            wgs84,
            given,
        } = new.place;
        let is_message = new.message_id.is_some();
        Self {
            account: new.follower.account.as_str().to_owned(),
            openid: new.follower.openid.as_str().to_owned(),
            source: if is_message { "message" } else { "event" },
            given: given.as_str(),
            gcj02_latitude: gcj02.latitude(),
            gcj02_longitude: gcj02.longitude(),
            wgs84_latitude: wgs84.latitude(),
            wgs84_longitude: wgs84.longitude(),
            accuracy: new.accuracy,
            label: new.label.clone(),
            message_id: new.message_id,
            inbox_id,
            at: micros(new.at),
            recorded_at: micros(now),
        }
    }
}

/// A message that has its place already keeps it.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    rows: Vec<LocationInsert>,
) -> Written {
    given::execute(
        connection,
        "INSERT INTO location (account, openid, source, given, gcj02_latitude, gcj02_longitude,
             wgs84_latitude, wgs84_longitude, accuracy, label, message_id, inbox_id, at,
             recorded_at)
         SELECT * FROM given WHERE account IS NOT NULL
         ON CONFLICT DO NOTHING",
        rows,
    )
    .await
}
