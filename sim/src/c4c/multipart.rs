//! Cutting and writing the multipart bodies of `$batch` (c4c.md 1.10).

use super::error::Refusal;
use crate::wire::Request;

/// The parts of a body, each from its headers to the delimiter that ends it.
///
/// Parts are found by their boundaries alone: clients send wrong lengths and C4C takes them.
pub(super) fn parts(body: &str, boundary: &str) -> Result<Vec<Part>, Refusal> {
    let delimiter = format!("--{boundary}");
    let end = format!("{delimiter}--");
    let mut parts: Vec<Part> = Vec::new();
    let mut lines: Option<Vec<&str>> = None;
    for line in body.split('\n').map(|line| line.trim_end_matches('\r')) {
        let marker = line.trim_end();
        if marker != delimiter && marker != end {
            if let Some(lines) = &mut lines {
                lines.push(line);
            }
            continue;
        }
        if let Some(lines) = lines.take() {
            parts.push(Part::from_lines(&lines));
        }
        if marker == end {
            return Ok(parts);
        }
        lines = Some(Vec::new());
    }
    Err(Refusal::new(
        400,
        "The multipart body does not end with its boundary",
    ))
}

/// The `boundary` of a multipart content type.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let mut parameters = parameters.split(';');
    let boundary = parameters.find_map(|p| p.trim().strip_prefix("boundary="))?;
    Some(boundary.trim_matches('"'))
}

/// Headers and content of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    headers: Vec<(String, String)>,
    /// Without the line break that belongs to the next delimiter.
    pub(super) content: String,
}

impl Part {
    fn from_lines(lines: &[&str]) -> Self {
        let blank = lines.iter().position(|line| line.trim().is_empty());
        let (head, content) = lines.split_at(blank.unwrap_or(lines.len()));
        Self {
            headers: headers(head),
            content: content.get(1..).unwrap_or_default().join("\r\n"),
        }
    }

    /// Its content type.
    pub(super) fn content_type(&self) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(name, _)| name == "content-type");
        found.map_or("", |(_, value)| value)
    }

    /// The request it holds; the path is as it stands there.
    pub(super) fn request(&self) -> Result<Request, Refusal> {
        let malformed = || Refusal::new(400, "A part of the batch is no HTTP request");
        let text = self.content.trim_start();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let mut words = lines.next().ok_or_else(malformed)?.split(' ');
        let method = words.next().ok_or_else(malformed)?;
        let url = words.next().ok_or_else(malformed)?;
        // A space in the query would cut it: it must be URL-encoded.
        if words.next() != Some("HTTP/1.1") || words.next().is_some() {
            return Err(malformed());
        }
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let lines: Vec<&str> = lines.collect();
        Ok(Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers(&lines),
            body: body.trim_end().as_bytes().to_vec(),
        })
    }
}

fn headers(lines: &[&str]) -> Vec<(String, String)> {
    let pairs = lines.iter().filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_batch_is_cut_although_its_lengths_are_wrong() {
        let body = "--b\r\nContent-Type: application/http\r\n\r\n\
                    GET XCollection/?$top=3 HTTP/1.1\r\n\r\n\r\n\
                    --b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
                    --c\r\nContent-Type: application/http\r\n\r\n\
                    PATCH XCollection('1') HTTP/1.1\r\nContent-Length: 10000\r\n\r\n{\"A\":1}\r\n\
                    --c-- \r\n--b--";
        let outer = parts(body, "b").unwrap();
        let get = outer[0].request().unwrap();
        assert_eq!(
            (get.path.as_str(), get.query.as_str()),
            ("XCollection/", "$top=3")
        );
        let inner = boundary(outer[1].content_type()).unwrap();
        let changes = parts(&outer[1].content, inner).unwrap();
        let patch = changes[0].request().unwrap();
        assert_eq!(patch.method, "PATCH");
        assert_eq!(patch.body, b"{\"A\":1}");
    }

    #[test]
    fn a_body_without_its_end_and_a_query_with_spaces_are_refused() {
        assert_eq!(
            parts("--b\r\n\r\nGET X HTTP/1.1", "b").unwrap_err().status,
            400
        );
        let spaces = "--b\r\n\r\nGET X?$filter=A eq 'b' HTTP/1.1\r\n--b--";
        let part = parts(spaces, "b").unwrap().remove(0);
        assert_eq!(part.request().unwrap_err().status, 400);
    }

    #[test]
    fn the_boundary_may_be_quoted() {
        assert_eq!(boundary("multipart/mixed; boundary=\"a b\""), Some("a b"));
        assert_eq!(
            boundary("multipart/mixed;boundary=x;charset=utf-8"),
            Some("x")
        );
        assert_eq!(boundary("application/json"), None);
    }
}
