//! Reading a backup: every entry in its order, its digest, the manifest, the seal; then the database
//! that came out of it.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::place::{self, Place, folder_of, room};
use super::{
    BackupError, DATABASE, Database, FORMAT, MANIFEST, MEDIA, MOST_MANIFEST, Manifest, Media, at,
    broken,
};
use crate::kit::blocking::blocking;
use crate::kit::media::MediaFolder;
use crate::kit::sealed::{self, Broken};
use crate::store::Copied;

const FILE_MODE: u32 = 0o600;

/// As SQLite makes a database: less what the daemon's umask takes away, so that who could read the old
/// one can read this one.
const DATABASE_MODE: u32 = 0o644;

/// Addresses that are compared at once.
const PAGE: u32 = 1000;

/// Reads the whole backup and checks all of it that can be checked without opening the database.
/// What is in it is written into the folder `into`, if there is one; nothing there may be used
/// unless this returns `Ok`.
pub fn read(file: &Path, into: Option<&Path>) -> Result<Manifest, BackupError> {
    let mut opened = File::open(file).map_err(at(file))?;
    if let Some(into) = into {
        place::make(&into.join(MEDIA))?;
    }
    read_from(&mut opened, into).map_err(broken(file))
}

/// As [`read()`], from anything that holds the bytes of a backup.
pub fn read_from(source: &mut (impl Read + Seek), into: Option<&Path>) -> Result<Manifest, Broken> {
    let mut reading = Reading {
        into,
        ..Reading::default()
    };
    sealed::read(source, |name, bytes, content| {
        reading.entry(name, bytes, content)
    })?;
    reading.done()
}

/// Refuses what a newer Qiao has made.
pub(super) fn refuse_newer(manifest: &Manifest) -> Result<(), BackupError> {
    let known = Copied::newest_schema();
    if manifest.schema <= known && manifest.format <= FORMAT {
        return Ok(());
    }
    Err(BackupError::Newer {
        schema: manifest.schema,
        known,
        qiao: manifest.qiao.clone(),
    })
}

/// Restores the backup into a folder `….<ending>` beside `beside`, checks everything there and
/// removes it again. Nothing else is touched.
pub async fn try_restore(
    file: &Path,
    beside: &Path,
    ending: &'static str,
) -> Result<Manifest, BackupError> {
    let (from, beside) = (file.to_owned(), beside.to_owned());
    let (manifest, place) = blocking(move || unpack(&from, &beside, ending)).await?;
    refuse_newer(&manifest)?;
    check(file, place.path(), &manifest).await?;
    // Removing many files blocks.
    blocking(move || {
        drop(place);
        Ok(manifest)
    })
    .await
}

fn unpack(file: &Path, beside: &Path, ending: &str) -> Result<(Manifest, Place), BackupError> {
    place::make(folder_of(beside))?;
    let place = Place::beside(beside, ending)?;
    let whole = std::fs::metadata(file).map_err(at(file))?.len();
    room(place.path(), whole)?;
    let manifest = read(file, Some(place.path()))?;
    Ok((manifest, place))
}

/// Checks the unpacked database, and that exactly the media are there which it knows as stored.
pub(super) async fn check(
    file: &Path,
    folder: &Path,
    manifest: &Manifest,
) -> Result<(), BackupError> {
    let damaged = |reason: String| BackupError::Damaged {
        file: file.to_owned(),
        reason,
    };
    let unreadable = |_| damaged("its database cannot be read".to_owned());
    let opened = Copied::open(&folder.join(DATABASE)).await;
    let mut copied = opened.map_err(|_| damaged("its database cannot be opened".to_owned()))?;
    if let Some(fault) = copied.fault().await.map_err(unreadable)? {
        return Err(damaged(format!("its database does not check ({fault})")));
    }
    let contents = copied.contents().await.map_err(unreadable)?;
    if (contents.schema, &contents.rows) != (manifest.schema, &manifest.rows) {
        let reason = "its manifest tells of another database";
        return Err(damaged(reason.to_owned()));
    }
    let missing: BTreeSet<&str> = manifest.missing_media.iter().map(String::as_str).collect();
    let (mut after, mut found) = (String::new(), 0);
    loop {
        let page = copied.media_after(&after, PAGE).await.map_err(unreadable)?;
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        for address in &page {
            if place_of(folder, address).is_some_and(|path| path.exists()) {
                found += 1;
            } else if !missing.contains(address.as_str()) {
                return Err(damaged("a medium is not in it".to_owned()));
            }
        }
    }
    copied.close().await.map_err(unreadable)?;
    if found == manifest.media.files {
        Ok(())
    } else {
        Err(damaged("it holds media that nothing speaks of".to_owned()))
    }
}

