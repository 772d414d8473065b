//! What a database did to its disk, in order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file, whatever its name is now.
pub type FileId = usize;

/// One operation that the disk was asked for and has confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// An empty file got a name.
    Create {
        /// The new file.
        file: FileId,
        /// Its name in the folder.
        name: String,
    },
    /// Bytes were written.
    Write {
        /// Where to.
        file: FileId,
        /// From this byte on.
        at: usize,
        /// What.
        bytes: Vec<u8>,
    },
    /// The file was cut (or stretched) to this length.
    Truncate {
        /// Which.
        file: FileId,
        /// Its length now.
        len: usize,
    },
    /// The file's bytes and length are durable.
    Sync {
        /// Which.
        file: FileId,
    },
    /// A name was removed.
    Delete {
        /// Which.
        name: String,
    },
    /// All names of the folder are durable.
    SyncFolder,
}

impl Op {
    /// Whether it makes others durable instead of waiting for it itself.
    pub fn is_sync(&self) -> bool {
        matches!(self, Self::Sync { .. } | Self::SyncFolder)
    }
}

/// The operations of the databases in one folder.
#[derive(Debug)]
pub struct Recording {
    folder: PathBuf,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    ops: Vec<Op>,
    names: HashMap<String, FileId>,
    files: usize,
}

impl Recording {
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            log: Mutex::default(),
        }
    }

    /// The file's name, if it lies in this folder.
    pub(crate) fn name_of(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(&self.folder).ok()?.to_str()?;
        Some(name.to_owned())
    }

    /// How many operations there were so far: what happens from now on comes after them.
    pub fn position(&self) -> usize {
        self.log().ops.len()
    }

    /// All operations so far.
    pub fn ops(&self) -> Vec<Op> {
        self.log().ops.clone()
    }

    /// A file was opened; it is new if nobody knows its name.
    pub(crate) fn opened(&self, name: &str) -> FileId {
        let mut log = self.log();
        if let Some(file) = log.names.get(name) {
            return *file;
        }
        let file = log.files;
        log.files += 1;
        log.names.insert(name.to_owned(), file);
        let name = name.to_owned();
        log.ops.push(Op::Create { file, name });
        file
    }

    pub(crate) fn deleted(&self, name: String) {
        let mut log = self.log();
        log.names.remove(&name);
        log.ops.push(Op::Delete { name });
    }

    pub(crate) fn add(&self, op: Op) {
        self.log().ops.push(op);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
