use super::*;

const FIND: &str = "/sap/c4c/odata/v1/c4codataapi/GetSocialMediaUserProfile";

#[test]
fn a_profile_is_found_by_the_function_and_shows_its_customer_padded() {
    let mut world = World::new(Settings::default());
    let created = world.follower("oOpenId");
    let found = world.rows(&format!("{FIND}?SocialMediaUserAccountID='oOpenId'"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["ObjectID"], created["ObjectID"]);
    assert_eq!(found[0]["UUID"], created["UUID"]);
    assert_eq!(found[0]["AccountInternalID"], "0001000441");
    assert_eq!(created["ID"], "6066");
    let users = format!(
        "{PROFILES}('{}')/SocialMediaUserProfileUserInformation",
        created["ObjectID"].as_str().unwrap()
    );
    assert_eq!(world.rows(&users)[0]["SocialMediaUserAccountID"], "oOpenId");
    assert_eq!(
        world.rows(&format!("{FIND}?SocialMediaUserAccountID='OOPENID'")),
        Vec::<Json>::new()
    );
}

#[test]
fn a_profile_is_found_by_its_customer_and_channel() {
    let mut world = World::new(Settings::default());
    world.follower("oOne");
    let second = world.follower("oTwo");
    let by = |number: &str, channel: &str| {
        format!("{FIND}?BusinessPartnerInternalID='{number}'&ExternalPartyAccountID='{channel}'")
    };
    let found = world.rows(&by("1000442", "WECHAT"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["ObjectID"], second["ObjectID"]);
    assert_eq!(world.rows(&by("1000442", "OTHER")).len(), 0);
}

#[test]
fn the_function_refuses_what_does_not_fit() {
    let mut world = World::new(Settings::default());
    for query in [
        "",
        "SocialMediaUserAccountID=oOpenId",
        "BusinessPartnerInternalID='1'",
        "SocialMediaUserAccountID='a'&ExternalPartyAccountID='b'",
    ] {
        let (status, _) = world.refused(&get(&format!("{FIND}?{query}")));
        assert_eq!(status, 400, "{query}");
    }
    let write = request(
        "POST",
        &format!("{FIND}?SocialMediaUserAccountID='a'"),
        "{}",
    );
    assert_eq!(world.refused(&write).0, 405);
}

#[test]
fn no_filter_finds_a_profile_by_its_account() {
    let mut world = World::new(Settings::default());
    world.follower("oOpenId");
    let users = format!("{API}SocialMediaUserProfileUserInformationCollection");
    for (set, property) in [
        (PROFILES, "SocialMediaUserAccountID"),
        (PROFILES, "AccountInternalID"),
        (users.as_str(), "SocialMediaUserAccountID"),
    ] {
        let url = format!("{set}?$filter={property}%20eq%20'oOpenId'");
        assert_eq!(world.refused(&get(&url)).0, 400, "{url}");
    }
}

#[test]
fn a_profile_is_bound_later_and_to_another_customer() {
    let (mut world, customers) = World::with(&["Wang", "Li"]);
    let uuids: Vec<String> = customers.iter().map(|id| uuid_of(id)).collect();
    let created = world.post(PROFILES, &profile("oOpenId", None));
    assert_eq!(created["AccountInternalID"], "");
    let key = created["ObjectID"].as_str().unwrap();
    let url = format!("{PROFILES}('{key}')/SocialMediaUserProfileBupaReference");
    let nobody = json!({ "BusinessPartnerUUID": "00163E0D-BD9E-1ED6-96EB-DFDA5600FFFF" });
    assert_eq!(world.post_refused(&url, &nobody).0, 400);
    let reference = world.post(&url, &json!({ "BusinessPartnerUUID": uuids[0] }));
    assert_eq!(world.tenant.profiles_of("oOpenId")[0].customer, "1000441");
    let reference = format!(
        "{API}SocialMediaUserProfileBupaReferenceCollection('{}')",
        reference["ObjectID"].as_str().unwrap()
    );
    let change = json!({ "BusinessPartnerUUID": uuids[1] }).to_string();
    assert_eq!(
        world.send(&request("PATCH", &reference, &change)).status,
        204
    );
    assert_eq!(world.tenant.profiles_of("oOpenId")[0].customer, "1000442");
}

#[test]
fn a_profile_is_created_with_all_below_it_or_not_at_all() {
    let mut world = World::new(Settings::default());
    let mut unknown_channel = profile("oOpenId", None);
    unknown_channel["SocialMediaUserProfileUserInformation"][0]["SocialMediaChannelCode"] =
        json!("777");
    let nobody = profile("oOpenId", Some("00163E0D-BD9E-1ED6-96EB-DFDA5600FFFF"));
    let mut no_account = profile("oOpenId", None);
    no_account["SocialMediaUserProfileUserInformation"][0]
        .as_object_mut()
        .unwrap()
        .remove("SocialMediaUserAccountID");
    let mut object = profile("oOpenId", None);
    object["SocialMediaUserProfileUserInformation"] = json!({});
    for payload in [unknown_channel, nobody, no_account, object] {
        assert_eq!(world.post_refused(PROFILES, &payload).0, 400, "{payload}");
    }
    assert_eq!(world.rows(PROFILES).len(), 0);
    assert_eq!(world.tenant.profiles_of("oOpenId"), []);
}

#[test]
fn a_profile_is_shown_with_its_accounts_in_both_forms() {
    let mut world = World::new(Settings::default());
    world.follower("oOpenId");
    let url = format!("{PROFILES}?$expand=SocialMediaUserProfileUserInformation");
    let profiles = world.rows(&url);
    let users = &profiles[0]["SocialMediaUserProfileUserInformation"];
    assert_eq!(users[0]["SocialMediaUserAccountID"], "oOpenId");
    let atom = world.send(&get(&url).with("accept", "*/*"));
    assert!(body(&atom).contains("<d:SocialMediaUserAccountID>oOpenId<"));
    let metadata = world.send(&get(&format!("{API}$metadata")));
    for piece in [
        "<FunctionImport Name=\"GetSocialMediaUserProfile\" \
         ReturnType=\"Collection(c4codataapi.SocialMediaUserProfile)\"",
        "<Parameter Name=\"SocialMediaUserAccountID\" Type=\"Edm.String\" Mode=\"In\"/>",
        "<EntityType Name=\"SocialMediaUserProfileBupaReference\">",
    ] {
        assert!(body(&metadata).contains(piece), "{piece}");
    }
}
