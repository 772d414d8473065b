//! A team's own folder: served as it is, strictly, and nothing outside of it.

use reqwest::Method;

use super::{Browser, inside};
use crate::world::Plan;

#[tokio::test(flavor = "multi_thread")]
async fn files_are_served_with_their_type_and_asked_for_again_only_when_they_changed() {
    let world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    assert_eq!(phone.open("/app/account").await.url.path(), "/app/account/");
    let script = phone.get("/app/account/app.js?v=1").await;
    assert_eq!(script.body, "console.log('桥')");
    assert_eq!(
        script.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(script.headers["cache-control"], "private, no-cache");
    let tag = script.headers["etag"].clone();
    let known = [("if-none-match", &*tag)];
    let same = phone
        .request(Method::GET, "/app/account/app.js", &known, String::new())
        .await;
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    let head = phone
        .request(Method::HEAD, "/app/account/app.js", &[], String::new())
        .await;
    assert_eq!(
        head.headers["content-length"],
        script.body.len().to_string()
    );
    assert_eq!(head.body, "");
    std::fs::write(world.folder.path().join("page/app.js"), "changed").unwrap();
    let new = phone
        .request(Method::GET, "/app/account/app.js", &known, String::new())
        .await;
    assert_eq!((new.status, new.body.as_str()), (200, "changed"));
    assert_eq!(phone.get("/app/account/nothing.js").await.status, 404);
    assert_eq!(phone.get("/app/other/").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_of_the_folder_is_served() {
    let world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    let folder = world.folder.path().join("page");
    std::fs::write(world.folder.path().join("secret.txt"), "secret").unwrap();
    std::fs::write(folder.join(".env"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret.txt", folder.join("leak.txt")).unwrap();
    std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
    std::os::unix::fs::symlink("app.js", folder.join("alias.js")).unwrap();
    let mut phone = Browser::phone(&world, &anna).await;
    phone.open("/app/account/").await;
    for path in [
        "/app/account/leak.txt",
        "/app/account/up/secret.txt",
        "/app/account/.env",
        "/app/account/%2e%2e/secret.txt",
        "/app/account/..%2fsecret.txt",
        "/app/account/%2e%2e%2fsecret.txt",
        "/app/account/sub/%2e%2e/%2e%2e/secret.txt",
        "/app/account/%5c..%5csecret.txt",
        "/app/account/%00",
        "/app/account//etc/passwd",
    ] {
        let got = phone.get(path).await;
        assert_eq!(got.status, 404, "{path}");
        assert!(!got.body.contains("secret"), "{path}");
    }
    assert_eq!(
        phone.get("/app/account/alias.js").await.status,
        200,
        "it stays inside"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_the_browser_what_to_beware_of() {
    let plan = Plan {
        account: "[app]\nframe_ancestors = [\"https://demo.example.cn\"]\n".to_owned(),
        ..Plan::default()
    };
    let world = inside("snsapi_base", plan).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    phone.open("/app/account/").await;
    for (path, status) in [
        ("/app/account/", 200),
        ("/app/account/app.js", 200),
        ("/app/account/nothing", 404),
        ("/oauth/wechat/main/start?to=//x", 400),
        ("/oauth/wechat/main/callback", 400),
    ] {
        let got = phone.get(path).await;
        assert_eq!(got.status, status, "{path}");
        let policy = &got.headers["content-security-policy"];
        assert!(
            policy.contains("script-src 'self' https://res.wx.qq.com"),
            "{policy}"
        );
        assert!(!policy.contains("script-src 'self' 'unsafe"), "{policy}");
        assert!(
            policy.contains("frame-ancestors https://demo.example.cn"),
            "{policy}"
        );
        assert_eq!(got.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(got.headers["referrer-policy"], "same-origin", "{path}");
        assert!(got.headers["permissions-policy"].contains("geolocation=(self)"));
        assert_eq!(got.headers["cross-origin-opener-policy"], "same-origin");
    }
    for (path, status) in [("/app/api/me", 200), ("/app/api/nothing", 404)] {
        let got = phone.get(path).await;
        assert_eq!(got.status, status, "{path}");
        assert_eq!(got.headers["cache-control"], "no-store");
        assert!(got.headers["content-security-policy"].starts_with("default-src 'none'"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_nobody_shows_a_page_in_a_frame() {
    let world = inside("snsapi_base", Plan::default()).await;
    let mut anybody = Browser::new(&world);
    let got = anybody.get("/oauth/wechat/main/start?to=//x").await;
    assert!(got.headers["content-security-policy"].ends_with("frame-ancestors 'none'"));
    assert_eq!(got.headers["x-frame-options"], "DENY");
}
