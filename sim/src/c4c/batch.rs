//! `$batch`: reads one by one, change sets as a whole (c4c.md 1.10).

use super::C4c;
use super::calls::Call;
use super::error::Refusal;
use super::multipart::{self, Part};
use super::odata::{Errand, format_of, verb_of};
use super::operations::answered;
use super::schema::Service;
use super::target::percent_decoded;
use crate::wire::{Request, Response};

/// Boundaries of the guide's samples.
const OUTER: &str = "ejjeeffe0";
const INNER: &str = "ejjeeffe1";

/// One piece of a batch.
enum Piece {
    Read(Request),
    ChangeSet(Vec<Request>),
}

impl C4c {
    /// Carries out a whole batch; its own status is 202 however its parts end. A malformed one is
    /// refused before any part is carried out.
    pub(super) fn batch(
        &mut self,
        service: &Service,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        let mut answer = String::new();
        for piece in pieces(errand.request)? {
            let part = match piece {
                Piece::Read(request) => http_part(&self.part(service, &request, errand)),
                Piece::ChangeSet(changes) => self.change_set(service, &changes, errand),
            };
            answer.extend(["--", OUTER, "\r\n", &part, "\r\n"]);
        }
        answer.extend(["--", OUTER, "--\r\n"]);
        let content_type = format!("multipart/mixed; boundary={OUTER}");
        Ok(answered(202, &content_type, answer))
    }

    /// All changes, or none and the error of the first that fails.
    fn change_set(&mut self, service: &Service, changes: &[Request], errand: &Errand) -> String {
        let before = (
            self.customers.clone(),
            self.desk.clone(),
            self.notifications.clone(),
        );
        let mut answers = String::new();
        for change in changes {
            let response = self.part(service, change, errand);
            let part = http_part(&response);
            if response.status >= 400 {
                (self.customers, self.desk, self.notifications) = before;
                return part;
            }
            answers.extend(["--", INNER, "\r\n", &part, "\r\n"]);
        }
        answers.extend(["--", INNER, "--\r\n"]);
        // The guide's samples pad the number to nine places.
        let length = answers.len();
        format!(
            "Content-Type: multipart/mixed; boundary={INNER}\r\n\
             Content-Length: {length:>9}\r\n\r\n{answers}"
        )
    }

    fn part(&mut self, service: &Service, request: &Request, errand: &Errand) -> Response {
        let format = format_of(request);
        let inner = Errand {
            request,
            verb: verb_of(request),
            path: &request.path,
            format,
            in_batch: true,
            ..*errand
        };
        let response = self
            .carry_out(service, &inner)
            .unwrap_or_else(|refusal| refusal.response(format));
        self.calls.record(Call {
            at: errand.now,
            method: request.method.clone(),
            path: format!("{}{}", service.root, percent_decoded(&request.path)),
            status: Some(response.status),
            in_batch: true,
            traceparent: None,
        });
        response
    }
}

fn pieces(batch: &Request) -> Result<Vec<Piece>, Refusal> {
    let refused = |message: &str| Refusal::new(400, message);
    let content_type = batch.header("content-type").unwrap_or_default();
    let boundary = multipart::boundary(content_type)
        .ok_or_else(|| refused("A batch is multipart/mixed with a boundary"))?;
    let body = std::str::from_utf8(&batch.body).map_err(|_| refused("A batch is UTF-8"))?;
    let parts = multipart::parts(body, boundary)?;
    let pieces = parts.iter().map(|part| {
        let Some(inner) = multipart::boundary(part.content_type()) else {
            let request = part.request()?;
            return match request.method.as_str() {
                "GET" => Ok(Piece::Read(request)),
                _ => Err(refused("Changes belong into a change set")),
            };
        };
        let changes = multipart::parts(&part.content, inner)?;
        let changes: Result<Vec<Request>, _> = changes.iter().map(Part::request).collect();
        let changes = changes?;
        if changes.iter().any(|change| change.method == "GET") {
            return Err(refused("A change set holds no reads"));
        }
        Ok(Piece::ChangeSet(changes))
    });
    pieces.collect()
}

/// A response as a part: its length counts the status line, the headers, the blank line and the
/// body (c4c.md 1.10).
fn http_part(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    let status = response.status;
    let mut lines = vec![format!("HTTP/1.1 {status} {}", reason(status))];
    if status == 204 {
        // As captured, although there is no content.
        lines.push("Content-Type: text/html".to_owned());
    }
    let headers = response.headers.iter();
    lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
    lines.push(format!("Content-Length: {}", body.len()));
    let http = format!("{}\r\n\r\n{body}", lines.join("\r\n"));
    format!(
        "Content-Type: application/http\r\nContent-Length: {}\r\n\
         Content-Transfer-Encoding: binary\r\n\r\n{http}",
        http.len()
    )
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        412 => "Precondition Failed",
        415 => "Unsupported Media Type",
        _ => "Error",
    }
}
