//! SAP Cloud for Customer as a server: OData V2 services around the individual customer, its
//! users, and its change notifications.
//!
//! It owns one simulated tenant and follows `c4c.md`; where that is unsure there is a knob in
//! [`Settings`]. It must never be bent to a client. Start at [`C4c`]: a request goes
//! `handle` → `odata` (who, CSRF, which service) → `operations` (read, write) → a renderer.
//! In process, tests and the demo act as a C4C agent through the methods in `driver`; from
//! outside through `/_control/…` in `control`.

mod batch;
mod body;
mod calls;
mod control;
mod csrf;
mod customer;
mod customer_type;
mod customers;
mod driver;
mod error;
mod filter;
mod metadata;
mod multipart;
mod notification;
mod notify;
mod odata;
mod operations;
mod query;
mod render_atom;
mod render_json;
mod schema;
mod settings;
mod target;
#[cfg(test)]
mod tests;
mod users;
mod value;
mod view;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;

pub use calls::{Call, Calls};
pub use customer::{Change, Customer};
pub use customers::{Event, Saved};
pub use notify::{Notifications, NotifySettings, Subscription, Tally, Variant};
pub use settings::{Dialect, IgnoreCase, Settings};
pub use users::{User, Users};
pub use value::Value;

use self::customers::Customers;
use self::error::Refusal;
use self::schema::Schema;
use crate::fault::Faults;
use crate::wire::{Core, Delivery, Push, PushOutcome, Request, Response};

/// A simulated tenant.
#[derive(Debug, Clone)]
pub struct C4c {
    settings: Settings,
    schema: Arc<Schema>,
    users: Users,
    sessions: csrf::Sessions,
    customers: Customers,
    notifications: Notifications,
    faults: Faults,
    calls: Calls,
}

impl C4c {
    /// An empty tenant with the users `qiao` (technical) and `agent` (business), password
    /// `secret`, and no subscriber.
    pub fn new(settings: Settings) -> Self {
        Self {
            schema: Arc::new(Schema::new(&settings)),
            settings,
            users: Users::default(),
            sessions: csrf::Sessions::default(),
            customers: Customers::default(),
            notifications: Notifications::default(),
            faults: Faults::default(),
            calls: Calls::default(),
        }
    }

    /// The operation's name for faults: the verb and the decoded path, for example
    /// `POST /sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection`.
    fn operation(request: &Request) -> String {
        let path = target::percent_decoded(&request.path);
        format!("{} {path}", request.method)
    }

    /// The tenant's own error object for a [`crate::fault::Kind::Code`], whose code is the HTTP
    /// status. The message of 409 is the one of c4c.md 1.8.
    fn error_of(code: i64, request: &Request) -> Response {
        let status = u16::try_from(code).ok();
        let status = status.filter(|s| (400..600).contains(s)).unwrap_or(500);
        let message = match status {
            403 => "You are not authorized for this operation",
            409 => "Record locked by user AGENT; try again later",
            429 => "Too many requests",
            503 => "The system is down for maintenance",
            500 => "Internal error",
            _ => "The request cannot be carried out",
        };
        Refusal::new(status, message).response(odata::format_of(request))
    }

    fn log(&mut self, request: &Request, delivery: &Delivery, now: Timestamp) {
        let (status, delay) = match delivery {
            Delivery::Answer(response, delay) => (Some(response.status), *delay),
            Delivery::Drop | Delivery::Hang => (None, Duration::ZERO),
        };
        let end = now.saturating_add(delay).unwrap_or(now);
        self.calls.under_way(now, end, self.settings.max_parallel);
        self.calls.record(Call {
            at: now,
            method: request.method.clone(),
            path: target::percent_decoded(&request.path),
            status,
            in_batch: false,
        });
    }
}

impl Core for C4c {
    fn handle(&mut self, request: &Request, now: Timestamp, rng: &mut dyn Rng) -> Delivery {
        if let Some(path) = request.path.strip_prefix(control::PREFIX) {
            let response = self.control(path, request, now);
            return Delivery::Answer(response, Duration::ZERO);
        }
        let delivery = if let Some(fault) = self.faults.take(&Self::operation(request)) {
            fault.deliver(
                || self.answer(request, now, rng),
                |code| Self::error_of(code, request),
            )
        } else {
            let delay = Duration::from_millis(self.settings.response_millis);
            Delivery::Answer(self.answer(request, now, rng), delay)
        };
        self.log(request, &delivery, now);
        delivery
    }

    fn take_due(&mut self, now: Timestamp, rng: &mut dyn Rng) -> Vec<Push> {
        self.notifications.take_due(now, rng)
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.notifications.next_due()
    }

    fn pushed(&mut self, push: &Push, outcome: PushOutcome, now: Timestamp) {
        self.notifications.pushed(push, &outcome, now);
    }
}
