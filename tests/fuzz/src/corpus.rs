//! The kept inputs: `corpus/<target>/`, where fuzzing begins, and `crashes/<target>/`, each of
//! which once broke a promise.

use std::path::{Path, PathBuf};

/// An input and the file it came from.
pub type Kept = (PathBuf, Vec<u8>);

/// The folders that hold one folder a target.
pub const FOLDERS: [&str; 2] = ["corpus", "crashes"];

/// Every kept input of a target, in the order of their names.
pub fn of(target: &str) -> Vec<Kept> {
    FOLDERS
        .iter()
        .flat_map(|folder| files(&root().join(folder).join(target)))
        .map(|file| {
            let bytes = std::fs::read(&file).expect("a kept input can be read");
            (file, bytes)
        })
        .collect()
}

/// The folder of this package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands in a folder, sorted; nothing if there is none.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}
