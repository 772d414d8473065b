//! The folder of media: every file once, under the SHA-256 of its bytes.
//!
//! A file is written beside the others under another name, synced, and only then given its address,
//! so that an address always leads to whole bytes, after any crash. What a crash leaves behind is
//! harmless and goes at the next start. The folder knows nothing of followers and messages: which
//! row an address belongs to, and when a file may go, is told by the store.
//!
//! Start reading at [`MediaFolder::put`].

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::blocking::blocking;
use super::file_type::FileType;
use super::hex::hex;

mod sweep;

/// How the names of unfinished files begin; an address never does.
const UNFINISHED: &str = "unfinished-";

/// What people sent each other is for nobody else on this machine.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A folder of files that are found by what is in them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MediaFolder(Arc<Path>, Arc<Mutex<()>>);

/// A file that is safely on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its address: the SHA-256 of its bytes, 64 hex digits in lower case.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What it is, told by its bytes.
    pub kind: FileType,
}

/// Why a file could not be kept, given or removed.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// What was asked for is no address.
    #[error("a file is asked for by something that is no SHA-256")]
    NotAnAddress,
    /// Nothing stands there.
    #[error("the file {0} is not in the media folder")]
    Missing(String),
    /// Other bytes stand there: the disk lost some, or a hand changed them.
    #[error("the file {0} is damaged: its bytes have another SHA-256; restore it from a backup")]
    Damaged(String),
    /// The system refused.
    #[error("the media folder cannot be used: {0}; check the disk's space and the folder's owner")]
    Io(#[from] io::Error),
}

impl MediaFolder {
    /// Where the media of a database lie.
    pub fn beside(database: &Path) -> PathBuf {
        database.with_file_name("media")
    }

    /// Where in the folder the bytes of an address lie: `ab/cdef…`, because folders of many thousand
    /// files are slow to list. `None`: it is no address.
    pub fn place_of(sha256: &str) -> Option<PathBuf> {
        Address::read(sha256).ok().map(|address| address.place())
    }

    /// Opens the folder, makes it if it is not there, and removes what a crash left unfinished.
    ///
    /// Only for who alone writes: a second one would lose the file it has half written.
    pub async fn new(path: impl Into<PathBuf>) -> Result<Self, MediaError> {
        let folder = Self(Arc::from(path.into()), Arc::default());
        folder.work(Self::prepare).await?;
        Ok(folder)
    }

    /// The folder of a process that runs beside this one: only for reading.
    pub fn of_another(path: impl Into<PathBuf>) -> Self {
        Self(Arc::from(path.into()), Arc::default())
    }

