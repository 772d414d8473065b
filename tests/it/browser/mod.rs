//! The browser test room: stories in which somebody looks at Qiao's pages with Chromium.
//!
//! It owns the browser: one Chromium a story, driven over WebDriver, with a profile of its own and no
//! way to other hosts. It knows nothing of what the pages say; that stands in the stories beside it.
//! Start at [`Browser::phone`], and see `proof.rs` for a whole story. `make browser` installs what it needs.

pub mod demo;
mod demo_pages;
mod demo_pictures;
mod driver;
mod looking;
mod map;
mod proof;
mod ui5;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use driver::Driver;
pub use driver::Look;

/// What a page has not shown by then it will not show: the machine of the tests has two slow cores
/// and an app of several megabytes to start.
pub const LIMIT: Duration = Duration::from_secs(30);

/// One question to the browser costs about 10 ms.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A browser that somebody holds in their hands. A story ends with [`Browser::close`].
pub struct Browser {
    client: Client,
    driver: Driver,
}

impl Browser {
    /// A phone, 390×844, that speaks Chinese and says that it is WeChat's browser.
    pub async fn phone() -> Self {
        Self::open(Look::phone()).await
    }

    /// A browser that looks as asked for.
    pub async fn open(look: Look) -> Self {
        let driver = Driver::start().await;
        let client = driver.session(&look).await;
        Self { client, driver }
    }

    /// Opens an address and waits for its page to be loaded.
    pub async fn go(&self, url: &str) {
        let gone = self.client.goto(url).await;
        gone.unwrap_or_else(|fault| panic!("{url} does not open: {fault}"));
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.client.refresh().await.expect("the page loads again");
    }

    /// The address that stands above the page.
    pub async fn url(&self) -> String {
        let url = self.client.current_url().await;
        url.expect("a page has an address").into()
    }

    /// Waits until the address holds `piece`.
    pub async fn at(&self, piece: &str) {
        let what = format!("an address with `{piece}`");
        self.until(&what, async || {
            let url = self.client.current_url().await.ok()?;
            url.as_str().contains(piece).then_some(())
        })
        .await;
    }

    /// Waits for an element that one can see.
    pub async fn find(&self, css: &str) -> Element {
        let what = format!("`{css}`");
        self.until(&what, async || {
            let found = self.client.find_all(Locator::Css(css)).await.ok()?;
            for element in found {
                if element.is_displayed().await.unwrap_or(false) {
                    return Some(element);
                }
            }
            None
        })
        .await
    }

    /// Waits for the element that shows this text; one that shows nothing else goes before one that
    /// shows more.
    pub async fn see(&self, text: &str) -> Element {
        let what = format!("“{text}”");
        self.until(&what, async || self.with_text(text).await).await
    }

    /// Waits until nothing shows this text any more.
    pub async fn until_gone(&self, text: &str) {
        let what = format!("“{text}” gone");
        self.until(&what, async || {
            let left = self.client.execute(looking::WITH_TEXT, vec![json!(text)]);
            left.await.ok()?.is_null().then_some(())
        })
        .await;
    }

    async fn with_text(&self, text: &str) -> Option<Element> {
        let found = self.client.execute(looking::WITH_TEXT, vec![json!(text)]);
        // An element is an object of one field, whose value names it.
        let id = found
            .await
            .ok()?
            .as_object()?
            .values()
            .next()?
            .as_str()?
            .to_owned();
        Some(Element::from_element_id(self.client.clone(), id.into()))
    }

    /// Clicks what can be seen there, when nothing lies above it any more.
    pub async fn click(&self, css: &str) {
        let what = format!("`{css}` that takes a click");
        self.until(&what, async || self.find(css).await.click().await.ok())
            .await;
    }

    /// Clicks what shows this text, when nothing lies above it any more.
    pub async fn click_text(&self, text: &str) {
        let what = format!("“{text}” that takes a click");
        self.until(&what, async || {
            self.with_text(text).await?.click().await.ok()
        })
        .await;
    }

    /// Empties a field and types into it, again if something on the page took the cursor away meanwhile.
    pub async fn fill(&self, css: &str, text: &str) {
        let what = format!("“{text}” in `{css}`");
        self.until(&what, async || {
            let field = self.find(css).await;
            field.clear().await.ok()?;
            field.send_keys(text).await.ok()?;
            let typed = field.prop("value").await.ok()?;
            (typed.as_deref() == Some(text)).then_some(())
        })
        .await;
    }

    /// Types where the cursor stands in this field, without emptying it. [`fantoccini::key::Key`] has
    /// the keys that write nothing.
    pub async fn type_into(&self, css: &str, keys: &str) {
        let field = self.find(css).await;
        field.send_keys(keys).await.expect("a field");
    }

    /// All the text that one can see.
    pub async fn text(&self) -> String {
        let text = self.run("return document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Runs a script in the page, however strict its policy is, and gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        let ran = self.client.execute(script, Vec::new()).await;
        ran.unwrap_or_else(|fault| panic!("{script}: {fault}"))
    }

    /// Goes into a frame; what follows is about its page.
    pub async fn enter(&self, css: &str) {
        let frame = self.find(css).await;
        frame.enter_frame().await.expect("a frame");
    }

    /// Comes back out of the frame.
    pub async fn leave(&self) {
        let outside = self.client.clone().enter_parent_frame().await;
        outside.expect("a page around the frame");
    }

    /// The cookies that the page's server would get, with their names and values.
    pub async fn cookies(&self) -> Vec<(String, String)> {
        let cookies = self.client.get_all_cookies().await.expect("cookies");
        let told = |cookie: &fantoccini::cookies::Cookie| {
            (cookie.name().to_owned(), cookie.value().to_owned())
        };
        cookies.iter().map(told).collect()
    }

    /// What one sees now, as target/screens/NAME.png.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let picture = self.client.screenshot().await.expect("a picture");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        std::fs::write(&file, picture).unwrap();
        file
    }

    /// Waits until `look` gives something. When it has not within [`LIMIT`], the story fails with what
    /// the page shows instead.
    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let mut ticks = tokio::time::interval(LOOK_AGAIN);
        let seen = async {
            loop {
                ticks.tick().await;
                if let Some(seen) = look().await {
                    return seen;
                }
            }
        };
        let Ok(seen) = tokio::time::timeout(LIMIT, seen).await else {
            panic!("never came: {what}; but {}", self.state().await)
        };
        seen
    }

    /// For the message of a story that failed.
    async fn state(&self) -> String {
        let picture = self.screenshot("failed").await;
        let (url, text) = (self.url().await, self.text().await);
        let console = self.console().await;
        format!(
            "{url} shows {text:?}, its console {console:#?}; {}",
            picture.display()
        )
    }

    /// Ends the story: no error may be left in the console, and the browser goes away.
    pub async fn close(self) {
        let faults = self.console().await;
        let closed = self.client.close().await;
        closed.expect("the browser ends when asked to");
        self.driver.end().await;
        assert!(faults.is_empty(), "the console says {faults:#?}");
    }
}
