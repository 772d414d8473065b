//! Every kept input of every target, and then as many broken ones as its time allows.
//!
//! `QIAO_FUZZ_SECONDS` is the time a target; a run that is given one takes a new seed each time, and
//! `QIAO_FUZZ_SEED` repeats it. Without either the seed is always the same: what is new is looked for on
//! purpose, not by whoever happens to run `make test`. An input that breaks a
//! promise is written to a file; kept under `crashes/<target>/`, it is tried for ever.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use qiao_fuzz::{TARGETS, Target, corpus, mutate, target};

/// How long a target's broken inputs are tried.
const SECONDS: u64 = 2;

/// The seed of `make test`.
const USUAL_SEED: u64 = 20_261_123;

/// How long one input may take, on a busy machine and without optimisation.
const SLOWEST: Duration = Duration::from_secs(3);

/// The memory that the process of one target may have needed.
const MOST_MEMORY_KIB: u64 = 256 * 1024;

/// The largest input that is kept.
const LARGEST_KEPT: usize = 4 * 1024;

/// One test a target, so that they run side by side.
macro_rules! timeboxed {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                timebox(target(stringify!($name)).expect("a target of that name"));
            }
        )*
    };
}

timeboxed! {
    address backup c4c_client c4c_error command config envelope filter instant maintenance mapping_file
    metadata notification odata placeholder push query reply reply_form simulator split wechat_client xml
}

#[test]
fn every_target_is_run_and_has_a_corpus_of_small_files() {
    let targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(NAMES, targets, "the list above names every target");
    let known: BTreeSet<&str> = targets.iter().copied().collect();
    for folder in corpus::FOLDERS {
        for kept in corpus::files(&corpus::root().join(folder)) {
            let name = kept.file_name().and_then(|name| name.to_str());
            assert!(
                known.contains(name.unwrap_or_default()),
                "{kept:?} has no target"
            );
        }
    }
    for name in targets {
        let kept = corpus::of(name);
        assert!(kept.len() > 2, "{name} has nothing to begin with");
        for (file, bytes) in kept {
            assert!(bytes.len() <= LARGEST_KEPT, "{file:?} is too large to keep");
        }
    }
}

fn timebox(target: &Target) {
    let kept = corpus::of(target.name);
    for (file, bytes) in &kept {
        let file = file.display();
        assert!(
            holds(target, bytes),
            "{file} breaks a promise of `{}`",
            target.name
        );
    }
    let seconds = number("QIAO_FUZZ_SECONDS");
    let usual = || seconds.map_or(USUAL_SEED, |_| RandomState::new().hash_one(()));
    let seed = number("QIAO_FUZZ_SEED").unwrap_or_else(usual);
    let time = Duration::from_secs(seconds.unwrap_or(SECONDS));
    println!("QIAO_FUZZ_SEED={seed}");
    let inputs: Vec<&[u8]> = kept.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    let start = Instant::now();
    let mut tried = 0;
    while start.elapsed() < time {
        let bytes = mutate::mutated(&inputs, target.words, seed, tried);
        if !holds(target, &bytes) {
            let file = written(target, &bytes);
            panic!(
                "`{}` is broken by input {tried} of QIAO_FUZZ_SEED={seed}; keep {} in crashes/{}",
                target.name,
                file.display(),
                target.name
            );
        }
        tried += 1;
    }
    println!("{tried} inputs");
    assert!(tried > 0 || time.is_zero());
    let memory = peak_memory_kib();
    assert!(
        memory < MOST_MEMORY_KIB,
        "{memory} KiB of memory were needed"
    );
}

/// Whether the promise holds for these bytes, and is kept in time.
fn holds(target: &Target, bytes: &[u8]) -> bool {
    let start = Instant::now();
    let kept = catch_unwind(|| (target.check)(bytes)).is_ok();
    let took = start.elapsed();
    if took > SLOWEST {
        eprintln!("{} bytes took {took:?}", bytes.len());
    }
    kept && took <= SLOWEST
}

fn written(target: &Target, bytes: &[u8]) -> PathBuf {
    let name = format!(
        "{}-{:016x}",
        target.name,
        RandomState::new().hash_one(bytes)
    );
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, bytes).expect("the target folder can be written");
    file
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The most that this process has had in memory, where Linux tells it.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
