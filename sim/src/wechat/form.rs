//! The multipart form of an upload, read strictly (`wechat.md` 6).
//!
//! A part is found by its boundary alone, and its bytes are taken as they are. Names in the
//! newer form `filename*=` are not understood, as WeChat does not understand them.

use crate::wire::Request;

/// One field of a form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) bytes: &'a [u8],
}

/// The fields of a request's form; `None` unless it is a whole and well-formed one.
pub(super) fn parts(request: &Request) -> Option<Vec<Part<'_>>> {
    let content_type = request.header("content-type")?;
    cut(&request.body, &boundary(content_type)?)
}

/// The `boundary` of a content type.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())
}

/// A parameter of a header, with or without quotes.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        let key = key.trim_matches([' ', ';', '\t']);
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = after;
    }
}

fn cut<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line break before it.
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    let mut parts = Vec::new();
    loop {
        if matches!(rest, b"--" | b"--\r\n") {
            return Some(parts);
        }
        let part = rest.strip_prefix(b"\r\n")?;
        let end = find(part, delimiter.as_bytes())?;
        parts.push(part_of(&part[..end])?);
        rest = &part[end + delimiter.len()..];
    }
}

fn part_of(part: &[u8]) -> Option<Part<'_>> {
    const BLANK: &[u8] = b"\r\n\r\n";
    let end = find(part, BLANK)?;
    let head = str::from_utf8(&part[..end]).ok()?;
    let header = |name: &str| {
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition")?;
    let (kind, parameters) = disposition.split_once(';')?;
    if kind.trim() != "form-data" {
        return None;
    }
    Some(Part {
        name: parameter(parameters, "name")?,
        filename: parameter(parameters, "filename"),
        content_type: header("content-type").map(str::to_owned),
        bytes: &part[end + BLANK.len()..],
    })
}

fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    text.windows(piece.len()).position(|window| window == piece)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, RngExt, SeedableRng};

    use super::*;

    const HEAD: &str = "Content-Disposition: form-data; name=\"media\"; filename=\"a; b.jpg\"\r\n\
                        Content-Type: image/jpeg\r\n\r\n";

    fn body(bytes: &[u8]) -> Vec<u8> {
        [b"--b\r\n", HEAD.as_bytes(), bytes, b"\r\n--b--\r\n"].concat()
    }

    #[test]
    fn any_bytes_without_the_boundary_come_through_unchanged() {
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..200 {
            let mut bytes = vec![0; rng.random_range(0..300)];
            rng.fill_bytes(&mut bytes);
            let whole = body(&bytes);
            let part = Part {
                name: "media".to_owned(),
                filename: Some("a; b.jpg".to_owned()),
                content_type: Some("image/jpeg".to_owned()),
                bytes: &bytes,
            };
            assert_eq!(cut(&whole, "b"), Some(vec![part]));
        }
    }

    #[test]
    fn no_body_that_is_cut_off_or_spoiled_is_taken_for_a_whole_one() {
        let whole = body(b"bytes\r\n--not the end");
        // The line break at the very end may be missing.
        for length in 0..whole.len() - 2 {
            assert_eq!(cut(&whole[..length], "b"), None, "{length}");
        }
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..500 {
            let mut spoilt = whole.clone();
            let at = rng.random_range(0..spoilt.len());
            spoilt[at] = rng.random();
            // It may still be a form; it must not panic.
            let _ = cut(&spoilt, "b");
        }
    }

    #[test]
    fn a_name_in_the_newer_form_is_no_name() {
        let part = b"Content-Disposition: form-data; name=\"media\"; filename*=utf-8''%E6%A1%A5.jpg\r\n\r\nx";
        assert_eq!(part_of(part).unwrap().filename, None);
    }

    #[test]
    fn the_boundary_may_be_quoted_and_the_type_must_be_right() {
        let of = |text| boundary(text);
        assert_eq!(
            of("multipart/form-data; boundary=\"a b\"").as_deref(),
            Some("a b")
        );
        assert_eq!(
            of("multipart/form-data;charset=utf-8; boundary=x").as_deref(),
            Some("x")
        );
        assert_eq!(of("multipart/mixed; boundary=x"), None);
        assert_eq!(of("multipart/form-data; boundary="), None);
        assert_eq!(of("multipart/form-data"), None);
    }
}
