//! `config.example.toml`, the known keys and the readers tell of the same keys.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

use super::super::keys::{KEYS, Place, place, unknown_keys};
use super::super::{Config, Environment, Scope, load_text};
use super::{MINIMAL, loaded, table};

const DOCUMENTS: [&str; 2] = [
    include_str!("../../../docs/WECHAT-SETUP.md"),
    include_str!("../../../docs/C4C-SETUP.md"),
];
const EXAMPLE: &str = include_str!("../../../config.example.toml");

/// The example as an operator gets it who uncomments everything.
fn uncommented() -> String {
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest.to_owned(),
        _ => line.to_owned(),
    };
    EXAMPLE
        .lines()
        .map(uncomment)
        .collect::<Vec<_>>()
        .join("\n")
}

fn loaded_example() -> Config {
    let env: Environment = [
        ("WECHAT_APP_SECRET", "s"),
        ("WECHAT_TOKEN", "token"),
        (
            "WECHAT_AES_KEY",
            "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        ),
        ("C4C_PASSWORD", "s"),
        ("C4C_NOTIFY_PASSWORD", "s"),
        ("C4C_NOTIFY_KEY", "0123456789abcdef"),
    ]
    .into_iter()
    .collect();
    let loaded = load_text(&uncommented(), Path::new("/etc/qiao/qiao.toml"), &env);
    let loaded = loaded.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.warnings, [""; 0]);
    loaded.config
}

#[test]
fn the_example_uncommented_is_valid_without_a_warning() {
    let config = loaded_example();
    assert_eq!((config.wechat.len(), config.c4c.len()), (1, 1));
}

#[test]
fn the_example_as_it_is_lacks_only_an_account_and_a_tenant() {
    let errors = loaded(EXAMPLE).unwrap_err();
    let keys: Vec<_> = errors.0.iter().map(|e| e.key.as_str()).collect();
    assert_eq!(keys, ["c4c", "wechat"]);
}

#[test]
fn the_example_holds_every_known_key_and_no_other() {
    let mut shown = BTreeSet::new();
    collect(&Value::Table(table(&uncommented())), &[], &mut shown);
    assert_eq!(shown, KEYS.iter().copied().collect());
}

fn collect(value: &Value, path: &[&str], shown: &mut BTreeSet<&'static str>) {
    match (place(path), value) {
        (Place::Key(key), _) => {
            shown.insert(key);
        }
        (_, Value::Table(table)) => {
            for (name, value) in table {
                collect(value, &[path, &[name]].concat(), shown);
            }
        }
        (_, Value::Array(entries)) => {
            for entry in entries {
                collect(entry, &[path, &["[]"]].concat(), shown);
            }
        }
        _ => panic!("{path:?} is no known key"),
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let (example, default) = (loaded_example(), loaded(MINIMAL).unwrap().config);
    let server = |c: &Config| {
        let s = &c.server;
        format!(
            "{:?}",
            (s.listen, s.admin_listen, &s.trusted_proxies, &s.time_zone)
        )
    };
    assert_eq!(server(&example), server(&default));
    assert_eq!(example.database.path, default.database.path);
    assert_eq!(example.database.litestream, default.database.litestream);
    assert_eq!(example.backup, default.backup);
    assert_eq!(example.jobs, default.jobs);
    assert_eq!(example.retention, default.retention);
    assert_eq!(example.app.session, default.app.session);
    assert_eq!(example.app.frame_ancestors, default.app.frame_ancestors);
    let scopes: Vec<_> = example.app.pages.values().map(|page| page.scope).collect();
    assert_eq!(scopes, [Scope::Base]);
    assert_eq!(
        format!("{:?}", example.outbound),
        format!("{:?}", default.outbound)
    );

    let account = |c: &Config| {
        let a = c.wechat.values().next().unwrap();
        let urls = (
            a.api_url.clone(),
            a.oauth_url.clone(),
            a.answer_hook.clone(),
        );
        let ways = (a.access_token.clone(), a.tenant.clone());
        let choices = (a.on_unfollow, a.existing_followers, a.uncertain_send);
        let menu = (a.menu.clone(), a.keep_menu);
        (urls, ways, choices, menu, a.texts.clone())
    };
    assert_eq!(account(&example), account(&default));

    let tenant = |c: &Config| {
        let t = c.c4c.values().next().unwrap();
        let lists = (t.lookup.clone(), t.watch.clone(), t.wechat_id.clone());
        (
            t.service.clone(),
            t.csrf,
            t.max_calls,
            t.customer.clone(),
            lists,
        )
    };
    assert_eq!(tenant(&example), tenant(&default));
}

#[test]
fn the_documents_write_only_known_keys() {
    for document in DOCUMENTS {
        let snippets: Vec<_> = document.split("```toml\n").skip(1).collect();
        assert!(!snippets.is_empty());
        for snippet in snippets {
            let (snippet, _) = snippet.split_once("```").expect("a snippet ends");
            assert_eq!(unknown_keys(&table(snippet)), [], "{snippet}");
        }
    }
}

/// A date fits nowhere, so whoever reads the key complains; a key nobody reads stays silent.
#[test]
fn every_known_key_is_read_by_somebody() {
    for key in KEYS {
        let names = key.replace("templates.<id>", "templates.reply");
        let names = names.replace("<page>", "account");
        let names = names.replace("<id>", "main").replace('*', "field");
        let mut tree = table(MINIMAL);
        set(&mut tree, &names.split('.').collect::<Vec<_>>());
        let errors = loaded(&tree.to_string()).expect_err(key);
        let shown = names.replace(".[]", "[0]");
        let complained = errors.0.iter().any(|e| e.key == shown);
        assert!(complained, "{key}: {errors}");
    }
}

fn set(tree: &mut Table, names: &[&str]) {
    let date = "1979-05-27".parse().expect("this is a date");
    match names {
        [last] => {
            tree.insert((*last).to_owned(), Value::Datetime(date));
        }
        [list, "[]", rest @ ..] => {
            let mut entry = Table::new();
            set(&mut entry, rest);
            tree.insert((*list).to_owned(), Value::Array(vec![Value::Table(entry)]));
        }
        [first, rest @ ..] => {
            let below = tree
                .entry(*first)
                .or_insert_with(|| Value::Table(Table::new()));
            set(below.as_table_mut().expect("only tables lie above"), rest);
        }
        [] => {}
    }
}

#[test]
fn backups_lie_beside_the_database_wherever_that_is() {
    let elsewhere = format!("database.url = \"sqlite:/var/lib/qiao/qiao.db\"\n{MINIMAL}");
    let backup = loaded(&elsewhere).unwrap().config.backup;
    assert_eq!(backup.folder.to_str(), Some("/var/lib/qiao/backups"));
    let told = format!("backup.folder = \"/mnt/b\"\n{elsewhere}");
    let backup = loaded(&told).unwrap().config.backup;
    assert_eq!(backup.folder.to_str(), Some("/mnt/b"));
}
