//! The example app in somebody's hands: opened from the account's menu, let in by WeChat, and what they do there
//! is seen in C4C.

use qiao_sim::c4c::Answer;
use qiao_sim::fault::{Fault, Kind, UNTIL_CLEARED};

use super::{Browser, Look};
use crate::commands::run;
use crate::process::{Process, Site};
use crate::world::{Plan, open};

const DIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ui5-account/dist");

const CONVERSATION: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
"#;

/// The menu of the account.
const MENU: &str = r#"
[[button]]
name = "我的账户"
type = "view"
page = "account"
"#;

/// How long C4C takes for what somebody wants to see on its way.
const SLOW_MS: u64 = 5_000;

/// A daemon that serves the app, and 小明, who follows and is a customer.
struct Counter {
    site: Site,
    daemon: Process,
    openid: String,
}

impl Counter {
    /// `scope` is how much the app asks WeChat for.
    async fn open(scope: &str) -> Self {
        let built = std::path::Path::new(DIST).join("index.html").is_file();
        assert!(built, "the example app is not built: run `make ui5`");
        let plan = Plan {
            account: format!("menu = \"menu.toml\"\n{CONVERSATION}"),
            ..Plan::default()
        };
        let site = Site::planned(plan).await;
        let here = site.url();
        site.reconfigure(|text| {
            let text = text.replace(
                "[database]",
                &format!("public_url = \"{here}\"\n[database]"),
            );
            format!("{text}\n[app.pages.account]\nfolder = \"{DIST}\"\nscope = \"{scope}\"\n")
        });
        site.c4c.with(|c4c, _, _| {
            let replies = &mut c4c.replies().settings;
            replies.url = format!("{here}/c4c/main/replies");
            "c4c".clone_into(&mut replies.username);
            "notify-secret".clone_into(&mut replies.password);
        });
        std::fs::write(site.config_file().with_file_name("menu.toml"), MENU).unwrap();
        let daemon = site.serve().await;
        let applied = run(&site.config_file(), &["menu", "apply"]).await;
        applied.says("the default menu was replaced");
        let openid = site.wechat.with(|wechat, now, rng| {
            let openid = wechat.new_follower(rng);
            wechat.follow(&openid, None, now, rng);
            let person = wechat.person_mut(&openid).expect("they follow");
            "小明".clone_into(&mut person.nickname);
            openid
        });
        let counter = Self {
            site,
            daemon,
            openid,
        };
        counter.hears("1000").await;
        counter
    }

    /// Waits until they have read something like it in the chat.
    async fn hears(&self, piece: &str) {
        let heard = self.site.wechat.until(|wechat| {
            let seen = wechat.seen(&self.openid);
            seen.iter()
                .any(|seen| seen.text.contains(piece))
                .then_some(())
        });
        let heard = tokio::time::timeout(super::LIMIT, heard).await;
        heard.unwrap_or_else(|_| panic!("`{piece}` was never heard"));
    }

    /// Says something, and waits until Qiao has it.
    async fn says(&self, text: &str) {
        let site = &self.site;
        let push = site
            .wechat
            .with(|wechat, now, rng| wechat.say(&self.openid, text, now, rng));
        let taken = site
            .wechat
            .until(|wechat| wechat.push(push)?.outcome().map(drop));
        let taken = tokio::time::timeout(super::LIMIT, taken).await;
        taken.expect("an answer to the push");
    }

    /// The number of their ticket, once Qiao knows it.
    async fn ticket(&self, browser: &Browser) -> String {
        browser
            .until("a ticket", async || {
                let mut sqlite = open(&self.site.database()).await;
                let known = sqlx::query_scalar("SELECT ticket_id FROM conversation");
                known.fetch_optional(&mut sqlite).await.unwrap().flatten()
            })
            .await
    }

    /// What C4C has in a field of their customer.
    fn in_c4c(&self, field: &str) -> String {
        self.site.c4c.look(|c4c| {
            let found = c4c.find_by_wechat_id(&self.openid);
            found[0].text(field).to_owned()
        })
    }

    /// The link of the button that they see at the foot of the chat.
    fn link(&self) -> String {
        self.site.wechat.look(|wechat| {
            let menu = wechat.menu_of(&self.openid).expect("a menu");
            menu[0]["url"].as_str().expect("a link").to_owned()
        })
    }

