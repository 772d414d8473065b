//! Finding, reading, creating and changing customers and their WeChat IDs.

use super::*;
use crate::c4c::{Kind, Pace};

/// A tenant whose custom service and customers hold these rows, whatever the filter says: the
/// client must compare by itself.
fn holding(common: Vec<String>, customers: Vec<String>) -> Arc<FarSide> {
    FarSide::new(move |request| {
        let by_key = |row: &&String| {
            let (_, id) = row.split_once("ObjectID\":\"").unwrap();
            request
                .path
                .contains(&format!("Collection('{}')", &id[..32]))
        };
        if request.is_write() {
            answer(204, &[], "")
        } else if request.path.contains("CustomerCommonCollection?") {
            rows(&common)
        } else if request.path.contains("IndividualCustomerCollection?") {
            rows(&customers)
        } else if let Some(row) = customers.iter().find(by_key) {
            ok(&format!(r#"{{"d":{{"results":{row}}}}}"#))
        } else {
            answer(404, &[], r#"{"error":{"message":{"value":"Not found"}}}"#)
        }
    })
}

#[tokio::test]
async fn a_renamed_customer_is_found_by_its_wechat_id() {
    let far_side = holding(
        vec![common_row(ID, OPENID)],
        vec![customer_row(ID, "1000441", "Zhang")],
    );
    let client = far_side.client(&tenant());
    let found = client.find_by_openid(Pace::Live, &openid()).await.unwrap();
    assert_eq!(numbers(&found), ["1000441"]);
    let paths: Vec<_> = far_side.seen().into_iter().map(|s| s.path).collect();
    assert!(
        paths[0].ends_with(&format!("&$filter=WechatID eq '{OPENID}'")),
        "{paths:?}"
    );
    assert_eq!(paths.len(), 2);
}

#[tokio::test]
async fn an_openid_that_differs_in_case_is_another_person() {
    let other = OPENID.to_lowercase();
    let far_side = holding(
        vec![common_row(ID, &other)],
        vec![customer_row(ID, "1", &other)],
    );
    for lookup in ["wechat_id", "LastName"] {
        let config = Tenant {
            lookup: vec![lookup.into()],
            ..tenant()
        };
        let found = far_side
            .client(&config)
            .find_by_openid(Pace::Live, &openid())
            .await;
        assert_eq!(found, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn several_hits_are_all_told() {
    let customers = vec![
        customer_row(ID, "1", OPENID),
        customer_row(OTHER_ID, "2", OPENID),
    ];
    // Two rows of one customer are one hit; a row without a customer is none.
    let common = vec![
        common_row(ID, OPENID),
        common_row(ID, OPENID),
        common_row(OTHER_ID, OPENID),
        common_row("00163EAA11111EE7B8975BD4AB3F0003", OPENID),
    ];
    let far_side = holding(common, customers);
    for lookup in ["wechat_id", "LastName"] {
        let config = Tenant {
            lookup: vec![lookup.into()],
            ..tenant()
        };
        let client = far_side.client(&config);
        let found = client.find_by_openid(Pace::Live, &openid()).await.unwrap();
        assert_eq!(numbers(&found), ["1", "2"], "{lookup}");
    }
}

#[tokio::test]
async fn a_property_that_cannot_be_filtered_by_is_asked_once_and_the_next_answers() {
    let far_side = FarSide::new(|request| {
        if request.path.contains("WechatID eq") {
            refused("Property WechatID is not filterable")
        } else {
            rows(&[customer_row(ID, "1000441", OPENID)])
        }
    });
    let client = far_side.client(&tenant());
    for _ in 0..2 {
        let found = client.find_by_openid(Pace::Live, &openid()).await.unwrap();
        assert_eq!(numbers(&found), ["1000441"]);
    }
    let asked = |word| {
        far_side
            .seen()
            .iter()
            .filter(|s| s.path.contains(word))
            .count()
    };
    assert_eq!((asked("WechatID eq"), asked("LastName eq")), (1, 2));
}

#[tokio::test]
async fn without_a_filterable_look_up_nobody_is_taken_for_new() {
    let far_side = FarSide::new(|_| refused("not filterable"));
    let client = far_side.client(&tenant());
    for _ in 0..2 {
        let error = client
            .find_by_openid(Pace::Live, &openid())
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::NoLookup);
        assert!(
            error.to_string().contains("mark the WeChat ID filterable"),
            "{error}"
        );
    }
    assert_eq!(far_side.seen().len(), 2);
}

#[tokio::test]
async fn a_look_up_that_only_failed_is_asked_again() {
    let far_side = FarSide::new(|_| answer(500, &[], ""));
    let client = far_side.client(&tenant());
    for _ in 0..2 {
        let error = client
            .find_by_openid(Pace::Live, &openid())
            .await
            .unwrap_err();
        assert!(matches!(error.kind, Kind::Broken { .. }));
    }
    assert!(
        far_side
            .seen()
            .iter()
            .all(|s| s.path.contains("WechatID eq"))
    );
}

#[tokio::test]
async fn a_customer_that_cannot_be_read_does_not_spoil_its_look_up() {
    let far_side = FarSide::new(|request| {
        if request.path.contains("$filter") {
            rows(&[common_row(ID, OPENID)])
        } else {
            refused("broken key")
        }
    });
    let client = far_side.client(&tenant());
    for _ in 0..2 {
        let error = client
            .find_by_openid(Pace::Live, &openid())
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind, Kind::Refused { status: 400, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_openid_that_cannot_be_searched_for_is_not_searched_for() {
    let far_side = holding(Vec::new(), Vec::new());
    let client = far_side.client(&tenant());
    let error = client
        .find_by_openid(Pace::Live, &OpenId::new("o*"))
        .await
        .unwrap_err();
    assert!(matches!(error.kind, Kind::Filter(_)));
    assert!(far_side.seen().is_empty());
}

#[tokio::test]
async fn a_look_up_follows_its_pages() {
    let far_side = FarSide::new(|request| {
        if request.path.contains("skiptoken") {
            rows(&[customer_row(ID, "1000441", OPENID)])
        } else {
            ok(r#"{"d":{"results":[],"__next":"/x?$skiptoken=1001"}}"#)
        }
    });
    let config = Tenant {
        lookup: vec!["LastName".into()],
        ..tenant()
    };
    let client = far_side.client(&config);
    let found = client.find_by_openid(Pace::Live, &openid()).await.unwrap();
    assert_eq!(numbers(&found), ["1000441"]);
}

#[tokio::test]
async fn a_look_up_without_end_is_given_up() {
    let far_side = FarSide::new(|_| ok(r#"{"d":{"results":[],"__next":"/x?$skiptoken=1"}}"#));
    let client = far_side.client(&tenant());
    let error = client
        .find_by_openid(Pace::Live, &openid())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::TooManyPages);
    assert_eq!(far_side.seen().len(), 10);
}

#[tokio::test]
async fn a_customer_is_read_in_both_envelopes_and_its_etag_from_the_header() {
    for body in [
        format!(r#"{{"d":{{"results":{}}}}}"#, customer_row(ID, "7", "Li")),
        format!(r#"{{"d":{}}}"#, customer_row(ID, "7", "Li")),
    ] {
        let far_side = FarSide::new(move |_| answer(200, &[("etag", "W/\"3\"")], &body));
        let client = far_side.client(&tenant());
        let customer = client.customer(Pace::Live, &id()).await.unwrap().unwrap();
        assert_eq!(customer.customer_id.as_str(), "7");
        assert_eq!(customer.etag.as_deref(), Some("W/\"3\""));
    }
    let nobody = holding(Vec::new(), Vec::new());
    assert_eq!(
        nobody.client(&tenant()).customer(Pace::Live, &id()).await,
        Ok(None)
    );
}

#[tokio::test]
async fn an_empty_answer_to_a_create_is_read_from_its_location() {
    // The location's host is not asked: FarSide takes requests to the tenant only.
    let location = format!("https://evil.example/sap/byd/IndividualCustomerCollection('{ID}')");
    let far_side = FarSide::new(move |request| match request.word() {
        "post" => answer(201, &[("location", &location)], ""),
        "fetch" => ok(""),
        _ => ok(&format!(
            r#"{{"d":{}}}"#,
            customer_row(ID, "1000441", OPENID)
        )),
    });
    let client = far_side.client(&tenant());
    let customer = client.create(Pace::Live, &fields()).await.unwrap();
    assert_eq!(customer.customer_id.as_str(), "1000441");
    assert_eq!(far_side.words(), ["fetch", "post", "get"]);
}

#[tokio::test]
async fn the_wechat_id_is_read_where_the_configuration_says() {
    let common = vec![
        common_row(OTHER_ID, "someone else's"),
        common_row(ID, OPENID),
    ];
    let far_side = holding(common, vec![customer_row(ID, "1", "from the customer")]);
    let custom = far_side.client(&tenant());
    let read = custom.wechat_id(Pace::Live, &id()).await.unwrap();
    assert_eq!(read.as_deref(), Some(OPENID));
    let path = &far_side.seen()[0].path;
    assert!(
        path.ends_with(&format!("$filter=ParentObjectID eq '{ID}'")),
        "{path}"
    );

    let own = far_side.client(&own_field());
    let read = own.wechat_id(Pace::Live, &id()).await.unwrap();
    assert_eq!(read.as_deref(), Some("from the customer"));
}

#[tokio::test]
async fn a_wechat_id_of_the_customers_own_is_looked_up_there() {
    let far_side = holding(Vec::new(), vec![customer_row(ID, "1000441", OPENID)]);
    let client = far_side.client(&own_field());
    let found = client.find_by_openid(Pace::Live, &openid()).await.unwrap();
    assert_eq!(numbers(&found), ["1000441"]);
    let path = &far_side.seen()[0].path;
    let expected =
        format!("IndividualCustomerCollection?$format=json&$filter=LastName eq '{OPENID}'");
    assert!(path.ends_with(&expected), "{path}");
}

fn own_field() -> Tenant {
    Tenant {
        wechat_id: WechatIdField {
            service: None,
            field: "LastName".into(),
            write: WechatIdWrite::Patch,
        },
        ..tenant()
    }
}

#[tokio::test]
async fn the_wechat_id_is_written_under_the_rows_own_key_and_etag() {
    let far_side = holding(vec![common_row(ID, "")], Vec::new());
    let client = far_side.client(&tenant());
    client
        .set_wechat_id(Pace::Live, &id(), &openid())
        .await
        .unwrap();
    let patch = far_side.seen().pop().unwrap();
    assert!(
        patch
            .path
            .ends_with("CustomerCommonCollection('00163EAA22221EE7B8975BD4AB3F0007')")
    );
    assert_eq!(patch.header("if-match"), Some("W/\"7\""));
    assert_eq!(patch.body, format!(r#"{{"WechatID":"{OPENID}"}}"#));
}

#[tokio::test]
async fn a_wechat_id_that_stands_already_is_not_written() {
    let far_side = holding(vec![common_row(ID, OPENID)], Vec::new());
    let client = far_side.client(&tenant());
    client
        .set_wechat_id(Pace::Live, &id(), &openid())
        .await
        .unwrap();
    assert_eq!(far_side.words(), ["get"]);
    let error = client
        .set_wechat_id(Pace::Live, &ObjectId::new(OTHER_ID), &openid())
        .await;
    assert_eq!(error.unwrap_err().kind, Kind::NoRow);
}

#[tokio::test]
async fn a_change_carries_its_etag_and_only_its_fields() {
    let far_side = holding(Vec::new(), Vec::new());
    let client = far_side.client(&own_field());
    let etag = Some("W/\"3\"");
    client
        .patch(Pace::Live, &id(), &fields(), etag)
        .await
        .unwrap();
    client
        .set_wechat_id(Pace::Live, &id(), &openid())
        .await
        .unwrap();
    let seen = far_side.seen();
    let patches: Vec<_> = seen.iter().filter(|s| s.is_write()).collect();
    assert_eq!(patches[0].header("if-match"), etag);
    assert_eq!(patches[1].header("if-match"), None);
    for patch in patches {
        assert!(
            patch
                .path
                .ends_with(&format!("IndividualCustomerCollection('{ID}')"))
        );
        assert_eq!(patch.body, format!(r#"{{"LastName":"{OPENID}"}}"#));
    }
}
