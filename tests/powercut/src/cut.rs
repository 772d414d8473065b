//! Where the power is cut, and what becomes of what was pending then.

use std::collections::HashSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::disk::{Disk, Fate, Image, Torn};
use crate::recording::Op;

/// One power cut. Both numbers name the same image each time, given the same operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cut {
    /// So many operations had happened.
    pub after: usize,
    /// With `n` operations pending: 0 loses all of them, 1 none, 2 all but the last, and 3 to
    /// 2 + `n` only one, each in turn. Every other seed rolls dice.
    pub seed: u64,
}

/// The seeds before those that lose one operation.
const WHOLE: usize = 3;

/// From here on [`plan`] takes seeds that roll dice: more than there are ever operations pending.
const DICE: u64 = 1_000_000;

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

/// Fates by chance, in shares that differ from cut to cut.
struct Dice {
    rng: StdRng,
    /// Of a hundred operations.
    done: u32,
    /// Of a hundred operations, the done ones included.
    done_or_lost: u32,
}

/// A page and what surrounds it touch so many sectors at most.
const SECTORS: u32 = 9;

impl Dice {
    fn new(cut: Cut) -> Self {
        let mut rng = StdRng::seed_from_u64(cut.seed ^ (cut.after as u64).rotate_left(32));
        let done = rng.random_range(0..100);
        let done_or_lost = rng.random_range(done..100);
        Self {
            rng,
            done,
            done_or_lost,
        }
    }

    fn fate(&mut self) -> Fate {
        let roll = self.rng.random_range(0..100);
        if roll < self.done {
            Fate::Done
        } else if roll < self.done_or_lost {
            Fate::Lost
        } else {
            Fate::Torn(self.torn())
        }
    }

    /// The front, the back, nothing or anything of it.
    fn torn(&mut self) -> Torn {
        let torn_at = self.rng.random_range(0..=SECTORS);
        let front = (1 << torn_at) - 1;
        Torn {
            sectors: match self.rng.random_range(0..4) {
                0 => front,
                1 => !front,
                2 => 0,
                _ => self.rng.random(),
            },
            grown: self.rng.random(),
            garbage: self.rng.random::<bool>().then(|| self.rng.random()),
        }
    }
}

/// `count` cuts of these operations, in order. Half of them roll no dice, and if there are not so
/// many, each of those; the others roll dice, and go first to the places that have no cut yet.
pub fn plan(ops: &[Op], count: usize) -> Vec<Cut> {
    let sure = sure(ops);
    let half = sure.len().min(count / 2);
    let mut cuts: Vec<Cut> = (0..half).map(|n| sure[n * sure.len() / half]).collect();
    let seen: HashSet<usize> = cuts.iter().map(|cut| cut.after).collect();
    let mut places: Vec<usize> = (0..=ops.len()).collect();
    places.sort_by_key(|place| seen.contains(place));
    let rolled = count - half;
    // Too few for all places are spread over them; too many go round.
    let step = (places.len() / rolled.max(1)).max(1);
    cuts.extend((0..rolled).map(|n| Cut {
        after: places[n * step % places.len()],
        seed: DICE + (n / places.len()) as u64,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Three commits, each of as many writes as its number, and a sync.
    fn commits() -> Vec<Op> {
        let name = "a".to_owned();
        let mut ops = vec![Op::Create { file: 0, name }, Op::SyncFolder];
        for commit in 1..=3_u8 {
            ops.extend((0..commit).map(|n| Op::Write {
                file: 0,
                at: usize::from(commit * 16 + n) * 1024,
                bytes: vec![commit; 1024],
            }));
            ops.push(Op::Sync { file: 0 });
        }
        ops
    }

    #[test]
    fn each_pending_operation_is_once_the_only_one_lost() {
        let ops = commits();
        let (after, mut disk) = (ops.len() - 1, Disk::new(&ops));
        let left: Vec<String> = (0..6)
            .map(|seed| {
                let image = disk.cut(Cut { after, seed });
                let there = |n: usize| image["a"].get((48 + n) * 1024) == Some(&3);
                (0..3).map(|n| if there(n) { 'x' } else { '-' }).collect()
            })
            .collect();
        assert_eq!(left, ["---", "xxx", "--x", "-xx", "x-x", "xx-"]);
    }

    #[test]
    fn a_cut_names_one_image_and_seeds_of_dice_name_many() {
        let ops = commits();
        let image = |after, seed| Disk::new(&ops).cut(Cut { after, seed });
        let after = ops.len() - 1;
        assert_eq!(image(after, DICE), image(after, DICE));
        let images: HashSet<_> = (DICE..DICE + 20).map(|seed| image(after, seed)).collect();
        assert!(images.len() > 5, "{} different ones", images.len());
        let second = 32 * 1024..34 * 1024;
        for image in images {
            assert_eq!(image["a"][second.clone()], [2; 2 * 1024], "it was synced");
        }
    }

    #[test]
    fn every_place_has_its_cut_and_with_enough_of_them_no_sure_one_is_left_out() {
        let ops = commits();
        let places = |cuts: &[Cut]| cuts.iter().map(|cut| cut.after).collect::<HashSet<_>>();
        for count in [2 * ops.len(), 500] {
            let cuts = plan(&ops, count);
            assert_eq!(cuts.len(), count);
            assert_eq!(places(&cuts).len(), ops.len() + 1);
        }
        let cuts: HashSet<Cut> = plan(&ops, 500).into_iter().collect();
        assert_eq!(cuts.len(), 500, "none comes twice");
        assert!(sure(&ops).iter().all(|cut| cuts.contains(cut)));
        let few = plan(&ops, 4);
        assert!(few[3].after > ops.len() / 2, "{few:?}");
    }
}
