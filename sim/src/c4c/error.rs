//! Refusals and their wire forms (c4c.md 1.8).

use serde_json::json;

use super::xml::Element;
use crate::wire::Response;

/// Why a request is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The sentence in the error body.
    pub message: String,
    /// Headers beside the content type; lower-case names.
    pub headers: Vec<(String, String)>,
}

/// Which of the two bodies a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Atom and XML, the default (c4c.md 1.4).
    Atom,
    /// JSON.
    Json,
}

impl Refusal {
    /// With that status and sentence.
    pub(super) fn new(status: u16, message: &str) -> Self {
        Self {
            status,
            message: message.to_owned(),
            headers: Vec::new(),
        }
    }

    /// The one whose wire form is known (c4c.md 1.8).
    pub(super) fn unknown_property(name: &str) -> Self {
        Self::new(400, &format!("Property '{name}' not found"))
    }

    /// With one more header.
    #[must_use]
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The answer. `code` is empty, as the only captured one was.
    pub(super) fn response(self, format: Format) -> Response {
        let (content_type, body) = match format {
            Format::Json => ("application/json; charset=utf-8", self.json()),
            Format::Atom => ("application/xml; charset=utf-8", self.xml()),
        };
        let mut headers = self.headers;
        headers.push(("content-type".to_owned(), content_type.to_owned()));
        headers.push(("dataserviceversion".to_owned(), "2.0".to_owned()));
        Response {
            status: self.status,
            headers,
            body: body.into_bytes(),
        }
    }

    fn json(&self) -> String {
        let message = json!({ "lang": "en", "value": self.message });
        json!({ "error": { "code": "", "message": message } }).to_string()
    }

    fn xml(&self) -> String {
        let message = Element::new("message")
            .attribute("xml:lang", "en")
            .text(&self.message);
        Element::new("error")
            .attribute("xmlns", super::xml::METADATA)
            .child(Element::new("code"))
            .child(message)
            .document()
    }
}

/// The page that SAP's web server, not OData, answers with: refused logons and closed paths.
pub(super) fn html_page(status: u16, title: &str) -> Response {
    let page = format!(
        "<html><head><title>{title}</title></head><body><h1>{status} {title}</h1></body></html>"
    );
    Response {
        status,
        headers: vec![(
            "content-type".to_owned(),
            "text/html; charset=utf-8".to_owned(),
        )],
        body: page.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(format: Format) -> String {
        let response = Refusal::unknown_property("A<B").response(format);
        String::from_utf8(response.body).unwrap()
    }

    #[test]
    fn the_xml_form_is_the_captured_one() {
        assert_eq!(
            body(Format::Atom),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
             <error xmlns=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">\
             <code/><message xml:lang=\"en\">Property &apos;A&lt;B&apos; not found</message></error>"
        );
    }

    #[test]
    fn the_json_form_is_the_one_of_odata_v2() {
        let json: serde_json::Value = serde_json::from_str(&body(Format::Json)).unwrap();
        assert_eq!(
            json["error"]["message"]["value"],
            "Property 'A<B' not found"
        );
        assert_eq!(json["error"]["code"], "");
    }
}
