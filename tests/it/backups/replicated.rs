//! Beside the released Litestream, both set up as docs/BACKUP.md tells: it brings back what was
//! acknowledged, and neither disturbs the other. Time is real here.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use qiao_sim::wechat::{self, Reply};
use tokio::process::Command;

use crate::commands::run;
use crate::documents::read;
use crate::flood::{Flood, Told};
use crate::process::{Process, Site};
use crate::world::{PATIENCE, Plan, open};

/// Names the binary where it is neither what `make litestream` fetched nor in `PATH`.
const NAMED: &str = "QIAO_TEST_LITESTREAM";

/// A daemon's place, and Litestream's beside it.
struct Pair {
    site: Site,
    litestream: PathBuf,
}

/// The binary; none is no fault, since not every machine can have it.
fn litestream() -> Option<PathBuf> {
    let runs = |path: &PathBuf| {
        let told = std::process::Command::new(path).arg("version").output();
        told.is_ok_and(|told| told.status.success())
    };
    if let Some(named) = std::env::var_os(NAMED).map(PathBuf::from) {
        assert!(runs(&named), "{NAMED} names no Litestream");
        return Some(named);
    }
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/litestream/litestream");
    let found = [fetched, "litestream".into()].into_iter().find(runs);
    if found.is_none() {
        eprintln!("not played: no Litestream here, and `make litestream` could not fetch it");
    }
    found
}

/// What the document tells to write into a file of this kind.
fn told_to_write(kind: &str) -> String {
    let text = read("docs/BACKUP.md");
    let (_, block) = text.split_once(&format!("```{kind}\n")).expect(kind);
    block.split_once("```").expect(kind).0.to_owned()
}

/// A daemon's place, set up for Litestream.
async fn site() -> Site {
    let site = Site::planned(Plan {
        wechat: wechat::Settings::default(),
        ..Plan::default()
    });
    let site = site.await;
    let told = told_to_write("toml");
    site.reconfigure(|text| text.replace("[database]\n", &told));
    site
}

impl Pair {
    async fn new() -> Option<Self> {
        let litestream = litestream()?;
        let site = site().await;
        let pair = Self { site, litestream };
        let mut written = told_to_write("yaml");
        for (told, here) in [
            ("/var/lib/qiao/qiao.db", pair.site.database()),
            ("/mnt/replica/qiao", pair.beside("replica")),
        ] {
            assert!(written.contains(told), "no {told} in {written}");
            written = written.replace(told, here.to_str().unwrap());
        }
        // So that it tells why it copies everything again.
        written += "logging:\n  level: debug\n";
        std::fs::write(pair.beside("litestream.yml"), written).unwrap();
        Some(pair)
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.site.config_file().with_file_name(name)
    }

    fn command(&self, name: &str) -> Command {
        // It logs to standard output, and a `Process` reads the other.
        let mut shell = Command::new("sh");
        shell.arg("-c").arg("exec \"$0\" \"$@\" >&2");
        shell.arg(&self.litestream).arg(name);
        shell.arg("-config").arg(self.beside("litestream.yml"));
        shell.kill_on_drop(true);
        shell
    }

    fn replicate(&self) -> Process {
        Process::spawn(&mut self.command("replicate"))
    }

    /// Restores the newest state to another place; nothing while there is nothing to restore.
    async fn restored(&self, to: &Path) -> Option<HashSet<String>> {
        let mut restore = self.command("restore");
        restore.arg("-o").arg(to).arg(self.site.database());
        let done = restore.output().await.unwrap().status.success();
        if done { Some(heard(to).await) } else { None }
    }

    /// A copy by Litestream, looked through and thrown away.
    async fn copy(&self) -> Option<HashSet<String>> {
        let folder = tempfile::tempdir().unwrap();
        self.restored(&folder.path().join("copy.db")).await
    }

    /// Copies again and again until enough is in a copy: nothing else tells of it.
    async fn until_copied(&self, enough: impl Fn(&HashSet<String>) -> bool) -> HashSet<String> {
        let mut look = tokio::time::interval(Duration::from_millis(200));
        let copied = async {
            loop {
                look.tick().await;
                if let Some(heard) = self.copy().await.filter(&enough) {
                    return heard;
                }
            }
        };
        let copied = tokio::time::timeout(PATIENCE, copied).await;
        copied.expect("a copy in time")
    }

    async fn until_replicated(&self, text: &str) -> HashSet<String> {
        self.until_copied(|heard| heard.contains(text)).await
    }

    /// Somebody says this, and the push is acknowledged.
    async fn say(&self, text: &str) {
        let push = self.site.wechat.with(|wechat, now, rng| {
            let openid = wechat.new_follower(rng);
            wechat.adopt(&openid, now);
            wechat.say(&openid, text, now, rng)
        });
        let wechat = &self.site.wechat;
        let answer = wechat.until(|wechat| wechat.push(push)?.outcome().cloned());
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        assert_eq!(answer.unwrap(), Reply::Success);
    }

    fn flood(&self, seconds: u64) -> Flood {
        Flood::of(self.site.address(), Duration::from_secs(seconds))
    }
}

