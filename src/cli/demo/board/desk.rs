//! What the C4C screen shows: customers with their tickets and what was said.

use std::sync::Arc;

use qiao_sim::c4c::{ActivityView, C4c, Customer, TicketView};
use serde_json::{Value, json};

use super::Board;

/// Customers on the screen, the newest.
const MOST_CUSTOMERS: usize = 12;

/// Tickets of a customer, the newest.
const MOST_TICKETS: usize = 5;

/// Messages of a customer, the newest.
const MOST_MESSAGES: usize = 30;

/// What an agent may change here.
pub(super) const FIELDS: [&str; 4] = ["FirstName", "LastName", "Mobile", "Email"];

/// The whole screen.
pub(super) fn shown(board: &Arc<Board>) -> Value {
    board.parts.c4c.look(|c4c| {
        let all: Vec<&Customer> = c4c.customers().collect();
        let newest = all.iter().rev().take(MOST_CUSTOMERS);
        let customers = newest.map(|customer| customer_shown(c4c, customer));
        json!({ "customers": customers.collect::<Vec<_>>() })
    })
}

fn customer_shown(c4c: &C4c, customer: &Customer) -> Value {
    let openid = customer.wechat_id();
    let fields: serde_json::Map<String, Value> = FIELDS
        .iter()
        .map(|name| ((*name).to_owned(), json!(customer.text(name))))
        .collect();
    let tickets = c4c.tickets_of(openid);
    let tickets = tickets.iter().rev().take(MOST_TICKETS).map(ticket_shown);
    let said = c4c.activities_of(openid);
    let from = said.len().saturating_sub(MOST_MESSAGES);
    json!({
        "object_id": customer.object_id,
        "customer_id": customer.customer_id(),
        "openid": openid,
        "fields": fields,
        "tickets": tickets.collect::<Vec<_>>(),
        "talk": said[from..].iter().map(activity_shown).collect::<Vec<_>>(),
    })
}

fn ticket_shown(ticket: &TicketView) -> Value {
    let notes = ticket.notes.iter().map(|note| note.text.as_str());
    json!({
        "id": ticket.id,
        "object_id": ticket.object_id,
        "name": ticket.name,
        "status": ticket.status,
        "notes": notes.collect::<Vec<_>>(),
    })
}

fn activity_shown(activity: &ActivityView) -> Value {
    let files = activity.files.iter();
    let files = files.map(|file| json!({ "name": file.name, "bytes": file.bytes.len() }));
    json!({
        "id": activity.id,
        "inbound": activity.inbound,
        "author": activity.author,
        "text": activity.text,
        "at": activity.written_at.to_string(),
        "files": files.collect::<Vec<_>>(),
    })
}
