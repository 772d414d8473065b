//! The recorder between SQLite and the operating system.
//!
//! It is a copy of SQLite's own VFS in which opening and deleting are replaced, and it gives each
//! file that it records a copy of that file's methods in which writing, truncating, syncing and
//! closing are replaced. Each replacement calls the original first and records what it confirmed.
//! Nothing else is touched: reading, locks and shared memory are SQLite's own.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use libsqlite3_sys::{
    SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_WAL,
    sqlite3_file, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use crate::recording::{FileId, Op, Recording};

/// Records all databases that will be opened in `folder`, which must be empty and absolute.
/// Databases elsewhere go their own way.
///
/// From the first call on, every connection of the process is made through the recorder.
pub fn record(folder: &Path) -> Arc<Recording> {
    let recording = Arc::new(Recording::of(folder));
    lock(&RECORDINGS).push(Arc::clone(&recording));
    ORIGINAL.get_or_init(install);
    recording
}

static RECORDINGS: Mutex<Vec<Arc<Recording>>> = Mutex::new(Vec::new());

/// Files that are open and recorded, by their address.
static FILES: Mutex<Option<HashMap<usize, File>>> = Mutex::new(None);

/// SQLite's own VFS.
static ORIGINAL: OnceLock<Vfs> = OnceLock::new();

/// Our methods, by the address of the original ones: files with locks and files without differ.
static METHODS: Mutex<Option<HashMap<usize, &'static sqlite3_io_methods>>> = Mutex::new(None);

#[derive(Clone, Copy)]
struct Vfs(*mut sqlite3_vfs);

// SAFETY: SQLite calls a VFS from any thread, and never moves or frees its own.
unsafe impl Send for Vfs {}
// SAFETY: as above; what it points at is only read.
unsafe impl Sync for Vfs {}

struct File {
    methods: &'static sqlite3_io_methods,
    recording: Arc<Recording>,
    id: FileId,
    /// Whether its next sync is also one of its folder.
    folder_too: bool,
}