    /// Keeps `bytes`. When it returns they survive a power cut; the same bytes are kept once.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<Stored, MediaError> {
        self.work(move |folder| folder.write(&bytes)).await
    }

    /// The bytes at an address, after their hash was checked.
    pub async fn get(&self, sha256: &str) -> Result<Vec<u8>, MediaError> {
        let address = Address::read(sha256)?;
        self.work(move |folder| folder.read(&address)).await
    }

    /// Removes what stands at an address; whether anything did. Several rows may have the same
    /// address, and one may be on its way: the caller knows.
    pub async fn remove(&self, sha256: &str) -> Result<bool, MediaError> {
        let address = Address::read(sha256)?;
        self.work(move |folder| folder.delete(&address)).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, MediaError> + Send + 'static,
    ) -> Result<T, MediaError> {
        let folder = self.clone();
        blocking(move || work(&folder)).await
    }

    fn prepare(&self) -> Result<(), MediaError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(FOLDER_MODE).create(&self.0)?;
        match self.0.parent() {
            Some(above) if above.as_os_str().is_empty() => sync(Path::new("."))?,
            Some(above) => sync(above)?,
            None => {}
        }
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|n| n.starts_with(UNFINISHED)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> Result<Stored, MediaError> {
        let address = Address::of(bytes);
        let path = self.path(&address);
        // Also what is there: it may be damaged, and is young again for whoever sweeps.
        self.write_anew(bytes, &path)?;
        sync(parent(&path))?;
        sync(&self.0)?;
        Ok(Stored {
            sha256: address.0,
            bytes: bytes.len() as u64,
            kind: FileType::of(bytes),
        })
    }

    fn write_anew(&self, bytes: &[u8], path: &Path) -> io::Result<()> {
        make_folder(parent(path))?;
        let unfinished = self.0.join(unfinished_name());
        let written = write_whole(&unfinished, bytes).and_then(|()| {
            let _alone = self.alone();
            fs::rename(&unfinished, path)
        });
        if written.is_err() {
            // It is only in the way, and the next start would remove it too.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn read(&self, address: &Address) -> Result<Vec<u8>, MediaError> {
        let bytes = fs::read(self.path(address)).map_err(|fault| match fault.kind() {
            ErrorKind::NotFound => MediaError::Missing(address.0.clone()),
            _ => fault.into(),
        })?;
        if Address::of(&bytes) != *address {
            return Err(MediaError::Damaged(address.0.clone()));
        }
        Ok(bytes)
    }

    fn delete(&self, address: &Address) -> Result<bool, MediaError> {
        let path = self.path(address);
        match fs::remove_file(&path) {
            Ok(()) => {
                // What a person wanted gone must not come back with the power.
                sync(parent(&path))?;
                Ok(true)
            }
            Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Between a look at a file's age and its removal nobody puts it anew.
    fn alone(&self) -> MutexGuard<'_, ()> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, address: &Address) -> PathBuf {
        self.0.join(address.place())
    }
}

/// 64 hex digits in lower case, so that no address leads out of the folder.
#[derive(Debug, PartialEq, Eq)]
struct Address(String);

impl Address {
    fn place(&self) -> PathBuf {
        let (folder, name) = self.0.split_at(2);
        Path::new(folder).join(name)
    }

    fn of(bytes: &[u8]) -> Self {
        Self(sha256(bytes))
    }

    fn read(text: &str) -> Result<Self, MediaError> {
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 64 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MediaError::NotAnAddress)
        }
    }
}

