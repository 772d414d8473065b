//! What a request does: read, create, change, delete.

use jiff::Timestamp;

use super::C4c;
use super::body;
use super::customer::Customer;
use super::customers::Saved;
use super::error::{Format, Refusal};
use super::metadata;
use super::odata::Errand;
use super::query::{Options, Page, next_query};
use super::render_atom;
use super::render_json;
use super::schema::{EntityType, Service};
use super::target::Target;
use super::value::etag;
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
                self.feed(service, kind, self.customers.all(), *count, errand)
            }
            Target::Entity { kind, key } => {
                let customer = self.find(kind, key)?;
                self.entity(service, kind, customer, 200, errand)
            }
            Target::Related {
                kind,
                key,
                navigation,
                to,
                count,
            } => {
                let customer = self.find(kind, key)?;
                if navigation.many {
                    self.feed(service, to, std::iter::once(customer), *count, errand)
                } else {
                    self.entity(service, to, customer, 200, errand)
                }
            }
        }
    }

    /// POST to a set.
    pub(super) fn create(
        &mut self,
        service: &Service,
        kind: &EntityType,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        // Whatever is wrong with the answer's shape is refused before anything is created.
        check_format(errand)?;
        Options::parse(service, kind, &errand.request.query)?;
        let fields = body::created(kind, body::properties(errand.request)?)?;
        let settings = &self.settings;
        let saved = self
            .customers
            .create(fields, errand.user, errand.now, settings);
        let object_id = saved.object_id.clone();
        self.tell(Some(saved), errand.now);
        let customer = self.find(kind, &object_id)?;
        let mut response = self.entity(service, kind, customer, 201, errand)?;
        let location = view(service, kind, Options::default(), self, errand).url(customer);
        response.headers.push(("location".to_owned(), location));
        if errand.request.header("odata-no-response-payload") == Some("true") {
            response.body.clear();
        }
        Ok(response)
    }

    /// PATCH, MERGE or PUT of an entity.
    pub(super) fn change_entity(
        &mut self,
        kind: &EntityType,
        key: &str,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        let customer = self.find(kind, key)?;
        check_etag(customer, errand)?;
        let inputs = body::properties(errand.request)?;
        let fields = body::changed(kind, inputs, customer, errand.verb == "PUT")?;
        let object_id = customer.object_id.clone();
        let (user, now, settings) = (errand.user, errand.now, &self.settings);
        let saved = self
            .customers
            .change(&object_id, fields, user, now, settings);
        self.tell(saved, errand.now);
        Ok(no_content())
    }

    /// DELETE of an entity.
    pub(super) fn delete_entity(
        &mut self,
        kind: &EntityType,
        key: &str,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        let customer = self.find(kind, key)?;
        check_etag(customer, errand)?;
        let object_id = customer.object_id.clone();
        let saved = self.customers.delete(&object_id, errand.user, errand.now);
        self.tell(saved, errand.now);
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

    fn find(&self, kind: &EntityType, key: &str) -> Result<&Customer, Refusal> {
        let customer = self.customers.by_key(kind.node, key);
        let message = format!("Resource not found for {}('{key}')", kind.set);
        customer.ok_or_else(|| Refusal::new(404, &message))
    }

    fn entity(
        &self,
        service: &Service,
        kind: &EntityType,
        customer: &Customer,
        status: u16,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        check_format(errand)?;
        let options = Options::parse(service, kind, &errand.request.query)?;
        let view = view(service, kind, options, self, errand);
        let mut response = match errand.format {
            Format::Json => json(status, render_json::entity(&view, customer)),
            Format::Atom => {
                let body = render_atom::entity(&view, customer);
                answered(status, "application/atom+xml;type=entry", body)
            }
        };
        let etag = ("etag".to_owned(), View::etag(customer));
        response.headers.push(etag);
        Ok(response)
    }

    fn feed<'c>(
        &'c self,
        service: &Service,
        kind: &EntityType,
        customers: impl Iterator<Item = &'c Customer>,
        count: bool,
        errand: &Errand,
    ) -> Result<Response, Refusal> {
        check_format(errand)?;
        let options = Options::parse(service, kind, &errand.request.query)?;
        let page = options.page(customers, kind, &self.settings, errand.in_batch);
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
    tenant: &C4c,
    errand: &Errand,
) -> View<'s> {
    View {
        service,
        kind,
        root: format!("{}{}", errand.origin, service.root),
        dialect: tenant.settings.dialect,
        descriptions: errand.request.header("odata-no-codedescs") != Some("true"),
        options,
    }
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
fn check_etag(customer: &Customer, errand: &Errand) -> Result<(), Refusal> {
    match errand.request.header("if-match").map(str::trim) {
        None | Some("*") => Ok(()),
        Some(sent) if sent == etag(customer.changed_on) => Ok(()),
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
