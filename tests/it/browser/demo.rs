//! The demo with two sides, played by clicking: what a newcomer does in the first two minutes.

use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{Browser, Look};

/// What the phone says of itself before anybody follows, in both languages.
const FOLLOW: [&str; 2] = ["关注公众号", "Follow"];

/// `qiao demo`, as a user starts it. Dropping it ends it as Ctrl-C does, and its daemon with it.
pub struct Demo {
    child: Child,
    _lines: Lines<BufReader<ChildStdout>>,
    _folder: TempDir,
    pub url: String,
}

impl Demo {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_qiao"))
            .args(["demo", "--no-story"])
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut url = None;
        loop {
            let line = lines.next_line().await.unwrap();
            let line = line.expect("it says how to end it");
            let word = line.split_whitespace().find(|word| word.ends_with("/demo"));
            url = word.map(str::to_owned).or(url);
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        Self {
            child,
            _lines: lines,
            _folder: folder,
            url: url.expect("the address of the page"),
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let id = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(id) = id.filter(|id| kill_process(*id, Signal::INT).is_ok()) {
            // It needs its folder to the end. Somebody else may have waited for it already.
            let _ = waitpid(Some(id), WaitOptions::empty());
        }
    }
}

/// The page, wide or on a phone, in a language.
pub async fn opened(demo: &Demo, look: Look) -> Browser {
    let browser = Browser::open(look).await;
    browser.go(&demo.url).await;
    browser.find("#follow").await;
    browser
}

impl Browser {
    /// Waits until something that `css` finds shows this text.
    pub async fn shows(&self, css: &str, text: &str) {
        let what = format!("“{text}” in `{css}`");
        let script = format!(
            "return [...document.querySelectorAll({css:?})].some((one) => one.innerText.includes({text:?}))"
        );
        self.until(&what, async || {
            (self.run(&script).await == true).then_some(())
        })
        .await;
    }

    /// How many elements `css` finds.
    pub async fn count(&self, css: &str) -> u64 {
        let script = format!("return document.querySelectorAll({css:?}).length");
        self.run(&script).await.as_u64().unwrap()
    }

    /// A follower, who has become a customer and knows their number.
    pub async fn follows(&self) {
        self.click("#follow").await;
        self.shows(".chat .bubble", "欢迎关注").await;
        self.shows(".chat .bubble", "1000442").await;
        self.shows(".customer", "1000442").await;
    }

    /// They say something on the phone.
    pub async fn says(&self, text: &str) {
        if self.count(".keyboard").await == 0 {
            self.click(".bottom .turn").await;
        }
        self.fill(".keyboard input", text).await;
        self.click(".send").await;
        self.shows(".mine .bubble", text).await;
    }

