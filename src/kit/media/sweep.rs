//! Finding and removing files that have grown old. Whether anybody still needs one is told by the store.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use super::{Address, MediaError, MediaFolder, unfinished_name, write_whole};
use crate::kit::hex::hex;

impl MediaFolder {
    /// What time it is for the disk, by which the ages of files are told.
    pub async fn time(&self) -> Result<SystemTime, MediaError> {
        self.work(|folder| {
            let unfinished = folder.0.join(unfinished_name());
            write_whole(&unfinished, b"")?;
            let time = fs::metadata(&unfinished).and_then(|it| it.modified());
            fs::remove_file(&unfinished)?;
            Ok(time?)
        })
        .await
    }

    /// The addresses that begin with this byte, of files that were put before that time and not again
    /// since.
    pub async fn older(&self, first: u8, than: SystemTime) -> Result<Vec<String>, MediaError> {
        self.work(move |folder| folder.list_older(first, than))
            .await
    }

    /// Removes what stands at an address if it was put before that time and not again since; whether it
    /// did. Whoever has just put the same bytes does not lose them.
    pub async fn remove_older(&self, sha256: &str, than: SystemTime) -> Result<bool, MediaError> {
        let address = Address::read(sha256)?;
        self.work(move |folder| {
            let _alone = folder.alone();
            let is_older = was_put(&folder.path(&address)).is_ok_and(|at| at < than);
            Ok(is_older && folder.delete(&address)?)
        })
        .await
    }

    fn list_older(&self, first: u8, than: SystemTime) -> Result<Vec<String>, MediaError> {
        let head = hex(&[first]);
        let entries = match fs::read_dir(self.0.join(&head)) {
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            // Somebody else's files are left alone.
            let name = entry.file_name().into_string().unwrap_or_default();
            let address = Address::read(&format!("{head}{name}"));
            if let Ok(Address(address)) = address
                && was_put(&entry.path()).is_ok_and(|at| at < than)
            {
                found.push(address);
            }
        }
        Ok(found)
    }
}

fn was_put(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::super::sha256;
    use super::super::tests::{files, folder};
    use super::*;

    #[tokio::test]
    async fn only_what_nobody_has_put_for_long_is_swept() {
        let (_place, media) = folder().await;
        let hour = Duration::from_hours(1);
        let (old, again, young) = (b"old".to_vec(), b"again".to_vec(), b"young".to_vec());
        let now = media.time().await.unwrap();
        for bytes in [&old, &again] {
            let stored = media.put(bytes.clone()).await.unwrap();
            let file = File::open(media.path(&Address::of(bytes))).unwrap();
            file.set_modified(now - 2 * hour).unwrap();
            let first = u8::from_str_radix(&stored.sha256[..2], 16).unwrap();
            let older = media.older(first, now - hour).await.unwrap();
            assert_eq!(older, [stored.sha256]);
        }
        // Between the look and the removal it comes again.
        for bytes in [&again, &young] {
            media.put(bytes.clone()).await.unwrap();
        }
        let mut removed = Vec::new();
        for bytes in [&old, &again, &young] {
            let before = now - hour;
            removed.push(media.remove_older(&sha256(bytes), before).await.unwrap());
        }
        assert_eq!(removed, [true, false, false]);
        assert!(media.get(&sha256(&again)).await.is_ok());
        assert_eq!(files(&media).len(), 2, "and nothing unfinished");
    }
}
