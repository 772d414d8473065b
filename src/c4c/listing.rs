//! All customers of a tenant, a page at a time, for reconciliation: who they are, whether they are in
//! use, and which WeChat ID they carry (c4c.md 1.11, 2.1, 2.3).
//!
//! A walk is no snapshot: what is deleted meanwhile pulls the rest forward, so a page may miss a row.
//! Whoever concludes anything from a row that was not seen must read it once more.

use super::client::Client;
use super::customer::Customer;
use super::error::Error;
use super::odata::address::Service;
use super::pace::Pace;
use super::paging::Changed;
use crate::domain::ids::{ObjectId, OpenId};

/// The key of a customer; keys ascend and never change, so a walk along them is a steady one.
const KEY: &str = "ObjectID";

/// The old standard service (c4c.md 1.1), which calls the status otherwise (2.1).
const OLD_SERVICE: &str = "/c4codata";

/// A customer as a walk sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub object_id: ObjectId,
    /// The WeChat ID that it carries, if that is a field of its own.
    pub wechat_id: Option<OpenId>,
    /// Whether it is in use.
    pub active: bool,
}

/// A row of the custom service in which WeChat IDs live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The customer.
    pub object_id: ObjectId,
    /// The WeChat ID.
    pub wechat_id: OpenId,
}

impl Client {
    /// Customers in order of their keys; `from` is the `next` of the page before.
    pub async fn listed(&self, pace: Pace, from: Option<&str>) -> Result<Changed<Listed>, Error> {
        let status = if self
            .service
            .set("")
            .trim_end_matches('/')
            .ends_with(OLD_SERVICE)
        {
            "StatusCode"
        } else {
            "LifeCycleStatusCode"
        };
        let own = self.wechat_id.service.is_none();
        let own = own.then_some(self.wechat_id.field.as_str());
        let fields: Vec<&str> = [KEY, "CustomerID", status].into_iter().chain(own).collect();
        let select = fields.join(",");
        let options = [("$select", select.as_str()), ("$orderby", KEY)];
        let first = |skip: Option<&str>| {
            let skip = skip.map(|skip| ("$skip", skip));
            let options: Vec<_> = options.into_iter().chain(skip).collect();
            self.service.query("IndividualCustomerCollection", &options)
        };
        let Changed { rows, next } = self.page(pace, from, first).await?;
        let rows = rows.iter().filter_map(|row| {
            let customer = self.seen_as::<Customer>(row).ok()?;
            Some(Listed {
                wechat_id: own.and_then(|field| customer.field(field)).map(OpenId::new),
                active: !customer.obsolete,
                object_id: customer.object_id,
            })
        });
        Ok(Changed {
            rows: rows.collect(),
            next,
        })
    }

    /// The WeChat IDs in the custom service, if the configuration says that they live in one; `from` as
    /// above. Rows without one are left out.
    pub async fn carried(
        &self,
        pace: Pace,
        from: Option<&str>,
    ) -> Result<Option<Changed<Carried>>, Error> {
        let Some(custom) = &self.wechat_id.service else {
            return Ok(None);
        };
        let field = &self.wechat_id.field;
        let service = Service::new(&self.tenant_url, &custom.path);
        let select = format!("{},{field}", custom.parent);
        let options = [("$select", select.as_str()), ("$orderby", &custom.parent)];
        let first = |skip: Option<&str>| {
            let skip = skip.map(|skip| ("$skip", skip));
            let options: Vec<_> = options.into_iter().chain(skip).collect();
            service.query(&custom.set, &options)
        };
        let Changed { rows, next } = self.page(pace, from, first).await?;
        let rows = rows.iter().filter_map(|row| {
            let parent = row.text(&custom.parent)?;
            Some(Carried {
                object_id: ObjectId::parse(&parent)?,
                wechat_id: row
                    .text(field)
                    .filter(|id| !id.is_empty())
                    .map(OpenId::new)?,
            })
        });
        Ok(Some(Changed {
            rows: rows.collect(),
            next,
        }))
    }
}