fn place_of(folder: &Path, address: &str) -> Option<PathBuf> {
    Some(folder.join(MEDIA).join(MediaFolder::place_of(address)?))
}

/// How far a backup was read.
#[derive(Default)]
struct Reading<'a> {
    into: Option<&'a Path>,
    last: String,
    media: Media,
    database: Option<Database>,
    manifest: Option<Manifest>,
}

impl Reading<'_> {
    fn entry(&mut self, name: &str, bytes: u64, content: &mut dyn Read) -> Result<(), Broken> {
        match (&self.database, &self.manifest, name.strip_prefix(MEDIA)) {
            (None, None, Some(address)) => self.medium(address, bytes, content),
            (None, None, None) if name == DATABASE => {
                let place = self.into.map(|folder| folder.join(DATABASE));
                let sha256 = keep(place, DATABASE_MODE, bytes, content)?;
                self.database = Some(Database { bytes, sha256 });
                Ok(())
            }
            (Some(_), None, None) if name == MANIFEST => self.manifest(bytes, content),
            _ => Err(Broken::Damaged("an entry does not belong where it stands")),
        }
    }

    fn medium(&mut self, address: &str, bytes: u64, content: &mut dyn Read) -> Result<(), Broken> {
        let place = MediaFolder::place_of(address)
            .ok_or(Broken::Damaged("a medium's name is no SHA-256"))?;
        if address <= self.last.as_str() {
            return Err(Broken::Damaged("its media are not in their order"));
        }
        address.clone_into(&mut self.last);
        let place = self.into.map(|folder| folder.join(MEDIA).join(place));
        if keep(place, FILE_MODE, bytes, content)? != address {
            return Err(Broken::Damaged("a medium's bytes have another SHA-256"));
        }
        self.media.files += 1;
        self.media.bytes += bytes;
        Ok(())
    }

    fn manifest(&mut self, bytes: u64, content: &mut dyn Read) -> Result<(), Broken> {
        if bytes > MOST_MANIFEST {
            return Err(Broken::Damaged("its manifest is too large"));
        }
        let mut told = Vec::new();
        sealed::take(content, bytes, &mut told)?;
        let manifest = serde_json::from_slice(&told);
        self.manifest = Some(manifest.map_err(|_| Broken::Damaged("its manifest is none"))?);
        Ok(())
    }

    /// All entries were read and the seal holds: do they fit the manifest?
    fn done(self) -> Result<Manifest, Broken> {
        let manifest = self.manifest.ok_or(Broken::Damaged("it has no manifest"))?;
        if Some(&manifest.database) != self.database.as_ref() || manifest.media != self.media {
            return Err(Broken::Damaged("its manifest tells of other contents"));
        }
        Ok(manifest)
    }
}

/// Writes an entry to its place, or nowhere, and returns the SHA-256 of its bytes.
fn keep(
    place: Option<PathBuf>,
    mode: u32,
    bytes: u64,
    content: &mut dyn Read,
) -> Result<String, Broken> {
    let Some(place) = place else {
        return sealed::take(content, bytes, &mut io::sink());
    };
    if let Some(folder) = place.parent() {
        place::make(folder).map_err(|fault| match fault {
            BackupError::Io { source, .. } => Broken::Io(source),
            other => Broken::Io(io::Error::other(other)),
        })?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(place)?;
    let sha256 = sealed::take(content, bytes, &mut file)?;
    file.flush()?;
    Ok(sha256)
}
