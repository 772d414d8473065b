//! A world with a daemon whom the doctor visits.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use qiao::config::{Environment, load_text};
use qiao::control::socket;
use qiao::doctor::{self, JobFacts, Language, Limits, Outcome, Patient, Row};
use qiao::kit::clock::ManualClock;
use qiao::store::Store;

use crate::world::{Plan, World, port};

/// Each story breaks one thing in a ward where all is well: its name is the check's id, with `_` for
/// the dot, and the word after it what the check must say then.
macro_rules! stories {
    ($($story:ident $outcome:ident |$ward:ident| $breaks:block)+) => {
        pub const STORIES: &[&str] = &[$(stringify!($story)),+];
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                #[allow(unused_mut, reason = "not every story changes the ward itself")]
                let mut $ward = $crate::doctor::ward::Ward::new().await;
                let _kept = $breaks;
                $ward.shows(stringify!($story), qiao::doctor::Outcome::$outcome).await;
            }
        )+
    };
}
pub(super) use stories;

/// The id of the check that a story is named after.
pub fn id_of(story: &str) -> String {
    story.replacen('_', ".", 1)
}

pub struct Ward {
    pub world: World,
    /// The configuration that the doctor reads.
    pub text: String,
    pub limits: Limits,
    pub offline: bool,
    /// The doctor's.
    pub clock: ManualClock,
}

impl Ward {
    /// Its user is a business user, whose writes need CSRF tokens, and conversations become social
    /// media activities: so every check has something to look at.
    pub async fn new() -> Self {
        let social = "[wechat.main.conversation]\ninto_c4c = \"social\"\nchannel_id = \"WECHAT\"\n";
        let plan = Plan {
            user: "agent",
            account: social.to_owned(),
            ..Plan::default()
        };
        let world = World::planned(plan).await;
        let address = world.daemon().address;
        let listen = format!("\"{address}\"\npublic_url = \"http://{address}\"");
        let ward = Self {
            text: world.config_text().replace("\"127.0.0.1:0\"", &listen),
            limits: Limits::default(),
            offline: false,
            clock: world.clock.clone(),
            world,
        };
        ward.allow("", 0o700);
        ward
    }

    /// Changes the configuration that the doctor reads; the daemon keeps its own.
    pub fn change(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from), "{from} stands in {}", self.text);
        self.text = self.text.replace(from, to);
    }

    /// Adds lines to `[c4c.main]`.
    pub fn tenant(&mut self, lines: &str) {
        self.change("[wechat.main]\n", &format!("{lines}\n[wechat.main]\n"));
    }

    pub fn database(&self) -> PathBuf {
        self.world.folder.path().join("data/qiao.db")
    }

    /// What anybody on this machine may do with a file in the ward's folder, or with the folder.
    pub fn allow(&self, path: impl AsRef<Path>, mode: u32) {
        let path = self.world.folder.path().join(path);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub async fn examine(&self) -> Vec<Row> {
        let file = self.world.folder.path().join("qiao.toml");
        std::fs::write(&file, &self.text).unwrap();
        let loaded = match load_text(&self.text, &file, &Environment::default()) {
            Ok(loaded) => loaded,
            Err(errors) => return doctor::misconfigured(&errors),
        };
        let path = &loaded.config.database.path;
        let patient = Patient {
            store: Store::open_read_only(path).await,
            jobs: Some(self.jobs().await),
            socket: socket::path_for(path),
            clock: Arc::new(self.clock.clone()),
            limits: self.limits,
            offline: self.offline,
            loaded: &loaded,
        };
        doctor::examine(&patient).await
    }

    async fn jobs(&self) -> Vec<JobFacts> {
        if !self.world.is_running() {
            return Vec::new();
        }
        let report = self.world.daemon().parts.timetable.report().await.unwrap();
        let facts = report.into_iter().map(|job| JobFacts {
            name: job.job.name,
            due: job.due(),
            last: job.last.map(|run| run.outcome),
        });
        facts.collect()
    }

    /// The check that the story is named after comes to that, and says why and what to do.
    pub async fn shows(&self, story: &str, outcome: Outcome) {
        let id = id_of(story);
        let rows = self.examine().await;
        let about: Vec<&Row> = rows.iter().filter(|row| row.check.id == id).collect();
        let Some(row) = about.iter().find(|row| row.outcome == outcome) else {
            panic!("{id} is not {outcome:?} but {about:#?}");
        };
        for language in Language::ALL {
            assert!(!row.evidence(language).is_empty(), "{id}");
            assert!(row.remedy(language).is_some(), "{id}");
        }
    }
}

/// A server that says yes to everything, as a parked domain or a helpful proxy does.
pub async fn yes_man() -> String {
    let listener = port().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(agree);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn agree(Query(query): Query<Vec<(String, String)>>) -> Response {
    let echo = query.into_iter().find(|(name, _)| name == "echostr");
    match echo {
        Some((_, echo)) => echo.into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// A proxy that refuses everybody with this status, whatever they want.
pub async fn proxy(status: u16) -> String {
    let listener = port().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let status = StatusCode::from_u16(status).unwrap();
    let router = Router::new().fallback(move || async move { status });
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// An address of this machine at which nobody listens.
pub async fn nobody() -> String {
    let listener = port().await;
    format!("http://{}", listener.local_addr().unwrap())
}
