//! The machine that loses its power: records a workload once and comes back on every image.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use qiao_powercut::{Cut, Disk, Image, Op, plan, vfs};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::daemon;
use crate::inspection::{Promises, WHOLE};
use crate::ledger::Ledger;
use crate::workload::{self, Plan};

/// Images in all stories together, unless `POWERCUT_IMAGES` says otherwise.
const IMAGES: usize = 2000;

/// The database's name.
const DATABASE: &str = "qiao.db";

/// How many images are looked at.
pub fn images() -> usize {
    number("POWERCUT_IMAGES").unwrap_or(IMAGES)
}

fn number<T: FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What a workload did to the disk, and what was promised meanwhile.
pub struct Recorded {
    pub ops: Vec<Op>,
    promises: Promises,
}

impl Recorded {
    /// The store at work.
    pub fn store(plan: Plan) -> Self {
        Self::run(&WHOLE, async |database, ledger| {
            workload::run(plan, database, ledger).await;
        })
    }

    /// The daemon at work.
    pub fn daemon() -> Self {
        Self::run(&[], daemon::run)
    }

    fn run(
        whole: &'static [(&'static str, &'static str)],
        work: impl AsyncFnOnce(&Path, &Arc<Ledger>),
    ) -> Self {
        let folder = folder();
        let recording = vfs::record(folder.path());
        let database = folder.path().join(DATABASE);
        let ledger = Arc::new(Ledger::new(recording.clone(), database.clone()));
        runtime().block_on(work(&database, &ledger));
        Self {
            ops: recording.ops(),
            promises: Promises::of(&ledger, whole),
        }
    }

    /// Cuts the power so many times, and fails on the first image that breaks a promise.
    pub fn survives(&self, count: usize) {
        let cuts = match (number("POWERCUT_CRASH"), number("POWERCUT_SEED")) {
            (Some(after), Some(seed)) => vec![Cut { after, seed }],
            _ => plan(&self.ops, count),
        };
        println!(
            "{} operations, {:?} acknowledgements and commits, {} images",
            self.ops.len(),
            self.promises.count(),
            cuts.len()
        );
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let failed = AtomicBool::new(false);
        let faults: Vec<String> = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|first| {
                    let mine = cuts.iter().skip(first).step_by(threads).copied();
                    let failed = &failed;
                    scope.spawn(move || self.first_fault(mine, failed))
                })
                .collect();
            let ended = workers.into_iter().map(|worker| worker.join().unwrap());
            ended.flatten().collect()
        });
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// Looks at one image.
    pub fn look(&self, cut: Cut) -> Result<(), String> {
        let image = Disk::new(&self.ops).cut(cut);
        self.inspect(&runtime(), &image, cut)
    }

    fn first_fault(&self, cuts: impl Iterator<Item = Cut>, failed: &AtomicBool) -> Option<String> {
        let runtime = runtime();
        let mut disk = Disk::new(&self.ops);
        for cut in cuts {
            if failed.load(Ordering::Relaxed) {
                return None;
            }
            let image = disk.cut(cut);
            if let Err(fault) = self.inspect(&runtime, &image, cut) {
                failed.store(true, Ordering::Relaxed);
                return Some(told(&fault, cut, &image));
            }
        }
        None
    }

    fn inspect(&self, runtime: &Runtime, image: &Image, cut: Cut) -> Result<(), String> {
        let folder = folder();
        put(image, folder.path());
        let database = folder.path().join(DATABASE);
        runtime.block_on(self.promises.hold(&database, cut.after))
    }

    /// The operations without their bytes.
    pub fn shape(&self) -> String {
        let mut shape = String::new();
        for op in &self.ops {
            let told = match op {
                Op::Write { file, at, bytes } => write!(shape, "{file} {at} {}", bytes.len()),
                op => write!(shape, "{op:?}"),
            };
            told.unwrap();
            shape.push('\n');
        }
        shape
    }
}

/// Keeps the image as the machine found it, and says how to come back to it.
fn told(fault: &str, cut: Cut, image: &Image) -> String {
    let kept = folder().keep();
    put(image, &kept);
    format!(
        "{fault}\n  the disk is kept in {}; again: POWERCUT_SEED={} POWERCUT_CRASH={} and this test",
        kept.display(),
        cut.seed,
        cut.after
    )
}

fn put(image: &Image, folder: &Path) {
    for (name, bytes) in image {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// In memory where there is such a place: a hundred thousand databases need no real disk.
fn folder() -> TempDir {
    let mut folder = tempfile::Builder::new();
    folder.prefix("qiao-powercut-");
    let memory = folder.tempdir_in("/dev/shm");
    memory.or_else(|_| folder.tempdir()).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
