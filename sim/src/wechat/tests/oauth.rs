//! Web authorization: strict about what is asked, silent where WeChat is, a code for one use.

use super::super::NICKNAME_AND_AVATAR;
use super::*;

const ASKED: &str = "/connect/oauth2/authorize?appid=wx0123456789abcdef\
    &redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fcallback&response_type=code&scope=SCOPE&state=aB3";

fn asked(scope: &str) -> String {
    ASKED.replace("SCOPE", scope)
}

impl World {
    /// Opens an address as that person's WeChat does.
    fn opened(&mut self, cookies: &str, method: &str, target: &str, body: &str) -> Response {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let cookie = ("cookie".to_owned(), cookies.to_owned());
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![cookie],
            body: body.as_bytes().to_vec(),
        };
        self.handle(&request)
    }

    fn looks(&mut self, openid: &str, target: &str) -> Response {
        self.opened(&format!("a=b; sim_phone={openid}"), "GET", target, "")
    }

    fn code(&mut self, openid: &str, scope: &str) -> String {
        let response = self.looks(openid, &asked(scope));
        code_of(&response).expect("a code")
    }

    fn exchange(&mut self, code: &str) -> Value {
        self.get(&format!(
            "/sns/oauth2/access_token?appid=wx0123456789abcdef&secret=simsecret&code={code}\
             &grant_type=authorization_code"
        ))
    }

    /// Taps a button of the question.
    fn taps(&mut self, openid: &str, page: &Response, answer: &str) -> Response {
        let html = text_of(page);
        let (_, rest) = html.split_once("value=\"").expect("a ticket");
        let (ticket, _) = rest.split_once('"').expect("its end");
        let body = format!("ticket={ticket}&answer={answer}");
        let cookies = format!("sim_phone={openid}");
        self.opened(&cookies, "POST", "/connect/oauth2/confirm", &body)
    }
}

