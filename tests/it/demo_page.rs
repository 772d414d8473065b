//! Who may come to the demo's page and act there; what is clicked stands in `browser/demo.rs`.

use reqwest::header::{HOST, LOCATION, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use crate::browser::demo::Demo;
use crate::raw::client;

struct Visitor {
    demo: Demo,
    client: Client,
    /// `http://127.0.0.1:PORT`
    origin: String,
}

impl Visitor {
    async fn new() -> Self {
        let demo = Demo::start().await;
        let origin = demo.url.trim_end_matches("/demo").to_owned();
        // It sees to the TLS provider; a redirection shall be seen here.
        let _ = client();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            demo,
            client,
            origin,
        }
    }

    async fn acts(&self, act: &str, body: &Value, origin: Option<&str>) -> Response {
        let url = format!("{}/act/{act}", self.demo.url);
        let mut request = self.client.post(url).body(body.to_string());
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        request.send().await.unwrap()
    }

    async fn status(&self, act: &str, body: &Value) -> StatusCode {
        self.acts(act, body, Some(&self.origin)).await.status()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_page_itself_may_act_and_only_at_its_own_address() {
    let visitor = Visitor::new().await;
    let nothing = json!({});
    for foreign in [None, Some("https://evil.example"), Some("null")] {
        let answer = visitor.acts("person", &nothing, foreign).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{foreign:?}");
    }
    let own = visitor
        .acts("person", &nothing, Some(&visitor.origin))
        .await;
    assert_eq!(own.status(), StatusCode::OK);
    let named = |host: &'static str| visitor.client.get(&visitor.demo.url).header(HOST, host);
    let rebound = named("evil.example:80").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
    let home = named("localhost:80").send().await.unwrap();
    assert_eq!(home.headers()[LOCATION], visitor.demo.url);
    let page = visitor.client.get(&visitor.demo.url).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_is_none_is_refused_and_everything_is_bounded() {
    let visitor = Visitor::new().await;
    let nobody = json!({ "openid": "oNobody", "text": "hello" });
    assert_eq!(visitor.status("say", &nobody).await, StatusCode::NOT_FOUND);
    assert_eq!(
        visitor.status("fly", &json!({})).await,
        StatusCode::BAD_REQUEST
    );
    let nothing = json!({});
    let person = visitor.acts("person", &nothing, Some(&visitor.origin));
    let person = person.await.text().await.unwrap();
    let person: Value = serde_json::from_str(&person).unwrap();
    let openid = &person["openid"];
    let large = json!({ "openid": openid, "base64": "A".repeat(2_900_000) });
    assert_eq!(
        visitor.status("picture", &large).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let foreign = json!({ "openid": openid, "url": "https://evil.example/", "way": "chat" });
    assert_eq!(
        visitor.status("open", &foreign).await,
        StatusCode::BAD_REQUEST
    );
    // One came with the page, and one above.
    for _ in 2..8 {
        assert_eq!(visitor.status("person", &json!({})).await, StatusCode::OK);
    }
    assert_eq!(
        visitor.status("person", &json!({})).await,
        StatusCode::CONFLICT
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_pages_may_watch_and_a_ninth_is_told_to_wait() {
    let visitor = Visitor::new().await;
    let live = format!("{}/live", visitor.demo.url);
    let mut watching = Vec::new();
    for _ in 0..8 {
        let mut answer = visitor.client.get(&live).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let first = answer.chunk().await.unwrap().unwrap();
        assert!(first.starts_with(b"event: phone\ndata: {"), "{first:?}");
        watching.push(answer);
    }
    let ninth = visitor.client.get(&live).send().await.unwrap();
    assert_eq!(ninth.status(), StatusCode::SERVICE_UNAVAILABLE);
}
