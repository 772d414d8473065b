use super::*;

fn last_names(feed: &Json) -> Vec<String> {
    let rows = feed["d"]["results"].as_array().unwrap().iter();
    rows.map(|row| row["LastName"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_single_entity_stands_as_an_object_under_results() {
    let (mut world, ids) = World::with(&["oOpenId"]);
    let json = world.get(&format!("{CUSTOMERS}('{}')", ids[0]));
    let entity = &json["d"]["results"];
    assert_eq!(entity["ObjectID"], ids[0]);
    assert_eq!(entity["LastName"], "oOpenId");
    assert_eq!(entity["LifeCycleStatusCodeText"], "Active");
    assert_eq!(entity["BirthDate"], Json::Null);
    assert_eq!(entity["Email"], "");
    assert_eq!(
        entity["__metadata"]["type"],
        "c4codataapi.IndividualCustomer"
    );
    let address = &entity["IndividualCustomerAddress"]["__deferred"]["uri"];
    let expected = format!(
        "https://my000001.c4c.example{CUSTOMERS}('{}')/IndividualCustomerAddress",
        ids[0]
    );
    assert_eq!(*address, expected);
}

#[test]
fn the_standard_dialect_puts_a_single_entity_directly_under_d() {
    let (mut world, ids) = World::with(&["oOpenId"]);
    world.tenant.configure(|s| s.dialect = Dialect::Standard);
    let json = world.get(&format!("{CUSTOMERS}('{}')", ids[0]));
    assert_eq!(json["d"]["ObjectID"], ids[0]);
    let feed = world.get(CUSTOMERS);
    assert_eq!(last_names(&feed), ["oOpenId"]);
}

#[test]
fn the_etag_is_in_the_header_and_the_metadata_and_dates_have_escaped_slashes() {
    let (mut world, ids) = World::with(&["oOpenId"]);
    let response = world.send(&get(&format!("{CUSTOMERS}('{}')", ids[0])));
    let etag = "W/\"datetimeoffset'2026-11-23T08%3A00%3A00.0000000Z'\"";
    assert_eq!(header(&response, "etag"), Some(etag));
    let text = body(&response);
    assert!(
        text.contains("\"ETag\":\"\\/Date(1795420800000)\\/\""),
        "{text}"
    );
    let json: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(json["d"]["results"]["__metadata"]["etag"], etag);
}

#[test]
fn without_any_wish_the_answer_is_atom() {
    let (mut world, ids) = World::with(&["A & B <C>"]);
    let plain = get(&format!("{CUSTOMERS}('{}')", ids[0])).with("accept", "*/*");
    let response = world.send(&plain);
    let content_type = header(&response, "content-type");
    assert_eq!(content_type, Some("application/atom+xml;type=entry"));
    let text = body(&response);
    for piece in [
        "<d:LastName>A &amp; B &lt;C&gt;</d:LastName>",
        "<d:BirthDate m:null=\"true\"/>",
        "term=\"c4codataapi.IndividualCustomer\"",
        "m:etag=\"W/&quot;datetimeoffset&apos;",
        "dataservices/related/IndividualCustomerAddress\"",
    ] {
        assert!(text.contains(piece), "{piece} is not in {text}");
    }
    let mut json = get(&format!("{CUSTOMERS}?$format=json"));
    json.headers.retain(|(name, _)| name != "accept");
    let response = world.send(&json);
    assert!(
        header(&response, "content-type")
            .unwrap()
            .starts_with("application/json")
    );
}

#[test]
fn pages_are_linked_in_json_and_in_atom() {
    let (mut world, _) = World::with(&["a", "b", "c"]);
    world.tenant.configure(|s| s.page = 2);
    let first = world.get(&format!(
        "{CUSTOMERS}?$inlinecount=allpages&$orderby=LastName"
    ));
    assert_eq!(last_names(&first), ["a", "b"]);
    assert_eq!(first["d"]["__count"], "3");
    let next = first["d"]["__next"].as_str().unwrap();
    let next = next.strip_prefix("https://my000001.c4c.example").unwrap();
    let second = world.get(next);
    assert_eq!(last_names(&second), ["c"]);
    assert_eq!(second["d"].get("__next"), None);

    let atom = world.send(&get(CUSTOMERS).with("accept", "application/atom+xml"));
    let link = format!(
        "<link rel=\"next\" href=\"https://my000001.c4c.example{CUSTOMERS}?$skiptoken=3\"/>"
    );
    assert!(body(&atom).contains(&link));
}

#[test]
fn links_lead_back_to_the_host_that_was_called() {
    let (mut world, ids) = World::with(&["a"]);
    let url = format!("{CUSTOMERS}('{}')", ids[0]);
    let response = world.send(&get(&url).with("host", "127.0.0.1:4711"));
    assert!(body(&response).contains(&format!("\"uri\":\"http://127.0.0.1:4711{url}\"")));
    world
        .tenant
        .configure(|s| s.public_url = "https://c4c.test/".to_owned());
    let response = world.send(&get(&url).with("host", "127.0.0.1:4711"));
    assert!(body(&response).contains(&format!("\"uri\":\"https://c4c.test{url}\"")));
}

#[test]
fn counting_selecting_and_expanding_work() {
    let (mut world, ids) = World::with(&["a", "b", "b"]);
    let count = world.send(&get(&format!(
        "{CUSTOMERS}/$count?$filter=LastName%20eq%20'b'"
    )));
    assert_eq!(body(&count), "2");
    let selected = world.get(&format!("{CUSTOMERS}('{}')?$select=LastName", ids[0]));
    let entity = selected["d"]["results"].as_object().unwrap();
    assert_eq!(
        entity.keys().collect::<Vec<_>>(),
        ["LastName", "__metadata"]
    );
    let expanded = world.get(&format!(
        "{CUSTOMERS}('{}')?$expand=IndividualCustomerAddress",
        ids[0]
    ));
    let address = &expanded["d"]["results"]["IndividualCustomerAddress"][0];
    assert_eq!(address["ParentObjectID"], ids[0]);
    assert_eq!(address["MainIndicator"], true);
}

#[test]
fn code_descriptions_can_be_dropped() {
    let (mut world, ids) = World::with(&["a"]);
    let request = get(&format!("{CUSTOMERS}('{}')", ids[0])).with("odata-no-codedescs", "true");
    assert!(!body(&world.send(&request)).contains("CodeText"));
}

#[test]
fn the_custom_service_is_searched_by_parent_and_has_keys_of_its_own() {
    let (mut world, ids) = World::with(&["oOpenId"]);
    let set = format!("{CUSTOM}CustomerCommonCollection");
    let by_parent = format!("{set}?$filter=ParentObjectID%20eq%20%27{}%27", ids[0]);
    let found = world.get(&by_parent)["d"]["results"][0].clone();
    assert_eq!(found["WechatID"], "oOpenId");
    assert_ne!(found["ObjectID"], ids[0]);
    // The trap of c4c.md 2.3: the notification's endpoint names the root as key.
    let (status, _) = world.refused(&get(&format!("{set}('{}')", ids[0])));
    assert_eq!(status, 404);
    let reverse = format!("{set}?$filter=WechatID%20eq%20%27oOpenId%27");
    assert_eq!(world.get(&reverse)["d"]["results"][0], found);
    world.tenant.configure(|s| s.wechat_id_filterable = false);
    let (status, message) = world.refused(&get(&reverse));
    assert_eq!(
        (status, message.as_str()),
        (400, "Property 'WechatID' is not filterable")
    );
}

#[test]
fn the_old_service_calls_the_status_status_code_and_its_formatted_name_is_complex() {
    let (mut world, ids) = World::with(&["Wang"]);
    let url = format!("{OLD}IndividualCustomerCollection('{}')", ids[0]);
    let entity = world.get(&url)["d"]["results"].clone();
    assert_eq!(entity["StatusCode"], "2");
    assert_eq!(entity["StatusCodeText"], "Active");
    assert_eq!(entity.get("LifeCycleStatusCode"), None);
    assert_eq!(entity["FormattedName"]["content"], "Wang");
    let atom = body(&world.send(&get(&url).with("accept", "application/xml")));
    assert!(
        atom.contains("<d:FormattedName m:type=\"c4codata.EXTENDED_Name\">"),
        "{atom}"
    );
}

#[test]
fn the_service_document_and_the_metadata_describe_the_service() {
    let (mut world, _) = World::with(&[]);
    let document = world.get(CUSTOM);
    assert_eq!(document["d"]["EntitySets"][0], "CustomerCommonCollection");
    let atom = world.send(&get(API).with("accept", ""));
    assert!(body(&atom).contains("<collection href=\"IndividualCustomerCollection\">"));
    let metadata = world.send(&get(&format!("{API}$metadata")));
    assert_eq!(
        header(&metadata, "content-type"),
        Some("application/xml; charset=utf-8")
    );
    assert!(!body(&metadata).contains("WechatID_KUT"));
    world.tenant.configure(|s| s.extension_field = true);
    let metadata = body(&world.send(&get(&format!("{API}$metadata?sap-label=true"))));
    assert!(metadata.contains("Name=\"WechatID_KUT\""));
    assert!(metadata.contains("sap:label=\"Last Name\""));
}

#[test]
fn what_is_not_there_is_not_found_and_what_is_wrong_is_refused() {
    let (mut world, _) = World::with(&[]);
    assert_eq!(
        world.get(CUSTOMERS)["d"]["results"],
        Json::Array(Vec::new())
    );
    for (url, status) in [
        (
            format!("{CUSTOMERS}('00163E00000000000000000000000000')"),
            404,
        ),
        (format!("{API}ContactCollection"), 404),
        (format!("{CUSTOMERS}?$filter=ABC%20eq%20'x'"), 400),
        (format!("{CUSTOMERS}?$search=Mus*"), 400),
    ] {
        assert_eq!(world.refused(&get(&url)).0, status, "{url}");
    }
    let response = world.send(&get("/sap/c4c/odata/v1/ticket/"));
    assert_eq!(
        (response.status, header(&response, "content-type")),
        (404, Some("text/html; charset=utf-8"))
    );
}
