use super::*;
use crate::fault::{Fault, Kind};

fn as_agent(request: Request) -> Request {
    let credentials = STANDARD.encode("agent:secret");
    request.with("authorization", &format!("Basic {credentials}"))
}

/// Fetches a token on the service root and puts it with its cookies on the request.
fn with_token(world: &mut World, request: Request) -> Request {
    let fetched = world.send(&as_agent(get(API)).with("x-csrf-token", "Fetch"));
    assert_eq!(fetched.status, 200);
    let cookies: Vec<&str> = fetched
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value.split(';').next().unwrap())
        .collect();
    as_agent(request)
        .with("cookie", &cookies.join("; "))
        .with("x-csrf-token", header(&fetched, "x-csrf-token").unwrap())
}

#[test]
fn a_business_user_writes_with_token_and_cookies_only() {
    let mut world = World::new(Settings::default());
    let create = request("POST", CUSTOMERS, r#"{"LastName":"x"}"#);
    let bare = world.send(&as_agent(create.clone()));
    assert_eq!(
        (bare.status, header(&bare, "x-csrf-token")),
        (403, Some("Required"))
    );
    assert!(body(&bare).contains("CSRF token validation failed"));
    let complete = with_token(&mut world, create);
    assert_eq!(world.send(&complete).status, 201);
    world.tenant.expire_sessions();
    assert_eq!(world.send(&complete).status, 403);
}

#[test]
fn a_technical_user_needs_no_token_and_its_fetch_may_fail() {
    let mut world = World::new(Settings::default());
    world.tenant.configure(|s| s.token_fetch_fails = true);
    let fetch = get(API).with("x-csrf-token", "fetch");
    assert_eq!(world.refused(&fetch).0, 500);
    let create = request("POST", CUSTOMERS, r#"{"LastName":"x"}"#);
    assert_eq!(world.send(&create).status, 201);
}

#[test]
fn a_head_request_fetches_no_token() {
    let mut world = World::new(Settings::default());
    let head = Request {
        method: "HEAD".to_owned(),
        ..get(API).with("x-csrf-token", "fetch")
    };
    let response = world.send(&head);
    assert_eq!(
        (response.status, header(&response, "x-csrf-token")),
        (405, None)
    );
}

#[test]
fn a_user_may_be_limited_to_services() {
    let mut world = World::new(Settings::default());
    let only = Some(vec!["c4codataapi".to_owned()]);
    world
        .tenant
        .users()
        .update("qiao", |user| user.services = only);
    assert_eq!(world.send(&get(API)).status, 200);
    assert_eq!(world.refused(&get(CUSTOM)).0, 403);
}

#[test]
fn wrong_passwords_lock_the_user_and_every_try_is_counted() {
    let mut world = World::new(Settings::default());
    let wrong = STANDARD.encode("qiao:wrong");
    let guess = get(API).with("authorization", &format!("Basic {wrong}"));
    for _ in 0..5 {
        let response = world.send(&guess);
        assert_eq!(response.status, 401);
        assert!(header(&response, "www-authenticate").is_some());
    }
    assert_eq!(world.send(&get(API)).status, 401);
    assert!(world.tenant.user("qiao").unwrap().locked);
    assert_eq!(world.tenant.user("qiao").unwrap().refused, 6);
    assert_eq!(world.tenant.calls().count("GET", "c4codataapi", 401), 6);
    world.tenant.users().set_locked("qiao", false);
    assert_eq!(world.send(&get(API)).status, 200);
}

#[test]
fn faults_strike_before_or_after_the_effect() {
    let mut world = World::new(Settings::default());
    let create = request("POST", CUSTOMERS, r#"{"LastName":"x"}"#);
    for (after_effect, customers) in [(false, 0), (true, 1)] {
        world.tenant.faults().add(Fault {
            on: "POST /sap/c4c/odata/v1/c4codataapi/IndividualCustomer".to_owned(),
            kind: Kind::Drop { after_effect },
            times: 1,
        });
        assert!(matches!(world.deliver(&create), Delivery::Drop));
        assert_eq!(world.tenant.customers().count(), customers);
    }
    assert_eq!(
        world
            .tenant
            .calls()
            .total("POST", "IndividualCustomerCollection"),
        2
    );
}

#[test]
fn a_locked_record_says_so_in_the_tenants_own_error() {
    let (mut world, ids) = World::with(&["x"]);
    world.tenant.faults().add(Fault {
        on: "PATCH".to_owned(),
        kind: Kind::Code {
            code: 409,
            after_effect: false,
        },
        times: 1,
    });
    let patch = request(
        "PATCH",
        &format!("{CUSTOMERS}('{}')", ids[0]),
        r#"{"City":"x"}"#,
    );
    let (status, message) = world.refused(&patch);
    assert_eq!(status, 409);
    assert!(message.contains("locked"));
    assert_eq!(world.send(&patch).status, 204);
}

#[test]
fn errors_are_xml_unless_json_is_wanted() {
    let mut world = World::new(Settings::default());
    let response = world.send(&get(&format!("{CUSTOMERS}?$top=x")).with("accept", "*/*"));
    assert_eq!(response.status, 400);
    assert!(body(&response).contains("<code/><message xml:lang=\"en\">"));
}
