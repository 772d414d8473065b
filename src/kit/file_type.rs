//! What a file is, told by its first bytes and never by whoever sent it.
//!
//! A name, a header or a field says what the sender wants to be believed; a picture that is a
//! program in truth is an unknown file here. Start reading at [`FileType::of`].

/// The types that followers and agents send each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A photograph.
    Jpeg,
    /// A picture.
    Png,
    /// A picture, perhaps a moving one.
    Gif,
    /// A picture, not compressed.
    Bmp,
    /// A picture.
    Webp,
    /// A voice as WeChat records it, at 8 or 16 kHz.
    Amr,
    /// Sound.
    Mp3,
    /// Sound, not compressed.
    Wav,
    /// Sound in an Ogg container.
    Ogg,
    /// A voice in an Ogg container, coded by Speex.
    Speex,
    /// A video.
    Mp4,
    /// A document.
    Pdf,
    /// An archive.
    Zip,
    /// A document of Word.
    Docx,
    /// A table of Excel.
    Xlsx,
    /// Slides of PowerPoint.
    Pptx,
    /// Everything else.
    Unknown,
}

impl FileType {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Bmp,
        Self::Webp,
        Self::Amr,
        Self::Mp3,
        Self::Wav,
        Self::Ogg,
        Self::Speex,
        Self::Mp4,
        Self::Pdf,
        Self::Zip,
        Self::Docx,
        Self::Xlsx,
        Self::Pptx,
        Self::Unknown,
    ];

    /// The type of the file that has these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        picture(bytes)
            .or_else(|| sound(bytes))
            .or_else(|| document(bytes))
            .or_else(|| is_mp4(bytes).then_some(Self::Mp4))
            .unwrap_or(Self::Unknown)
    }

    /// Its media type: `image/jpeg` …
    pub fn mime(self) -> &'static str {
        self.mime_and_extension().0
    }

    /// The end of a file's name, without the dot: `jpg` …
    pub fn extension(self) -> &'static str {
        self.mime_and_extension().1
    }

    fn mime_and_extension(self) -> (&'static str, &'static str) {
        match self {
            Self::Jpeg => ("image/jpeg", "jpg"),
            Self::Png => ("image/png", "png"),
            Self::Gif => ("image/gif", "gif"),
            Self::Bmp => ("image/bmp", "bmp"),
            Self::Webp => ("image/webp", "webp"),
            Self::Amr => ("audio/amr", "amr"),
            Self::Mp3 => ("audio/mpeg", "mp3"),
            Self::Wav => ("audio/wav", "wav"),
            Self::Ogg => ("audio/ogg", "ogg"),
            Self::Speex => ("audio/ogg", "spx"),
            Self::Mp4 => ("video/mp4", "mp4"),
            Self::Pdf => ("application/pdf", "pdf"),
            Self::Zip => ("application/zip", "zip"),
            Self::Docx => (
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "docx",
            ),
            Self::Xlsx => (
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "xlsx",
            ),
            Self::Pptx => (
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                "pptx",
            ),
            Self::Unknown => ("application/octet-stream", "bin"),
        }
    }
}

fn picture(bytes: &[u8]) -> Option<FileType> {
    if bytes.starts_with(b"\xff\xd8\xff") {
        Some(FileType::Jpeg)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(FileType::Png)
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some(FileType::Gif)
    } else if is_riff(bytes, b"WEBP") {
        Some(FileType::Webp)
    } else {
        is_bmp(bytes).then_some(FileType::Bmp)
    }
}

fn sound(bytes: &[u8]) -> Option<FileType> {
    if bytes.starts_with(b"#!AMR") {
        Some(FileType::Amr)
    } else if bytes.starts_with(b"ID3") || is_mp3_frame(bytes) {
        Some(FileType::Mp3)
    } else if is_riff(bytes, b"WAVE") {
        Some(FileType::Wav)
    } else if bytes.starts_with(b"OggS") {
        // The first page has one segment, so its packet stands after 28 bytes.
        let is_speex = part(bytes, 28, 8) == b"Speex   ";
        Some(if is_speex {
            FileType::Speex
        } else {
            FileType::Ogg
        })
    } else {
        None
    }
}

fn document(bytes: &[u8]) -> Option<FileType> {
    if bytes.starts_with(b"%PDF-") {
        Some(FileType::Pdf)
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        Some(in_archive(bytes))
    } else {
        None
    }
}

/// How much of an archive's end is looked through: its list of names stands there, and an office
/// document has some dozens of them.
const LIST_OF_NAMES: usize = 64 * 1024;

/// An office document is an archive with names that no other has.
fn in_archive(bytes: &[u8]) -> FileType {
    let list = &bytes[bytes.len().saturating_sub(LIST_OF_NAMES)..];
    let names = |name: &[u8]| list.windows(name.len()).any(|window| window == name);
    if !names(b"[Content_Types].xml") {
        FileType::Zip
    } else if names(b"word/document.xml") {
        FileType::Docx
    } else if names(b"xl/workbook.xml") {
        FileType::Xlsx
    } else if names(b"ppt/presentation.xml") {
        FileType::Pptx
    } else {
        FileType::Zip
    }
}

/// `ftyp` also begins pictures, sounds and QuickTime films, which nothing that wants MP4 takes.
fn is_mp4(bytes: &[u8]) -> bool {
    const OTHER_BRANDS: [&[u8]; 10] = [
        b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"M4A ", b"qt  ",
    ];
    part(bytes, 4, 4) == b"ftyp" && !OTHER_BRANDS.contains(&part(bytes, 8, 4))
}

