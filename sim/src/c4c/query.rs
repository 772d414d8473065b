//! Query options of a read, and the page they cut out (c4c.md 1.11).

use std::cmp::Ordering;

use super::error::Refusal;
use super::filter::Filter;
use super::rows::Row;
use super::schema::{EntityType, Navigation, Property, Service};
use super::settings::Settings;

/// The options of one read, checked against the entity type.
#[derive(Debug, Default)]
pub(super) struct Options<'s> {
    filter: Option<Filter<'s>>,
    /// Properties, and whether they descend.
    order: Vec<(&'s Property, bool)>,
    /// Properties to show; `None` for all.
    pub(super) select: Option<Vec<&'s str>>,
    /// Navigations to follow, and where they lead.
    pub(super) expand: Vec<(&'s Navigation, &'s EntityType)>,
    top: Option<usize>,
    skip: usize,
    /// Position of the page's first entry, counted from 1, after `$skip`.
    skip_token: usize,
    /// `$inlinecount=allpages`.
    pub(super) inline_count: bool,
}

/// The entries of one page.
#[derive(Debug)]
pub(super) struct Page<'c> {
    /// In order.
    pub(super) rows: Vec<Row<'c>>,
    /// How many pass the filter, on all pages.
    pub(super) total: usize,
    /// The `$skiptoken` of the next page.
    pub(super) next: Option<usize>,
}

impl<'s> Options<'s> {
    /// Reads the query. Options without `$` are ignored, unknown ones with it refused.
    pub(super) fn parse(
        service: &'s Service,
        kind: &'s EntityType,
        query: &str,
    ) -> Result<Self, Refusal> {
        let mut options = Self {
            skip_token: 1,
            ..Self::default()
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "$filter" => options.filter = Some(Filter::parse(&value, kind)?),
                "$orderby" => options.order = order(&value, kind)?,
                "$select" => options.select = select(&value, kind)?,
                "$expand" => options.expand = expand(&value, service, kind)?,
                "$top" => options.top = Some(number(&name, &value)?),
                "$skip" => options.skip = number(&name, &value)?,
                "$skiptoken" => options.skip_token = number(&name, &value)?.max(1),
                "$inlinecount" => options.inline_count = inline_count(&value)?,
                // Read by content negotiation.
                "$format" => {}
                other if other.starts_with('$') => {
                    let message = format!("Query option '{other}' is not supported");
                    return Err(Refusal::new(400, &message));
                }
                _ => {}
            }
        }
        Ok(options)
    }

    /// A text that a property must equal, case and all, for an entity to pass.
    pub(super) fn exact(&self, settings: &Settings) -> Option<(&str, &str)> {
        self.filter.as_ref()?.exact(settings.ignore_case)
    }

    /// Filters, orders and cuts. In a batch `$top` may exceed the page.
    pub(super) fn page<'c>(
        &self,
        rows: impl Iterator<Item = Row<'c>>,
        settings: &Settings,
        in_batch: bool,
    ) -> Page<'c> {
        let mut rows: Vec<Row> = rows
            .filter(|row| {
                let filter = self.filter.as_ref();
                filter.is_none_or(|f| f.matches(settings.ignore_case, &|p| row.value(p)))
            })
            .collect();
        let total = rows.len();
        rows.sort_by(|a, b| {
            let compared = self.order.iter().map(|(property, descending)| {
                let (a, b) = (a.value(property), b.value(property));
                let ordering = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
                if *descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            });
            compared.fold(Ordering::Equal, Ordering::then)
        });
        let window = total
            .saturating_sub(self.skip)
            .min(self.top.unwrap_or(usize::MAX));
        let done = (self.skip_token - 1).min(window);
        let size = self.page_size(settings, in_batch).min(window - done);
        let start = self.skip.min(total) + done;
        let more = done + size < window;
        Page {
            rows: rows.get(start..start + size).unwrap_or_default().to_vec(),
            total,
            next: more.then_some(self.skip_token + size),
        }
    }

    fn page_size(&self, settings: &Settings, in_batch: bool) -> usize {
        if !self.expand.is_empty() {
            return settings.page_with_expand;
        }
        match self.top {
            Some(top) if in_batch || settings.large_top => top.max(settings.page),
            _ => settings.page,
        }
    }
}

/// The query of the next page: the same one with another `$skiptoken`.
pub(super) fn next_query(query: &str, token: usize) -> String {
    let is_token =
        |option: &&str| option.starts_with("$skiptoken=") || option.starts_with("%24skiptoken=");
    let mut options: Vec<&str> = query
        .split('&')
        .filter(|o| !o.is_empty() && !is_token(o))
        .collect();
    let token = format!("$skiptoken={token}");
    options.push(&token);
    options.join("&")
}

fn number(name: &str, value: &str) -> Result<usize, Refusal> {
    let message = format!("'{name}' must be a number that is not negative");
    value.parse().map_err(|_| Refusal::new(400, &message))
}

fn inline_count(value: &str) -> Result<bool, Refusal> {
    match value {
        "allpages" => Ok(true),
        "none" => Ok(false),
        _ => Err(Refusal::new(400, "'$inlinecount' is 'allpages' or 'none'")),
    }
}

fn order<'s>(value: &str, kind: &'s EntityType) -> Result<Vec<(&'s Property, bool)>, Refusal> {
    let keys = value.split(',').map(|key| {
        let (name, direction) = match key.trim().split_once(' ') {
            Some((name, direction)) => (name, direction.trim()),
            None => (key.trim(), "asc"),
        };
        let property = kind
            .property(name)
            .ok_or_else(|| Refusal::unknown_property(name))?;
        match direction {
            "asc" => Ok((property, false)),
            "desc" => Ok((property, true)),
            _ => Err(Refusal::new(400, "'$orderby' descends with 'desc' only")),
        }
    });
    keys.collect()
}

