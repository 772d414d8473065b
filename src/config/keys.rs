//! Every key there is. What is not listed here is refused, and the nearest listed key is named.
//!
//! A key is read in `validate/`, explained in `config.example.toml` and listed here; tests hold
//! the three together.

use toml::{Table, Value};

use super::error::{ConfigError, Fault};
use super::pages::is_page_name;
use crate::domain::ids::is_config_id;

/// The keys as patterns: `<id>` stands for an id that the operator chose, `<page>`
/// for the name of a page, `*` for a name that is
/// not Qiao's to judge, `[]` for the entries of a list of tables.
pub(super) const KEYS: &[&str] = &[
    "server.listen",
    "server.admin_listen",
    "server.public_url",
    "server.trusted_proxies",
    "server.time_zone",
    "database.url",
    "database.litestream",
    "backup.folder",
    "backup.keep",
    "outbound.proxy",
    "outbound.no_proxy",
    "outbound.ca_file",
    "jobs.<id>.schedule",
    "jobs.<id>.zone",
    "retention.messages",
    "retention.locations",
    "retention.inbox",
    "retention.attempts",
    "retention.findings",
    "retention.job_runs",
    "wechat.<id>.app_id",
    "wechat.<id>.app_secret",
    "wechat.<id>.original_id",
    "wechat.<id>.mp_verify",
    "wechat.<id>.token",
    "wechat.<id>.encoding_aes_key",
    "wechat.<id>.access_token",
    "wechat.<id>.api_url",
    "wechat.<id>.oauth_url",
    "wechat.<id>.jssdk_url",
    "wechat.<id>.tenant",
    "wechat.<id>.on_unfollow",
    "wechat.<id>.existing_followers",
    "wechat.<id>.migrated_from",
    "wechat.<id>.uncertain_send",
    "wechat.<id>.menu",
    "wechat.<id>.keep_menu",
    "wechat.<id>.location_events",
    "wechat.<id>.location_event_coordinates",
    "wechat.<id>.answer_hook",
    "wechat.<id>.conversation.into_c4c",
    "wechat.<id>.conversation.channel_id",
    "wechat.<id>.conversation.channel_code",
    "wechat.<id>.conversation.ticket.*",
    "wechat.<id>.conversation.idle_minutes",
    "wechat.<id>.conversation.max_hours",
    "wechat.<id>.conversation.max_messages",
    "wechat.<id>.conversation.end_words",
    "wechat.<id>.conversation.outside_window",
    "wechat.<id>.conversation.delivery_notes",
    "wechat.<id>.conversation.reply_files",
    "wechat.<id>.conversation.typing",
    "wechat.<id>.conversation.reply_note",
    "wechat.<id>.conversation.agent_field",
    "wechat.<id>.texts.welcome",
    "wechat.<id>.texts.customer_created",
    "wechat.<id>.texts.customer_changed",
    "wechat.<id>.texts.customer_changed_unknown",
    "wechat.<id>.texts.no_history",
    "wechat.<id>.texts.history_deleted",
    "wechat.<id>.texts.file_named",
    "wechat.<id>.texts.not_bound",
    "wechat.<id>.texts.nearest_branch",
    "wechat.<id>.texts.branches",
    "wechat.<id>.texts.bind_expired",
    "wechat.<id>.texts.bind_used",
    "wechat.<id>.texts.bind_unclear",
    "wechat.<id>.texts.bind_failed",
    "wechat.<id>.templates.<id>.template_id",
    "wechat.<id>.templates.<id>.url",
    "wechat.<id>.templates.<id>.data.*",
    "wechat.<id>.rules.[].when.text",
    "wechat.<id>.rules.[].when.regex",
    "wechat.<id>.rules.[].when.click",
    "wechat.<id>.rules.[].when.event",
    "wechat.<id>.rules.[].when.message",
    "wechat.<id>.rules.[].then.text",
    "wechat.<id>.rules.[].then.news.title",
    "wechat.<id>.rules.[].then.news.description",
    "wechat.<id>.rules.[].then.news.pic_url",
    "wechat.<id>.rules.[].then.news.url",
    "wechat.<id>.rules.[].then.hook",
    "wechat.<id>.rules.[].then.action",
    "wechat.<id>.rules.[].then.page",
    "wechat.<id>.rules.[].then.title",
    "wechat.<id>.rules.[].then.description",
    "wechat.<id>.rules.[].then.pic_url",
    "c4c.<id>.url",
    "c4c.<id>.username",
    "c4c.<id>.password",
    "c4c.<id>.service",
    "c4c.<id>.csrf",
    "c4c.<id>.max_calls",
    "c4c.<id>.maintenance",
    "c4c.<id>.customer.*",
    "c4c.<id>.campaign.*",
    "c4c.<id>.lookup",
    "c4c.<id>.watch",
    "c4c.<id>.wechat_id.service",
    "c4c.<id>.wechat_id.set",
    "c4c.<id>.wechat_id.parent",
    "c4c.<id>.wechat_id.field",
    "c4c.<id>.wechat_id.write",
    "c4c.<id>.notify_username",
    "c4c.<id>.notify_password",
    "c4c.<id>.notify_key",
    "c4c.<id>.poll_answers",
    "reconcile.max_repairs",
    "app.map.account",
    "app.map.tiles",
    "app.map.tiles_coordinates",
    "app.map.tiles_credit",
    "app.map.coordinates",
    "app.map.branches.[].name",
    "app.map.branches.[].address",
    "app.map.branches.[].phone",
    "app.map.branches.[].latitude",
    "app.map.branches.[].longitude",
    "app.session_hours",
    "app.frame_ancestors",
    "app.pages.<page>.folder",
    "app.pages.<page>.account",
    "app.pages.<page>.scope",
];

