//! What lies on the disk, read as bytes.

use std::path::PathBuf;

use crate::world::World;

/// The names of the files beside the database, and below, that hold these bytes.
pub fn files_with(world: &World, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![world.folder.path().join("data")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            left.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.is_file() && holds(&path, needle) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

fn holds(path: &PathBuf, needle: &[u8]) -> bool {
    let bytes = std::fs::read(path).unwrap();
    // A search of windows is slow in an unoptimised build, and a file has megabytes.
    let first = needle[0];
    let mut rest = &bytes[..];
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}
