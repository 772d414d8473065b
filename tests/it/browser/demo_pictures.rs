//! The pictures of the demo in the README are taken here, and compared in every run with what the page shows:
//! `QIAO_KEEP_SCREENS=1` writes them anew, with the words beside them in docs/images.

use std::path::{Path, PathBuf};

use regex::Regex;

use super::demo::{Demo, opened};
use super::{Browser, Look};

/// What the page shows apart from what differs from run to run: of the rows only what happened, not when, and
/// not what happens only where two things come at one moment.
const WORDS: &str = "
    const text = (css) => document.querySelector(css).innerText;
    const names = [...document.querySelectorAll('.effect .name code')].map((one) => one.innerText);
    const byChance = ['wechat.typing', 'ticket.reread', 'customer.resume', 'customer.reread'];
    const happened = [...new Set(names)].filter((name) => !byChance.includes(name));
    return ['.top', '.guide', '.people', '#phone', '#counts', '#troubles', '#desk'].map(text)
        .concat(happened.sort()).join('\\n');
";

fn kept(name: &str, ending: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    folder.join(format!("demo-{name}.{ending}"))
}

/// Lines without numbers and keys.
fn masked(text: &str) -> String {
    let varies = Regex::new(r"\bo6_[0-9A-Za-z_-]+…?|[0-9]+").unwrap();
    let lines = text.lines().map(|line| varies.replace_all(line, "#"));
    let lines = lines.map(|line| line.trim().to_owned());
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n") + "\n"
}

/// Width and height of a PNG, from its first chunk.
fn size(png: &[u8]) -> [u32; 2] {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    [number(16), number(20)]
}

/// What a newcomer has after two minutes.
async fn played(browser: &Browser, right: &str) {
    browser.click("#follow").await;
    browser.shows(".customer", "1000442").await;
    browser.says("你好，冬季班还有名额吗？").await;
    browser.find(".ticket").await;
    let answer = "有的，请留下手机号，我帮您登记。";
    browser.fill("textarea[name=answer]", answer).await;
    browser.click("#send-answer").await;
    browser.shows(".chat .bubble", answer).await;
    browser
        .fill("input[name=Mobile]", "+86 139 0000 0000")
        .await;
    browser.click(".fields .button").await;
    browser.shows(".chat .bubble", "Mobile").await;
    browser.shows(".note", "delivered").await;
    browser.shows(".verdict", right).await;
    // The first customer is there from the start; the pointer lies on nothing.
    browser
        .run("document.activeElement?.blur(); scrollTo(0, 0)")
        .await;
}

async fn shown_as_in_the_readme(name: &str, look: Look, right: &str) {
    let demo = Demo::start().await;
    let browser = opened(&demo, look).await;
    played(&browser, right).await;
    let words = browser.run(WORDS).await;
    let words = masked(words.as_str().unwrap());
    let picture = browser.screenshot(&format!("demo-{name}")).await;
    browser.close().await;
    if std::env::var_os("QIAO_KEEP_SCREENS").is_some() {
        std::fs::create_dir_all(kept(name, "png").parent().unwrap()).unwrap();
        std::fs::copy(&picture, kept(name, "png")).unwrap();
        std::fs::write(kept(name, "txt"), &words).unwrap();
    }
    let again =
        "take the picture again: QIAO_KEEP_SCREENS=1 cargo nextest run --test it demo_pictures";
    let told = std::fs::read_to_string(kept(name, "txt")).expect(again);
    assert_eq!(words, told, "the page shows something else now; {again}");
    let sizes = [kept(name, "png"), picture].map(|file| size(&std::fs::read(file).unwrap()));
    assert_eq!(sizes[0], sizes[1], "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chinese_picture_of_the_readme_is_true() {
    let look = Look::desktop().sized(1440, 1180);
    shown_as_in_the_readme("zh", look, "一条不少，一条不重").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_english_picture_of_the_readme_is_true() {
    let look = Look::desktop().sized(1440, 1180).in_language("en");
    shown_as_in_the_readme("en", look, "nothing lost, nothing twice").await;
}