fn text_of(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

fn code_of(response: &Response) -> Option<String> {
    let location = url::Url::parse(response.header("location")?).unwrap();
    let code = location.query_pairs().find(|(name, _)| name == "code");
    code.map(|(_, code)| code.into_owned())
}

#[test]
fn the_silent_scope_leads_back_with_a_code_and_the_state() {
    let mut world = World::new();
    let openid = world.follower();
    let response = world.looks(&openid, &asked("snsapi_base"));
    assert_eq!(response.status, 302);
    let location = response.header("location").unwrap();
    assert!(location.starts_with("http://127.0.0.1:8080/callback?code="));
    assert!(location.ends_with("&state=aB3"));
    let granted = world.exchange(&code_of(&response).unwrap());
    assert_eq!(granted["openid"], json!(openid));
    assert_eq!(granted["scope"], "snsapi_base");
    assert_eq!(granted["is_snapshotuser"], Value::Null);
    let token = granted["access_token"].as_str().unwrap();
    let told = world.get(&format!(
        "/sns/userinfo?access_token={token}&openid={openid}"
    ));
    assert_eq!(told["errcode"], 48001);
}

#[test]
fn only_wechat_shows_the_page_and_only_for_what_is_asked_rightly() {
    let mut world = World::new();
    let openid = world.follower();
    let outside = world.opened("", "GET", &asked("snsapi_base"), "");
    assert!(text_of(&outside).contains("请在微信客户端打开链接"));
    let right = asked("snsapi_base");
    for wrong in [
        right.replace("appid=wx0123456789abcdef&", ""),
        right.replace("wx0123456789abcdef", "wx0000000000000000"),
        right.replace("127.0.0.1", "evil.example"),
        right.replace("scope=snsapi_base&state=aB3", "state=aB3&scope=snsapi_base"),
        right.replace("snsapi_base", "snsapi_all"),
        right.replace("aB3", "a-b"),
        format!("{right}&extra=1"),
        format!("{right}&connect_redirect=1&forcePopup=true"),
    ] {
        let response = world.looks(&openid, &wrong);
        assert_eq!(response.status, 200, "{wrong}");
        assert!(text_of(&response).contains("错误码"), "{wrong}");
    }
    let sdk = world.looks(&openid, &format!("{right}&connect_redirect=1"));
    assert_eq!(sdk.status, 302);
}

#[test]
fn a_code_is_good_once_and_for_five_minutes() {
    let mut world = World::new();
    let openid = world.follower();
    assert_eq!(world.exchange("nonsense")["errcode"], 40029);
    let code = world.code(&openid, "snsapi_base");
    assert_eq!(world.exchange(&code)["openid"], json!(openid));
    assert_eq!(world.exchange(&code)["errcode"], 40163);
    let late = world.code(&openid, "snsapi_base");
    world.advance(300);
    assert_eq!(world.exchange(&late)["errcode"], 42003);
}

#[test]
fn who_is_asked_allows_or_denies_and_a_follower_from_the_chat_is_not_asked() {
    let mut world = World::new();
    let openid = world.follower();
    world.wx.person_mut(&openid).unwrap().nickname = "小<桥>".to_owned();
    let page = world.looks(&openid, &asked("snsapi_userinfo"));
    assert_eq!(page.status, 200);
    let html = text_of(&page);
    for piece in ["id=\"allow\"", "id=\"deny\"", "小&lt;桥&gt;"] {
        assert!(html.contains(piece), "{html}");
    }
    let other = world.follower();
    assert_eq!(
        world.taps(&other, &page, "allow").status,
        200,
        "it is not theirs"
    );
    let page = world.looks(&openid, &asked("snsapi_userinfo"));
    let denied = world.taps(&openid, &page, "deny");
    let back = denied.header("location").unwrap();
    assert_eq!(back, "http://127.0.0.1:8080/callback?state=aB3");
    let page = world.looks(&openid, &asked("snsapi_userinfo"));
    let allowed = world.taps(&openid, &page, "allow");
    let granted = world.exchange(&code_of(&allowed).unwrap());
    let token = granted["access_token"].as_str().unwrap().to_owned();
    let told = world.get(&format!(
        "/sns/userinfo?access_token={token}&openid={openid}"
    ));
    assert_eq!(told["nickname"], "小<桥>");
    let picture = told["headimgurl"].as_str().unwrap();
    let (_, target) = picture.split_once("localhost").unwrap();
    let picture = world.opened("", "GET", target, "");
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
    let cookies = format!("sim_phone={openid}; sim_from=chat");
    let silent = world.opened(&cookies, "GET", &asked("snsapi_userinfo"), "");
    assert!(code_of(&silent).is_some());
}

#[test]
fn a_snapshot_page_is_for_somebody_virtual() {
    let mut world = World::new();
    world.wx.settings.snapshot_pages = true;
    let openid = world.follower();
    let code = world.code(&openid, "snsapi_userinfo");
    let granted = world.exchange(&code);
    assert_eq!(granted["is_snapshotuser"], 1);
    let virtual_id = granted["openid"].as_str().unwrap().to_owned();
    assert_ne!(virtual_id, openid);
    assert_eq!(world.wx.virtual_openid(&openid), Some(virtual_id.as_str()));
    let again = world.code(&openid, "snsapi_userinfo");
    assert_eq!(world.exchange(&again)["openid"], json!(virtual_id));
    let code = world.code(&openid, "snsapi_base");
    assert_eq!(world.exchange(&code)["openid"], json!(openid));
}

#[test]
fn a_refresh_token_renews_until_it_is_old_or_withdrawn() {
    let mut world = World::new();
    let openid = world.follower();
    let code = world.code(&openid, "snsapi_base");
    let granted = world.exchange(&code);
    let refresh = granted["refresh_token"].as_str().unwrap().to_owned();
    let target = format!(
        "/sns/oauth2/refresh_token?appid=wx0123456789abcdef&grant_type=refresh_token\
         &refresh_token={refresh}"
    );
    let renewed = world.get(&target);
    let token = renewed["access_token"].as_str().unwrap().to_owned();
    let auth = format!("/sns/auth?access_token={token}&openid={openid}");
    assert_eq!(world.get(&auth)["errcode"], 0);
    let foreign = format!("/sns/auth?access_token={token}&openid=oNobody");
    assert_eq!(world.get(&foreign)["errcode"], 40003);
    world.advance(7_200);
    assert_eq!(world.get(&auth)["errcode"], 42001);
    let (now, mut rng) = (world.now, StdRng::seed_from_u64(9));
    let push = world
        .wx
        .revoke_authorization(&openid, NICKNAME_AND_AVATAR, now, &mut rng);
    assert_eq!(world.pushed(push, "OpenID"), openid);
    assert_eq!(world.pushed(push, "RevokeInfo"), "205");
    assert_ne!(world.pushed(push, "FromUserName"), openid);
    assert_eq!(world.get(&target)["errcode"], 40030);
}

#[test]
fn a_phone_is_a_cookie_of_the_browser_that_picks_it_up() {
    let mut world = World::new();
    let openid = world.follower();
    let target = format!("/_control/phone?openid={openid}&to=http%3A%2F%2Fqiao.test%2F&from=chat");
    let picked = world.request("GET", &target, &Value::Null);
    assert_eq!(picked.status, 302);
    assert_eq!(picked.header("location"), Some("http://qiao.test/"));
    let cookies: Vec<_> = picked
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, cookie)| cookie.as_str())
        .collect();
    assert!(cookies[0].starts_with(&format!("sim_phone={openid};")));
    assert!(cookies[1].starts_with("sim_from=chat;"));
    let nobody = world.request("GET", "/_control/phone?openid=oNobody&to=x", &Value::Null);
    assert_eq!(nobody.status, 400);
}
