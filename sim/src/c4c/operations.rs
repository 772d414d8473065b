//! What a request does: read, create, change, delete.

use jiff::Timestamp;

use super::C4c;
use super::body::{self, Draft};
use super::error::{Format, Refusal};
use super::metadata;
use super::odata::Errand;
use super::query::{Options, Page, next_query};
use super::render_atom;
use super::render_json;
use super::rows::Row;
use super::saved::Saved;
use super::schema::{EntityType, Service};
use super::target::Target;
use super::value::Value;
use super::view::View;
use crate::wire::Response;

impl C4c {
    /// GET of anything but a batch.
    pub(super) fn read(
        &self,
        service: &Service,
        target: &Target,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        match target {
            Target::Document => Ok(document(service, errand)),
            Target::Metadata => {
                let only = errand.request.param("$filter");
                let labels = errand.request.param("sap-label");
                let labels = labels.as_deref() == Some("true");
                let edmx = metadata::document(service, only.as_deref(), labels);
                Ok(answered(200, "application/xml; charset=utf-8", edmx))
            }
            Target::Batch => Err(Refusal::new(405, "Method GET is not allowed here")),
            Target::Feed { kind, count } => {
                let rows = |exact: Option<(&str, &str)>| self.data().all(kind.node, exact);
                self.feed(service, kind, rows, *count, errand)
            }
            Target::Entity { kind, key } => {
                let row = self.find(kind, key)?;
                self.entity(service, kind, row, 200, errand)
            }
            Target::Media { kind, key } => self.media(kind, key, errand),
            Target::Function { function, to } => {
                let found = self.call(function, errand.request)?;
                self.feed(service, to, |_| boxed(found), false, errand)
            }
            Target::Related {
                kind,
                key,
                navigation,
                to,
                count,
            } => {
                let row = self.find(kind, key)?;
                let mut related = self.data().related(row, navigation, to);
                if navigation.many {
                    return self.feed(service, to, |_| boxed(related), *count, errand);
                }
                let nothing = || Refusal::new(404, "The navigation leads nowhere");
                let row = related.pop().ok_or_else(nothing)?;
                self.entity(service, to, row, 200, errand)
            }
        }
    }

    /// POST to a set, or to a navigation of the entity with that type and key.
    pub(super) fn create(
        &mut self,
        service: &Service,
        kind: &EntityType,
        above: Option<(&EntityType, &str)>,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        // Whatever is wrong with the answer's shape is refused before anything is created.
        check_format(errand)?;
        Options::parse(service, kind, &errand.request.query)?;
        if let Some((kind, key)) = above {
            self.find(kind, key)?;
        }
        let inputs = body::properties(errand.request)?;
        let draft = body::created(service, kind, inputs)?;
        let (key, saved) = self.save_new(draft, above.map(|(_, key)| key), errand)?;
        self.tell(saved, errand.now);
        let row = self.find(kind, &key)?;
        let mut response = self.entity(service, kind, row, 201, errand)?;
        let location = view(service, kind, Options::default(), self, errand).url(row);
        response.headers.push(("location".to_owned(), location));
        if errand.request.header("odata-no-response-payload") == Some("true") {
            response.body.clear();
        }
        Ok(response)
    }

    fn save_new(
        &mut self,
        draft: Draft,
        parent: Option<&str>,
        errand: &Errand,
    ) -> Result<(String, Option<Saved>), Refusal> {
        if draft.kind.node.is_of_customer() {
            let (user, now, settings) = (errand.user, errand.now, &self.settings);
            let saved = self.customers.create(draft.fields, user, now, settings);
            return Ok((saved.object_id.clone(), Some(saved)));
        }
        let (desk, occasion) = self.desk(errand.user, errand.now);
        desk.create(&draft, parent, &occasion)
    }

    /// PATCH, MERGE or PUT of an entity.
    pub(super) fn change_entity(
        &mut self,
        kind: &EntityType,
        key: &str,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        let row = self.find(kind, key)?;
        check_etag(row, errand)?;
        let inputs = body::properties(errand.request)?;
        let fields = body::changed(kind, inputs, row, errand.verb == "PUT")?;
        let (user, now) = (errand.user, errand.now);
        let saved = match row {
            Row::Customer(customer, _) => {
                let object_id = customer.object_id.clone();
                let settings = &self.settings;
                self.customers
                    .change(&object_id, fields, user, now, settings)
            }
            Row::Object(_) => {
                let (desk, occasion) = self.desk(user, now);
                desk.change(kind.node, key, fields, &occasion)?
            }
        };
        self.tell(saved, now);
        Ok(no_content())
    }

    /// DELETE of an entity.
    pub(super) fn delete_entity(
        &mut self,
        kind: &EntityType,
        key: &str,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        let row = self.find(kind, key)?;
        check_etag(row, errand)?;
        let (user, now) = (errand.user, errand.now);
        let saved = match row {
            Row::Customer(customer, _) => {
                let object_id = customer.object_id.clone();
                self.customers.delete(&object_id, user, now)
            }
            Row::Object(_) => {
                let (desk, occasion) = self.desk(user, now);
                desk.delete(kind.node, key, &occasion)
            }
        };
        self.tell(saved, now);
        Ok(no_content())
    }

