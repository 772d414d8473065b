use super::*;

#[test]
fn the_blogs_create_call_answers_with_the_number_and_the_script_fills_the_wechat_id() {
    let mut world = World::new(Settings::default());
    let payload = r#"{"FirstName":"Wechat","LastName":"oLVPpjqs9BhvzwPj5A-vTYAX3GLc",
        "RoleCode":"CRM000","CountryCode":"US","StatusCode":"2","Mobile":"028","Phone":"139"}"#;
    let url = format!("{OLD}IndividualCustomerCollection");
    let response = world.send(&request("POST", &url, payload));
    assert_eq!(response.status, 201);
    let json: Json = serde_json::from_slice(&response.body).unwrap();
    let created = &json["d"]["results"];
    assert_eq!(created["CustomerID"], "1000441");
    let location = header(&response, "location").unwrap();
    assert_eq!(*location, created["__metadata"]["uri"]);
    assert!(header(&response, "etag").is_some());
    let found = world
        .tenant
        .find_by_wechat_id("oLVPpjqs9BhvzwPj5A-vTYAX3GLc");
    assert_eq!(found[0].object_id, created["ObjectID"]);
    assert_eq!(found[0].text("CreatedBy"), "qiao");
}

#[test]
fn a_created_customer_may_be_answered_without_its_body() {
    let mut world = World::new(Settings::default());
    let quiet = request("POST", CUSTOMERS, r#"{"LastName":"x"}"#);
    let response = world.send(&quiet.with("odata-no-response-payload", "true"));
    assert_eq!((response.status, response.body.len()), (201, 0));
    assert!(header(&response, "location").is_some());
}

#[test]
fn an_atom_entry_creates_a_customer_too() {
    let mut world = World::new(Settings::default());
    let entry = r#"<entry xmlns="http://www.w3.org/2005/Atom" xmlns:m="m" xmlns:d="d"><content>
        <m:properties><d:LastName>Müller &amp; Wang</d:LastName></m:properties></content></entry>"#;
    let create = request("POST", CUSTOMERS, entry).with("content-type", "application/atom+xml");
    assert_eq!(world.send(&create).status, 201);
    let customer = world.tenant.customers().next().unwrap();
    assert_eq!(customer.text("LastName"), "Müller & Wang");
}

#[test]
fn every_verb_of_change_works_and_put_resets_what_it_leaves_out() {
    let (mut world, ids) = World::with(&["Wang"]);
    let url = format!("{CUSTOMERS}('{}')", ids[0]);
    let changes = [
        request("PATCH", &url, r#"{"Email":"a@example.com"}"#),
        request("MERGE", &url, r#"{"City":"Beijing"}"#),
        request("POST", &url, r#"{"Street":"Main"}"#).with("x-http-method", "MERGE"),
    ];
    for change in changes {
        assert_eq!(world.send(&change).status, 204);
    }
    let text = |world: &World, field: &str| {
        world
            .tenant
            .customer(&ids[0])
            .unwrap()
            .text(field)
            .to_owned()
    };
    assert_eq!(text(&world, "Email"), "a@example.com");
    assert_eq!(
        text(&world, "FormattedPostalAddressDescription"),
        "Main / Beijing"
    );
    let put = request("PUT", &url, r#"{"LastName":"Li"}"#);
    assert_eq!(world.send(&put).status, 204);
    assert_eq!(
        (text(&world, "LastName"), text(&world, "Email")),
        ("Li".into(), String::new())
    );
    assert_eq!(text(&world, "CustomerID"), "1000441");
    assert_eq!(world.send(&request("DELETE", &url, "")).status, 204);
    assert_eq!(world.tenant.customer(&ids[0]), None);
}

#[test]
fn a_stale_etag_is_refused_and_the_fresh_one_taken() {
    let (mut world, ids) = World::with(&["Wang"]);
    let url = format!("{CUSTOMERS}('{}')", ids[0]);
    let etag = header(&world.send(&get(&url)), "etag").unwrap().to_owned();
    let now = world.now;
    world.tenant.change(&ids[0], &[("City", "Beijing")], now);
    let patch = request("PATCH", &url, r#"{"City":"Xi'an"}"#);
    assert_eq!(
        world.send(&patch.clone().with("if-match", &etag)).status,
        412
    );
    let fresh = header(&world.send(&get(&url)), "etag").unwrap().to_owned();
    assert_eq!(
        world.send(&patch.clone().with("if-match", &fresh)).status,
        204
    );
    assert_eq!(world.send(&patch.with("if-match", "*")).status, 204);
}

#[test]
fn the_rules_of_creating_hold() {
    let mut world = World::new(Settings::default());
    let long = format!(r#"{{"LastName":"{}"}}"#, "x".repeat(41));
    for (payload, message) in [
        (r#"{"ABC":"x"}"#, "Property 'ABC' not found"),
        (
            r#"{"CustomerID":"5"}"#,
            "Property 'CustomerID' cannot be set at creation",
        ),
        (
            r#"{"RoleCodeText":"x"}"#,
            "Property 'RoleCodeText' cannot be set at creation",
        ),
        (
            long.as_str(),
            "Value of property 'LastName' is longer than 40 characters",
        ),
        (
            r#"{"LastName":5}"#,
            "Invalid value for property 'LastName': a string is expected",
        ),
        (
            r#"{"POBoxIndicator":"true"}"#,
            "Invalid value for property 'POBoxIndicator': a boolean is expected",
        ),
    ] {
        let refused = world.refused(&request("POST", CUSTOMERS, payload));
        assert_eq!(refused, (400, message.to_owned()));
    }
    for query in ["$top=x", "$format=yaml"] {
        let url = format!("{CUSTOMERS}?{query}");
        assert!(world.send(&request("POST", &url, "{}")).status >= 400);
    }
    assert_eq!(world.tenant.customers().count(), 0);
    // The key is not nullable, so it is ignored instead.
    let with_key = request(
        "POST",
        CUSTOMERS,
        r#"{"ObjectID":"X","BirthDate":"1990-01-02T00:00:00"}"#,
    );
    assert_eq!(world.send(&with_key).status, 201);
    assert_eq!(world.tenant.customer("X"), None);
}

#[test]
fn the_rules_of_changing_hold() {
    let (mut world, ids) = World::with(&["Wang"]);
    let url = format!("{CUSTOMERS}('{}')", ids[0]);
    let other = request("PATCH", &url, r#"{"CustomerID":"5"}"#);
    assert_eq!(
        world.refused(&other),
        (400, "Property 'CustomerID' cannot be changed".to_owned())
    );
    let same = r#"{"CustomerID":"1000441","ETag":"x","RoleCodeText":"whatever","City":"Beijing"}"#;
    assert_eq!(world.send(&request("PATCH", &url, same)).status, 204);
    let unknown = request("PATCH", &url, r#"{"City":"Xi'an","ABC":1}"#);
    assert_eq!(world.refused(&unknown).0, 400);
    assert_eq!(
        world.tenant.customer(&ids[0]).unwrap().text("City"),
        "Beijing"
    );
}

#[test]
fn nodes_below_the_root_are_changed_but_not_created_or_deleted() {
    let (mut world, ids) = World::with(&["Wang"]);
    let common = world.tenant.customer(&ids[0]).unwrap().common_id.clone();
    let set = format!("{CUSTOM}CustomerCommonCollection");
    let url = format!("{set}('{common}')");
    let patch = request("PATCH", &url, r#"{"WechatID":"oOther"}"#);
    assert_eq!(world.send(&patch).status, 204);
    assert_eq!(
        world.tenant.customer(&ids[0]).unwrap().wechat_id(),
        "oOther"
    );
    assert_eq!(world.refused(&request("DELETE", &url, "")).0, 405);
    assert_eq!(world.refused(&request("POST", &set, "{}")).0, 405);
}

#[test]
fn the_extension_field_can_be_written_at_creation() {
    let mut world = World::new(Settings {
        extension_field: true,
        before_save_script: false,
        ..Settings::default()
    });
    let payload = r#"{"LastName":"Wang","WechatID_KUT":"oOpenId"}"#;
    assert_eq!(world.send(&request("POST", CUSTOMERS, payload)).status, 201);
    let found = world.get(&format!(
        "{CUSTOMERS}?$filter=WechatID_KUT%20eq%20'oOpenId'"
    ));
    assert_eq!(found["d"]["results"][0]["WechatID_KUT"], "oOpenId");
}

#[test]
fn a_change_through_the_interface_is_notified_as_well() {
    let (mut world, ids) = World::with(&["Wang"]);
    let subscription = Subscription::new("http://qiao.test/", Variant::Enhanced);
    world
        .tenant
        .notifications()
        .settings
        .subscriptions
        .push(subscription);
    let url = format!("{CUSTOMERS}('{}')", ids[0]);
    world.send(&request("PATCH", &url, r#"{"City":"Beijing"}"#));
    world.send(&request("PATCH", &url, r#"{"City":"Beijing"}"#));
    let now = world.now;
    world.tenant.set_obsolete(&ids[0], now);
    let pushes = world.tenant.take_due(now, &mut world.rng);
    let changed_by = |push: &Push| {
        let json: Json = serde_json::from_slice(&push.body).unwrap();
        json["data"]["Changes"][0]["ChangedBy"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let by: Vec<String> = pushes.iter().map(changed_by).collect();
    assert_eq!(by, ["qiao", "AGENT"]);
    assert!(world.tenant.customer(&ids[0]).unwrap().is_obsolete());
}
