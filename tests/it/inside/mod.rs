//! Inside WeChat: who is looking, and what they are shown. The browser of these stories keeps cookies
//! as WeChat's own does, and follows where it is led; what a person taps is a step of its own.

mod api;
mod consent;
mod denied;
mod files;
mod login;
pub mod map;
mod mobile;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Method, Url};
use serde_json::Value;

use crate::world::{Plan, World};

/// A browser that is led on and on goes in a circle.
const MOST_STEPS: usize = 10;

/// The page of these stories, and what it asks for.
pub fn page(scope: &str) -> String {
    format!("[app.pages.account]\nfolder = \"page\"\nscope = \"{scope}\"\n")
}

/// A world with that page, whose files are there.
pub async fn inside(scope: &str, plan: Plan) -> World {
    let account = format!("{}\n{}", plan.account, page(scope));
    let world = World::planned(Plan { account, ..plan }).await;
    let folder = world.folder.path().join("page");
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    for (name, words) in [
        ("index.html", "<!doctype html><title>My account</title>"),
        ("app.js", "console.log('桥')"),
        ("sub/index.html", "<!doctype html><title>Below</title>"),
    ] {
        std::fs::write(folder.join(name), words).unwrap();
    }
    world
}

/// Links lead to where the daemon listens, unless the story says otherwise.
pub fn reached_at(config: &str, address: SocketAddr) -> String {
    if config.contains("public_url") {
        return config.to_owned();
    }
    let listen = "listen = \"127.0.0.1:0\"\n";
    config.replace(
        listen,
        &format!("{listen}public_url = \"http://{address}\"\n"),
    )
}

/// What a browser got.
#[derive(Debug, Clone)]
pub struct Got {
    /// Where it was in the end.
    pub url: Url,
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The page holds all of these.
    pub fn says(&self, pieces: &[&str]) -> &Self {
        for piece in pieces {
            assert!(self.body.contains(piece), "`{piece}` is not in {self:?}");
        }
        self
    }

    /// The address of the link with this text.
    pub fn link(&self, text: &str) -> Url {
        let before = self.body.split(&format!("\">{text}</a>")).next().unwrap();
        let (_, to) = before.rsplit_once("href=\"").expect("a link");
        self.url.join(&to.replace("&amp;", "&")).unwrap()
    }
}

/// WeChat's browser on somebody's phone, or any other.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    /// Of 127.0.0.1: ports do not part cookies.
    pub cookies: BTreeMap<String, String>,
    daemon: String,
    language: &'static str,
    /// Everything that came from the daemon, headers included.
    seen: Arc<Mutex<String>>,
    pub visited: Vec<Url>,
}

impl Browser {
    /// Any browser.
    pub fn new(world: &World) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            client,
            cookies: BTreeMap::new(),
            daemon: world.url(),
            language: "en",
            seen: Arc::default(),
            visited: Vec::new(),
        }
    }

    /// WeChat on the phone of that person.
    pub async fn phone(world: &World, openid: &str) -> Self {
        let mut browser = Self::new(world);
        let url = format!(
            "{}/_control/phone?openid={openid}&to=about:blank",
            world.wechat.url()
        );
        browser.step(Method::GET, &url.parse().unwrap(), None).await;
        browser
    }

    pub fn speaks(mut self, language: &'static str) -> Self {
        self.language = language;
        self
    }

    /// Opens an address or a path of the daemon's and follows where it leads.
    pub async fn open(&mut self, to: &str) -> Got {
        let mut url = self.url(to);
        for _ in 0..MOST_STEPS {
            let got = self.step(Method::GET, &url, None).await;
            let Some(next) = got.headers.get("location") else {
                return got;
            };
            url = url.join(next).unwrap();
        }
        panic!("it goes in a circle: {:?}", self.visited);
    }

    /// Opens an address and does not go further.
    pub async fn get(&mut self, to: &str) -> Got {
        let url = self.url(to);
        self.step(Method::GET, &url, None).await
    }

    /// Taps a button of WeChat's question and follows where that leads.
    pub async fn tap(&mut self, question: &Got, answer: &str) -> Got {
        let (_, rest) = question.body.split_once("value=\"").expect("a ticket");
        let (ticket, _) = rest.split_once('"').unwrap();
        let body = format!("ticket={ticket}&answer={answer}");
        let url = question.url.join("/connect/oauth2/confirm").unwrap();
        let got = self.step(Method::POST, &url, Some(body)).await;
        let back = url.join(&got.headers["location"]).unwrap();
        self.open(back.as_str()).await
    }

    /// Sends JSON as a page's own program does.
    pub async fn send(&mut self, path: &str, body: &Value) -> Got {
        let origin = self.daemon.clone();
        let headers = [("content-type", "application/json"), ("origin", &*origin)];
        self.request(Method::POST, path, &headers, body.to_string())
            .await
    }

    /// Any request to the daemon.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Got {
        let url = self.url(path);
        let mut request = self.client.request(method, url.clone()).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.exchange(url, request).await
    }

    fn url(&self, to: &str) -> Url {
        if to.starts_with("http") {
            to.parse().unwrap()
        } else {
            format!("{}{to}", self.daemon).parse().unwrap()
        }
    }

    async fn step(&mut self, method: Method, url: &Url, body: Option<String>) -> Got {
        let request = self.client.request(method, url.clone());
        let request = request.body(body.unwrap_or_default());
        self.exchange(url.clone(), request).await
    }

    async fn exchange(&mut self, url: Url, request: reqwest::RequestBuilder) -> Got {
        let jar = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let jar = jar.collect::<Vec<_>>().join("; ");
        let request = request.header("accept-language", self.language);
        let answer = request.header(COOKIE, jar).send().await.unwrap();
        self.visited.push(url.clone());
        for line in answer.headers().get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        let headers: BTreeMap<String, String> = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    value.to_str().unwrap_or_default().to_owned(),
                )
            })
            .collect();
        let status = answer.status().as_u16();
        let got = Got {
            url: url.clone(),
            status,
            headers,
            body: answer.text().await.unwrap(),
        };
        if url.as_str().starts_with(&self.daemon) {
            let told = format!("{got:?}\n");
            self.seen.lock().unwrap().push_str(&told);
        }
        got
    }

    fn keep(&mut self, line: &str) {
        let pair = line.split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        if line.contains("Max-Age=0;") || value.is_empty() {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Everything that the daemon has told it.
    pub fn everything(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    /// Whether it knows who is looking.
    pub fn is_known(&self) -> bool {
        self.cookies.contains_key("qiao")
    }
}
