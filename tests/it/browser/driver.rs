//! chromedriver as a child, and the Chromium that it starts.

use std::process::Stdio;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// What a machine without a browser is told.
const NO_BROWSER: &str =
    "these stories need Debian's packages chromium and chromium-driver: run `make browser`";

/// chromedriver is ready within a second.
const STARTING: Duration = Duration::from_secs(30);

/// After its session has ended chromedriver only has to be told to stop.
const ENDING: Duration = Duration::from_secs(10);

/// WeChat's browser on Android, as it tells its name.
const WECHAT_BROWSER: &str = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) \
     Version/4.0 Chrome/134.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.60 NetType/WIFI Language/zh_CN";

/// How a browser looks to its pages, and they to it.
pub struct Look {
    width: u32,
    height: u32,
    phone: bool,
    language: &'static str,
}

impl Look {
    pub fn phone() -> Self {
        let (width, height) = (390, 844);
        let language = "zh-CN";
        Self {
            width,
            height,
            phone: true,
            language,
        }
    }

    pub fn desktop() -> Self {
        let (width, height) = (1280, 900);
        Self {
            width,
            height,
            phone: false,
            ..Self::phone()
        }
    }

    /// Of another size.
    pub fn sized(self, width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            ..self
        }
    }

    /// In another language than zh-CN.
    pub fn in_language(self, language: &'static str) -> Self {
        Self { language, ..self }
    }

    fn capabilities(&self, profile: &str) -> Value {
        let Self {
            width,
            height,
            language,
            ..
        } = self;
        let mut chrome = json!({
            "args": [
                "--headless=new",
                // Who tests in a container is root there, and has no sandbox and little shared memory.
                "--no-sandbox",
                "--disable-dev-shm-usage",
                // By a pipe, so that it ends when chromedriver does, even if that was killed.
                "--remote-debugging-pipe",
                "--disable-breakpad",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                // This machine only: a page that wants something from outside fails its story.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
                "--force-device-scale-factor=1",
                format!("--window-size={width},{height}"),
                format!("--lang={language}"),
                format!("--user-data-dir={profile}"),
            ],
            "prefs": { "intl.accept_languages": language },
        });
        if self.phone {
            // A window is never so narrow by itself.
            chrome["mobileEmulation"] = json!({
                "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2.0, "touch": true },
                "userAgent": WECHAT_BROWSER,
            });
        }
        json!({
            "browserName": "chrome",
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": { "browser": "ALL" },
        })
    }
}

/// A running chromedriver; it and its Chromium die with this.
pub struct Driver {
    child: Child,
    url: String,
    profile: TempDir,
}

impl Driver {
    pub async fn start() -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|fault| panic!("chromedriver: {fault}; {NO_BROWSER}"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
            panic!("chromedriver ended at once; {NO_BROWSER}")
        };
        let port = tokio::time::timeout(STARTING, port).await;
        let port = port.expect("chromedriver starts in time");
        // Read on: a full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let profile = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let url = format!("http://127.0.0.1:{port}");
        Self {
            child,
            url,
            profile,
        }
    }

    /// Starts a Chromium that looks so.
    pub async fn session(&self, look: &Look) -> Client {
        let profile = self.profile.path().to_str().unwrap();
        let Value::Object(capabilities) = look.capabilities(profile) else {
            unreachable!("an object was written above")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&self.url).await;
        client.unwrap_or_else(|fault| panic!("Chromium does not start: {fault}; {NO_BROWSER}"))
    }

    /// Ends chromedriver after its session.
    pub async fn end(mut self) {
        self.child.start_kill().expect("a child of ours");
        let ended = tokio::time::timeout(ENDING, self.child.wait()).await;
        ended.expect("an end in time").unwrap();
    }
}
