//! Backups: whatever the bytes are, reading ends, takes little memory, and what passes is what was sealed.

use std::io::Cursor;

use qiao::backup::{Manifest, read_from};
use qiao::kit::media::sha256;
use qiao::kit::sealed::{Broken, tail};

use crate::Target;
use crate::told::assert_fit;

pub(crate) const TARGET: Target = Target {
    name: "backup",
    check,
    words: &[
        "media/",
        "qiao.db",
        "manifest.json",
        "seal",
        "ustar  ",
        "0000600",
        "00000000000",
        "\u{80}\0\0\0\0\0\0",
        "{\"format\":1,",
        "\"missing_media\":[",
        "../../",
    ],
};

fn check(bytes: &[u8]) {
    // As it is, and with the seal that lets chance come further.
    let fitting = tail(&sha256(bytes)).expect("a digest fits a header");
    let sealed = [bytes, &fitting].concat();
    for file in [bytes, &sealed] {
        match read(file) {
            Ok(manifest) => assert_strict(file, &manifest),
            Err(fault) => assert_fit(&fault.to_string()),
        }
    }
}

fn read(file: &[u8]) -> Result<Manifest, Broken> {
    read_from(&mut Cursor::new(file), None)
}

/// No byte of a good one can be another, and none can be missing or too many.
fn assert_strict(file: &[u8], manifest: &Manifest) {
    assert!(manifest.media.bytes + manifest.database.bytes < file.len() as u64);
    let at = usize::try_from(manifest.database.bytes).expect("it is small") % file.len();
    let mut changed = file.to_vec();
    changed[at] ^= 1;
    assert!(read(&changed).is_err());
    assert!(read(&file[..file.len() - 1]).is_err());
    assert!(read(&[file, b"\0"].concat()).is_err());
}
