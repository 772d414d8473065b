//! `$batch`: reads one by one, change sets as a whole (c4c.md 1.10).

use super::C4c;
use super::calls::Call;
use super::error::Refusal;
use super::multipart::{self, Part};
use super::odata::{Errand, format_of, verb_of};
use super::schema::Service;
use super::target::percent_decoded;
use crate::wire::{Request, Response};

/// Boundaries of the guide's samples.
const OUTER: &str = "ejjeeffe0";
const INNER: &str = "ejjeeffe1";

impl C4c {
    /// Carries out a whole batch; its own status is 202 however its parts end.
    pub(super) fn batch(
        &mut self,
        service: &Service,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        let content_type = errand.request.header("content-type").unwrap_or_default();
        let boundary = multipart::boundary(content_type)
            .ok_or_else(|| Refusal::new(400, "A batch is multipart/mixed with a boundary"))?;
        let body = std::str::from_utf8(&errand.request.body)
            .map_err(|_| Refusal::new(400, "A batch is UTF-8"))?;
        let mut pieces = Vec::new();
        for part in multipart::parts(body, boundary)? {
            let piece = match multipart::boundary(part.content_type()) {
                Some(inner) => self.change_set(service, &part, inner, errand)?,
                None => self.lone_read(service, &part, errand)?,
            };
            pieces.push(format!("--{OUTER}\r\n{piece}\r\n"));
        }
        let answer = format!("{}--{OUTER}--\r\n", pieces.concat());
        let content_type = format!("multipart/mixed; boundary={OUTER}");
        Ok(super::operations::answered(202, &content_type, answer))
    }

    fn lone_read(
        &mut self,
        service: &Service,
        part: &Part,
        errand: &Errand,
    ) -> Result<String, Refusal> {
        let request = part.request()?;
        if request.method != "GET" {
            return Err(Refusal::new(400, "Changes belong into a change set"));
        }
        Ok(http_part(&self.part(service, &request, errand)))
    }

    /// All changes, or none and the error of the first that fails.
    fn change_set(
        &mut self,
        service: &Service,
        part: &Part,
        boundary: &str,
        errand: &Errand,
    ) -> Result<String, Refusal> {
        let before = (self.customers.clone(), self.notifications.clone());
        let mut answers = Vec::new();
        for change in multipart::parts(&part.content, boundary)? {
            let request = change.request()?;
            if request.method == "GET" {
                return Err(Refusal::new(400, "A change set holds no reads"));
            }
            let response = self.part(service, &request, errand);
            if response.status >= 400 {
                (self.customers, self.notifications) = before;
                return Ok(http_part(&response));
            }
            answers.push(format!("--{INNER}\r\n{}\r\n", http_part(&response)));
        }
        let answers = format!("{}--{INNER}--\r\n", answers.concat());
        // The guide's samples pad the number to nine places.
        let length = answers.len();
        Ok(format!(
            "Content-Type: multipart/mixed; boundary={INNER}\r\n\
             Content-Length: {length:>9}\r\n\r\n{answers}"
        ))
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
        });
        response
    }
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