    /// Everything said is in C4C, once, and nothing is left to do.
    pub async fn all_is_right(&self, said: u64) {
        self.shows(".count", &format!("{said} 说了")).await;
        self.shows(".count", &format!("{said} 在 C4C 里")).await;
        self.shows(".count", "0 重复").await;
        self.shows(".verdict", "一条不少，一条不重").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_follows_speaks_and_is_answered() {
    let demo = Demo::start().await;
    let browser = opened(&demo, Look::desktop()).await;
    browser.see(FOLLOW[0]).await;
    browser.axe().await;
    browser.follows().await;
    browser.says("你好，有人吗？").await;
    browser.shows(".activity", "你好，有人吗？").await;
    browser.find(".ticket").await;
    browser.fill("textarea[name=answer]", "有的，请讲。").await;
    browser.click("#send-answer").await;
    browser
        .shows(".chat .line:not(.mine) .bubble", "有的，请讲。")
        .await;
    browser
        .fill("input[name=Mobile]", "+86 139 0000 0000")
        .await;
    browser.click(".fields .button").await;
    browser
        .shows(".chat .line:not(.mine) .bubble", "Mobile")
        .await;
    browser.shows(".effect code", "conversation.record").await;
    browser.all_is_right(1).await;
    for step in ["关注", "说句话", "客服回复", "改手机号"] {
        browser.shows(".step.done", step).await;
    }
    browser.click(".arrival .head").await;
    browser.shows("#row-json", "\"received_at\"").await;
    browser.axe().await;
    browser.click("#row .button").await;
    browser.click(".ticket .button").await;
    browser.shows(".status", "已完成").await;
    browser.axe().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_c4c_is_down_waits_and_arrives_when_it_is_back() {
    let demo = Demo::start().await;
    let browser = opened(&demo, Look::desktop()).await;
    browser.follows().await;
    browser.click("#trouble-c4c_down").await;
    browser.shows(".trouble.broken", "503").await;
    browser.says("停机时说的第一句").await;
    browser.says("第二句").await;
    browser.shows(".count", "2 在历史里").await;
    browser.shows(".effect .state", "等待").await;
    browser.shows(".effect .why", "503").await;
    browser.shows(".count", "0 在 C4C 里").await;
    browser.axe().await;
    browser.click("#trouble-c4c_down").await;
    browser.shows(".activity", "第二句").await;
    browser.all_is_right(2).await;
    let said = browser
        .run("return document.querySelector('.activities').innerText")
        .await;
    let said = said.as_str().unwrap();
    assert!(
        said.find("第一句") < said.find("第二句"),
        "in order: {said}"
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_was_killed_loses_nothing_and_does_nothing_twice() {
    let demo = Demo::start().await;
    let browser = opened(&demo, Look::desktop()).await;
    browser.follows().await;
    browser.says("之前").await;
    browser.click("#trouble-daemon").await;
    browser.shows("#line", "守护进程已停").await;
    browser.says("它停着的时候").await;
    browser.click("#trouble-daemon").await;
    browser.shows("#line", "实时").await;
    browser.shows(".activity", "它停着的时候").await;
    browser.all_is_right(2).await;
    assert_eq!(
        browser.count(".customer").await,
        2,
        "they, and one who was there before"
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_a_dead_token_and_a_slow_tenant_are_seen_and_put_right() {
    let demo = Demo::start().await;
    let browser = opened(&demo, Look::desktop()).await;
    browser.follows().await;
    browser.says("在吗？").await;
    browser.find(".ticket").await;
    browser.click("#trouble-token").await;
    browser.fill("textarea[name=answer]", "令牌之后").await;
    browser.click("#send-answer").await;
    browser
        .shows(".chat .line:not(.mine) .bubble", "令牌之后")
        .await;
    browser
        .shows("#trouble-token:not([disabled])", "吊销令牌")
        .await;
    browser.click("#trouble-window").await;
    browser.fill("input[name=Email]", "xm@example.cn").await;
    browser.click(".fields .button").await;
    browser.shows(".card.template", "您的资料已更新").await;
    browser.click("#trouble-window").await;
    browser.click("#trouble-c4c_slow").await;
    browser.says("慢慢来").await;
    browser.shows(".effect .state", "进行中").await;
    browser.click("#trouble-c4c_slow").await;
    browser.all_is_right(2).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_english_and_fits_a_phone() {
    let demo = Demo::start().await;
    let browser = opened(&demo, Look::phone().in_language("en")).await;
    browser.see(FOLLOW[1]).await;
    let wide = "return document.documentElement.scrollWidth - innerWidth";
    assert_eq!(
        browser.run(wide).await,
        0,
        "nothing stands out on the right"
    );
    browser.follows().await;
    browser.axe().await;
    browser.click("#zh").await;
    browser.shows("h1", "之间的桥").await;
    browser.reload().await;
    browser.shows("h1", "之间的桥").await;
    assert_eq!(
        browser.run("return document.documentElement.lang").await,
        "zh-CN"
    );
    assert_eq!(browser.run(wide).await, 0);
    browser.axe().await;
    browser.close().await;
}
