//! What a disk, a transfer or a careless hand does to a backup, at random places.
//!
//! `QIAO_TEST_DAMAGED_BACKUPS` is how many are damaged; 200 without it.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::forged::{FORGERIES, Good, sealed};

const USUAL: u64 = 200;

fn count() -> u64 {
    let asked = std::env::var("QIAO_TEST_DAMAGED_BACKUPS").ok();
    asked.map_or(USUAL, |count| count.parse().expect("a number of backups"))
}

/// Does something to the bytes, and says what.
fn damaged(good: &[u8], rng: &mut StdRng) -> (String, Vec<u8>) {
    let mut bytes = good.to_vec();
    let at = rng.random_range(0..bytes.len());
    let length = rng.random_range(1..4096).min(bytes.len() - at);
    let piece = at..at + length;
    match rng.random_range(0..7) {
        0 | 1 => {
            let bit = rng.random_range(0..8);
            bytes[at] ^= 1 << bit;
            return (format!("bit {bit} of byte {at} flipped"), bytes);
        }
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(piece)),
        4 => bytes[piece].fill(0),
        5 => {
            let more: Vec<u8> = bytes[piece].to_vec();
            bytes.splice(at..at, more);
        }
        _ => {
            let from = rng.random_range(0..=bytes.len() - length);
            bytes.copy_within(from..from + length, at);
        }
    }
    (format!("{length} bytes at {at}"), bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_damaged_backup_is_found_and_the_undamaged_one_is_sound() {
    let good = Good::new().await;
    let seed = rand::random();
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut tried, mut found) = (0, 0);
    while tried < count() {
        let (what, bytes) = if rng.random_range(0..5) == 0 {
            let number = rng.random_range(0..FORGERIES.len());
            let mut entries = good.entries();
            FORGERIES[number].1(&mut entries);
            (format!("forgery {number}"), sealed(&entries))
        } else {
            damaged(&good.bytes, &mut rng)
        };
        if bytes == good.bytes {
            // Zeros over zeros: nothing was damaged.
            continue;
        }
        tried += 1;
        match good.tried(&bytes).await {
            Err(fault) if fault.is_damage() => found += 1,
            other => panic!("seed {seed}, backup {tried}: {what}: {other:?}"),
        }
    }
    assert_eq!(found, count());
    good.tried(&good.bytes)
        .await
        .expect("nothing was done to this one");
    println!("{found} of {tried} damaged backups were found");
}
