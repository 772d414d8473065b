//! The forms that texts must have. Pure: text in, value or fault out; no fault repeats the text.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use regex::Regex;
use url::{Host, Url};

use crate::config::error::Fault;
use crate::config::tree::Parse;
use crate::domain::placeholder;

/// Anything.
#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every form")]
pub(super) fn text(text: &str) -> Result<String, Fault> {
    Ok(text.to_owned())
}

/// One of some words.
pub(super) fn choice<T: Clone>(words: &[(&str, T)]) -> impl Parse<T> {
    move |text: &str| {
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| value.clone()).ok_or_else(|| {
            let words: Vec<_> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            Fault::new(
                "this word is not known",
                format!("write {}", words.join(" or ")),
            )
        })
    }
}

/// Address and port to listen on.
pub(super) fn socket(text: &str) -> Result<SocketAddr, Fault> {
    let remedy = "write for example \"127.0.0.1:8080\" or \"[::]:8080\"";
    text.parse()
        .map_err(|_| Fault::new("this is no IP address with a port", remedy))
}

/// An IP address.
pub(super) fn ip(text: &str) -> Result<std::net::IpAddr, Fault> {
    text.parse()
        .map_err(|_| Fault::new("this is no IP address", "write for example \"127.0.0.1\""))
}

/// A zone of the IANA database.
pub(super) fn time_zone(text: &str) -> Result<TimeZone, Fault> {
    let remedy = "write for example \"Asia/Shanghai\" or \"UTC\"; \
                  if the name is right, install the system's tzdata";
    TimeZone::get(text).map_err(|_| {
        Fault::new(
            "this time zone is not in the system's time zone database",
            remedy,
        )
    })
}

/// What is switched on or off, for [`choice`].
pub(super) const SWITCH: [(&str, bool); 2] = [("on", true), ("off", false)];

