//! The same tenant behind the shell, with reqwest as an ordinary client.

use std::time::Duration;

use reqwest::Method;
use tokio::net::TcpListener;

use super::*;
use crate::clock::SimClock;
use crate::shell::Server;

async fn served() -> (Server<C4c>, reqwest::Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tenant = C4c::new(Settings::default());
    let server = Server::start(listener, tenant, SimClock::real(), 1);
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    (server, client)
}

async fn call(
    server: &Server<C4c>,
    client: &reqwest::Client,
    method: Method,
    path: &str,
    payload: Json,
) -> (u16, Json) {
    let url = format!("{}{path}", server.url());
    let request = client
        .request(method, url)
        .basic_auth("qiao", Some("secret"))
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(payload.to_string());
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn a_customer_is_created_found_and_its_links_can_be_followed() {
    let (server, client) = served().await;
    let payload = json!({ "FirstName": "Mei", "LastName": "oOpenId" });
    let (status, created) = call(&server, &client, Method::POST, CUSTOMERS, payload).await;
    assert_eq!(status, 201);
    let uri = created["d"]["results"]["__metadata"]["uri"]
        .as_str()
        .unwrap();
    let path = uri.strip_prefix(server.url()).unwrap();
    let (status, read) = call(&server, &client, Method::GET, path, json!(null)).await;
    assert_eq!((status, &read), (200, &created));
}

#[tokio::test]
async fn an_agents_change_reaches_the_subscriber_with_credentials() {
    let (server, client) = served().await;
    let (hook, _) = served().await;
    // Any server that records what it is asked does as a receiver.
    let notify = json!({ "subscriptions": [{
        "url": format!("{}/_hook", hook.url()),
        "username": "qiao",
        "password": "secret",
    }]});
    let control = "/_control/notify";
    assert_eq!(
        call(&server, &client, Method::POST, control, notify)
            .await
            .0,
        200
    );
    let customers = "/_control/customers";
    let fields = json!({ "LastName": "Wang" });
    let (status, created) = call(&server, &client, Method::POST, customers, fields).await;
    assert_eq!(status, 200);
    let id = created["object_id"].as_str().unwrap();
    let change = json!({ "LastName": "Zhang" });
    let path = format!("{customers}/{id}");
    assert_eq!(
        call(&server, &client, Method::POST, &path, change).await.0,
        200
    );
    let pushed = hook.until(|h| (h.calls().count("POST", "/_hook", 404) == 2).then_some(()));
    tokio::time::timeout(Duration::from_secs(10), pushed)
        .await
        .unwrap();
    let answered = server.until(|s| (s.notifications.tally().refused == 2).then_some(()));
    tokio::time::timeout(Duration::from_secs(10), answered)
        .await
        .unwrap();
    let (_, shown) = call(&server, &client, Method::GET, control, json!(null)).await;
    assert_eq!(shown["settings"]["subscriptions"][0]["password"], "");
}

#[tokio::test]
async fn the_control_api_turns_every_knob() {
    let (server, client) = served().await;
    let fault = json!({ "on": "GET", "kind": "status", "status": 503, "html": true });
    for (method, path, payload, status) in [
        (Method::POST, "/_control/faults", fault, 200),
        (Method::GET, API, json!(null), 503),
        (Method::GET, API, json!(null), 200),
        (
            Method::POST,
            "/_control/users/qiao",
            json!({ "locked": true }),
            200,
        ),
        (Method::GET, API, json!(null), 401),
        (
            Method::POST,
            "/_control/users/qiao",
            json!({ "locked": false }),
            200,
        ),
        (
            Method::POST,
            "/_control/users/new",
            json!({ "locked": false }),
            400,
        ),
        (
            Method::POST,
            "/_control/settings",
            json!({ "dialect": "standard" }),
            200,
        ),
        (
            Method::POST,
            "/_control/settings",
            json!({ "dialekt": "standard" }),
            400,
        ),
        (Method::POST, "/_control/sessions/expire", json!(null), 200),
        (Method::DELETE, "/_control/faults", json!(null), 200),
        (Method::GET, "/_control/customers/none", json!(null), 404),
        (Method::GET, "/_control/nothing", json!(null), 404),
    ] {
        let (answered, _) = call(&server, &client, method, path, payload).await;
        assert_eq!(answered, status, "{path}");
    }
    let (_, calls) = call(
        &server,
        &client,
        Method::GET,
        "/_control/calls",
        json!(null),
    )
    .await;
    assert_eq!(calls["recent"].as_array().unwrap().len(), 3);
    let dialect = server.with(|tenant, _, _| tenant.settings().dialect);
    assert_eq!(dialect, Dialect::Standard);
}

#[tokio::test]
async fn a_conversation_runs_from_the_first_message_to_the_agents_answer() {
    let (server, client) = served().await;
    let (hook, _) = served().await;
    let post = async |path: &str, payload: Json| {
        let (status, answer) = call(&server, &client, Method::POST, path, payload).await;
        assert!(status < 300, "{path}: {answer}");
        answer
    };
    let url = format!("{}/_replies", hook.url());
    let mashup = json!({ "url": url, "username": "qiao", "password": "secret" });
    post("/_control/replies", mashup).await;
    let follower = post(PROFILES, profile("oOpenId", None)).await;
    let text = message(&follower["d"]["results"], "m1", "Hello", None);
    post(ACTIVITIES, text).await;
    let answer = json!({
        "to": "1034190",
        "text": "你好",
        "author_name": "Li",
        "files": [{ "name": "a.txt", "mime_type": "text/plain", "base64": "aGk=" }],
    });
    let sent = post("/_control/answers", answer).await;
    post(
        "/_control/tickets/1034190/notes",
        json!({ "text": "Answered" }),
    )
    .await;
    post("/_control/tickets/1034190/close", json!({})).await;
    let arrived = hook.until(|h| (h.calls().count("POST", "/_replies", 404) == 1).then_some(()));
    tokio::time::timeout(Duration::from_secs(10), arrived)
        .await
        .unwrap();
    let answered = server.until(|s| s.replies.attempts().next().cloned());
    let attempt = tokio::time::timeout(Duration::from_secs(10), answered)
        .await
        .unwrap();
    assert_eq!(
        (attempt.status, &json!(attempt.about)),
        (Some(404), &sent["sma_id"])
    );
    let get = async |path: &str| {
        call(&server, &client, Method::GET, path, json!(null))
            .await
            .1
    };
    let shown = get("/_control/desk?openid=oOpenId").await;
    assert_eq!(shown["activities"][1]["files"][0]["bytes"], "aGk=");
    assert_eq!(shown["tickets"][0]["notes"][0]["text"], "Answered");
    assert_eq!(shown["tickets"][0]["status"], "3");
    assert_eq!(get("/_control/replies").await["attempts"][0]["status"], 404);
    let none = "/_control/tickets/none/close";
    let (status, _) = call(&server, &client, Method::POST, none, json!({})).await;
    assert_eq!(status, 404);
}
