//! A follower as the sender of messages.

use serde_json::json;

use super::*;
use crate::c4c::profile::{Bound, NewProfile, ProfileAccount};
use crate::c4c::{Kind, Pace, Profile};
use crate::domain::ids::CustomerId;

fn new<'a>(openid: &'a OpenId, customer: Option<Bound<'a>>) -> NewProfile<'a> {
    NewProfile {
        openid,
        channel_code: "008",
        channel_id: "QIAO",
        name: "Zhang Wei",
        customer,
    }
}

fn row(id: &str) -> String {
    format!(r#"{{"ObjectID":"{id}","AccountInternalID":"0001000441"}}"#)
}

fn account_row(openid: &str) -> String {
    format!(
        r#"{{"SocialMediaChannelCode":"008","ExternalPartyAccountID":"QIAO",
        "SocialMediaUserAccountID":"{openid}"}}"#
    )
}

#[tokio::test]
async fn a_profile_is_found_by_the_function_and_known_by_its_account() {
    // C4C finds regardless of case, so the first one is somebody else.
    let far_side = FarSide::new(|request| {
        if within(request).starts_with("GetSocialMediaUserProfile?") {
            rows(&[row(OTHER_ID), row(ID)])
        } else if request.path.contains(OTHER_ID) {
            rows(&[account_row(&OPENID.to_lowercase())])
        } else {
            rows(&[account_row("another channel's"), account_row(OPENID)])
        }
    });
    let client = far_side.client(&tenant());
    let found = client.find_profile(Pace::Live, &openid()).await.unwrap();
    let expected = Profile {
        object_id: id(),
        customer: Some(CustomerId::new("1000441")),
    };
    assert_eq!(found, Some(expected));
    let seen = far_side.seen();
    assert_eq!(
        within(&seen[0]),
        format!("GetSocialMediaUserProfile?$format=json&SocialMediaUserAccountID='{OPENID}'")
    );
    assert_eq!(
        within(&seen[2]),
        format!(
            "SocialMediaUserProfileCollection('{ID}')/SocialMediaUserProfileUserInformation\
             ?$format=json"
        )
    );
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn an_answer_that_carries_the_account_needs_no_second_call() {
    for (account, is_found) in [(OPENID.to_owned(), true), (OPENID.to_uppercase(), false)] {
        let row = format!(r#"{{"ObjectID":"{ID}","SocialMediaUserAccountID":"{account}"}}"#);
        let far_side = FarSide::new(move |_| ok(&format!(r#"{{"d":{{"results":{row}}}}}"#)));
        let client = far_side.client(&tenant());
        let found = client.find_profile(Pace::Live, &openid()).await.unwrap();
        assert_eq!(found.is_some(), is_found);
        assert_eq!(far_side.words(), ["get"]);
    }
}

#[tokio::test]
async fn a_follower_without_a_profile_and_a_profile_that_is_gone_are_none() {
    let nobody = FarSide::new(|_| rows(&[]));
    let found = nobody
        .client(&tenant())
        .find_profile(Pace::Live, &openid())
        .await;
    assert_eq!(found, Ok(None));

    let gone = FarSide::new(|request| {
        if request.path.contains("Collection(") {
            not_found()
        } else {
            rows(&[row(ID)])
        }
    });
    let found = gone
        .client(&tenant())
        .find_profile(Pace::Live, &openid())
        .await;
    assert_eq!(found, Ok(None));
}

#[tokio::test]
async fn a_tenant_without_the_function_is_not_taken_for_one_without_the_profile() {
    let far_side = FarSide::new(|_| not_found());
    let client = far_side.client(&tenant());
    let error = client
        .find_profile(Pace::Live, &openid())
        .await
        .unwrap_err();
    assert!(matches!(error.kind, Kind::NotFound { .. }));
    assert_discreet(&error);
}

#[tokio::test]
async fn the_accounts_of_a_profile_tell_its_channels() {
    let far_side = FarSide::new(|_| rows(&[account_row(""), account_row(OPENID)]));
    let client = far_side.client(&tenant());
    let accounts = client.profile_accounts(Pace::Live, &id()).await.unwrap();
    let expected = ProfileAccount {
        channel_code: "008".into(),
        channel_id: "QIAO".into(),
        openid: openid(),
    };
    assert_eq!(accounts, [expected]);
}

#[tokio::test]
async fn a_profile_is_made_in_one_call_and_bound_to_its_customer() {
    let far_side = answering(|_| made(&format!(r#"{{"ObjectID":"{OTHER_ID}"}}"#)));
    let client = far_side.client(&tenant());
    let (openid, customer) = (openid(), id());
    let bound = Bound {
        customer: &customer,
        role_code: "CRM000",
    };
    let profile = client
        .create_profile(Pace::Live, &new(&openid, Some(bound)))
        .await
        .unwrap();
    assert_eq!(profile.object_id.as_str(), OTHER_ID);
    client
        .create_profile(Pace::Live, &new(&openid, None))
        .await
        .unwrap();
    let seen = far_side.seen();
    assert_eq!(within(&seen[1]), "SocialMediaUserProfileCollection");
    let unbound = json!({
        "SocialMediaUserCategoryCode": "02",
        "SocialMediaUserProfileUserInformation": [{
            "SocialMediaChannelCode": "008",
            "ExternalPartyAccountID": "QIAO",
            "SocialMediaUserAccountID": OPENID,
            "SocialMediaUserName": "Zhang Wei",
            "GivenName": "Zhang Wei",
        }],
    });
    assert_eq!(json(&seen[2]), unbound);
    assert_eq!(
        json(&seen[1])["SocialMediaUserProfileBupaReference"],
        json!([{
            "BusinessPartnerCategoryCode": "1",
            "BusinessPartnerRoleCode": "CRM000",
            "BusinessPartnerUUID": "00163EAA-1111-1EE7-B897-5BD4AB3F0001",
        }])
    );
}

#[tokio::test]
async fn a_profile_whose_answer_is_lost_is_uncertain() {
    for outcome in [
        Err(TransportError::Lost("timed out".into())),
        answer(201, &[], ""),
        answer(502, &[], &format!("{OPENID} Zhang Wei")),
    ] {
        let far_side = answering(move |_| outcome.clone());
        let client = far_side.client(&tenant());
        let openid = openid();
        let error = client
            .create_profile(Pace::Live, &new(&openid, None))
            .await
            .unwrap_err();
        assert_uncertain(&error);
        assert!(!error.to_string().contains("Zhang Wei"), "{error}");
    }
}
