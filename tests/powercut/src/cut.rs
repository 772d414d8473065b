//! Where the power is cut, and what becomes of what was pending then.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::disk::{Disk, Fate, Image, Torn};
use crate::recording::Op;

/// One power cut. Both numbers name the same image each time, given the same operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// So many operations had happened.
    pub after: usize,
    /// With `n` operations pending: 0 loses all of them, 1 none, 2 all but the last, and 3 to
    /// 2 + `n` only one, each in turn. Every other seed rolls dice.
    pub seed: u64,
}

/// The seeds before those that lose one operation.
const WHOLE: usize = 3;

impl Disk<'_> {
    /// The image that `cut` leaves; cuts must come in order.
    pub fn cut(&mut self, cut: Cut) -> Image {
        self.play_to(cut.after);
        let count = self.pending().len();
        let seed = usize::try_from(cut.seed).unwrap_or(usize::MAX);
        let only = |yes, fate, other| move |place| if place == yes { fate } else { other };
        match seed {
            0 => self.image(|_| Fate::Lost),
            1 => self.image(|_| Fate::Done),
            2 => self.image(only(count.wrapping_sub(1), Fate::Done, Fate::Lost)),
            _ if seed - WHOLE < count => self.image(only(seed - WHOLE, Fate::Lost, Fate::Done)),
            _ => {
                let mut dice = Dice::new(cut);
                self.image(|_| dice.fate())
            }
        }
    }
}

/// Fates by chance: the share of what is done, lost and torn differs from cut to cut.
struct Dice {
    rng: StdRng,
    done: u64,
    lost: u64,
}

impl Dice {
    fn new(cut: Cut) -> Self {
        let mut rng = StdRng::seed_from_u64(cut.seed ^ (cut.after as u64) << 32);
        let done = rng.next_u64() % 100;
        let lost = done + rng.next_u64() % (101 - done);
        Self { rng, done, lost }
    }

    fn fate(&mut self) -> Fate {
        let roll = self.rng.next_u64() % 100;
        if roll < self.done {
            return Fate::Done;
        }
        if roll < self.lost {
            return Fate::Lost;
        }
        let tail = self.rng.next_u64();
        let sectors = match tail % 4 {
            0 => u64::MAX << (tail >> 2 & 63),
            1 => u64::MAX >> (tail >> 2 & 63),
            2 => 0,
            _ => self.rng.next_u64(),
        };
        Fate::Torn(Torn {
            sectors,
            grown: tail & 1 << 8 == 0,
            garbage: (tail & 1 << 9 == 0).then(|| self.rng.next_u64()),
        })
    }
}

/// `count` cuts of these operations, in order. First come dice for every place where the power can
/// go; half of what is left are the seeds that roll none, spread evenly if they are too many; the
/// rest rolls dice again.
pub fn plan(ops: &[Op], count: usize) -> Vec<Cut> {
    let places = ops.len() + 1;
    let sure: Vec<Cut> = sure(ops);
    let surely = sure.len().min(count.saturating_sub(places.min(count)) / 2);
    let mut cuts: Vec<Cut> = (0..surely).map(|n| sure[n * sure.len() / surely]).collect();
    let rolled = count - surely;
    cuts.extend((0..rolled).map(|n| {
        // Fewer cuts than places are spread over them, more go round.
        let after = if rolled < places {
            n * places / rolled
        } else {
            n % places
        };
        let seed = u64::from(u32::MAX) + (n / places) as u64;
        Cut { after, seed }
    }));
    cuts.sort_unstable();
    cuts
}

/// Every cut that rolls no dice.
fn sure(ops: &[Op]) -> Vec<Cut> {
    let mut disk = Disk::new(ops);
    (0..=ops.len())
        .flat_map(|after| {
            disk.play_to(after);
            let seeds = WHOLE + disk.pending().len();
            (0..seeds as u64).map(move |seed| Cut { after, seed })
        })
        .collect()
}
