//! Sealed files: a tar file of which every byte counts.
//!
//! Its last entry, `seal`, holds the SHA-256 of every byte before it. What the seal's own bytes and
//! the end of the file must be follows from that number, so a reader compares them with the only
//! ones that fit. A flipped bit anywhere, padding included, a cut and something behind the end are
//! all found. Any tar unpacks it. The seal finds damage and not forgery: whoever can write the file
//! can seal it anew. What the entries mean is not known here.
//!
//! Start reading at [`Writer`], then [`read`].

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tar::{Archive, EntryType, Header};

use super::hex::hex;

/// tar writes everything in blocks of so many bytes.
const BLOCK: usize = 512;

/// The entry that ends every sealed file.
const SEAL: &str = "seal";

/// The seal's header and its one block, then the two empty blocks that end a tar file.
const TAIL: usize = 4 * BLOCK;

/// For nobody else on this machine, also where it is unpacked by hand.
const MODE: u32 = 0o600;

/// Why a sealed file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It is not what was written.
    #[error("{0}")]
    Damaged(&'static str),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes entries one after the other, and then the seal.
#[derive(Debug)]
pub struct Writer<W> {
    out: Hashing<W>,
    written_at: u64,
}

/// What was sealed.
#[derive(Debug)]
pub struct Sealed<W> {
    /// Where it was written.
    pub out: W,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of the whole, as `sha256sum` prints it.
    pub sha256: String,
}

impl<W: Write> Writer<W> {
    /// An empty file; its entries will say that they were written at `written_at`, in seconds since
    /// 1970.
    pub fn new(out: W, written_at: u64) -> Self {
        let out = Hashing::new(out);
        Self { out, written_at }
    }

    /// Writes an entry of exactly `bytes` bytes and returns their SHA-256. `name` has at most 100
    /// bytes.
    pub fn add(&mut self, name: &str, bytes: u64, content: impl Read) -> io::Result<String> {
        let header = header(name, bytes, self.written_at)?;
        self.out.write_all(header.as_bytes())?;
        let mut content = Hashing::new(content.take(bytes));
        let written = io::copy(&mut content, &mut self.out)?;
        if written < bytes {
            return Err(io::Error::other("a file became shorter while it was read"));
        }
        self.out.write_all(&padding(bytes))?;
        Ok(content.sha256())
    }

    /// Ends the file.
    pub fn seal(mut self) -> io::Result<Sealed<W>> {
        let tail = tail(&self.out.sha256())?;
        self.out.write_all(&tail)?;
        self.out.flush()?;
        Ok(Sealed {
            bytes: self.out.bytes,
            sha256: self.out.sha256(),
            out: self.out.inner,
        })
    }
}

/// Hands each entry to `each` (name, size, bytes), in order, and then tells whether the whole is what
/// was sealed: until it has returned `Ok`, nothing that was read may be trusted. `each` need not read to the end.
pub fn read(
    file: &mut (impl Read + Seek),
    mut each: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), Broken>,
) -> Result<(), Broken> {
    let whole = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let body = whole.checked_sub(TAIL as u64);
    let body = body.ok_or(Broken::Damaged("it is too short"))?;
    let reader = Hashing::new(BufReader::new(file.by_ref().take(body)));
    let mut archive = Archive::new(reader);
    // Raw: nothing in the file may change how it is read.
    for entry in archive.entries().map_err(of_tar)?.raw(true) {
        let mut entry = entry.map_err(of_tar)?;
        if entry.header().entry_type() != EntryType::Regular {
            return Err(Broken::Damaged("it holds something that is no plain file"));
        }
        let name = String::from_utf8(entry.path_bytes().into_owned());
        let name = name.map_err(|_| Broken::Damaged("an entry's name is no text"))?;
        let bytes = entry.header().entry_size().map_err(of_tar)?;
        each(&name, bytes, &mut entry)?;
    }
    let mut reader = archive.into_inner();
    if io::copy(&mut reader, &mut io::sink())? > 0 {
        return Err(Broken::Damaged("something stands behind its last entry"));
    }
    let sum = reader.sha256();
    drop(reader);
    let mut found = Vec::new();
    file.by_ref()
        .take(TAIL as u64 + 1)
        .read_to_end(&mut found)?;
    if found != tail(&sum)? {
        return Err(Broken::Damaged("its bytes are not those that were sealed"));
    }
    Ok(())
}

