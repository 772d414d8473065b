use super::*;

use crate::domain::ids::{TenantId, UnionId};
use crate::domain::verdict::Verdict;
use crate::kit::transport::TransportError;
use crate::wechat::codes::Sense;
use crate::wechat::tests::{Script, alice, token};
use jiff::Timestamp;

fn account(source: TokenSource) -> Account {
    Account {
        app_id: "wx0123456789abcdef".to_owned(),
        app_secret: "s&cret".into(),
        original_id: None,
        tokens: vec!["token".into()],
        aes_keys: Vec::new(),
        access_token: source,
        api_url: String::new(),
        oauth_url: String::new(),
        jssdk_url: url::Url::parse("https://res.example/sdk.js").unwrap(),
        tenant: TenantId::new("main"),
        on_unfollow: crate::config::OnUnfollow::Keep,
        existing_followers: crate::config::ExistingFollowers::OnContact,
        migrated_from: None,
        mp_verify: Vec::new(),
        uncertain_send: crate::config::UncertainSend::Hold,
        conversation: crate::config::ConversationRules::sample(),
        locations: crate::config::Locations {
            events: crate::config::LocationEvents::All,
            event_coordinates: crate::domain::place::System::Gcj02,
        },
        answer_hook: None,
        menu: None,
        keep_menu: false,
        texts: crate::config::Texts {
            not_bound: String::new(),
            welcome: String::new(),
            customer_created: String::new(),
            customer_changed: String::new(),
            customer_changed_unknown: String::new(),
            no_history: String::new(),
            history_deleted: String::new(),
            file_named: String::new(),
            nearest_branch: String::new(),
            branches: String::new(),
            bind_expired: String::new(),
            bind_used: String::new(),
            bind_unclear: String::new(),
            bind_failed: String::new(),
        },
        templates: BTreeMap::new(),
        rules: Vec::new(),
    }
}

const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;
const TOKEN: &str = r#"{"access_token":"AT","expires_in":7200}"#;

#[tokio::test]
async fn new_openids_are_asked_for_with_the_old_appid() {
    let answer = r#"{"errcode":0,"errmsg":"ok","result_list":[
        {"ori_openid":"oOld1","new_openid":"oNew1","err_msg":"ok"},
        {"ori_openid":"oOld2","err_msg":"ori_openid error"}]}"#;
    let script = Script::answering(200, answer);
    let openids = [OpenId::new("oOld1"), OpenId::new("oOld2")];
    let changed = script
        .client()
        .changed_openids(&token(), "wx00000000000000aa", &openids)
        .await
        .unwrap();
    let asked: Value = serde_json::from_slice(&script.asked().body).unwrap();
    let expected = json!({"from_appid": "wx00000000000000aa", "openid_list": ["oOld1", "oOld2"]});
    assert_eq!(asked, expected);
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (changed[0].from.as_str(), changed[0].to.as_str()),
        ("oOld1", "oNew1")
    );
}

#[tokio::test]
async fn a_stable_token_is_asked_for_with_a_post() {
    let script = Script::answering(200, TOKEN);
    let fetched = script
        .client()
        .fetch_token(&account(TokenSource::StableToken), true)
        .await
        .unwrap();
    assert_eq!(fetched.value.expose(), "AT");
    assert_eq!(fetched.expires_in, Duration::from_hours(2));
    let asked = script.asked();
    assert_eq!(asked.url, "https://api.test/cgi-bin/stable_token");
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(
        body,
        json!({"grant_type": "client_credential", "appid": "wx0123456789abcdef",
               "secret": "s&cret", "force_refresh": true})
    );
}

#[tokio::test]
async fn the_other_sources_are_asked_with_a_get() {
    let script = Script::answering(200, TOKEN);
    let fetch = async |source| {
        let client = script.client();
        client.fetch_token(&account(source), false).await.unwrap();
        script.asked()
    };
    let asked = fetch(TokenSource::Token).await;
    assert_eq!(asked.method, Method::Get);
    assert_eq!(
        asked.url,
        "https://api.test/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef\
         &secret=s%26cret"
    );
    let central = "https://tokens.test/wechat?a=1";
    let asked = fetch(TokenSource::Central(central.parse().unwrap())).await;
    assert_eq!(asked.url, central);
}

