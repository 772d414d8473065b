//! The calls that every part of the client is made of: read one, list, create, follow pages.
//!
//! Nothing here knows what an object means to Qiao; [`EntityType`] says how one is read. Start
//! at [`Client::read`] and [`Client::create_in`].

use serde::Serialize;

use super::call::Call;
use super::client::Client;
use super::error::{Error, Kind};
use super::odata::address::{Service, at_home, key_in};
use super::odata::filter::{CHANGED_ON, Filter};
use super::odata::json::{self, Entity, Feed};
use super::pace::Pace;
use super::paging::{Changed, Cursor};

use crate::domain::ids::ObjectId;
use crate::kit::transport::Response;

/// The most pages of a list that should be short: one person has one customer, or a few by
/// mistake, and a ticket some hundred notes.
const MAX_PAGES: usize = 10;

/// The properties that must be equal, with their values.
pub(super) type Equal<'a> = [(&'a str, &'a str)];

/// An object that lives in an entity set of its own.
pub(super) trait EntityType: Sized {
    /// The set.
    const SET: &'static str;

    /// Reads it; [`Kind::Incomplete`] when it lacks what all of its kind have.
    fn of(entity: &Entity) -> Result<Self, Kind>;
}

impl Client {
    /// Reads an object; `None` when C4C has none with that key.
    pub(super) async fn read<T: EntityType>(
        &self,
        pace: Pace,
        id: &ObjectId,
    ) -> Result<Option<T>, Error> {
        let call = Call::get(self.service.read(T::SET, id.as_str()), Vec::new());
        match self.session.exchange(pace, &call).await {
            Ok(answer) => self.one(&answer).map(Some),
            Err(error) if matches!(error.kind, Kind::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates an object in its set and reads what it became.
    ///
    /// When C4C has created it but that cannot be read, that is [`Kind::CreatedUnread`] and
    /// uncertain, as is every lost answer: look it up before creating again.
    pub(super) async fn create_in<T: EntityType>(
        &self,
        pace: Pace,
        body: &impl Serialize,
        sent: Vec<String>,
    ) -> Result<T, Error> {
        let call = Call::post(self.service.set(T::SET), body, sent);
        let answer = self.session.exchange(pace, &call).await?;
        let unread = match self.one(&answer) {
            Ok(made) => return Ok(made),
            Err(error) => error,
        };
        // The key alone is taken: a location is no place to send credentials to.
        let reason = match answer.header("location").and_then(key_in) {
            Some(id) => match self.read(pace, &id).await {
                Ok(Some(made)) => return Ok(made),
                Ok(None) => "it is not found under its location".to_owned(),
                Err(error) => error.kind.to_string(),
            },
            None => unread.kind.to_string(),
        };
        Err(self.session.error(Kind::CreatedUnread { reason }))
    }

    /// The one object of an answer.
    fn one<T: EntityType>(&self, answer: &Response) -> Result<T, Error> {
        let mut entity = json::entity(&answer.body).map_err(|e| self.session.error(e.into()))?;
        entity.or_etag(answer.header("etag"));
        self.seen_as(&entity)
    }

    /// The object of a row.
    pub(super) fn seen_as<T: EntityType>(&self, row: &Entity) -> Result<T, Error> {
        T::of(row).map_err(|kind| self.session.error(kind))
    }

    /// All rows of `set` whose properties have exactly these values; `None` when the tenant
    /// refuses to filter by them.
    ///
    /// C4C may compare without regard to case (c4c.md 2.2), so it is compared again here.
    pub(super) async fn matching(
        &self,
        pace: Pace,
        service: &Service,
        set: &str,
        equal: &Equal<'_>,
    ) -> Result<Option<Vec<Entity>>, Error> {
        let filter = self.filter(equal)?;
        let url = service.query(set, &[("$filter", filter.as_str())]);
        let exact = |row: &Entity| {
            let same = |(name, value): &(&str, &str)| row.text(name).as_deref() == Some(*value);
            equal.iter().all(same)
        };
        let values = equal.iter().map(|(_, value)| (*value).to_owned());
        match self.rows(pace, url, values.collect(), exact).await {
            Err(error) if matches!(error.kind, Kind::Refused { status: 400, .. }) => Ok(None),
            rows => rows.map(Some),
        }
    }

    /// As [`Client::matching`] in the standard service, where there is no other way to find it.
    pub(super) async fn search<T: EntityType>(
        &self,
        pace: Pace,
        property: &str,
        value: &str,
    ) -> Result<Vec<T>, Error> {
        let rows = self
            .matching(pace, &self.service, T::SET, &[(property, value)])
            .await?;
        let property = property.to_owned();
        let rows = rows.ok_or_else(|| self.session.error(Kind::Unfilterable { property }))?;
        rows.iter().map(|row| self.seen_as(row)).collect()
    }

    fn filter(&self, equal: &Equal<'_>) -> Result<Filter, Error> {
        let mut whole: Option<Filter> = None;
        for (property, value) in equal {
            let part = Filter::equals(property, value).map_err(|e| self.session.error(e.into()))?;
            whole = Some(whole.map_or_else(|| part.clone(), |before| before.and(&part)));
        }
        Ok(whole.expect("callers compare at least one property"))
    }

    /// The rows of a list, page by page; those that are not wanted are dropped at once.
    pub(super) async fn rows(
        &self,
        pace: Pace,
        mut url: String,
        sent: Vec<String>,
        wanted: impl Fn(&Entity) -> bool,
    ) -> Result<Vec<Entity>, Error> {
        let mut rows = Vec::new();
        for _ in 0..MAX_PAGES {
            let feed = self.feed(pace, url, sent.clone()).await?;
            rows.extend(feed.entities.into_iter().filter(|row| wanted(row)));
            match feed.next {
                Some(link) => url = self.followed(&link)?,
                None => return Ok(rows),
            }
        }
        Err(self.session.error(Kind::TooManyPages))
    }

    /// What fits `filter`, in the order of its last change, a page at a time; `from` is the
    /// `next` of the page before. Rows that lack what all have are left out: one of them must not
    /// stop a sweep.
    pub(super) async fn changed<T: EntityType>(
        &self,
        pace: Pace,
        filter: &Filter,
        from: Option<&str>,
    ) -> Result<Changed<T>, Error> {
        let options = [("$filter", filter.as_str()), ("$orderby", CHANGED_ON)];
        let first = |skip: Option<&str>| {
            let skip = skip.map(|skip| ("$skip", skip));
            let options: Vec<_> = options.into_iter().chain(skip).collect();
            self.service.query(T::SET, &options)
        };
        let Changed { rows, next } = self.page(pace, from, first).await?;
        let rows = rows.iter().filter_map(|row| T::of(row).ok()).collect();
        Ok(Changed { rows, next })
    }

    /// A page of a long list; `from` is the `next` of the page before. `url` makes the address of a
    /// page that has no link, given how many rows come before it.
    pub(super) async fn page(
        &self,
        pace: Pace,
        from: Option<&str>,
        url: impl Fn(Option<&str>) -> String,
    ) -> Result<Changed<Entity>, Error> {
        let cursor = match from.map(str::parse).transpose() {
            Ok(cursor) => cursor.unwrap_or(Cursor::Skip(0)),
            Err(()) => return Err(self.session.error(Kind::BadCursor)),
        };
        let (url, skipped) = match &cursor {
            Cursor::Link(link) => (self.followed(link)?, None),
            Cursor::Skip(0) => (url(None), Some(0)),
            Cursor::Skip(rows) => (url(Some(&rows.to_string())), Some(*rows)),
        };
        let Feed { entities, next, .. } = self.feed(pace, url, Vec::new()).await?;
        let next = match skipped {
            Some(rows) => Cursor::after(entities.len(), next, rows),
            None => next.map(Cursor::Link),
        };
        Ok(Changed {
            rows: entities,
            next: next.map(|cursor| cursor.to_string()),
        })
    }

    /// One page.
    pub(super) async fn feed(
        &self,
        pace: Pace,
        url: String,
        sent: Vec<String>,
    ) -> Result<Feed, Error> {
        let answer = self.session.exchange(pace, &Call::get(url, sent)).await?;
        json::feed(&answer.body).map_err(|e| self.session.error(e.into()))
    }

    fn followed(&self, link: &str) -> Result<String, Error> {
        at_home(self.session.home(), link)
            .map(String::from)
            .ok_or_else(|| self.session.error(Kind::ForeignLink))
    }
}

/// The object with the lowest number: numbers are given out in order.
pub(super) fn first<T>(objects: Vec<T>, number: impl Fn(&T) -> &str) -> Option<T> {
    objects.into_iter().min_by_key(|object| {
        let digits = number(object).trim_start_matches('0').to_owned();
        (digits.len(), digits)
    })
}
