//! SAP Cloud for Customer as a server: OData V2 services around the individual customer and the
//! service desk, their users, change notifications and the mashup of replies.
//!
//! It owns one simulated tenant and follows `c4c.md`; where that is unsure there is a knob in
//! [`Settings`]. It must never be bent to a client. Start at [`C4c`]: a request goes
//! `handle` → `odata` (who, CSRF, which service) → `operations` (read, write) → a renderer. What
//! conversations need, tickets above all, is in `desk`.
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
mod desk;
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
mod queue;
mod render_atom;
mod render_json;
mod rows;
mod saved;
mod schema;
mod settings;
mod stamps;
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
pub use desk::{
    ActivityView, Answer, File, FileView, NoteView, ProfileView, Replies, ReplySettings, TicketView,
};
pub use notify::{Notifications, NotifySettings, Subscription, Variant};
pub use queue::{Attempt, Tally};
pub use saved::{Business, Event, Saved};
pub use settings::{Dialect, IgnoreCase, Settings};
pub use users::{User, Users};
pub use value::Value;

use self::customers::Customers;
use self::desk::{Desk, Occasion};
use self::error::Refusal;
use self::rows::Data;
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
    desk: Desk,
    notifications: Notifications,
    replies: Replies,
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
            desk: Desk::default(),
            notifications: Notifications::default(),
            replies: Replies::default(),
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

    fn data(&self) -> Data<'_> {
        Data {
            customers: &self.customers,
            objects: &self.desk.objects,
        }
    }

    /// The desk, and all that a save there needs to know.
    fn desk<'a>(&'a mut self, user: &'a str, now: Timestamp) -> (&'a mut Desk, Occasion<'a>) {
        let occasion = Occasion {
            user,
            now,
            settings: &self.settings,
            customers: &self.customers,
        };
        (&mut self.desk, occasion)
    }

    /// Makes the tickets that are due by now.
    fn settle(&mut self, now: Timestamp) {
        let (desk, occasion) = self.desk(SYSTEM, now);
        for saved in desk.make_tickets(&occasion) {
            self.tell(Some(saved), now);
        }
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
            traceparent: request.header("traceparent").map(str::to_owned),
        });
    }
}

/// The name under which the tenant saves by itself.
const SYSTEM: &str = "SYSTEM";

impl Core for C4c {
    fn handle(&mut self, request: &Request, now: Timestamp, rng: &mut dyn Rng) -> Delivery {
        self.settle(now);
        let delivery = self.react(request, now, rng);
        self.settle(now);
        delivery
    }

    fn take_due(&mut self, now: Timestamp, rng: &mut dyn Rng) -> Vec<Push> {
        self.settle(now);
        let mut due = self.notifications.take_due(now, rng);
        due.extend(self.replies.take_due(now, rng));
        due
    }

    fn next_due(&self) -> Option<Timestamp> {
        let pushes = [self.notifications.next_due(), self.replies.next_due()];
        let due = pushes.into_iter().chain([self.desk.next_ticket()]);
        due.flatten().min()
    }

    fn pushed(&mut self, push: &Push, outcome: PushOutcome, now: Timestamp) {
        if !self.notifications.pushed(push, &outcome, now) {
            self.replies.pushed(push, &outcome, now);
        }
    }
}

impl C4c {
    fn react(&mut self, request: &Request, now: Timestamp, rng: &mut dyn Rng) -> Delivery {
        if let Some(path) = request.path.strip_prefix(control::PREFIX) {
            let response = self.control(path, request, now);
            return Delivery::Answer(response, Duration::ZERO);
        }
        let delivery = if let Some(fault) = self.faults.take(&Self::operation(request)) {
            fault.deliver(
                || self.serve(request, now, rng),
                |code| Self::error_of(code, request),
            )
        } else {
            let delay = Duration::from_millis(self.settings.response_millis);
            Delivery::Answer(self.serve(request, now, rng), delay)
        };
        self.log(request, &delivery, now);
        delivery
    }
}