/// Everything that followers said, and the MsgIds of it, in a database which must be sound.
async fn heard(database: &Path) -> HashSet<String> {
    let mut database = open(database).await;
    let check = sqlx::query_scalar("PRAGMA integrity_check");
    let check: Vec<String> = check.fetch_all(&mut database).await.unwrap();
    assert_eq!(check, ["ok"]);
    let said = sqlx::query_as("SELECT msg_id, text FROM message WHERE direction = 'in'");
    let said: Vec<(String, String)> = said.fetch_all(&mut database).await.unwrap();
    said.into_iter().flat_map(|(id, text)| [id, text]).collect()
}

fn all_is_there(told: &Told, heard: &HashSet<String>) {
    let lost = |(id, _): &&(u64, Duration)| !heard.contains(&id.to_string());
    let lost = told.taken.iter().filter(lost).count();
    assert_eq!(lost, 0, "of {} that were acknowledged", told.taken.len());
}

/// The lines in which it tells of a fault, or that it copies the whole database again: 0.5 gives
/// the reason, 0.3 the new generation.
fn began_anew(log: &[String]) -> Vec<&String> {
    let marks = ["level=WARN", "level=ERROR", "reason=", "new generation"];
    let first = "no generation exists";
    let anew =
        |line: &&String| marks.iter().any(|mark| line.contains(mark)) && !line.contains(first);
    log.iter().filter(anew).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_disk_is_lost_what_was_acknowledged_comes_back_and_qiao_goes_on() {
    let Some(pair) = Pair::new().await else {
        return;
    };
    let (daemon, beside) = (pair.site.serve().await, pair.replicate());
    let words: Vec<_> = (0..30).map(|number| format!("before {number}")).collect();
    for text in &words {
        pair.say(text).await;
    }
    pair.until_replicated("before 29").await;
    daemon.kill().await;
    beside.kill().await;
    let database = pair.site.database();
    std::fs::remove_dir_all(database.parent().unwrap()).unwrap();

    let back = pair.restored(&database).await.expect("restored");
    assert!(words.iter().all(|text| back.contains(text)), "{back:?}");
    let _both = (pair.site.serve().await, pair.replicate());
    pair.say("it goes on").await;
    let heard = pair.until_replicated("it goes on").await;
    assert!(words.iter().all(|text| heard.contains(text)), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn load_backups_and_restarts_of_qiao_do_not_make_it_begin_anew() {
    let Some(pair) = Pair::new().await else {
        return;
    };
    let (daemon, beside) = (pair.site.serve().await, pair.replicate());
    pair.say("first").await;
    pair.until_replicated("first").await;
    let told = pair.flood(2).come().await;
    let backup = pair.beside("all.tar");
    let (config, file) = (pair.site.config_file(), backup.to_str().unwrap());
    run(&config, &["backup", file]).await.says("sha256");
    let trial = run(&config, &["restore", "--check", file]).await;
    trial.says("sound");
    daemon.terminate().await;
    let _daemon = pair.site.serve().await;
    pair.say("last").await;
    all_is_there(&told, &pair.until_replicated("last").await);
    let (_, log) = beside.end().await;
    assert_eq!(began_anew(&log), [""; 0], "{log:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_is_restarted_under_load_every_copy_is_sound_and_nothing_is_missing() {
    let Some(pair) = Pair::new().await else {
        return;
    };
    let (_daemon, mut beside) = (pair.site.serve().await, pair.replicate());
    pair.say("first").await;
    let flood = tokio::spawn(pair.flood(6).come());
    let mut copied = 0;
    while !flood.is_finished() {
        copied = pair.until_copied(|heard| heard.len() > copied).await.len();
        // Under load it now and then ends with a failure; what it has not copied then, it copies later.
        beside.end().await;
        beside = pair.replicate();
    }
    let told = flood.await.unwrap();
    pair.say("last").await;
    all_is_there(&told, &pair.until_replicated("last").await);
}

/// How often SQLite has begun this log anew, from its header (sqlite.org/fileformat2.html 4.1).
fn begun_anew(log: &Path) -> u32 {
    let header = std::fs::read(log).unwrap();
    u32::from_be_bytes(header[12..16].try_into().unwrap())
}

/// What Litestream needs of Qiao, without Litestream.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_litestreams_to_empty() {
    // More than the 1,000 pages at which SQLite would do it.
    const MUCH: u64 = 8 << 20;
    let site = site().await;
    let daemon = site.serve().await;
    let log = site.database().with_file_name("qiao.db-wal");
    let grown_to = || std::fs::metadata(&log).unwrap().len();
    let flood = Flood::of(site.address(), PATIENCE).come();
    let grown = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while grown_to() < MUCH {
            look.tick().await;
        }
    };
    tokio::select! {
        _ = flood => panic!("the log does not grow: {} bytes", grown_to()),
        () = grown => {}
    }
    daemon.terminate().await;
    assert!(grown_to() >= MUCH, "not even at the end");
    assert_eq!(begun_anew(&log), 0);
}
