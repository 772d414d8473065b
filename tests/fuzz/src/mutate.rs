//! Breaks kept inputs: the mutator of the time-boxed run, where nothing measures coverage.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// An ordinary input stays below this, in bytes.
const ORDINARY: usize = 4 * 1024;

/// The largest input, in bytes: what a body of a hundred times the usual size costs must show.
const LARGEST: usize = 256 * 1024;

/// One input in so many is blown up.
const BLOWN_UP: u32 = 64;

/// The most changes to one input.
const CHANGES: u32 = 6;

/// Input number `number` of the run `seed`: the same arguments always give the same bytes.
pub fn mutated(kept: &[&[u8]], words: &[&str], seed: u64, number: u64) -> Vec<u8> {
    // An odd factor spreads neighbouring numbers over all seeds.
    let mut rng = StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bytes = one_of(kept, &mut rng).map_or_else(Vec::new, <[u8]>::to_vec);
    for _ in 0..rng.random_range(1..=CHANGES) {
        change(&mut bytes, kept, words, &mut rng);
    }
    bytes.truncate(ORDINARY);
    if rng.random_ratio(1, BLOWN_UP) {
        blow_up(&mut bytes, &mut rng);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, kept: &[&[u8]], words: &[&str], rng: &mut StdRng) {
    let (start, end) = slice_of(bytes, rng);
    match rng.random_range(0..9) {
        0 => {
            if let Some(byte) = bytes.get_mut(start) {
                *byte ^= 1 << rng.random_range(0..8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(start) {
                *byte = rng.random();
            }
        }
        2 => drop(bytes.drain(start..end)),
        3 => bytes.truncate(start),
        // Twice the same, here or elsewhere.
        4 => {
            let copy = bytes[start..end].to_vec();
            let (to, _) = slice_of(bytes, rng);
            bytes.splice(to..to, copy);
        }
        5 => {
            let noise: [u8; 4] = rng.random();
            bytes.splice(start..start, noise);
        }
        // A piece of another kept input in the place of this one's.
        6 => {
            if let Some(other) = one_of(kept, rng) {
                let (from, to) = slice_of(other, rng);
                bytes.splice(start..end, other[from..to].iter().copied());
            }
        }
        // A word of the format, in the place of something or between.
        choice => {
            if let Some(word) = one_of(words, rng) {
                let end = if choice == 7 { start } else { end };
                bytes.splice(start..end, word.bytes());
            }
        }
    }
}

/// Repeats a piece until the input is large: deep nesting, long lists, long words.
fn blow_up(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    let (start, end) = slice_of(bytes, rng);
    let piece = bytes[start..end].to_vec();
    if !piece.is_empty() {
        let times = rng.random_range(1..=(LARGEST - ORDINARY) / piece.len());
        bytes.splice(start..start, piece.repeat(times));
    }
}

/// A short piece of `bytes`, more often than a long one.
fn slice_of(bytes: &[u8], rng: &mut StdRng) -> (usize, usize) {
    let start = rng.random_range(0..=bytes.len());
    let longest = 1_usize << rng.random_range(0..10);
    let length = rng.random_range(0..=longest);
    (start, bytes.len().min(start + length))
}

fn one_of<'a, T: ?Sized>(choices: &[&'a T], rng: &mut StdRng) -> Option<&'a T> {
    let last = choices.len().checked_sub(1)?;
    Some(choices[rng.random_range(0..=last)])
}
