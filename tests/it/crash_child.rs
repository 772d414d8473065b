//! The daemon of the crash points: the real one, in a process of its own, with an eye on every
//! commit and every call. At the point it is told it stops, as a whole, and waits for `kill -9`.
//!
//! It is this test binary, executed again. The points exist in no other.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use qiao::app::{Daemon, Doors, Parts, transport};
use qiao::config::{Environment, load_text};
use qiao::http::Metrics;
use qiao::kit::clock::SystemClock;
use qiao::kit::random::Random;
use qiao::kit::transport::{BoxFuture, Request, Response, Transport, TransportError};
use qiao::store::{Batch, CommitWatch, Moment, Opening, Store};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::process::{Process, Site};

const CONFIG: &str = "QIAO_TEST_CRASH_CONFIG";
const POINT: &str = "QIAO_TEST_CRASH_POINT";

/// What the child says once its doors are open.
pub const READY: &str = "qiao is ready";
/// What it says with the name of each point that it passes …
pub const PASSED: &str = "passed: ";
/// … and of the one where it stays.
pub const STOPPED: &str = "stopped: ";

/// Starts the daemon; it stops at `point`, such as `settlement written 2`, if there is one.
pub fn spawn(site: &Site, point: Option<&str>) -> Process {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "crash_child::a_daemon_for_crashes",
            "--nocapture",
        ])
        .env(CONFIG, site.config_file())
        .env(POINT, point.unwrap_or_default())
        .stdout(std::process::Stdio::null());
    Process::spawn(&mut child)
}

/// Of one thread: where it waits, nothing else goes on.
#[tokio::test]
async fn a_daemon_for_crashes() {
    let Ok(file) = std::env::var(CONFIG) else {
        return;
    };
    let points = Points(Arc::new(Inside {
        last: std::env::var(POINT).unwrap(),
        passed: Mutex::default(),
    }));
    let text = std::fs::read_to_string(&file).unwrap();
    let nobody = Environment::from_iter(Vec::<(String, String)>::new());
    let config = load_text(&text, Path::new(&file), &nobody).unwrap().config;
    let clock = Arc::new(SystemClock);
    let opening = Opening {
        watch: Some(Arc::new(points.clone())),
        ..Opening::default()
    };
    let store = Store::open_as(&config.database.path, clock.clone(), opening);
    let store = store.await.unwrap();
    let public = TcpListener::bind(config.server.listen).await.unwrap();
    let transport = Arc::new(Watched {
        points,
        inner: transport(&config.outbound).unwrap(),
    });
    let random = Random::from_system();
    let parts = Parts::assemble(config, store, clock, random, transport).await;
    let doors = Doors {
        public,
        admin: None,
        metrics: Some(Metrics::installed().unwrap()),
        scheduled: false,
    };
    let _daemon = Daemon::start(parts.unwrap(), doors).await.unwrap();
    eprintln!("{READY}");
    std::future::pending::<()>().await;
}

/// The points passed so far, and where to stop.
#[derive(Debug, Clone)]
struct Points(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    last: String,
    passed: Mutex<HashMap<String, u32>>,
}

impl Points {
    fn pass(&self, name: &str) {
        let point = {
            let mut passed = self.0.passed.lock().unwrap();
            let times = passed.entry(name.to_owned()).or_default();
            *times += 1;
            format!("{name} {times}")
        };
        if point != self.0.last {
            eprintln!("{PASSED}{point}");
            return;
        }
        eprintln!("{STOPPED}{point}");
        loop {
            std::thread::park();
        }
    }
}

impl CommitWatch for Points {
    fn at(&self, moment: Moment, batch: Batch) -> BoxFuture<'_, ()> {
        let moment = match moment {
            Moment::Begun => "begun",
            Moment::Written => "written",
            Moment::Committed => "committed",
        };
        for (what, many) in [
            ("arrival", batch.arrivals),
            ("claim", batch.claims),
            ("settlement", batch.settlements),
            ("other", batch.others),
        ] {
            if many > 0 {
                self.pass(&format!("{what} {moment}"));
            }
        }
        Box::pin(async {})
    }
}

/// The way to the network, with a point on either side of each call.
#[derive(Debug)]
struct Watched {
    points: Points,
    inner: Arc<dyn Transport>,
}

impl Transport for Watched {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let call = name(&request);
        Box::pin(async move {
            self.points.pass(&format!("{call} leaves"));
            let answer = self.inner.send(request).await;
            self.points.pass(&format!("{call} answered"));
            answer
        })
    }
}

/// `POST …/custom/send` as `POST-send`: what a call is, without whom it concerns.
fn name(request: &Request) -> String {
    let path = request.url.split('?').next().unwrap_or_default();
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let last = last.split('(').next().unwrap_or_default();
    // The hook's address has no path, only a port that differs each time.
    let last = last.split(':').next().unwrap_or_default();
    format!("{:?}-{last}", request.method)
}