/// How a path stands to the known keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is this key.
    Key(&'static str),
    /// Known keys lie below it.
    Table,
    /// Neither.
    Unknown,
}

/// Looks a path of the configuration up.
pub(super) fn place(path: &[&str]) -> Place {
    place_in(KEYS, path)
}

fn place_in(keys: &[&'static str], path: &[&str]) -> Place {
    let mut place = Place::Unknown;
    for key in keys {
        let pattern: Vec<&str> = key.split('.').collect();
        if fits(&pattern, path) {
            return Place::Key(key);
        }
        if pattern.get(..path.len()).is_some_and(|p| fits(p, path)) {
            place = Place::Table;
        }
    }
    place
}

fn fits(pattern: &[&str], path: &[&str]) -> bool {
    let segment_fits = |(segment, name): (&&str, &&str)| match *segment {
        "*" => true,
        "<id>" => is_config_id(name),
        "<page>" => is_page_name(name),
        literal => literal == *name,
    };
    pattern.len() == path.len() && pattern.iter().zip(path).all(segment_fits)
}

fn is_wildcard(segment: &str) -> bool {
    matches!(segment, "*" | "<id>" | "<page>" | "[]")
}

/// One error for each key of the configuration that nobody would read.
pub(super) fn unknown_keys(tree: &Table) -> Vec<ConfigError> {
    unknown_keys_of(KEYS, tree)
}

/// The same for a file of its own with these keys.
pub(super) fn unknown_keys_of(keys: &[&'static str], tree: &Table) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    walk_table(keys, tree, &[], "", &mut errors);
    errors
}

/// `path` is matched against the patterns, `shown` is what the reader of an error sees.
fn walk_table(
    keys: &[&'static str],
    table: &Table,
    path: &[&str],
    shown: &str,
    errors: &mut Vec<ConfigError>,
) {
    for (name, value) in table {
        let path = [path, &[name]].concat();
        let dot = if shown.is_empty() { "" } else { "." };
        let shown = format!("{shown}{dot}{name}");
        match place_in(keys, &path) {
            Place::Key(_) => {}
            Place::Table => walk_value(keys, value, &path, &shown, errors),
            Place::Unknown => errors.push(unknown_in(keys, &path).at(shown)),
        }
    }
}

/// A value of the wrong kind is passed over: its reader complains about it.
fn walk_value(
    keys: &[&'static str],
    value: &Value,
    path: &[&str],
    shown: &str,
    errors: &mut Vec<ConfigError>,
) {
    let entry = [path, &["[]"]].concat();
    match value {
        Value::Table(table) => walk_table(keys, table, path, shown, errors),
        Value::Array(entries) if place_in(keys, &entry) == Place::Table => {
            for (index, value) in entries.iter().enumerate() {
                walk_value(keys, value, &entry, &format!("{shown}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

/// The fault of a path of the configuration that no pattern fits.
pub(super) fn unknown(path: &[&str]) -> Fault {
    unknown_in(KEYS, path)
}

fn unknown_in(keys: &[&'static str], path: &[&str]) -> Fault {
    let (last, parent) = path.split_last().expect("a path has a segment");
    if place_in(keys, &[parent, &["id"]].concat()) != Place::Unknown {
        return Fault::new(
            "this id cannot be used",
            "write 1 to 32 lower-case letters, digits and underscores",
        );
    }
    Fault::new(
        "there is no such key",
        format!("the nearest known one is {}", nearest(keys, last, parent)),
    )
}

/// The most similar name; one in the same table is preferred to an equally similar one elsewhere.
fn nearest(keys: &[&'static str], name: &str, parent: &[&str]) -> String {
    const SAME_TABLE: f64 = 0.2;
    let score = |known: &[&str]| {
        let (last, above) = known.split_last().expect("a pattern has a segment");
        let bonus = if fits(above, parent) { SAME_TABLE } else { 0.0 };
        strsim::jaro_winkler(last, name) + bonus
    };
    let patterns: Vec<Vec<&str>> = keys.iter().map(|k| k.split('.').collect()).collect();
    let best = patterns
        .iter()
        .flat_map(|pattern| (1..=pattern.len()).map(|length| &pattern[..length]))
        .filter(|known| known.last().is_some_and(|l| !is_wildcard(l)))
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .expect("there are keys");
    let (last, above) = best.split_last().expect("a pattern has a segment");
    let above = if fits(above, parent) { parent } else { above };
    [above, &[last]].concat().join(".").replace(".[]", "[]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> Vec<String> {
        let tree = text.parse().expect("the test writes TOML");
        unknown_keys(&tree)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn known_keys_are_silent() {
        let text = r#"
            server.listen = "x"
            [c4c.main.customer]
            AnyField_KUT = "x"
            [wechat.main.templates.notice.data]
            "thing1.DATA" = "x"
            [[wechat.main.rules]]
            when.text = "x"
        "#;
        assert_eq!(complaints(text), [""; 0]);
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        for (text, expected) in [
            (
                "server.lisen = 1",
                "server.lisen: there is no such key; the nearest known one is server.listen",
            ),
            (
                "server.proxy = 1",
                "server.proxy: there is no such key; the nearest known one is outbound.proxy",
            ),
            (
                "[wechatt.main]",
                "wechatt: there is no such key; the nearest known one is wechat",
            ),
            (
                "c4c.main.uesrname = 1",
                "c4c.main.uesrname: there is no such key; the nearest known one is c4c.main.username",
            ),
            (
                "wechat.a.texts.welcom = 1",
                "wechat.a.texts.welcom: there is no such key; the nearest known one is wechat.a.texts.welcome",
            ),
            (
                "[[wechat.a.rules]]\nwhen.txt = 1",
                "wechat.a.rules[0].when.txt: there is no such key; the nearest known one is wechat.a.rules[].when.text",
            ),
        ] {
            assert_eq!(complaints(text), [expected]);
        }
    }

    #[test]
    fn an_id_with_wrong_letters_is_told_what_an_id_is() {
        for text in [
            "[wechat.Main]",
            "[c4c.\"a-b\"]",
            "[wechat.a.templates.Notice]",
        ] {
            let complaints = complaints(text);
            assert_eq!(complaints.len(), 1, "{text}");
            assert!(
                complaints[0].contains("1 to 32 lower-case letters"),
                "{complaints:?}"
            );
        }
    }

    #[test]
    fn an_unknown_table_is_named_once_and_not_key_by_key() {
        assert_eq!(complaints("[console]\na = 1\nb = 2").len(), 1);
    }
}