/// The SHA-256 of `bytes`, 64 hex digits in lower case.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A name that no other writer of this process uses.
fn unfinished_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{UNFINISHED}{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn parent(path: &Path) -> &Path {
    path.parent().expect("an address has a folder")
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Err(fault) if fault.kind() != ErrorKind::AlreadyExists => Err(fault),
        _ => Ok(()),
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A file's name is on disk only when its folder is.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;
    use tempfile::TempDir;

    const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n and then the picture";

    pub(super) async fn folder() -> (TempDir, MediaFolder) {
        let place = tempfile::tempdir().unwrap();
        let media = MediaFolder::new(place.path().join("data/media")).await;
        (place, media.unwrap())
    }

    /// All files below the folder, with their paths relative to it.
    pub(super) fn files(media: &MediaFolder) -> Vec<String> {
        let mut found = Vec::new();
        let mut left = vec![media.0.to_path_buf()];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
            } else {
                let name = path.strip_prefix(&media.0).unwrap();
                found.push(name.to_str().unwrap().to_owned());
            }
        }
        found.sort();
        found
    }

    #[tokio::test]
    async fn what_was_put_is_given_back_and_can_be_removed() {
        let (_place, media) = folder().await;
        let stored = media.put(PICTURE.to_vec()).await.unwrap();
        assert_eq!(stored.kind, FileType::Png);
        assert_eq!(stored.bytes, PICTURE.len() as u64);
        assert_eq!(media.get(&stored.sha256).await.unwrap(), PICTURE);
        assert!(media.remove(&stored.sha256).await.unwrap());
        assert!(!media.remove(&stored.sha256).await.unwrap());
        let gone = media.get(&stored.sha256).await.unwrap_err();
        assert!(matches!(gone, MediaError::Missing(_)), "{gone}");
    }

    #[tokio::test]
    async fn an_address_is_the_sha_256_that_everyone_computes() {
        let (_place, media) = folder().await;
        let stored = media.put(b"abc".to_vec()).await.unwrap();
        // FIPS 180-2, appendix B.1
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(stored.sha256, known);
        let path = format!("{}/{}", &known[..2], &known[2..]);
        assert_eq!(files(&media).join(" "), path);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&media.0.join(path)), FILE_MODE);
        assert_eq!(mode(&media.0), FOLDER_MODE);
    }

    #[tokio::test]
    async fn the_same_picture_is_kept_once_however_often_and_at_once_it_comes() {
        let (_place, media) = folder().await;
        let puts: Vec<_> = (0..20)
            .map(|_| {
                let media = media.clone();
                tokio::spawn(async move { media.put(PICTURE.to_vec()).await.unwrap() })
            })
            .collect();
        for put in puts {
            assert_eq!(put.await.unwrap().sha256, sha256(PICTURE));
        }
        assert_eq!(files(&media).len(), 1);
    }

    #[tokio::test]
    async fn damaged_bytes_are_never_given_and_are_healed_when_they_come_again() {
        let (_place, media) = folder().await;
        let stored = media.put(PICTURE.to_vec()).await.unwrap();
        let mut changed = PICTURE.to_vec();
        changed[20] ^= 1;
        for damage in [&changed[..], &PICTURE[..10], b""] {
            fs::write(media.0.join(&files(&media)[0]), damage).unwrap();
            let fault = media.get(&stored.sha256).await.unwrap_err();
            assert!(matches!(fault, MediaError::Damaged(_)), "{fault}");
            assert_eq!(media.put(PICTURE.to_vec()).await.unwrap(), stored);
            assert_eq!(media.get(&stored.sha256).await.unwrap(), PICTURE);
        }
    }

    #[tokio::test]
    async fn what_a_crash_left_unfinished_goes_at_the_next_start_and_the_rest_stays() {
        let (_place, media) = folder().await;
        let stored = media.put(PICTURE.to_vec()).await.unwrap();
        fs::write(media.0.join("unfinished-7"), b"\x89PN").unwrap();
        fs::write(media.0.join("README"), b"of the operator").unwrap();
        let again = MediaFolder::new(&*media.0).await.unwrap();
        assert_eq!(again.get(&stored.sha256).await.unwrap(), PICTURE);
        assert_eq!(files(&again).len(), 2, "{:?}", files(&again));
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_told_and_leaves_nothing_behind() {
        let (_place, media) = folder().await;
        let address = sha256(PICTURE);
        // A file where a folder should be: no permission is needed to be refused so.
        fs::write(media.0.join(&address[..2]), b"").unwrap();
        let fault = media.put(PICTURE.to_vec()).await.unwrap_err();
        assert!(matches!(fault, MediaError::Io(_)), "{fault}");
        assert_eq!(files(&media), [&address[..2]]);
    }

    #[tokio::test]
    async fn no_address_leads_out_of_the_folder() {
        let (place, media) = folder().await;
        fs::write(place.path().join("secret"), b"of others").unwrap();
        let long = "a/".repeat(32);
        let upper = sha256(PICTURE).to_ascii_uppercase();
        for wrong in ["", "../../secret", "..", &long, &upper, "ä"] {
            let fault = media.get(wrong).await.unwrap_err();
            assert!(matches!(fault, MediaError::NotAnAddress), "{wrong}");
            assert!(media.remove(wrong).await.is_err(), "{wrong}");
        }
        assert!(place.path().join("secret").exists());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_files_come_back_as_they_went(
            contents in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 0..2_000),
                1..6,
            )
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (_place, media) = folder().await;
                let mut addresses = Vec::new();
                for bytes in &contents {
                    addresses.push(media.put(bytes.clone()).await.unwrap().sha256);
                }
                for (address, bytes) in addresses.iter().zip(&contents) {
                    assert_eq!(&media.get(address).await.unwrap(), bytes);
                }
                let distinct: std::collections::HashSet<_> = contents.iter().collect();
                assert_eq!(files(&media).len(), distinct.len());
            });
        }
    }
}