fn select<'s>(value: &str, kind: &'s EntityType) -> Result<Option<Vec<&'s str>>, Refusal> {
    if value.split(',').any(|name| name.trim() == "*") {
        return Ok(None);
    }
    let names = value.split(',').map(|name| {
        let name = name.trim();
        let property = kind.property(name).map(|p| p.name.as_str());
        let navigation = kind.navigation(name).map(|n| n.name);
        property
            .or(navigation)
            .ok_or_else(|| Refusal::unknown_property(name))
    });
    names.collect::<Result<_, _>>().map(Some)
}

fn expand<'s>(
    value: &str,
    service: &'s Service,
    kind: &'s EntityType,
) -> Result<Vec<(&'s Navigation, &'s EntityType)>, Refusal> {
    let navigations = value.split(',').map(|name| {
        let navigation = kind.navigation(name.trim());
        let navigation = navigation.ok_or_else(|| Refusal::unknown_property(name.trim()))?;
        let to = service.entity_type(navigation.to);
        let to = to.ok_or_else(|| Refusal::unknown_property(navigation.to))?;
        Ok((navigation, to))
    });
    navigations.collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::customers::Customers;
    use super::super::schema::{CURRENT, Node, Schema};
    use super::super::value::Value;
    use super::*;

    fn settings() -> Settings {
        Settings {
            page: 3,
            page_with_expand: 2,
            ..Settings::default()
        }
    }

    /// Seven customers named `a` to `g`; the page as their names, the total and the next token.
    fn asked_in(query: &str, in_batch: bool) -> Result<(String, usize, Option<usize>), Refusal> {
        let mut customers = Customers::default();
        for name in ["a", "b", "c", "d", "e", "f", "g"] {
            let fields = vec![("LastName".to_owned(), Value::text(name))];
            let now = Timestamp::UNIX_EPOCH;
            customers.create(fields, "QIAO", now, &settings());
        }
        let schema = Schema::new(&settings());
        let (service, _) = schema.locate(CURRENT).unwrap();
        let kind = service.set("IndividualCustomerCollection").unwrap();
        let options = Options::parse(service, kind, query)?;
        let rows = customers.all().map(|c| Row::Customer(c, Node::Root));
        let page = options.page(rows, &settings(), in_batch);
        let last_name = kind.property("LastName").unwrap();
        let names = page.rows.iter().map(|row| row.value(last_name));
        let names: Vec<String> = names.map(|name| name.as_text().to_owned()).collect();
        Ok((names.concat(), page.total, page.next))
    }

    fn asked(query: &str) -> (String, usize, Option<usize>) {
        asked_in(query, false).unwrap()
    }

    #[test]
    fn a_feed_is_cut_into_pages_that_the_token_continues() {
        assert_eq!(asked(""), ("abc".to_owned(), 7, Some(4)));
        assert_eq!(asked("$skiptoken=4"), ("def".to_owned(), 7, Some(7)));
        assert_eq!(asked("$skiptoken=7"), ("g".to_owned(), 7, None));
        assert_eq!(asked("$skiptoken=99"), (String::new(), 7, None));
    }

    #[test]
    fn top_and_skip_cut_before_the_pages() {
        assert_eq!(asked("$top=2"), ("ab".to_owned(), 7, None));
        assert_eq!(asked("$skip=5"), ("fg".to_owned(), 7, None));
        assert_eq!(asked("$top=5&$skip=1"), ("bcd".to_owned(), 7, Some(4)));
        assert_eq!(
            asked("$top=5&$skip=1&$skiptoken=4"),
            ("ef".to_owned(), 7, None)
        );
        assert_eq!(asked("$top=0"), (String::new(), 7, None));
        assert_eq!(asked("$skip=9"), (String::new(), 7, None));
    }

    #[test]
    fn a_large_top_is_honoured_in_a_batch() {
        let page = asked_in("$top=5", true).unwrap();
        assert_eq!(page, ("abcde".to_owned(), 7, None));
    }

    #[test]
    fn expanding_makes_pages_shorter() {
        let page = asked("$expand=IndividualCustomerAddress");
        assert_eq!(page, ("ab".to_owned(), 7, Some(3)));
    }

    #[test]
    fn entries_are_ordered_and_filtered() {
        assert_eq!(asked("$orderby=LastName desc&$top=2").0, "gf");
        assert_eq!(asked("$filter=LastName ge 'f'"), ("fg".to_owned(), 2, None));
        assert_eq!(asked("$orderby=FirstName,CustomerID%20desc&$top=1").0, "g");
    }

    #[test]
    fn nonsense_is_refused() {
        for query in [
            "$top=-1",
            "$skip=x",
            "$inlinecount=some",
            "$orderby=ABC",
            "$orderby=LastName down",
            "$select=ABC",
            "$expand=ABC",
            "$search=Mus*",
            "$apply=x",
        ] {
            assert_eq!(asked_in(query, false).unwrap_err().status, 400, "{query}");
        }
    }

    #[test]
    fn the_next_link_keeps_the_other_options() {
        assert_eq!(
            next_query("$top=5&%24skiptoken=4", 7),
            "$top=5&$skiptoken=7"
        );
        assert_eq!(next_query("", 4), "$skiptoken=4");
    }
}