/// Two letters are no proof, so the reserved zeros and the size of the second header count too.
fn is_bmp(bytes: &[u8]) -> bool {
    const HEADER_SIZES: [&[u8]; 7] = [
        b"\x0c\0\0\0",
        b"\x28\0\0\0",
        b"\x34\0\0\0",
        b"\x38\0\0\0",
        b"\x40\0\0\0",
        b"\x6c\0\0\0",
        b"\x7c\0\0\0",
    ];
    bytes.starts_with(b"BM")
        && part(bytes, 6, 4) == b"\0\0\0\0"
        && HEADER_SIZES.contains(&part(bytes, 14, 4))
}

/// The head of a frame: eleven set bits, layer III, a bit rate and a sampling rate that exist.
fn is_mp3_frame(bytes: &[u8]) -> bool {
    let &[first, second, third, ..] = bytes else {
        return false;
    };
    let is_layer_3 = second & 0b1110_0110 == 0b1110_0010;
    let rates_exist = third >> 4 != 0b1111 && third & 0b1100 != 0b1100;
    first == 0xff && is_layer_3 && rates_exist
}

fn is_riff(bytes: &[u8], form: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && part(bytes, 8, 4) == form
}

/// `length` bytes from `start`; nothing if the file ends before.
fn part(bytes: &[u8], start: usize, length: usize) -> &[u8] {
    bytes.get(start..start + length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The beginning of a file of each type, as programs write it.
    const HEADS: [(FileType, &[u8]); 21] = [
        (FileType::Jpeg, b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
        (FileType::Png, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        (FileType::Gif, b"GIF87a\x01\0\x01\0"),
        (FileType::Gif, b"GIF89a\x01\0\x01\0"),
        (
            FileType::Bmp,
            b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0",
        ),
        (FileType::Webp, b"RIFF\x24\0\0\0WEBPVP8 "),
        (FileType::Amr, b"#!AMR\n\x3c"),
        (FileType::Amr, b"#!AMR-WB\n\x44"),
        (FileType::Mp3, b"ID3\x04\0\0"),
        (FileType::Mp3, b"\xff\xfb\x90\x64\0"),
        (FileType::Mp3, b"\xff\xf3\x48\xc4\0"),
        (FileType::Wav, b"RIFF\x24\0\0\0WAVEfmt "),
        (
            FileType::Speex,
            b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x50Speex   1.2",
        ),
        (
            FileType::Ogg,
            b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead",
        ),
        (FileType::Mp4, b"\0\0\0\x20ftypisom\0\0\x02\0"),
        (FileType::Mp4, b"\0\0\0\x18ftypmp42\0\0\0\0"),
        (FileType::Pdf, b"%PDF-1.7\n"),
        (FileType::Zip, b"PK\x03\x04\x14\0\0\0notes.txt"),
        (
            FileType::Docx,
            b"PK\x03\x04\x14\0[Content_Types].xml\0word/document.xml",
        ),
        (
            FileType::Xlsx,
            b"PK\x03\x04\x14\0[Content_Types].xml\0xl/workbook.xml",
        ),
        (
            FileType::Pptx,
            b"PK\x03\x04\x14\0[Content_Types].xml\0ppt/presentation.xml",
        ),
    ];

    #[test]
    fn every_type_is_known_by_its_first_bytes() {
        for (expected, head) in HEADS {
            assert_eq!(FileType::of(head), expected, "{head:?}");
        }
        for known in FileType::ALL {
            let is_tried = HEADS.iter().any(|(tried, _)| *tried == known);
            assert!(is_tried || known == FileType::Unknown, "{known:?}");
        }
    }

    #[test]
    fn what_only_resembles_a_type_is_unknown() {
        let strangers: [&[u8]; 11] = [
            b"",
            b"MZ\x90\0 a program, named picture.jpg",
            b"<html>RIFF</html>",
            b"{\"errcode\":40007}",
            b"BMW makes cars, and this is a text about them",
            b"\xff\xd8",
            b"\xff\xf1\x50\x80 raw AAC, whose frames begin almost like those of MP3",
            b"\xff\xfb\xf0\x64 a bit rate that does not exist",
            b"RIFF\x24\0\0\0AVI LIST",
            b"\0\0\0\x18ftypheic\0\0\0\0",
            b"\0\0\0\x14ftypqt  \0\0\0\0",
        ];
        for bytes in strangers {
            assert_eq!(FileType::of(bytes), FileType::Unknown, "{bytes:?}");
        }
    }

    #[test]
    fn the_names_at_the_end_of_a_long_archive_are_found() {
        let mut archive = b"PK\x03\x04".to_vec();
        archive.resize(1 << 20, 0);
        archive.extend_from_slice(b"[Content_Types].xml\0xl/workbook.xml");
        assert_eq!(FileType::of(&archive), FileType::Xlsx);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = FileType::of(&bytes);
        }

        #[test]
        fn no_cut_and_no_tail_make_it_panic(
            (_, head) in proptest::sample::select(&HEADS[..]),
            length in 0_usize..60,
            tail in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = FileType::of(&head[..length.min(head.len())]);
            let _ = FileType::of(&[head, &tail].concat());
        }
    }
}
