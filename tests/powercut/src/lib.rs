//! Cuts the power under SQLite: records what a database does to its disk, and builds the disks
//! that a power cut at any moment could have left.
//!
//! [`vfs::record`] puts a recorder between SQLite and the operating system: every write, truncation,
//! sync, creation and deletion of the database, its WAL and its rollback journal becomes an [`Op`],
//! in order. [`Disk`] plays the operations up to a cut and knows which of them a sync has made
//! durable; [`Cut`] decides what becomes of the others; an [`Image`] is what the machine finds when
//! it comes back. The stories in `tests/stories` drive Qiao's real store over it.
//!
//! # The disk that is modelled
//!
//! - A sync of a file makes everything written to *that* file before it durable, its length
//!   included, and nothing else: not other files, not its own name.
//! - Everything since is in the hands of chance, each operation independently of the others: done,
//!   lost, or done in some of its 512-byte sectors. Thus a later write may be there without an earlier
//!   one, which is what reordering comes to.
//! - A write past the end of a file may leave the file longer without its bytes: then zeroes or
//!   garbage stand there.
//! - A name appears or disappears durably only when its folder is synced. SQLite does that at the
//!   first sync of a journal or WAL that it opened for creation, and at a deletion that asks for it
//!   (`os_unix.c`: `UNIXFILE_DIRSYNC`, `unixDelete`). So a new file whose name is lost is gone,
//!   synced or not, and a deleted one may be back.
//! - A write never harms bytes beside it (*powersafe overwrite*, which SQLite assumes too), synced
//!   bytes do not rot, and a sync that returned has happened.
//! - Shared memory (`-shm`) does not outlive the power and is not recorded.

mod cut;
mod disk;
mod recording;
#[expect(unsafe_code, reason = "a VFS is a table of C functions")]
pub mod vfs;

pub use cut::{Cut, plan};
pub use disk::{Disk, Fate, Image, Torn};
pub use recording::{FileId, Op, Recording};
