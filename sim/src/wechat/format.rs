//! Formats of media, known by their first bytes, and how long a recording is. Pure.

use std::time::Duration;

/// What an AMR file begins with.
const AMR_MAGIC: &[u8] = b"#!AMR\n";

/// What one frame of AMR holds.
const AMR_FRAME: Duration = Duration::from_millis(20);

/// Bytes of an AMR frame by its mode: eight rates, comfort noise, six unused, nothing.
const AMR_SIZES: [usize; 16] = [13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1];

/// A format that may be uploaded, or one that only followers send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Gif,
    Amr,
    /// The 16 kHz copy of a recording.
    AmrWideband,
    Mp3,
    Mp4,
}

impl Format {
    /// The format that these bytes begin.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let known: [(&[u8], Self); 7] = [
            (b"\x89PNG\r\n\x1a\n", Self::Png),
            (b"\xff\xd8\xff", Self::Jpeg),
            (b"GIF87a", Self::Gif),
            (b"GIF89a", Self::Gif),
            (AMR_MAGIC, Self::Amr),
            (b"#!AMR-WB\n", Self::AmrWideband),
            (b"ID3", Self::Mp3),
        ];
        let found = known.iter().find(|(magic, _)| bytes.starts_with(magic));
        if let Some((_, format)) = found {
            return Some(*format);
        }
        match bytes {
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Self::Mp4),
            // Eleven bits of synchronisation, then the version, then layer III.
            [0xff, second, ..] if second & 0xe6 == 0xe2 => Some(Self::Mp3),
            _ => None,
        }
    }

    /// Its `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Amr => "audio/amr",
            Self::AmrWideband => "audio/amr-wb",
            Self::Mp3 => "audio/mpeg",
            Self::Mp4 => "video/mp4",
        }
    }

    /// How names of such files end, the usual one first.
    pub(super) fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Gif => &["gif"],
            Self::Amr | Self::AmrWideband => &["amr"],
            Self::Mp3 => &["mp3"],
            Self::Mp4 => &["mp4"],
        }
    }
}

/// How long an AMR recording plays; `None` for other bytes. A frame cut off counts whole.
pub(super) fn amr_length(bytes: &[u8]) -> Option<Duration> {
    let mut rest = bytes.strip_prefix(AMR_MAGIC)?;
    let mut length = Duration::ZERO;
    while let Some(head) = rest.first() {
        let mode = usize::from(head >> 3 & 0x0f);
        rest = rest.get(AMR_SIZES[mode]..).unwrap_or_default();
        length += AMR_FRAME;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        for (bytes, format) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some(Format::Png)),
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"GIF89a", Some(Format::Gif)),
            (b"#!AMR\n\x3c", Some(Format::Amr)),
            (b"#!AMR-WB\n", Some(Format::AmrWideband)),
            (b"\xff\xfb\x90", Some(Format::Mp3)),
            (b"\0\0\0\x18ftypmp42", Some(Format::Mp4)),
            (b"\xff\xf1\x50", None),
            (b"BM", None),
            (b"", None),
        ] {
            assert_eq!(Format::of(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn fifty_frames_of_amr_are_a_second() {
        // Mode 7, the best rate: 32 bytes a frame.
        let frame = [[0x3c].as_slice(), &[0; 31]].concat();
        let recording = [AMR_MAGIC, &frame.repeat(50)].concat();
        assert_eq!(amr_length(&recording), Some(Duration::from_secs(1)));
        let cut_off = &recording[..recording.len() - 1];
        assert_eq!(amr_length(cut_off), Some(Duration::from_secs(1)));
        assert_eq!(amr_length(b"ID3"), None);
    }
}
