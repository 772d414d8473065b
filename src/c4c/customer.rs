//! A customer as the rest of Qiao sees it, whichever service it came from (c4c.md 2.1).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::calls::EntityType;
use super::error::Kind;
use super::odata::filter::CHANGED_ON;
use super::odata::json::Entity;
use super::odata::types;
use crate::domain::ids::{CustomerId, ObjectId};

/// The life-cycle code of a customer that is no longer in use.
const OBSOLETE: &str = "4";

/// Where the life-cycle code stands; the old service c4codata calls it StatusCode.
const STATUS: &str = "LifeCycleStatusCode";
const OLD_STATUS: &str = "StatusCode";

/// An individual customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its key.
    pub object_id: ObjectId,
    /// Its number, as people know it.
    pub customer_id: CustomerId,
    /// For `If-Match`; some services send none.
    pub etag: Option<String>,
    /// `EntityLastChangedOn`, where the service has it.
    pub changed_at: Option<Timestamp>,
    /// Out of use, but still there.
    pub obsolete: bool,
    /// All scalar properties as text; instants are ISO 8601, unset ones empty.
    pub fields: BTreeMap<String, String>,
}

impl std::fmt::Debug for Customer {
    /// The fields are personal data and hold the OpenID, so they are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Customer({}, {})", self.object_id, self.customer_id)
    }
}

impl EntityType for Customer {
    const SET: &'static str = "IndividualCustomerCollection";

    /// [`Kind::Incomplete`] when the ObjectID or the CustomerID is missing.
    fn of(entity: &Entity) -> Result<Self, Kind> {
        let fields: BTreeMap<String, String> = entity
            .scalars()
            .map(|(name, text)| (name.to_owned(), text))
            .collect();
        let set = |name: &str| fields.get(name).filter(|text| !text.is_empty());
        let object_id = set("ObjectID").and_then(|text| ObjectId::parse(text));
        let customer_id = set("CustomerID").map(CustomerId::new);
        let status = set(STATUS).or_else(|| set(OLD_STATUS));
        Ok(Self {
            object_id: object_id.ok_or(Kind::Incomplete("ObjectID"))?,
            customer_id: customer_id.ok_or(Kind::Incomplete("CustomerID"))?,
            etag: entity.etag(),
            changed_at: set(CHANGED_ON).and_then(|text| types::instant(text)),
            obsolete: status.is_some_and(|code| code == OBSOLETE),
            fields,
        })
    }
}

impl Customer {
    /// A property; unset ones are `None`.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    /// The change that takes it out of use (c4c.md 2.1).
    pub fn out_of_use(&self) -> BTreeMap<String, String> {
        let is_old = !self.fields.contains_key(STATUS) && self.fields.contains_key(OLD_STATUS);
        let status = if is_old { OLD_STATUS } else { STATUS };
        BTreeMap::from([(status.to_owned(), OBSOLETE.to_owned())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c4c::odata::json;

    fn customer(properties: &str) -> Result<Customer, Kind> {
        let body = format!(r#"{{"d":{{"results":{{{properties}}}}}}}"#);
        Customer::of(&json::entity(body.as_bytes()).unwrap())
    }

    const IDS: &str = r#""ObjectID":"00163eaa11111ee7b8975bd4ab3f0001","CustomerID":"1000490""#;

    #[test]
    fn the_current_service_is_read() {
        let customer = customer(&format!(
            r#"{IDS},"__metadata":{{"etag":"W/\"1\""}},"LifeCycleStatusCode":"4","LastName":"Li",
            "EntityLastChangedOn":"\/Date(1490902810849)\/","BirthDate":null,"OrderBlocked":false,
            "IndividualCustomerAddress":{{"__deferred":{{"uri":"x"}}}}"#
        ))
        .unwrap();
        assert_eq!(
            customer.object_id.as_str(),
            "00163EAA11111EE7B8975BD4AB3F0001"
        );
        assert_eq!(customer.customer_id.as_str(), "1000490");
        assert_eq!(customer.etag.as_deref(), Some("W/\"1\""));
        assert_eq!(customer.changed_at, "2017-03-30T19:40:10.849Z".parse().ok());
        assert!(customer.obsolete);
        assert_eq!(customer.field("LastName"), Some("Li"));
        assert_eq!(customer.field("OrderBlocked"), Some("false"));
        assert_eq!(
            customer.fields.get("BirthDate").map(String::as_str),
            Some("")
        );
        assert_eq!(customer.field("BirthDate"), None);
        assert!(!customer.fields.contains_key("IndividualCustomerAddress"));
    }

    #[test]
    fn the_old_service_has_complex_names_and_another_status() {
        let customer = customer(&format!(
            r#"{IDS},"StatusCode":"2","Name":{{"content":"Li","languageCode":"E"}}"#
        ))
        .unwrap();
        assert!(!customer.obsolete);
        assert_eq!(customer.field("Name"), Some("Li"));
        assert_eq!((customer.etag, customer.changed_at), (None, None));
    }

    #[test]
    fn a_customer_without_its_numbers_is_none() {
        assert_eq!(
            customer(r#""CustomerID":"1""#),
            Err(Kind::Incomplete("ObjectID"))
        );
        let unnumbered = r#""ObjectID":"00163EAA11111EE7B8975BD4AB3F0001","CustomerID":"""#;
        assert_eq!(customer(unnumbered), Err(Kind::Incomplete("CustomerID")));
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let customer = customer(&format!(r#"{IDS},"LastName":"oLVPpjqs9Bhv""#)).unwrap();
        let shown = format!("{customer:?}");
        assert_eq!(shown, "Customer(00163EAA11111EE7B8975BD4AB3F0001, 1000490)");
    }
}
