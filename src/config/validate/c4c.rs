//! `[c4c.<tenant>]`.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::{forms, maintenance};
use crate::config::defaults;
use crate::config::error::Fault;
use crate::config::tree::{Reading, Section, all};
use crate::config::types::{Csrf, CustomService, Tenant, WechatIdField, WechatIdWrite};

/// The entry of `lookup` that stands for the configured place of the WeChat ID.
const WECHAT_ID: &str = "wechat_id";

/// What is known of a follower when their customer is created.
const PERSON: [&str; 6] = ["openid", "unionid", "name", "avatar", "scene", "campaign"];

/// What is known of a scan of a campaign's QR code.
const CAMPAIGN: [&str; 2] = ["campaign", "scene"];

pub(super) fn tenant(section: &Section<'_>) -> Reading<Tenant> {
    let url = section.required("url", forms::host_url);
    let username = section.required("username", forms::user_name);
    let password = section.required_secret("password", forms::c4c_password);
    let service = section.or("service", defaults::SERVICE, forms::service_path);
    let csrf = [("auto", Csrf::Auto), ("off", Csrf::Off)];
    let csrf = section.or("csrf", defaults::CSRF, forms::choice(&csrf));
    let max_calls = max_calls(section);
    let maintenance = section.list("maintenance", maintenance::window);
    let customer = customer(section);
    let campaign = section
        .section("campaign")
        .and_then(|s| fields(&s, &CAMPAIGN));
    let lookup = names(section, "lookup", &defaults::LOOKUP);
    let watch = names(section, "watch", &defaults::WATCH);
    let wechat_id = section.section("wechat_id").and_then(|s| wechat_id(&s));
    let words = [("off", false), ("on", true)];
    let poll_answers = section.or(
        "poll_answers",
        defaults::POLL_ANSWERS,
        forms::choice(&words),
    );
    let (notify_basic, notify_key) = notify(section)?;

    let url = url?;
    if forms::is_readable_on_the_way(&url) {
        section.warn("url", forms::READABLE_ON_THE_WAY);
    }
    let tenant = Tenant {
        url: forms::without_slash(&url),
        username: username?,
        password: password?,
        service: service?,
        csrf: csrf?,
        max_calls: max_calls?,
        maintenance: maintenance?.unwrap_or_default(),
        customer: customer?,
        campaign: campaign?,
        lookup: lookup?,
        watch: watch?,
        wechat_id: wechat_id?,
        notify_basic,
        notify_key,
        poll_answers: poll_answers?,
    };
    warn_of_useless_lookups(section, &tenant);
    Ok(tenant)
}

/// Two at least, because bulk work never takes the last one; fewer than ten, because a tenant
/// bears no more over all its interfaces (c4c.md 1.11).
fn max_calls(section: &Section<'_>) -> Reading<usize> {
    let number = section.number("max_calls")?.unwrap_or(defaults::MAX_CALLS);
    let allowed = usize::try_from(number).ok().filter(|n| (2..=9).contains(n));
    let fault = || Fault::new("the number is not between 2 and 9", "4 suits most tenants");
    allowed.ok_or_else(|| section.error("max_calls", fault()))
}

fn customer(tenant: &Section<'_>) -> Reading<BTreeMap<String, String>> {
    let section = tenant.section("customer")?;
    if !section.is_present() {
        let owned = |(field, text): (&str, &str)| (field.to_owned(), text.to_owned());
        return Ok(defaults::CUSTOMER.map(owned).into());
    }
    let fields = fields(&section, &PERSON)?;
    if fields.is_empty() {
        return Err(tenant.missing("customer"));
    }
    Ok(fields)
}

/// Fields of a customer with what they are filled with.
fn fields(section: &Section<'_>, known: &[&str]) -> Reading<BTreeMap<String, String>> {
    let read = |field: &str| {
        let name = forms::odata_name(field).map_err(|fault| section.error(field, fault));
        let text = section.or(field, "", forms::template(known));
        Ok((name?, text?))
    };
    Ok(all(section.names().map(read))?.into_iter().collect())
}