/// Reads an entry's bytes into `out`, and returns their SHA-256. An entry that is cut off is damaged.
pub fn take(content: &mut dyn Read, bytes: u64, out: &mut dyn Write) -> Result<String, Broken> {
    let mut content = Hashing::new(content);
    let mut left = bytes;
    let mut piece = vec![0; 64 * 1024];
    while left > 0 {
        let most = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        let count = content.read(&mut piece[..most]).map_err(of_tar)?;
        if count == 0 {
            return Err(Broken::Damaged("it is cut off"));
        }
        out.write_all(&piece[..count])?;
        left -= count as u64;
    }
    Ok(content.sha256())
}

/// The SHA-256 of a file and its size, however large it is.
pub fn sha256_of(path: &Path) -> io::Result<(String, u64)> {
    let mut file = Hashing::new(File::open(path)?);
    io::copy(&mut file, &mut io::sink())?;
    Ok((file.sha256(), file.bytes))
}

/// What the system did not say is what tar did not understand.
fn of_tar(fault: io::Error) -> Broken {
    match fault.raw_os_error() {
        Some(_) => Broken::Io(fault),
        None => Broken::Damaged("it is no tar file, or cut off"),
    }
}

fn header(name: &str, bytes: u64, at: u64) -> io::Result<Header> {
    let mut header = Header::new_gnu();
    header.set_path(name)?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(MODE);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(bytes);
    header.set_mtime(at);
    header.set_cksum();
    Ok(header)
}

/// The only ending that fits what was hashed before it.
pub fn tail(sha256: &str) -> io::Result<Vec<u8>> {
    let line = format!("{sha256}\n");
    let mut tail = header(SEAL, line.len() as u64, 0)?.as_bytes().to_vec();
    tail.extend(line.bytes());
    tail.resize(TAIL, 0);
    Ok(tail)
}

/// Zeros up to the next block.
fn padding(bytes: u64) -> Vec<u8> {
    let over = usize::try_from(bytes % BLOCK as u64).expect("it is less than a block");
    vec![0; (BLOCK - over) % BLOCK]
}

/// Counts and hashes what passes.
#[derive(Debug)]
struct Hashing<T> {
    inner: T,
    hash: Sha256,
    bytes: u64,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            bytes: 0,
        }
    }

    fn passed(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
    }

    fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.passed(&into[..count]);
        Ok(count)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(piece)?;
        self.passed(&piece[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), 1_800_000_000);
        for (name, bytes) in entries {
            writer.add(name, bytes.len() as u64, *bytes).unwrap();
        }
        writer.seal().unwrap().out
    }

    fn entries(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Broken> {
        let mut file = io::Cursor::new(bytes);
        let mut found = Vec::new();
        read(&mut file, |name, bytes, content| {
            let mut whole = Vec::new();
            take(content, bytes, &mut whole)?;
            found.push((name.to_owned(), whole));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn what_was_sealed_is_read_and_any_tar_reads_it_too() {
        let file = sealed(&[("a", b"one"), ("b/c", &[7; 512]), ("empty", b"")]);
        let found = entries(&file).unwrap();
        assert_eq!(found[0], ("a".to_owned(), b"one".to_vec()));
        assert_eq!(found[1].1.len(), 512);
        let mut plain = Archive::new(&file[..]);
        let names: Vec<_> = plain
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["a", "b/c", "empty", "seal"]);
    }

    #[test]
    fn the_sum_that_is_told_is_that_of_the_whole_file() {
        let mut writer = Writer::new(Vec::new(), 0);
        let sum = writer.add("a", 3, &b"abc and more"[..]).unwrap();
        assert_eq!(sum, crate::kit::media::sha256(b"abc"));
        let done = writer.seal().unwrap();
        assert_eq!(done.bytes, done.out.len() as u64);
        assert_eq!(done.sha256, crate::kit::media::sha256(&done.out));
    }

    #[test]
    fn every_single_bit_counts_and_so_does_every_length() {
        let file = sealed(&[("a", b"one"), ("b", b"two")]);
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(entries(&changed).is_err(), "the bit at {at}");
            assert!(entries(&file[..at]).is_err(), "cut at {at}");
        }
        let longer = [&file[..], b"\0"].concat();
        assert!(entries(&longer).is_err());
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_nothing_panics_and_nothing_passes(
            bytes in proptest::collection::vec(any::<u8>(), 0..8_000)
        ) {
            prop_assert!(entries(&bytes).is_err());
        }
    }
}
