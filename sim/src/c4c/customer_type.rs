//! The entity types around the customer, built from the property list of c4c.md 2.1 and 2.3.
//!
//! Lengths follow SAP's global data types where the reference names none; what a client may write
//! follows c4c.md 1.4 and 2.2.

use super::schema::{EntityType, Navigation, Node, Property};
use super::settings::Settings;
use super::value::Edm;

/// Codes with their lengths; each has a `…Text` twin.
const CODES: [(&str, usize); 22] = [
    ("RoleCode", 6),
    ("LifeCycleStatusCode", 2),
    ("CustomerABCClassificationCode", 1),
    ("ContactPermissionCode", 2),
    ("TitleCode", 4),
    ("AcademicTitleCode", 4),
    ("GenderCode", 1),
    ("NamePrefixCode", 4),
    ("MaritalStatusCode", 1),
    ("LanguageCode", 2),
    ("NationalityCountryCode", 3),
    ("ProfessionCode", 4),
    ("CountryCode", 3),
    ("StateCode", 6),
    ("POBoxDeviatingCountryCode", 3),
    ("POBoxDeviatingStateCode", 6),
    ("TimeZoneCode", 10),
    ("TaxJurisdictionCode", 25),
    ("BestReachedByCode", 3),
    ("OrderBlockingReasonCode", 2),
    ("DeliveryBlockingReasonCode", 2),
    ("BillingBlockingReasonCode", 2),
];

/// Plain texts with their lengths.
const TEXTS: [(&str, usize); 42] = [
    ("ExternalID", 100),
    ("ExternalSystem", 60),
    ("FirstName", 40),
    ("MiddleName", 40),
    ("LastName", 40),
    ("AdditionalLastName", 40),
    ("Initials", 10),
    ("NickName", 40),
    ("BirthName", 40),
    ("CareOfName", 40),
    ("AddressLine1", 40),
    ("AddressLine2", 40),
    ("HouseNumber", 10),
    ("AdditionalHouseNumber", 10),
    ("Street", 60),
    ("AddressLine4", 40),
    ("AddressLine5", 40),
    ("District", 40),
    ("City", 40),
    ("DifferentCity", 40),
    ("StreetPostalCode", 10),
    ("County", 40),
    ("POBox", 10),
    ("POBoxPostalCode", 10),
    ("POBoxDeviatingCity", 40),
    ("Building", 20),
    ("Floor", 10),
    ("Room", 10),
    ("Phone", 350),
    ("Mobile", 350),
    ("Fax", 350),
    ("Email", 255),
    ("WebSite", 1280),
    ("RecommendedVisitingFrequency", 4),
    ("VisitDuration", 20),
    ("OwnerID", 60),
    ("CustomerID", 60),
    ("FormattedName", 480),
    ("FormattedPostalAddressDescription", 480),
    ("NormalisedPhone", 350),
    ("NormalisedMobile", 350),
    ("CreatedBy", 480),
];

/// Texts that the system derives or numbers.
const DERIVED: [&str; 6] = [
    "CustomerID",
    "FormattedName",
    "FormattedPostalAddressDescription",
    "NormalisedPhone",
    "NormalisedMobile",
    "CreatedBy",
];

/// Properties that the address node shows too.
const ADDRESS: [&str; 22] = [
    "CustomerID",
    "FormattedPostalAddressDescription",
    "CountryCode",
    "StateCode",
    "CareOfName",
    "AddressLine1",
    "AddressLine2",
    "HouseNumber",
    "AdditionalHouseNumber",
    "Street",
    "AddressLine4",
    "AddressLine5",
    "District",
    "City",
    "DifferentCity",
    "StreetPostalCode",
    "County",
    "TimeZoneCode",
    "Phone",
    "Mobile",
    "Email",
    "WebSite",
];