/// A list of fields that must not be empty.
fn names(section: &Section<'_>, key: &str, default: &[&str]) -> Reading<Vec<String>> {
    match section.list(key, forms::odata_name)? {
        None => Ok(default.iter().map(ToString::to_string).collect()),
        Some(names) if names.is_empty() => Err(section.missing(key)),
        Some(names) => Ok(names),
    }
}

fn wechat_id(section: &Section<'_>) -> Reading<WechatIdField> {
    if !section.is_present() {
        return Ok(default_wechat_id());
    }
    let service = section.optional("service", forms::service_path);
    let set = section.optional("set", forms::odata_name);
    let parent = section.optional("parent", forms::odata_name);
    let field = section.required("field", forms::odata_name);
    let words = [
        ("script", WechatIdWrite::Script),
        ("create", WechatIdWrite::Create),
        ("patch", WechatIdWrite::Patch),
    ];
    let write = section.required("write", forms::choice(&words));
    let service = custom_service(section, service?, set?, parent?);
    let (service, write) = (service?, write?);
    if service.is_some() && write == WechatIdWrite::Create {
        let reason = "a field of another service cannot be sent with the create of the customer";
        let fault = Fault::new(reason, "write \"script\" or \"patch\"");
        return Err(section.error("write", fault));
    }
    Ok(WechatIdField {
        service,
        field: field?,
        write,
    })
}

/// All three keys of a custom service, or none for a field of the customer itself.
fn custom_service(
    section: &Section<'_>,
    path: Option<String>,
    set: Option<String>,
    parent: Option<String>,
) -> Reading<Option<CustomService>> {
    match (path, set, parent) {
        (None, None, None) => Ok(None),
        (Some(path), Some(set), Some(parent)) => Ok(Some(CustomService { path, set, parent })),
        _ => {
            let remedy = "write all three for a custom service, none for a field of the customer";
            Err(section.error(
                "",
                Fault::new("service, set and parent belong together", remedy),
            ))
        }
    }
}

fn default_wechat_id() -> WechatIdField {
    WechatIdField {
        service: Some(CustomService {
            path: defaults::WECHAT_ID_SERVICE.to_owned(),
            set: defaults::WECHAT_ID_SET.to_owned(),
            parent: defaults::WECHAT_ID_PARENT.to_owned(),
        }),
        field: defaults::WECHAT_ID_FIELD.to_owned(),
        write: WechatIdWrite::Script,
    }
}

type Notify = (Option<(String, SecretString)>, Option<SecretString>);

/// How C4C proves to our endpoints who it is: nothing it sends is signed (c4c.md 3.1).
fn notify(section: &Section<'_>) -> Reading<Notify> {
    let username = section.optional("notify_username", forms::user_name);
    let password = section.secret("notify_password", forms::any_secret);
    let key = section.secret("notify_key", forms::notify_key);
    let basic = match (username?, password?) {
        (Some(username), Some(password)) => Some((username, password)),
        (None, None) => None,
        (Some(_), None) => return Err(section.missing("notify_password")),
        (None, Some(_)) => return Err(section.missing("notify_username")),
    };
    let key = key?;
    match (&basic, &key) {
        (None, None) => {
            let reason = "without it and without notify_key, anyone could send notifications";
            let remedy = "set notify_username and notify_password, or notify_key";
            return Err(section.error("notify_username", Fault::new(reason, remedy)));
        }
        (None, Some(_)) => {
            let warning = "without notify_username and notify_password the key alone protects \
                           the endpoint, and it stands in the access logs of every proxy";
            section.warn("notify_key", warning);
        }
        (Some(_), _) => {}
    }
    Ok((basic, key))
}

/// A look-up compares with the OpenID, so it only finds fields that are created with it.
fn warn_of_useless_lookups(section: &Section<'_>, tenant: &Tenant) {
    for field in &tenant.lookup {
        let holds_it = tenant
            .customer
            .get(field)
            .is_some_and(|text| text == "{openid}");
        if field != WECHAT_ID && !holds_it {
            let warning = format!(
                "it names {field}, but customers are not created with {field} = \"{{openid}}\", \
                 so qiao will not find its own ones by it"
            );
            section.warn("lookup", &warning);
        }
    }
}