    /// They tap a link: in the account's menu, where a follower is not asked, or somewhere else.
    async fn taps_link(&self, browser: &Browser, from: &str) {
        let mut url = url::Url::parse(self.site.wechat.url()).unwrap();
        url.set_path("/_control/phone");
        url.query_pairs_mut()
            .append_pair("openid", &self.openid)
            .append_pair("to", &self.link())
            .append_pair("from", from);
        browser.go(url.as_str()).await;
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let mut sqlite = open(&self.site.database()).await;
        sqlx::query_scalar(sql)
            .fetch_one(&mut sqlite)
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_from_the_menu_sees_their_account_tickets_and_conversation() {
    let (counter, browser) = (
        Counter::open("snsapi_userinfo").await,
        Browser::phone().await,
    );
    for said in 1..=55 {
        counter.says(&format!("第 {said} 句")).await;
    }
    let ticket = counter.ticket(&browser).await;
    let answer = Answer::new("您的订单已发货", "Li Wei");
    let answered = counter
        .site
        .c4c
        .with(|c4c, now, _| c4c.answer(&ticket, &answer, now));
    answered.expect("a ticket of a channel");
    counter.hears("您的订单已发货").await;

    counter.taps_link(&browser, "chat").await;
    browser.see("小明").await;
    browser.see("客户编号 1000").await;
    browser.axe().await;
    browser.screenshot("ui5-account").await;

    browser.click_text("我的工单").await;
    browser.see(&format!("工单 {ticket}")).await;
    browser.see("处理中").await;
    browser.axe().await;
    browser.screenshot("ui5-tickets").await;

    browser.click_text("我的对话").await;
    browser.see("您的订单已发货").await;
    browser.axe().await;
    assert!(!browser.text().await.contains("第 1 句"));
    browser.screenshot("ui5-conversation").await;
    browser.click_text("更早的消息").await;
    browser.see("第 1 句").await;
    browser.until_gone("更早的消息").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_mobile_number_is_seen_on_its_way_and_then_in_c4c() {
    let (counter, browser) = (Counter::open("snsapi_base").await, Browser::phone().await);
    counter.taps_link(&browser, "chat").await;
    browser.click_text("更改手机号码").await;
    browser.fill("input", "12").await;
    browser.click_text("更改").await;
    browser.see("请输入 7 到 15 位数字的手机号码").await;
    browser.axe().await;
    browser.fill("input", "+0 138 0000 0000").await;
    browser.click_text("更改").await;
    browser.see("请填写带国家代码的号码").await;
    browser.screenshot("ui5-mobile").await;
    assert_eq!(browser.console().await.len(), 1, "the server's 400");

    counter.site.c4c.with(|c4c, _, _| {
        let kind = Kind::Latency { millis: SLOW_MS };
        c4c.faults().add(Fault {
            on: "PATCH".to_owned(),
            kind,
            times: 1,
        });
    });
    browser.fill("input", "13911112222").await;
    browser.click_text("更改").await;
    browser.see("新手机号码正在提交中。").await;
    browser.axe().await;
    browser.see("手机号码已更改。").await;
    browser.see("+86 139 1111 2222").await;
    browser.until_gone("新手机号码正在提交中。").await;
    browser.axe().await;
    assert_eq!(counter.in_c4c("Mobile"), "+86 139 1111 2222");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_denies_goes_on_without_a_name_or_allows_it_after_all() {
    let (counter, browser) = (
        Counter::open("snsapi_userinfo").await,
        Browser::phone().await,
    );
    counter.taps_link(&browser, "").await;
    browser.click("#deny").await;
    browser.see("您未同意授权").await;
    browser.axe().await;
    browser.screenshot("ui5-denied").await;
    assert_eq!(counter.count("SELECT count(*) FROM session").await, 0);
    assert_eq!(browser.console().await.len(), 1, "the page's own 403");
    browser.click_text("不提供昵称头像，继续使用").await;
    browser.see("微信用户").await;
    assert_eq!(counter.count("SELECT count(*) FROM consent").await, 0);

    browser.click("[title='退出登录']").await;
    browser.see("您已退出登录").await;
    browser.axe().await;
    assert_eq!(browser.console().await.len(), 1, "the 401 of who is nobody");
    assert_eq!(counter.count("SELECT count(*) FROM session").await, 0);
    browser.click_text("重新登录").await;
    browser.click("#allow").await;
    browser.see("客户编号 1000").await;
    browser.see("小明").await;
    assert_eq!(counter.count("SELECT count(*) FROM consent").await, 1);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_user_is_told_so_and_bound_to_nobody() {
    let (counter, browser) = (
        Counter::open("snsapi_userinfo").await,
        Browser::phone().await,
    );
    counter
        .site
        .wechat
        .with(|wechat, _, _| wechat.settings.snapshot_pages = true);
    counter.taps_link(&browser, "").await;
    browser.see("仅供预览").await;
    browser.axe().await;
    browser.screenshot("ui5-snapshot").await;
    let bound = "SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM consent)";
    assert_eq!(counter.count(bound).await, 0);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_c4c_refuses_is_told_as_not_changed() {
    let (counter, browser) = (Counter::open("snsapi_base").await, Browser::phone().await);
    counter.site.c4c.with(|c4c, _, _| {
        let kind = Kind::Status {
            status: 400,
            html: false,
            retry_after: None,
        };
        c4c.faults().add(Fault {
            on: "PATCH".to_owned(),
            kind,
            times: UNTIL_CLEARED,
        });
    });
    counter.taps_link(&browser, "chat").await;
    browser.click_text("更改手机号码").await;
    browser.fill("input", "13911112222").await;
    browser.click_text("更改").await;
    browser.see("手机号码未能更改，请重试或给我们留言。").await;
    browser.axe().await;
    assert!(!browser.text().await.contains("手机号码已更改"));
    assert_eq!(counter.in_c4c("Mobile"), "");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_english_what_is_empty_and_what_does_not_answer_is_told_kindly() {
    let counter = Counter::open("snsapi_base").await;
    let browser = Browser::open(Look::phone().in_language("en")).await;
    counter.taps_link(&browser, "chat").await;
    browser.see("Customer number 1000").await;
    assert_eq!(
        browser.run("return document.documentElement.lang").await,
        "en"
    );
    browser.axe().await;
    browser.click_text("My tickets").await;
    browser.see("You have no tickets.").await;
    browser.axe().await;

    let Counter { site, daemon, .. } = counter;
    daemon.kill().await;
    browser.click_text("Conversation").await;
    browser.see("This did not work").await;
    browser.axe().await;
    let told = browser.console().await;
    let refused = |line: &String| line.contains("ERR_CONNECTION_REFUSED");
    assert!(!told.is_empty() && told.iter().all(refused), "{told:#?}");
    let _daemon = site.serve().await;
    browser.click_text("Try again").await;
    browser.click_text("Account").await;
    browser.see("Customer number 1000").await;
    browser.close().await;
}