fn install() -> Vfs {
    // SAFETY: null asks for the default VFS; this also initialises SQLite.
    let original = unsafe { sqlite3_vfs_find(std::ptr::null()) };
    // SAFETY: SQLite has a default VFS on every system that Qiao runs on, and it lives for ever.
    let copy = unsafe { original.as_ref() }.expect("SQLite has a default VFS");
    let recorder = Box::leak(Box::new(sqlite3_vfs {
        pNext: std::ptr::null_mut(),
        zName: c"qiao-powercut".as_ptr(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xRandomness: Some(randomness),
        ..*copy
    }));
    // SAFETY: the copy is leaked, so it lives as long as SQLite may use it. Its remaining functions
    // look at nothing of it but `pAppData` and `mxPathname`, which are the original's.
    let registered = unsafe { sqlite3_vfs_register(recorder, 1) };
    assert_eq!(registered, SQLITE_OK, "SQLite takes another VFS");
    Vfs(original)
}

fn original() -> Vfs {
    *ORIGINAL.get().expect("the recorder is installed")
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let Vfs(vfs) = original();
    // SAFETY: a VFS that SQLite registered is never freed.
    let open = unsafe { (*vfs).xOpen }.expect("a VFS opens files");
    // SAFETY: the arguments are SQLite's own, and `file` has the original's size.
    let opened = unsafe { open(vfs, name, file, flags, out_flags) };
    let kinds = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
    if opened != SQLITE_OK || flags & kinds == 0 {
        return opened;
    }
    // SAFETY: files of these kinds have a name, and it ends with a zero.
    let name = unsafe { CStr::from_ptr(name) };
    let Some((recording, name)) = recording_of(name) else {
        return opened;
    };
    // SAFETY: SQLite gave room for a file, which the original has filled.
    let file = unsafe { &mut *file };
    // SAFETY: an opened file has methods, and SQLite's own are static.
    let methods: &'static sqlite3_io_methods = unsafe { &*file.pMethods };
    // Only SQLite's core looks at the methods, and ours are static too.
    file.pMethods = recording_methods(methods);
    let opened = File {
        methods,
        id: recording.opened(&name),
        // As `unixOpen` decides it.
        folder_too: flags & SQLITE_OPEN_CREATE != 0 && flags & SQLITE_OPEN_MAIN_DB == 0,
        recording,
    };
    lock(&FILES)
        .get_or_insert_default()
        .insert(std::ptr::from_mut(file).addr(), opened);
    SQLITE_OK
}

fn recording_methods(original: &'static sqlite3_io_methods) -> &'static sqlite3_io_methods {
    let recording = || {
        Box::leak(Box::new(sqlite3_io_methods {
            xClose: Some(close),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(sync),
            ..*original
        }))
    };
    lock(&METHODS)
        .get_or_insert_default()
        .entry(std::ptr::from_ref(original).addr())
        .or_insert_with(|| recording())
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let Vfs(vfs) = original();
    // SAFETY: a VFS that SQLite registered is never freed.
    let delete = unsafe { (*vfs).xDelete }.expect("a VFS deletes files");
    // SAFETY: the arguments are SQLite's own.
    let deleted = unsafe { delete(vfs, name, sync) };
    // SAFETY: SQLite deletes by a name that ends with a zero.
    let name = unsafe { CStr::from_ptr(name) };
    if deleted == SQLITE_OK
        && let Some((recording, name)) = recording_of(name)
    {
        recording.deleted(name);
        if sync & 1 != 0 {
            recording.add(Op::SyncFolder);
        }
    }
    deleted
}

/// Seeds SQLite the same each time, so that a workload always records the same bytes.
unsafe extern "C" fn randomness(_: *mut sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    let length = usize::try_from(count).unwrap_or_default();
    // SAFETY: SQLite gives `count` bytes to be filled.
    unsafe { out.write_bytes(0x51, length) };
    count
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    at: i64,
) -> c_int {
    let write = with(file, |it| it.methods)
        .xWrite
        .expect("a file is written");
    // SAFETY: the arguments are SQLite's own.
    let written = unsafe { write(file, bytes, count, at) };
    if written == SQLITE_OK {
        let length = usize::try_from(count).expect("a length is not negative");
        let at = usize::try_from(at).expect("an offset is not negative");
        // SAFETY: SQLite gave `count` bytes to be written.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
        let bytes = bytes.to_vec();
        with(file, |it| {
            let file = it.id;
            it.recording.add(Op::Write { file, at, bytes });
        });
    }
    written
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    let truncate = with(file, |it| it.methods)
        .xTruncate
        .expect("a file is truncated");
    // SAFETY: the arguments are SQLite's own.
    let truncated = unsafe { truncate(file, size) };
    if truncated == SQLITE_OK {
        let len = usize::try_from(size).expect("a length is not negative");
        with(file, |it| {
            let file = it.id;
            it.recording.add(Op::Truncate { file, len });
        });
    }
    truncated
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let sync = with(file, |it| it.methods).xSync.expect("a file is synced");
    // SAFETY: the arguments are SQLite's own.
    let synced = unsafe { sync(file, flags) };
    if synced == SQLITE_OK {
        with(file, |it| {
            it.recording.add(Op::Sync { file: it.id });
            if std::mem::take(&mut it.folder_too) {
                it.recording.add(Op::SyncFolder);
            }
        });
    }
    synced
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let close = with(file, |it| it.methods)
        .xClose
        .expect("a file is closed");
    if let Some(files) = lock(&FILES).as_mut() {
        files.remove(&file.addr());
    }
    // SAFETY: the argument is SQLite's own.
    unsafe { close(file) }
}

fn recording_of(path: &CStr) -> Option<(Arc<Recording>, String)> {
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    lock(&RECORDINGS)
        .iter()
        .find_map(|recording| Some((Arc::clone(recording), recording.name_of(path)?)))
}

fn with<T>(file: *mut sqlite3_file, act: impl FnOnce(&mut File) -> T) -> T {
    let mut files = lock(&FILES);
    let file = files.as_mut().and_then(|files| files.get_mut(&file.addr()));
    act(file.expect("our methods are only given to files that are recorded"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
