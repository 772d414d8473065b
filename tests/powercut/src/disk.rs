//! A disk up to a cut: what is durable, what is pending, and the images that the pending leaves.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::recording::{FileId, Op};

/// What a disk writes as one.
const SECTOR: usize = 512;

/// Names and what stands in the files: what the machine finds when it comes back.
pub type Image = BTreeMap<String, Vec<u8>>;

/// What became of an operation that no sync had made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It reached the disk.
    Done,
    /// It did not.
    Lost,
    /// A write of which something is left. (Other operations are done or lost as a whole.)
    Torn(Torn),
}

/// What is left of a torn write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Which of the sectors that it touches reached the disk; bit `n` stands for each 64th from the
    /// `n`th on.
    pub sectors: u64,
    /// Whether the file has all the same become as long as the write made it.
    pub grown: bool,
    /// Seeds what stands where the file has grown and nothing was written; `None` for zeroes.
    pub garbage: Option<u64>,
}

/// Plays operations in their order and keeps apart what is durable and what is pending.
#[derive(Debug)]
pub struct Disk<'a> {
    ops: &'a [Op],
    played: usize,
    files: BTreeMap<FileId, Vec<u8>>,
    names: BTreeMap<String, FileId>,
    pending: Vec<&'a Op>,
}

impl<'a> Disk<'a> {
    /// An empty folder before the first of these operations.
    pub fn new(ops: &'a [Op]) -> Self {
        Self {
            ops,
            played: 0,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    /// Plays on until the first `count` operations have happened.
    pub fn play_to(&mut self, count: usize) {
        for op in &self.ops[self.played..count] {
            match op {
                Op::Sync { file } => self.make_durable(|op| op_file(op) == Some(*file)),
                Op::SyncFolder => self.make_durable(|op| op_file(op).is_none()),
                _ => self.pending.push(op),
            }
        }
        self.played = count;
    }

    /// What no sync has made durable yet, in order.
    pub fn pending(&self) -> &[&'a Op] {
        &self.pending
    }

    /// The disk after a power cut now: `fate` is asked for each pending operation, by its place.
    pub fn image(&self, mut fate: impl FnMut(usize) -> Fate) -> Image {
        let (mut files, mut names) = (self.files.clone(), self.names.clone());
        for (place, op) in self.pending.iter().enumerate() {
            apply(op, fate(place), &mut files, &mut names);
        }
        names
            .into_iter()
            .map(|(name, file)| (name, files.remove(&file).unwrap_or_default()))
            .collect()
    }

    fn make_durable(&mut self, synced: impl Fn(&Op) -> bool) {
        let (files, names) = (&mut self.files, &mut self.names);
        self.pending.retain(|op| {
            let synced = synced(op);
            if synced {
                apply(op, Fate::Done, files, names);
            }
            !synced
        });
    }
}

/// The file whose sync makes `op` durable; `None` when it is the folder's.
fn op_file(op: &Op) -> Option<FileId> {
    match op {
        Op::Write { file, .. } | Op::Truncate { file, .. } | Op::Sync { file } => Some(*file),
        Op::Create { .. } | Op::Delete { .. } | Op::SyncFolder => None,
    }
}

fn apply(
    op: &Op,
    fate: Fate,
    files: &mut BTreeMap<FileId, Vec<u8>>,
    names: &mut BTreeMap<String, FileId>,
) {
    match (op, fate) {
        (Op::Write { file, at, bytes }, Fate::Torn(torn)) => {
            torn.write(files.entry(*file).or_default(), *at, bytes);
        }
        (_, Fate::Lost | Fate::Torn(_)) | (Op::Sync { .. } | Op::SyncFolder, _) => {}
        (Op::Write { file, at, bytes }, Fate::Done) => {
            put(files.entry(*file).or_default(), *at, bytes, None);
        }
        (Op::Truncate { file, len }, Fate::Done) => {
            files.entry(*file).or_default().resize(*len, 0);
        }
        (Op::Create { file, name }, Fate::Done) => {
            names.insert(name.clone(), *file);
        }
        (Op::Delete { name }, Fate::Done) => {
            names.remove(name);
        }
    }
}

impl Torn {
    fn write(self, file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        for (n, sector) in (at / SECTOR..end.div_ceil(SECTOR)).enumerate() {
            let from = at.max(sector * SECTOR);
            let to = end.min((sector + 1) * SECTOR);
            if self.sectors >> (n % 64) & 1 == 1 {
                put(file, from, &bytes[from - at..to - at], self.garbage);
            }
        }
        if self.grown {
            grow(file, end, self.garbage);
        }
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8], garbage: Option<u64>) {
    grow(file, at, garbage);
    let inside = bytes.len().min(file.len() - at);
    file[at..at + inside].copy_from_slice(&bytes[..inside]);
    file.extend_from_slice(&bytes[inside..]);
}

/// Makes the file at least this long.
fn grow(file: &mut Vec<u8>, len: usize, garbage: Option<u64>) {
    let old = file.len();
    if old < len {
        file.resize(len, 0);
        if let Some(seed) = garbage {
            StdRng::seed_from_u64(seed).fill_bytes(&mut file[old..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(at: usize, bytes: &[u8]) -> Op {
        let (file, bytes) = (0, bytes.to_vec());
        Op::Write { file, at, bytes }
    }

    fn created() -> Op {
        let name = "a".to_owned();
        Op::Create { file: 0, name }
    }

    fn after(ops: &[Op]) -> Disk<'_> {
        let mut disk = Disk::new(ops);
        disk.play_to(ops.len());
        disk
    }

    fn content(disk: &Disk<'_>, fate: impl FnMut(usize) -> Fate) -> Vec<u8> {
        disk.image(fate).remove("a").expect("the file is there")
    }

    #[test]
    fn what_was_synced_is_there_and_what_was_not_may_be_lost_in_any_order() {
        let ops = [
            created(),
            Op::SyncFolder,
            write(0, b"one"),
            Op::Sync { file: 0 },
            write(3, b"two"),
            write(6, b"six"),
        ];
        let disk = after(&ops);
        assert_eq!(disk.pending(), [&ops[4], &ops[5]]);
        assert_eq!(content(&disk, |_| Fate::Lost), b"one");
        assert_eq!(content(&disk, |_| Fate::Done), b"onetwosix");
        let last = |place| if place == 1 { Fate::Done } else { Fate::Lost };
        assert_eq!(content(&disk, last), b"one\0\0\0six");
    }

    #[test]
    fn a_sync_of_one_file_leaves_others_and_the_names_pending() {
        let ops = [created(), write(0, b"one"), Op::Sync { file: 0 }];
        let disk = after(&ops);
        assert_eq!(disk.image(|_| Fate::Lost), Image::new());
        assert_eq!(content(&disk, |_| Fate::Done), b"one");
        let ops = [
            created(),
            Op::SyncFolder,
            write(0, b"one"),
            Op::Sync { file: 1 },
        ];
        assert_eq!(content(&after(&ops), |_| Fate::Lost), b"");
    }

    #[test]
    fn a_deleted_file_may_be_back_and_a_new_one_of_its_name_may_be_missing() {
        let (file, name) = (1, "a".to_owned());
        let ops = [
            created(),
            write(0, b"old"),
            Op::Sync { file: 0 },
            Op::SyncFolder,
            Op::Delete { name: name.clone() },
            Op::Create { file, name },
        ];
        let disk = after(&ops);
        assert_eq!(content(&disk, |_| Fate::Lost), b"old");
        assert_eq!(content(&disk, |_| Fate::Done), b"");
        let deleted = |place| if place == 0 { Fate::Done } else { Fate::Lost };
        assert_eq!(disk.image(deleted), Image::new());
    }

    #[test]
    fn a_torn_write_leaves_whole_sectors_and_old_ones_between() {
        let old = vec![1; 3 * SECTOR];
        let ops = [
            created(),
            Op::SyncFolder,
            write(0, &old),
            Op::Sync { file: 0 },
            write(100, &[2; 4 * SECTOR]),
        ];
        let torn = |sectors, grown, garbage| {
            let fate = Fate::Torn(Torn {
                sectors,
                grown,
                garbage,
            });
            content(&after(&ops), move |_| fate)
        };
        let middle = torn(0b10, false, None);
        let sectors: Vec<&[u8]> = middle.chunks(SECTOR).collect();
        assert_eq!(sectors, [[1; SECTOR], [2; SECTOR], [1; SECTOR]]);
        assert_eq!(torn(0, false, None), old);
        let grown = torn(0, true, None);
        assert_eq!(grown.len(), 100 + 4 * SECTOR);
        assert_eq!(grown[..old.len()], old);
        assert!(grown[old.len()..].iter().all(|byte| *byte == 0));
        let garbage = torn(0, true, Some(7));
        assert_eq!(garbage[..old.len()], old);
        assert_ne!(garbage, grown);
    }

    #[test]
    fn a_file_is_cut_only_once_that_is_durable() {
        let ops = [
            created(),
            Op::SyncFolder,
            write(0, b"long"),
            Op::Sync { file: 0 },
            Op::Truncate { file: 0, len: 0 },
        ];
        let disk = after(&ops);
        assert_eq!(content(&disk, |_| Fate::Lost), b"long");
        assert_eq!(content(&disk, |_| Fate::Done), b"");
    }
}
