//! Profiles and messages of social media (c4c.md 4.1, 4.2).

use super::super::super::schema::{EntityType, Navigation, Node, Property};
use super::super::super::value::Edm;
use super::{below, code, folder, long_text, root, stamp, stamps};

/// Profiles with what hangs below them, messages with their files.
pub(super) fn all() -> Vec<EntityType> {
    vec![
        profile(),
        profile_user(),
        profile_partner(),
        activity(),
        folder(
            "SocialMediaActivityAttachmentFolder",
            Node::ActivityFile,
            "SocialMediaActivity",
        ),
    ]
}

fn profile() -> EntityType {
    let mut properties = root();
    properties.push(Property::text("ID", 60).read_only());
    properties.extend(code("SocialMediaUserCategoryCode", 2));
    // Profiles are found by a function, not by a filter (c4c.md 4.1).
    properties.push(
        Property::text("AccountInternalID", 60)
            .read_only()
            .not_filterable(),
    );
    properties.push(stamp("CreatedOn"));
    properties.extend(stamps());
    let down = |name| Navigation::down(name, name).deep();
    EntityType {
        navigations: vec![
            down("SocialMediaUserProfileUserInformation"),
            down("SocialMediaUserProfileBupaReference"),
        ],
        creatable: true,
        updatable: true,
        ..EntityType::new("SocialMediaUserProfile", Node::Profile, properties)
    }
}

fn profile_user() -> EntityType {
    let mut properties = below();
    properties.extend([
        Property::text("SocialMediaChannelCode", 3)
            .mandatory()
            .fixed(),
        Property::description_of("SocialMediaChannelCode"),
        Property::text("ExternalPartyAccountID", 255),
        Property::text("SocialMediaUserAccountID", 255)
            .mandatory()
            .fixed()
            .not_filterable(),
        Property::text("SocialMediaUserName", 255),
        Property::text("GivenName", 40),
        Property::text("FamilyName", 40),
        Property::text("SocialMediaUserImageURI", 1280),
    ]);
    properties.extend(stamps());
    EntityType {
        navigations: vec![Navigation::up("SocialMediaUserProfile")],
        creatable: true,
        updatable: true,
        ..EntityType::new(
            "SocialMediaUserProfileUserInformation",
            Node::ProfileUser,
            properties,
        )
    }
}

fn profile_partner() -> EntityType {
    let mut properties = below();
    properties.extend(code("BusinessPartnerCategoryCode", 1));
    properties.extend(code("BusinessPartnerRoleCode", 6));
    properties.push(Property::of("BusinessPartnerUUID", Edm::Guid).mandatory());
    properties.extend(stamps());
    EntityType {
        navigations: vec![Navigation::up("SocialMediaUserProfile")],
        creatable: true,
        updatable: true,
        ..EntityType::new(
            "SocialMediaUserProfileBupaReference",
            Node::ProfilePartner,
            properties,
        )
    }
}

fn activity() -> EntityType {
    let guid = |name| Property::of(name, Edm::Guid).fixed();
    let text = |name, length| Property::text(name, length).fixed();
    let mut properties = root();
    properties.extend([
        text("ID", 60).read_only(),
        text("SocialMediaMessageAuthor", 255),
        text("CategoryCode", 3).mandatory(),
        Property::of("PrivateSocialMediaMessageIndicator", Edm::Flag).fixed(),
        text("SocialMediaMessageDomain", 255),
        guid("RootSocialMediaActivityUUID").read_only(),
        guid("ParentSocialMediaActivityUUID"),
        guid("SocialMediaActivityProviderUUID").read_only(),
        text("SocialMediaActivityProviderID", 60).mandatory(),
        text("SocialMediaActivityProviderName", 255).read_only(),
        guid("SocialMediaUserProfileUUID").mandatory(),
        Property::of("SocialFeedbackLikeUnlike", Edm::Flag).fixed(),
        text("SocialMediaChannelCode", 3).mandatory(),
        Property::description_of("SocialMediaChannelCode"),
        text("SocialMediaMessageID", 255),
        text("SocialMediaMessageURI", 1280),
        Property::of("SocialMediaMessageCreationDateTime", Edm::Instant).fixed(),
        long_text("Text").fixed(),
        text("languageCode", 2),
        Property::text("PriorityCode", 1),
        Property::description_of("PriorityCode"),
        text("InitiatorCode", 3),
        Property::description_of("InitiatorCode"),
    ]);
    properties.extend(stamps());
    EntityType {
        navigations: vec![
            Navigation::down(
                "SocialMediaActivityAttachmentFolder",
                "SocialMediaActivityAttachmentFolder",
            )
            .deep(),
            Navigation::down(
                "SocialMediaActivityToChildSocialMediaActivity",
                "SocialMediaActivity",
            ),
        ],
        creatable: true,
        updatable: true,
        ..EntityType::new("SocialMediaActivity", Node::Activity, properties)
    }
}
