//! What Qiao asks of a tenant: find, read, create and change customers and their WeChat IDs.
//!
//! Start at [`Client::find_by_openid`]. Every method takes a [`Pace`] and makes few calls; none
//! waits and tries again. What conversations need stands beside it: [`super::profile`],
//! [`super::activity`], [`super::ticket`], [`super::note`], [`super::attachment`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::call::Call;
use super::calls::EntityType;
use super::customer::Customer;
use super::error::{Error, Kind};
use super::lookup::{LookUp, Place};
use super::odata::address::Service;
use super::odata::filter::Filter;
use super::odata::json::Entity;
use super::pace::Pace;
use super::paging::{Changed, Page};
use super::session::Session;
use crate::config::{CustomService, Tenant, WechatIdField};
use crate::domain::ids::{CustomerId, ObjectId, OpenId, TenantId};
use crate::kit::transport::Transport;

/// A client of one tenant; share it, since session, call slots and what was learnt are in it.
#[derive(Debug)]
pub struct Client {
    pub(super) session: Session,
    pub(super) tenant_url: String,
    pub(super) service: Service,
    pub(super) wechat_id: WechatIdField,
    lookups: Vec<LookUp>,
}

impl Client {
    /// A client that has sent nothing yet. `config` was validated, so its URL is one.
    pub fn new(transport: Arc<dyn Transport>, config: &Tenant, id: TenantId) -> Self {
        Self {
            session: Session::new(transport, config, id),
            tenant_url: config.url.clone(),
            service: Service::new(&config.url, &config.service),
            wechat_id: config.wechat_id.clone(),
            lookups: LookUp::of(config),
        }
    }

    /// Whether the tenant answers and takes our credentials: a cheap read of the service root.
    pub async fn probe(&self, pace: Pace) -> Result<(), Error> {
        self.feed(pace, self.service.root(), Vec::new())
            .await
            .map(drop)
    }

    /// Reads a customer; `None` when C4C has none with that key.
    pub async fn customer(&self, pace: Pace, id: &ObjectId) -> Result<Option<Customer>, Error> {
        self.read(pace, id).await
    }

    /// The customer whom somebody names by key, by number, or by both; `None` when C4C has none such.
    pub async fn named(
        &self,
        pace: Pace,
        object: Option<&ObjectId>,
        number: Option<&CustomerId>,
    ) -> Result<Option<Customer>, Error> {
        let found = match (object, number) {
            (Some(object), _) => self.customer(pace, object).await?,
            (None, Some(number)) => {
                let found = self.search(pace, "CustomerID", number.as_str()).await?;
                found.into_iter().next()
            }
            (None, None) => None,
        };
        Ok(found.filter(|customer| number.is_none_or(|number| *number == customer.customer_id)))
    }

    /// All customers that carry exactly this OpenID, obsolete ones among them.
    ///
    /// The first configured look-up that the tenant can filter by answers.
    pub async fn find_by_openid(
        &self,
        pace: Pace,
        openid: &OpenId,
    ) -> Result<Vec<Customer>, Error> {
        for lookup in self.lookups.iter().filter(|l| l.is_usable()) {
            let found = match &lookup.place {
                Place::Own(field) => self.find_by_field(pace, field, openid).await,
                Place::Custom(service, field) => {
                    self.find_by_service(pace, service, field, openid).await
                }
            };
            match found? {
                Some(customers) => return Ok(customers),
                None => lookup.give_up(),
            }
        }
        Err(self.session.error(Kind::NoLookup))
    }

    async fn find_by_field(
        &self,
        pace: Pace,
        field: &str,
        openid: &OpenId,
    ) -> Result<Option<Vec<Customer>>, Error> {
        let rows = self
            .matching(
                pace,
                &self.service,
                Customer::SET,
                &[(field, openid.as_str())],
            )
            .await?;
        let customers = |rows: Vec<Entity>| rows.iter().map(|row| self.seen_as(row)).collect();
        rows.map(customers).transpose()
    }

    /// The custom service names the customer of each row, which is then read from the standard
    /// one. Rows that outlived their customer find nothing.
    async fn find_by_service(
        &self,
        pace: Pace,
        custom: &CustomService,
        field: &str,
        openid: &OpenId,
    ) -> Result<Option<Vec<Customer>>, Error> {
        let service = Service::new(&self.tenant_url, &custom.path);
        let rows = self
            .matching(pace, &service, &custom.set, &[(field, openid.as_str())])
            .await?;
        let Some(rows) = rows else { return Ok(None) };
        let parents: BTreeSet<ObjectId> = rows
            .iter()
            .filter_map(|row| ObjectId::parse(&row.text(&custom.parent)?))
            .collect();
        let mut customers = Vec::new();
        for parent in &parents {
            customers.extend(self.customer(pace, parent).await?);
        }
        Ok(Some(customers))
    }