    /// Tells the subscribers of a save, whoever made it; `None` when nothing was saved. Gives
    /// whether there was one.
    pub(super) fn tell(&mut self, saved: Option<Saved>, now: Timestamp) -> bool {
        let Some(saved) = saved else {
            return false;
        };
        self.notifications.plan(&saved, &self.settings.host, now);
        true
    }

    fn find(&self, kind: &EntityType, key: &str) -> Result<Row<'_>, Refusal> {
        let message = format!("Resource not found for {}('{key}')", kind.set);
        let row = self.data().get(kind.node, key);
        row.ok_or_else(|| Refusal::new(404, &message))
    }

    fn media(&self, kind: &EntityType, key: &str, errand: &Errand) -> Result<Response, Refusal> {
        if errand.in_batch {
            // A batch is text here.
            return Err(Refusal::new(400, "Files cannot be read in a batch"));
        }
        let Row::Object(file) = self.find(kind, key)? else {
            return Err(Refusal::new(404, "There are no bytes"));
        };
        let mut response = answered(200, file.text("MimeType"), String::new());
        if let Some(Value::Bytes(bytes)) = file.field("Binary") {
            response.body = bytes.to_vec();
        }
        Ok(response)
    }

    fn entity(
        &self,
        service: &Service,
        kind: &EntityType,
        row: Row,
        status: u16,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        check_format(errand)?;
        let options = Options::parse(service, kind, &errand.request.query)?;
        let view = view(service, kind, options, self, errand);
        let mut response = match errand.format {
            Format::Json => json(status, render_json::entity(&view, row)),
            Format::Atom => {
                let body = render_atom::entity(&view, row);
                answered(status, "application/atom+xml;type=entry", body)
            }
        };
        let etag = ("etag".to_owned(), row.etag());
        response.headers.push(etag);
        Ok(response)
    }

    fn feed<'c>(
        &'c self,
        service: &Service,
        kind: &EntityType,
        rows: impl FnOnce(Option<(&str, &str)>) -> Box<dyn Iterator<Item = Row<'c>> + 'c>,
        count: bool,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        check_format(errand)?;
        let options = Options::parse(service, kind, &errand.request.query)?;
        let rows = rows(options.exact(&self.settings));
        let page = options.page(rows, &self.settings, errand.in_batch);
        if count {
            let body = page.total.to_string();
            return Ok(answered(200, "text/plain; charset=utf-8", body));
        }
        let next = next_link(service, errand, &page);
        let view = view(service, kind, options, self, errand);
        Ok(match errand.format {
            Format::Json => json(200, render_json::feed(&view, &page, next)),
            Format::Atom => {
                let body = render_atom::feed(&view, &page, next, errand.now);
                answered(200, "application/atom+xml;type=feed", body)
            }
        })
    }
}

fn view<'s>(
    service: &'s Service,
    kind: &'s EntityType,
    options: Options<'s>,
    tenant: &'s C4c,
    errand: &Errand,
) -> View<'s> {
    View {
        data: tenant.data(),
        service,
        kind,
        root: format!("{}{}", errand.origin, service.root),
        dialect: tenant.settings.dialect,
        descriptions: errand.request.header("odata-no-codedescs") != Some("true"),
        options,
    }
}

fn boxed<'c>(rows: Vec<Row<'c>>) -> Box<dyn Iterator<Item = Row<'c>> + 'c> {
    Box::new(rows.into_iter())
}

fn document(service: &Service, errand: &Errand) -> Response {
    let root = format!("{}{}", errand.origin, service.root);
    match errand.format {
        Format::Json => json(200, render_json::document(service)),
        Format::Atom => {
            let body = render_atom::document(service, &root);
            answered(200, "application/atomsvc+xml; charset=utf-8", body)
        }
    }
}

fn next_link(service: &Service, errand: &Errand, page: &Page) -> Option<String> {
    let query = next_query(&errand.request.query, page.next?);
    let (origin, root, path) = (errand.origin, service.root, errand.path);
    Some(format!("{origin}{root}{path}?{query}"))
}

/// `$format` is `json`, `atom` or `xml`.
fn check_format(errand: &Errand) -> Result<(), Refusal> {
    match errand.request.param("$format").as_deref() {
        None | Some("json" | "atom" | "xml") => Ok(()),
        Some(_) => Err(Refusal::new(415, "'$format' is 'json', 'atom' or 'xml'")),
    }
}

/// `If-Match` is optional; when it is there it must fit (c4c.md 1.9).
fn check_etag(row: Row, errand: &Errand) -> Result<(), Refusal> {
    match errand.request.header("if-match").map(str::trim) {
        None | Some("*") => Ok(()),
        Some(sent) if sent == row.etag() => Ok(()),
        Some(_) => Err(Refusal::new(412, "The entity was changed meanwhile")),
    }
}

fn json(status: u16, body: String) -> Response {
    answered(status, "application/json; charset=utf-8", body)
}

/// An answer with a body.
pub(super) fn answered(status: u16, content_type: &str, body: String) -> Response {
    Response {
        status,
        headers: vec![
            ("content-type".to_owned(), content_type.to_owned()),
            ("dataserviceversion".to_owned(), "2.0".to_owned()),
        ],
        body: body.into_bytes(),
    }
}

fn no_content() -> Response {
    Response {
        status: 204,
        headers: vec![("dataserviceversion".to_owned(), "2.0".to_owned())],
        body: Vec::new(),
    }
}