/// The file of `sqlite:PATH`.
pub(super) fn sqlite_file(text: &str) -> Result<PathBuf, Fault> {
    let remedy = "write for example \"sqlite:data/qiao.db\" or \"sqlite:///var/lib/qiao/qiao.db\"";
    let Some(path) = text.strip_prefix("sqlite:") else {
        return Err(Fault::new("this is no SQLite URL", remedy));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    let reason = match path {
        "" => "the URL names no file",
        ":memory:" => "a database in memory would lose what was acknowledged",
        _ if path.ends_with('/') => "the URL names a folder",
        _ if path.contains('?') => "the URL has parameters, and qiao sets its own",
        _ => return Ok(PathBuf::from(path)),
    };
    Err(Fault::new(reason, remedy))
}

/// An absolute URL for HTTP.
pub(super) fn http_url(text: &str) -> Result<Url, Fault> {
    let wrong = |reason: &str| Fault::new(reason, "write for example \"https://example.com/path\"");
    let url = Url::parse(text).map_err(|_| wrong("this is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("the URL begins with neither https:// nor http://"));
    }
    if url.fragment().is_some() {
        return Err(wrong("the URL has a #fragment"));
    }
    Ok(url)
}

/// A URL to which paths are appended: no query, no credentials. Its slash at the end is taken off.
pub(super) fn base_url(text: &str) -> Result<Url, Fault> {
    let mut url = http_url(text)?;
    if url.query().is_some() {
        return Err(Fault::new("the URL has a ?query", "leave it out"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let remedy = "leave them out; credentials have their own keys";
        return Err(Fault::new("the URL holds credentials", remedy));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// A base URL of scheme and host only.
pub(super) fn host_url(text: &str) -> Result<Url, Fault> {
    let url = base_url(text)?;
    if url.path() != "/" {
        let remedy =
            "write scheme and host only, for example \"https://my000000.crm.ondemand.com\"";
        return Err(Fault::new("the URL has a path", remedy));
    }
    Ok(url)
}

/// As clients append to it: without the slash at the end.
pub(super) fn without_slash(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The warning about a URL that [`is_readable_on_the_way`].
pub(super) const READABLE_ON_THE_WAY: &str =
    "over plain http, what is sent, credentials included, can be read on the way";

/// Whether the URL sends something over plain HTTP that leaves this machine.
pub(super) fn is_readable_on_the_way(url: &Url) -> bool {
    let stays_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !stays_here
}

/// The path of an OData service; its slash at the end is taken off.
pub(super) fn service_path(text: &str) -> Result<String, Fault> {
    let path = text.trim_end_matches('/');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    if path.starts_with('/') && !path.contains("//") && path.bytes().all(plain) {
        return Ok(path.to_owned());
    }
    let remedy = "write for example \"/sap/c4c/odata/v1/c4codataapi\"";
    Err(Fault::new("this is no path of an OData service", remedy))
}

/// The name of a property or an entity set.
pub(super) fn odata_name(text: &str) -> Result<String, Fault> {
    let first = text.bytes().next();
    let begins = first.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    // 128 is what OData allows a simple identifier.
    if begins && text.len() <= 128 && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    let remedy = "write it as in the service's $metadata: letters, digits and underscores";
    Err(Fault::new(
        "this is no name of an OData property or set",
        remedy,
    ))
}

/// `wx` and 16 hex digits (wechat.md 0).
pub(super) fn app_id(text: &str) -> Result<String, Fault> {
    let digits = text.strip_prefix("wx").unwrap_or_default();
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if digits.len() == 16 && digits.bytes().all(hex) {
        return Ok(text.to_owned());
    }
    let reason = "an AppID is \"wx\" and 16 digits or letters from a to f";
    Err(Fault::new(reason, "copy it from the WeChat console"))
}

/// `gh_` and some letters and digits (wechat.md 0).
pub(super) fn original_id(text: &str) -> Result<String, Fault> {
    let rest = text.strip_prefix("gh_").unwrap_or_default();
    if (1..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    let remedy = "copy the original id from the account's settings, or leave the key out";
    Err(Fault::new(
        "an original id is \"gh_\" and letters and digits",
        remedy,
    ))
}

/// The code in the name of WeChat's file `MP_verify_CODE.txt`; a whole name is read as its code.
pub(super) fn mp_verify(text: &str) -> Result<String, Fault> {
    let code = text.strip_prefix("MP_verify_").unwrap_or(text);
    let code = code.strip_suffix(".txt").unwrap_or(code);
    if (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(code.to_owned());
    }
    let remedy =
        "write what stands between \"MP_verify_\" and \".txt\" in the name of WeChat's file";
    Err(Fault::new("this is no code of such a file", remedy))
}

/// Between 3 and 32 letters, as the console wants it (wechat.md 13, no. 8).
pub(super) fn token(text: &str) -> Result<(), Fault> {
    if (3..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = "a token is 3 to 32 letters and digits";
    Err(Fault::new(
        reason,
        "write the same here and in the WeChat console",
    ))
}

/// 43 letters of the base64 alphabet. They always decode to 32 bytes, once the two bits that are
/// left over in the last letter are ignored, as WeChat does (wechat.md 1.5).
pub(super) fn aes_key(text: &str) -> Result<(), Fault> {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    if text.len() == 43 && text.bytes().all(base64) {
        return Ok(());
    }
    let reason = "an EncodingAESKey is 43 letters and digits";
    Err(Fault::new(
        reason,
        "copy it from the WeChat console, without spaces or \"=\"",
    ))
}

/// What C4C accepts as a password (c4c.md 1.2).
pub(super) fn c4c_password(text: &str) -> Result<(), Fault> {
    static FOREIGN_LETTER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[\p{L}--\p{Latin}]").expect("the pattern is sound"));
    let remedy = "set another password in C4C and here";
    if FOREIGN_LETTER.is_match(text) {
        let reason = "the password holds a letter that is not Latin, which C4C refuses";
        return Err(Fault::new(reason, remedy));
    }
    if text.contains(['¤', '£', '€', '½', '§']) {
        let reason = "the password holds one of the signs ¤ £ € ½ §, which C4C refuses";
        return Err(Fault::new(reason, remedy));
    }
    Ok(())
}

/// A user name of Basic authentication.
pub(super) fn user_name(text: &str) -> Result<String, Fault> {
    if text.contains(':') || text.chars().any(char::is_control) {
        let reason = "a user name for Basic authentication has no colon";
        return Err(Fault::new(reason, "choose another user name"));
    }
    Ok(text.to_owned())
}

/// The last path segment of our notification endpoint.
pub(super) fn notify_key(text: &str) -> Result<(), Fault> {
    let url_safe = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if (16..=128).contains(&text.len()) && text.bytes().all(url_safe) {
        return Ok(());
    }
    let reason = "the key must be 16 to 128 letters, digits or - . _ ~, to be safe in a URL";
    Err(Fault::new(reason, "make one with: openssl rand -hex 24"))
}

/// Any secret.
#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every form")]
pub(super) fn any_secret(_: &str) -> Result<(), Fault> {
    Ok(())
}

/// A text whose placeholders are all among `known`.
pub(super) fn template(known: &[&str]) -> impl Parse<String> {
    move |text: &str| {
        let Some(unknown) = placeholder::names(text).find(|name| !known.contains(name)) else {
            return Ok(text.to_owned());
        };
        let known: Vec<_> = known.iter().map(|name| format!("{{{name}}}")).collect();
        let reason = format!("the placeholder {{{unknown}}} is not known here");
        let remedy = match known.as_slice() {
            [] => "leave it out".to_owned(),
            known => format!("use {}", known.join(" ")),
        };
        Err(Fault::new(reason, remedy))
    }
}