#[tokio::test]
async fn an_answer_without_a_living_token_is_none() {
    for body in [
        "{}",
        r#"{"access_token":"AT"}"#,
        r#"{"access_token":"AT","expires_in":0}"#,
        r#"{"access_token":"","expires_in":7200}"#,
    ] {
        let client = Script::answering(200, body).client();
        let account = account(TokenSource::Token);
        let cause = client.fetch_token(&account, false).await.unwrap_err().cause;
        assert!(matches!(cause, Cause::Unreadable(_)), "{body}");
    }
}

#[tokio::test]
async fn a_text_leaves_as_raw_utf_8() {
    let script = Script::answering(200, OK);
    let text = "你好 <a href=\"https://x\">&</a>\u{1}";
    let client = script.client();
    client.send_text(&token(), &alice(), text).await.unwrap();
    let asked = script.asked();
    assert_eq!(
        asked.url,
        "https://api.test/cgi-bin/message/custom/send?access_token=T%2F1"
    );
    let raw = String::from_utf8(asked.body).unwrap();
    assert!(
        raw.contains(r#"你好 <a href=\"https://x\">&</a>""#),
        "{raw}"
    );
    assert!(raw.contains(r#""touser":"oLVPpjqs9BhvzwPj5A-vTYAX3GLc""#));
}

#[tokio::test]
async fn a_template_fits_its_keywords_and_answers_a_long_id() {
    let script = Script::answering(200, r#"{"errcode":0,"msgid":2400000000000000001}"#);
    let mut message = TemplateMessage {
        template_id: "tpl".to_owned(),
        data: BTreeMap::from([("thing1".to_owned(), format!("a\nb{}", "你".repeat(30)))]),
        url: String::new(),
        client_msg_id: "42".to_owned(),
    };
    let client = script.client();
    let msg_id = client.send_template(&token(), &alice(), &message).await;
    assert_eq!(msg_id.unwrap(), Some(2_400_000_000_000_000_001));
    let body = script.body();
    let value = body["data"]["thing1"]["value"].as_str().unwrap();
    assert_eq!(value, format!("a b{}…", "你".repeat(16)));
    assert_eq!(body["client_msg_id"], "42");
    assert!(body.get("url").is_none());
    message.url = "https://x".to_owned();
    let sent = client.send_template(&token(), &alice(), &message).await;
    assert!(sent.is_ok());
    assert_eq!(script.body()["url"], "https://x");
}

#[tokio::test]
async fn a_follower_is_described_even_when_the_answer_is_dirty() {
    let dirty = "{\"subscribe\":1,\"openid\":\"o1\",\"remark\":\"VIP\u{1}\",\"nickname\":\"\",\
                 \"unionid\":\"u1\",\"subscribe_time\":1700000000,\"qr_scene\":98765,\
                 \"qr_scene_str\":\"\",\"subscribe_scene\":\"ADD_SCENE_QR_CODE\"}";
    let script = Script::answering(200, dirty);
    let info = script.client().user_info(&token(), &alice()).await.unwrap();
    assert!(info.subscribe);
    assert_eq!(info.unionid, Some(UnionId::new("u1")));
    assert_eq!(info.remark.as_deref(), Some("VIP "));
    assert_eq!(info.nickname, None);
    assert_eq!(info.qr_scene.as_deref(), Some("98765"));
    assert_eq!(
        info.subscribe_time,
        Timestamp::from_second(1_700_000_000).ok()
    );
    assert_eq!(
        script.asked().url,
        "https://api.test/cgi-bin/user/info?access_token=T%2F1\
         &openid=oLVPpjqs9BhvzwPj5A-vTYAX3GLc&lang=zh_CN"
    );
}

#[tokio::test]
async fn somebody_who_does_not_follow_is_hardly_described() {
    let script = Script::answering(200, r#"{"subscribe":0,"openid":"o1","qr_scene":0}"#);
    let info = script.client().user_info(&token(), &alice()).await.unwrap();
    assert!(!info.subscribe);
    assert_eq!(
        (info.unionid, info.qr_scene, info.remark),
        (None, None, None)
    );
}

#[tokio::test]
async fn several_followers_are_asked_about_at_once() {
    let body = r#"{"user_info_list":[{"subscribe":1,"openid":"o1","qr_scene_str":"s"},
                   {"subscribe":0,"openid":"o2"}]}"#;
    let script = Script::answering(200, body);
    let client = script.client();
    let openids = ["o1", "o2"].map(OpenId::new);
    let users = client.users(&token(), &openids).await.unwrap();
    let follows: Vec<_> = users.iter().map(|user| user.subscribe).collect();
    assert_eq!(follows, [true, false]);
    assert_eq!(users[0].qr_scene.as_deref(), Some("s"));
    assert_eq!(script.body()["user_list"][1]["openid"], "o2");
}

#[tokio::test]
async fn the_list_of_followers_ends() {
    let page = r#"{"total":2,"count":2,"data":{"openid":["o1","o2"]},"next_openid":"o2"}"#;
    let empty = r#"{"total":2,"count":0,"next_openid":""}"#;
    let o2 = OpenId::new("o2");
    let script = Script::answering(200, page);
    let client = script.client();
    let first = client.follower_page(&token(), None).await.unwrap();
    assert_eq!((first.total, first.openids.len()), (2, 2));
    assert_eq!(first.next, Some(o2.clone()));
    assert!(!script.asked().url.contains("next_openid"));
    let again = client.follower_page(&token(), Some(&o2)).await.unwrap();
    assert_eq!(again.next, None, "a page that leads back to itself");
    let script = Script::answering(200, empty);
    let client = script.client();
    let last = client.follower_page(&token(), Some(&o2)).await.unwrap();
    assert_eq!((last.openids.len(), last.next), (0, None));
    assert!(script.asked().url.ends_with("&next_openid=o2"));
}

async fn failed_send(script: &Arc<Script>) -> Error {
    let client = script.client();
    let sent = client.send_text(&token(), &alice(), "hello").await;
    sent.unwrap_err()
}

#[tokio::test]
async fn a_refusal_comes_with_its_sense() {
    let body = r#"{"errcode":45015,"errmsg":"response out of time limit rid: 1-2-3"}"#;
    let error = failed_send(&Script::answering(200, body)).await;
    assert_eq!(error.sense(), Some(Sense::WindowClosed));
    assert!(error.to_string().ends_with("[rid 1-2-3]"));
    // A code counts under any status.
    let error = failed_send(&Script::answering(500, body)).await;
    assert_eq!(error.sense(), Some(Sense::WindowClosed));
}

#[tokio::test]
async fn an_answer_that_is_not_wechats_leaves_a_send_uncertain() {
    let now = Timestamp::UNIX_EPOCH;
    let html = failed_send(&Script::answering(200, "<html>login</html>")).await;
    assert_eq!(html.failure(now, 1).verdict, Verdict::Uncertain);
    let gateway = failed_send(&Script::answering(502, "<html>bad gateway</html>")).await;
    assert_eq!(gateway.failure(now, 1).verdict, Verdict::Uncertain);
    let busy = failed_send(&Script::answering(503, "{}"))
        .await
        .failure(now, 1);
    assert_eq!(busy.verdict, Verdict::Transient);
    assert_eq!(busy.retry_after, Some(Duration::from_mins(2)));
    assert_eq!(busy.pause.unwrap().probe_after, Duration::from_mins(2));
}

#[tokio::test]
async fn a_lost_answer_is_told_without_what_was_asked() {
    let script = Script::ending(Err(TransportError::Lost("the time-out ran out".to_owned())));
    let error = failed_send(&script).await;
    let shown = format!("{error} {error:?} {:?} {:?}", token(), script.client());
    assert!(shown.contains("the time-out ran out"));
    for part in ["T/1", "T%2F1", "hello", alice().as_str()] {
        assert!(!shown.contains(part), "{shown}");
    }
}
