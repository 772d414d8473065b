//! Pages that open inside the demo's phone: silently, with consent, denied, and as a snapshot.

use super::Look;
use super::demo::{Demo, opened};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_opens_in_the_phone_as_the_follower_lets_it() {
    let demo = Demo::start().await;
    let browser = opened(&demo, Look::desktop()).await;
    browser.follows().await;
    browser.page_opened("link").await;
    browser.click("#deny").await;
    browser.shows("h1", "您未同意授权").await;
    browser.axe().await;
    browser.page_closed().await;
    let told = browser.console().await;
    assert!(told.iter().all(|line| line.contains("403")), "{told:#?}");
    browser.page_opened("snapshot").await;
    browser.shows("h1", "仅供预览").await;
    browser.page_closed().await;
    browser.page_opened("link").await;
    browser.click("#allow").await;
    browser.shows("h1", "小明").await;
    browser.shows("#number", "1000442").await;
    browser.fill("#new", "+86 137 0000 0000").await;
    browser.click("#mobile button").await;
    browser.shows("#pending", "已更新").await;
    browser.shows("dd", "+86 137 0000 0000").await;
    browser.axe().await;
    browser.leave().await;
    let stored =
        "return document.querySelector('input[name=Mobile]').value === '+86 137 0000 0000'";
    browser
        .until("the number in C4C", async || {
            (browser.run(stored).await == true).then_some(())
        })
        .await;
    browser.page_closed().await;
    browser.page_opened("chat").await;
    browser.shows("h1", "小明").await;
    browser.page_closed().await;
    browser.shows(".step.done", "打开网页").await;
    browser.click(".menu > button:nth-child(2)").await;
    browser.enter(".page iframe").await;
    browser.see("国贸店").await;
    browser.page_closed().await;
    browser.close().await;
}

impl super::Browser {
    /// The menu's page, opened in that way; what follows is about it.
    async fn page_opened(&self, way: &str) {
        self.click(&format!("#way option[value={way}]")).await;
        self.click(".menu > button").await;
        self.enter(".page iframe").await;
    }

    /// Back to the chat, from inside the page or beside it.
    async fn page_closed(&self) {
        self.leave().await;
        self.click(".page .turn").await;
        self.find(".menu").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_places_codes_and_the_menu_are_answered_as_wechat_shows_it() {
    let demo = Demo::start().await;
    let browser = opened(&demo, Look::desktop()).await;
    browser.click(".codes .extra").await;
    browser.shows(".chat .system", "春季展会海报").await;
    browser.shows(".customer", "1000442").await;
    browser.click(".bottom .turn:last-child").await;
    browser.click_text("示例图片").await;
    browser.find(".mine .picture").await;
    browser.shows(".file", ".png").await;
    browser.click_text("位置：外滩").await;
    browser.shows(".card", "外滩店").await;
    browser.click(".menu .over > button").await;
    browser.click(".sub button:last-child").await;
    browser.shows(".chat .system", "我的客户编号").await;
    browser.click(".menu .over > button").await;
    browser.click(".sub button:first-child").await;
    browser.shows(".chat .line:not(.mine) .bubble", "[").await;
    browser.all_is_right(2).await;
    browser.click_text("取消关注").await;
    browser.find("#follow").await;
    browser.close().await;
}