/// `IndividualCustomer` of `c4codataapi` (c4c.md 2.1).
pub(super) fn current(settings: &Settings) -> EntityType {
    let mut properties = vec![
        Property::text("ObjectID", 70).key(),
        Property::of("UUID", Edm::Guid).read_only(),
    ];
    for (name, length) in TEXTS {
        let text = Property::text(name, length);
        properties.push(if DERIVED.contains(&name) {
            text.read_only()
        } else {
            text
        });
    }
    for (name, length) in CODES {
        properties.push(Property::text(name, length));
        properties.push(Property::description_of(name));
    }
    for name in [
        "POBoxIndicator",
        "EmailInvalidIndicator",
        "SalesSupportBlockingIndicator",
    ] {
        properties.push(Property::of(name, Edm::Flag));
    }
    for name in [
        "BirthDate",
        "LastVisitingDate",
        "NextVisitingDate",
        "LatestRecommendedVisitingDate",
    ] {
        properties.push(Property::of(name, Edm::Date));
    }
    for name in [
        "OwnerUUID",
        "CreatedByIdentityUUID",
        "ChangedByIdentityUUID",
    ] {
        properties.push(Property::of(name, Edm::Guid).read_only().not_filterable());
    }
    properties.push(Property::text("ChangedBy", 480).read_only());
    for name in ["CreationOn", "ChangedOn", "EntityLastChangedOn"] {
        properties.push(Property::of(name, Edm::Instant).read_only());
    }
    // Not filterable since release 1811 (c4c.md 1.9).
    properties.push(
        Property::of("ETag", Edm::Instant)
            .read_only()
            .not_filterable(),
    );
    if settings.extension_field {
        properties.push(wechat_id("WechatID_KUT", settings));
    }
    EntityType {
        navigations: vec![Navigation::down(
            "IndividualCustomerAddress",
            "IndividualCustomerAddress",
        )],
        creatable: true,
        updatable: true,
        deletable: true,
        ..EntityType::new("IndividualCustomer", Node::Root, properties)
    }
}

/// `IndividualCustomer` of the old `c4codata`: the status is `StatusCode` (c4c.md 2.1), the
/// formatted name complex (1.7). First and last name are plain in the blog's payload (2.2).
pub(super) fn old(settings: &Settings) -> EntityType {
    let mut customer = current(settings);
    for property in &mut customer.properties {
        if property.name.starts_with("LifeCycleStatusCode") {
            property.name = property.name.replace("LifeCycleStatusCode", "StatusCode");
        }
        if property.name == "FormattedName" {
            property.edm = Edm::Name;
            property.filterable = false;
        }
    }
    customer
}

/// `IndividualCustomerAddress`: the main address, read only, leading back to its customer.
pub(super) fn address() -> EntityType {
    let mut properties = vec![
        Property::text("ObjectID", 70).key(),
        Property::text("ParentObjectID", 70).read_only(),
    ];
    for name in ["MainIndicator", "ShipTo", "BillTo"] {
        properties.push(Property::of(name, Edm::Flag).read_only().not_filterable());
    }
    for name in ["Latitude", "Longitude"] {
        properties.push(
            Property::of(name, Edm::Decimal)
                .read_only()
                .not_filterable(),
        );
    }
    let shared = TEXTS.iter().chain(&CODES);
    for (name, length) in shared.filter(|(name, _)| ADDRESS.contains(name)) {
        properties.push(Property::text(name, *length).read_only());
        if name.ends_with("Code") && CODES.contains(&(name, *length)) {
            properties.push(Property::description_of(name));
        }
    }
    properties.push(Property::of("EntityLastChangedOn", Edm::Instant).read_only());
    EntityType {
        navigations: vec![Navigation::up("IndividualCustomer")],
        ..EntityType::new("IndividualCustomerAddress", Node::Address, properties)
    }
}

/// `CustomerCommon` of the custom service (c4c.md 2.3).
pub(super) fn common(settings: &Settings) -> EntityType {
    let properties = vec![
        Property::text("ObjectID", 70).key(),
        Property::text("ParentObjectID", 70).read_only(),
        wechat_id("WechatID", settings),
    ];
    EntityType {
        updatable: true,
        ..EntityType::new("CustomerCommon", Node::Common, properties)
    }
}

/// The extension field. The key-user field and the Studio element are one field here: a tenant has
/// either.
fn wechat_id(name: &str, settings: &Settings) -> Property {
    let property = Property::text(name, 255).backed_by("WechatID");
    if settings.wechat_id_filterable {
        property
    } else {
        property.not_filterable()
    }
}

/// Whether the property is one of a person's names, which C4C compares without case.
pub(super) fn is_name(source: &str) -> bool {
    source.ends_with("Name")
}

/// The English description of a code value; unknown values have none.
pub(super) fn description(code: &str, value: &str) -> &'static str {
    match (code, value) {
        ("RoleCode", "CRM000") => "Customer",
        ("RoleCode", "BUP002") => "Prospect",
        ("LifeCycleStatusCode", "1") => "In Preparation",
        ("LifeCycleStatusCode", "2") => "Active",
        ("LifeCycleStatusCode", "3") => "Blocked",
        ("LifeCycleStatusCode", "4") => "Obsolete",
        ("GenderCode", "0") => "Gender not known",
        ("GenderCode", "1") => "Male",
        ("GenderCode", "2") => "Female",
        ("CountryCode", "CN") => "China",
        ("CountryCode", "US") => "United States",
        ("CountryCode", "DE") => "Germany",
        ("LanguageCode", "EN") => "English",
        ("LanguageCode", "ZH") => "Chinese",
        _ => "",
    }
}
