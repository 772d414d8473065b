//! The zip file of an export: written entry by entry, so that memory stays bounded.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A zip file that is being written, readable by its owner only.
pub(super) struct Archive(ZipWriter<BufWriter<File>>);

/// A JSON array that is being written into it.
pub(super) struct List<'a> {
    archive: &'a mut Archive,
    is_empty: bool,
}

impl Archive {
    /// Makes the file; one that exists is left alone.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let made = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let file = made.with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self(ZipWriter::new(BufWriter::new(file))))
    }

    /// Adds a text.
    pub(super) fn text(&mut self, name: &str, text: &str) -> Result<()> {
        self.bytes(name, text.as_bytes())
    }

    /// Adds a file.
    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.begin(name)?;
        Ok(self.0.write_all(bytes)?)
    }

    /// Begins a JSON array.
    pub(super) fn list(&mut self, name: &str) -> Result<List<'_>> {
        self.begin(name)?;
        self.0.write_all(b"[")?;
        Ok(List {
            archive: self,
            is_empty: true,
        })
    }

    /// Completes the file.
    pub(super) fn finish(self) -> Result<()> {
        let file = self
            .0
            .finish()?
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        Ok(file.sync_all()?)
    }

    fn begin(&mut self, name: &str) -> Result<()> {
        // A history may be longer than the 4 GiB of old zip files.
        let options = SimpleFileOptions::default()
            .unix_permissions(0o600)
            .large_file(true);
        Ok(self.0.start_file(name, options)?)
    }
}

impl List<'_> {
    /// Adds a row, which is JSON.
    pub(super) fn row(&mut self, row: &str) -> Result<()> {
        let before: &[u8] = if self.is_empty { b"\n" } else { b",\n" };
        self.is_empty = false;
        let zip = &mut self.archive.0;
        zip.write_all(before)?;
        Ok(zip.write_all(row.as_bytes())?)
    }

    /// Ends the array.
    pub(super) fn end(self) -> Result<()> {
        Ok(self.archive.0.write_all(b"\n]\n")?)
    }
}