    /// Creates a customer with these properties and reads what it became.
    ///
    /// When C4C has created it but its numbers cannot be read, that is [`Kind::CreatedUnread`]
    /// and uncertain, as is every lost answer: look it up before creating again.
    pub async fn create(
        &self,
        pace: Pace,
        fields: &BTreeMap<String, String>,
    ) -> Result<Customer, Error> {
        self.create_in(pace, fields, fields.values().cloned().collect())
            .await
    }

    /// Changes properties of a customer; with an ETag only if it is still the same.
    pub async fn patch(
        &self,
        pace: Pace,
        id: &ObjectId,
        fields: &BTreeMap<String, String>,
        etag: Option<&str>,
    ) -> Result<(), Error> {
        let url = self.service.entity(Customer::SET, id.as_str());
        let call = Call::patch(url, fields, etag);
        self.session.exchange(pace, &call).await.map(drop)
    }

    /// The WeChat ID of a customer, wherever the configuration says that it lives; `None` when
    /// it is unset or there is no such customer.
    pub async fn wechat_id(&self, pace: Pace, id: &ObjectId) -> Result<Option<String>, Error> {
        let field = &self.wechat_id.field;
        let text = match &self.wechat_id.service {
            Some(custom) => self
                .custom_row(pace, custom, id)
                .await?
                .and_then(|row| row.text(field)),
            None => self
                .customer(pace, id)
                .await?
                .and_then(|mut customer| customer.fields.remove(field)),
        };
        Ok(text.filter(|t| !t.is_empty()))
    }

    /// Writes the WeChat ID of a customer; nothing is sent when it stands there already.
    pub async fn set_wechat_id(
        &self,
        pace: Pace,
        id: &ObjectId,
        openid: &OpenId,
    ) -> Result<(), Error> {
        let field = &self.wechat_id.field;
        let change = BTreeMap::from([(field.clone(), openid.as_str().to_owned())]);
        let Some(custom) = &self.wechat_id.service else {
            return self.patch(pace, id, &change, None).await;
        };
        let row = self.custom_row(pace, custom, id).await?;
        let row = row.ok_or_else(|| self.session.error(Kind::NoRow))?;
        if row.text(field).as_deref() == Some(openid.as_str()) {
            return Ok(());
        }
        // The row's own key: it differs from the customer's (c4c.md 2.3).
        let key = row.text("ObjectID").filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| self.session.error(Kind::NoRow))?;
        let url = Service::new(&self.tenant_url, &custom.path).entity(&custom.set, &key);
        let call = Call::patch(url, &change, row.etag().as_deref());
        self.session.exchange(pace, &call).await.map(drop)
    }

    async fn custom_row(
        &self,
        pace: Pace,
        custom: &CustomService,
        customer: &ObjectId,
    ) -> Result<Option<Entity>, Error> {
        let service = Service::new(&self.tenant_url, &custom.path);
        let filter = Filter::equals(&custom.parent, customer.as_str())
            .map_err(|e| self.session.error(e.into()))?;
        let url = service.query(&custom.set, &[("$filter", filter.as_str())]);
        let feed = self.feed(pace, url, Vec::new()).await?;
        let belongs = |row: &Entity| {
            let parent = row.text(&custom.parent);
            parent.and_then(|p| ObjectId::parse(&p)).as_ref() == Some(customer)
        };
        Ok(feed.entities.into_iter().find(belongs))
    }

    /// Customers changed at `since` or later, oldest first, a page at a time; `from` is the
    /// [`Page::next`] of the page before.
    ///
    /// The boundary comes again. A customer that changes during the sweep moves to its end and
    /// pulls the rest forward, so let sweeps overlap. Rows without both numbers are left out:
    /// nobody can be linked to them, and one of them must not stop the sweep.
    pub async fn changed_since(
        &self,
        pace: Pace,
        since: Timestamp,
        from: Option<&str>,
    ) -> Result<Page, Error> {
        let filter = Filter::changed_since(since);
        let Changed { rows, next } = self.changed(pace, &filter, from).await?;
        Ok(Page {
            customers: rows,
            next,
        })
    }
}
