//! The service desk: social media profiles, messages, tickets with notes and files, and the
//! agents who answer them (c4c.md 4).
//!
//! It owns these objects and the rules of saving them. It must know neither HTTP nor OData's wire
//! forms. Start at [`Desk`]: a client's POST goes `odata` → [`Desk::create`] → `rules` (may it?)
//! → `derived` (what the system fills in) → `objects`. Agents act through the methods in `agent`;
//! their answers leave through `replies`.

mod agent;
mod control;
mod derived;
mod look;
mod objects;
mod replies;
mod rules;
mod search;
mod ticketing;
pub(super) mod types;

use jiff::Timestamp;

pub use agent::{Answer, File};
pub use look::{ActivityView, FileView, NoteView, ProfileView, TicketView};
pub(super) use objects::{Object, Objects};
pub use replies::{Replies, ReplySettings};

use super::body::Draft;
use super::customer::Change;
use super::customers::Customers;
use super::error::Refusal;
use super::saved::{Business, Event, Saved};
use super::schema::Node;
use super::settings::Settings;
use super::value::Value;

/// Who saves, when, in which tenant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion<'a> {
    pub user: &'a str,
    pub now: Timestamp,
    pub settings: &'a Settings,
    pub customers: &'a Customers,
}

/// All of the service desk.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk {
    pub(super) objects: Objects,
    /// Conversations that become tickets: when, and the ObjectID of the first message.
    waiting: Vec<(Timestamp, String)>,
}

impl Desk {
    /// Creates the object with all that hangs below it, or nothing. `parent` is the key of the
    /// object above, unless the draft names it. Gives the new key and what must be told.
    pub(super) fn create(
        &mut self,
        draft: &Draft,
        parent: Option<&str>,
        occasion: &Occasion,
    ) -> Result<(String, Option<Saved>), Refusal> {
        let parent = self.parent_of(draft, parent)?;
        rules::check(self, draft, occasion)?;
        let key = self.insert(draft, parent.as_deref(), occasion);
        let saved = match parent {
            Some(parent) => self.touch(&parent, occasion),
            None => saved(draft.kind.node, &key, Event::Created, Vec::new(), occasion),
        };
        Ok((key, saved))
    }

    /// Changes fields. `None` when there is nothing to tell: none differs, or nobody listens.
    pub(super) fn change(
        &mut self,
        node: Node,
        key: &str,
        fields: Vec<(String, Value)>,
        occasion: &Occasion,
    ) -> Result<Option<Saved>, Refusal> {
        rules::check_fields(self, node, &fields, false, occasion)?;
        let changes = self.objects.write(node, key, fields, occasion.now);
        if changes.is_empty() {
            return Ok(None);
        }
        let follows = derived::on_change(node, &changes, occasion);
        self.objects.write(node, key, follows, occasion.now);
        let parent = self.objects.get(node, key).and_then(|o| o.parent.clone());
        if let Some(parent) = parent {
            self.rebind(node, key, &parent, occasion);
            return Ok(self.touch(&parent, occasion));
        }
        Ok(saved(node, key, Event::Updated, changes, occasion))
    }

    /// Removes an object that hangs below another.
    pub(super) fn delete(&mut self, node: Node, key: &str, occasion: &Occasion) -> Option<Saved> {
        let parent = self.objects.remove(node, key)?.parent?;
        self.touch(&parent, occasion)
    }

    /// Where the new object hangs: below what the path names, or what the draft names.
    fn parent_of(&self, draft: &Draft, parent: Option<&str>) -> Result<Option<String>, Refusal> {
        let Some(above) = types::above(draft.kind.node) else {
            return Ok(None);
        };
        let named = draft.text("ParentObjectID");
        let key = match (parent, named) {
            (Some(parent), "") => parent,
            (Some(parent), named) if named == parent => parent,
            (None, named) if !named.is_empty() => named,
            (None, _) => {
                let message = "Property 'ParentObjectID' is mandatory";
                return Err(Refusal::new(400, message));
            }
            _ => {
                let message = "Property 'ParentObjectID' does not fit the path";
                return Err(Refusal::new(400, message));
            }
        };
        match self.objects.get(above, key) {
            Some(_) => Ok(Some(key.to_owned())),
            None => Err(Refusal::new(
                400,
                "The object named by 'ParentObjectID' does not exist",
            )),
        }
    }

    /// Stores a checked draft and its children.
    fn insert(&mut self, draft: &Draft, parent: Option<&str>, occasion: &Occasion) -> String {
        let key = self.store(draft.kind.node, draft.fields.clone(), parent, occasion);
        for child in &draft.children {
            self.insert(child, Some(&key), occasion);
        }
        key
    }

    /// Stores one object without any check.
    fn store(
        &mut self,
        node: Node,
        fields: Vec<(String, Value)>,
        parent: Option<&str>,
        occasion: &Occasion,
    ) -> String {
        let now = occasion.now;
        let key = self.objects.insert(node, parent, now);
        let fields = derived::on_creation(self, node, &key, fields, occasion);
        self.objects.write(node, &key, fields, now);
        if let Some(parent) = parent {
            self.rebind(node, &key, parent, occasion);
        }
        if node == Node::Activity {
            self.await_ticket(&key, occasion);
        }
        key
    }

    /// A profile shows the number of the customer it is bound to.
    fn rebind(&mut self, node: Node, key: &str, profile: &str, occasion: &Occasion) {
        if node != Node::ProfilePartner {
            return;
        }
        let Some(partner) = self.objects.get(node, key) else {
            return;
        };
        let number = derived::internal_id(partner.text("BusinessPartnerUUID"), occasion);
        let fields = vec![("AccountInternalID".to_owned(), Value::Text(number))];
        self.objects
            .write(Node::Profile, profile, fields, occasion.now);
    }

    /// What happens below an object changes its stamps too.
    fn touch(&mut self, key: &str, occasion: &Occasion) -> Option<Saved> {
        let node = self.objects.touch(key, occasion.now)?;
        saved(node, key, Event::Updated, Vec::new(), occasion)
    }
}

/// What is told of a save; of profiles nothing is.
fn saved(
    node: Node,
    key: &str,
    event: Event,
    changes: Vec<Change>,
    occasion: &Occasion,
) -> Option<Saved> {
    let object = match node {
        Node::Activity => Business::SocialMediaActivity,
        Node::Ticket => Business::ServiceRequest,
        _ => return None,
    };
    Some(Saved {
        object,
        object_id: key.to_owned(),
        event,
        changes,
        user: occasion.user.to_owned(),
        at: occasion.now,
    })
}
