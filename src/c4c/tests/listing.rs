//! Walking over all customers.

use super::*;
use crate::c4c::Pace;

fn own_field() -> Tenant {
    Tenant {
        wechat_id: WechatIdField {
            service: None,
            field: "WechatID_KUT".into(),
            write: WechatIdWrite::Create,
        },
        ..tenant()
    }
}

#[tokio::test]
async fn customers_are_walked_in_order_of_their_keys_and_only_what_is_needed_is_asked_for() {
    let row = |id: &str, more: &str| format!(r#"{{"ObjectID":"{id}","CustomerID":"1"{more}}}"#);
    let listed = [
        row(
            ID,
            &format!(r#","LifeCycleStatusCode":"2","WechatID_KUT":"{OPENID}""#),
        ),
        row(OTHER_ID, r#","LifeCycleStatusCode":"4","WechatID_KUT":"""#),
        r#"{"ObjectID":"odd"}"#.to_owned(),
    ];
    let far_side = FarSide::new(move |_| rows(&listed));
    let client = far_side.client(&own_field());
    let page = client.listed(Pace::Bulk, None).await.unwrap();
    let seen: Vec<_> = page
        .rows
        .iter()
        .map(|row| (row.object_id.as_str(), row.wechat_id.clone(), row.active))
        .collect();
    assert_eq!(seen, [(ID, Some(openid()), true), (OTHER_ID, None, false)]);
    assert_eq!(page.next, None);
    assert_eq!(
        far_side.seen()[0].path,
        "/sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection?$format=json\
         &$select=ObjectID,CustomerID,LifeCycleStatusCode,WechatID_KUT&$orderby=ObjectID"
    );
    assert_eq!(client.carried(Pace::Bulk, None).await.unwrap(), None);
    assert_eq!(far_side.seen().len(), 1, "there is no service of their own");
}

#[tokio::test]
async fn the_old_service_calls_the_status_otherwise() {
    let far_side = FarSide::new(|_| rows(&[]));
    let old = Tenant {
        service: "/sap/c4c/odata/v1/c4codata".into(),
        ..tenant()
    };
    let listed = far_side.client(&old).listed(Pace::Bulk, None).await;
    assert!(listed.unwrap().rows.is_empty());
    let path = &far_side.seen()[0].path;
    assert!(
        path.contains("$select=ObjectID,CustomerID,StatusCode&"),
        "{path}"
    );
}

#[tokio::test]
async fn wechat_ids_of_a_custom_service_are_walked_page_by_page() {
    let far_side = FarSide::new(|request| {
        let (parent, id, next) = if request.path.contains("skiptoken=1001") {
            (OTHER_ID, "", String::new())
        } else {
            let next = format!(r#","__next":"{HOST}/x?$skiptoken=1001""#);
            (ID, OPENID, next)
        };
        let row = format!(r#"{{"ParentObjectID":"{parent}","WechatID":"{id}"}}"#);
        ok(&format!(r#"{{"d":{{"results":[{row}]{next}}}}}"#))
    });
    let client = far_side.client(&tenant());
    let first = client.carried(Pace::Bulk, None).await.unwrap().unwrap();
    assert_eq!(first.rows[0].object_id.as_str(), ID);
    assert_eq!(first.rows[0].wechat_id, openid());
    let last = client.carried(Pace::Bulk, first.next.as_deref()).await;
    let last = last.unwrap().unwrap();
    assert!(
        last.rows.is_empty() && last.next.is_none(),
        "who carries none is left out"
    );
    assert_eq!(
        far_side.seen()[0].path,
        "/sap/c4c/odata/cust/v1/zindividualcustomer/CustomerCommonCollection?$format=json\
         &$select=ParentObjectID,WechatID&$orderby=ParentObjectID"
    );
}
