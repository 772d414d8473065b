//! What is written is read again, what is wrong is named by its line, and nothing panics.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId, UnionId};
use crate::domain::rows::{Follower, MappingState};
use crate::store::Mapping;

const FORMATS: [Format; 2] = [Format::Csv, Format::Jsonl];

fn read(bytes: &[u8], format: Format) -> Vec<(u64, Result<Line, String>)> {
    let lines = Reader::new(bytes, format).map(|read| read.expect("bytes in memory"));
    lines.map(|read| (read.number, read.line)).collect()
}

/// The lines that cannot be read, and a piece of what is said about them.
fn assert_faults(bytes: &[u8], format: Format, expected: &[(u64, &str)]) {
    let faults = read(bytes, format).into_iter();
    let faults: Vec<_> = faults
        .filter_map(|(at, line)| Some((at, line.err()?)))
        .collect();
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for ((at, what), (line, piece)) in faults.iter().zip(expected) {
        assert!(
            at == line && what.contains(piece),
            "line {at}: {what}, not {piece}"
        );
    }
}

fn openid_of(line: &Result<Line, String>) -> Option<&str> {
    line.as_ref().ok()?.openid.as_deref()
}

#[test]
fn columns_are_found_by_name_and_a_byte_order_mark_does_not_matter() {
    let file = "\u{feff}openid,name,account\r\no1,\"Wang, \"\"Li\"\"\",main\r\n\r\no2,,main";
    let lines = read(file.as_bytes(), Format::Csv);
    let [(2, Ok(first)), (4, Ok(second))] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(first.name.as_deref(), Some("Wang, \"Li\""));
    assert_eq!(first.account.as_deref(), Some("main"));
    assert_eq!(
        (second.openid.as_deref(), &second.name),
        (Some("o2"), &None)
    );
    let file = "\u{feff}{\"openid\":\"o1\",\"account\":\"main\",\"name\":null}\n";
    let lines = read(file.as_bytes(), Format::Jsonl);
    assert_eq!(openid_of(&lines[0].1), Some("o1"));
}

#[test]
fn every_wrong_line_of_csv_is_named_and_hides_no_other() {
    let file = b"account,openid,name\n\
        main,o1\n\
        main,o2,\"open\n\
        main,o3,a\"b\n\
        main,o4,\xff\n\
        main,o5,a\tb\n\
        main,o6,right\n\
        main,o7,x,y\n";
    let expected = [
        (2, "2 fields and the header names 3"),
        (3, "quotes"),
        (4, "quotes"),
        (5, "not UTF-8 (byte 8)"),
        (6, "control characters"),
        (8, "4 fields"),
    ];
    assert_faults(file, Format::Csv, &expected);
    let right = read(file, Format::Csv)
        .into_iter()
        .find(|(_, line)| line.is_ok());
    assert_eq!(right.map(|(at, _)| at), Some(7));
}

#[test]
fn every_wrong_line_of_json_is_named_and_quotes_nothing() {
    let file = b"{\"account\":\"main\"}\n[]\n{\"account\":1}\n{\"hunter2\":\"x\"}\n\xff\n{\"account\":\"main\"";
    let object = "no JSON object";
    let expected = [
        (2, object),
        (3, object),
        (4, object),
        (5, "UTF-8"),
        (6, object),
    ];
    assert_faults(file, Format::Jsonl, &expected);
    let told = read(file, Format::Jsonl);
    assert!(
        told.iter()
            .all(|(_, line)| !format!("{line:?}").contains("hunter2"))
    );
}

#[test]
fn a_header_that_cannot_be_used_ends_the_file() {
    for header in [
        "account,name",
        "account,openid,openid",
        "account,openid,phone",
        "a\"b",
    ] {
        let file = format!("{header}\nmain,o1,x\n");
        let lines = read(file.as_bytes(), Format::Csv);
        assert!(matches!(&lines[..], [(1, Err(_))]), "{header}: {lines:?}");
    }
}

#[test]
fn a_line_without_an_end_takes_no_memory() {
    let endless = vec![b'x'; 4 * MAX_LINE];
    let file = [b"account,openid\n", &endless[..], b"\nmain,o1\n"].concat();
    let lines = read(&file, Format::Csv);
    assert!(
        lines[0]
            .1
            .as_ref()
            .is_err_and(|what| what.contains("16384 bytes"))
    );
    assert_eq!((lines[1].0, openid_of(&lines[1].1)), (3, Some("o1")));
}

#[test]
fn the_columns_are_those_of_a_line() {
    let line = serde_json::to_string(&Line::default()).unwrap();
    let expected = COLUMNS.map(|column| format!("\"{column}\":null")).join(",");
    assert_eq!(line, format!("{{{expected}}}"));
}

#[test]
fn debug_shows_nobody() {
    let line = Line {
        openid: Some("oLVPpjqs9BhvzwPj5A-vTYAX3GLc".to_owned()),
        ..Line::default()
    };
    assert_eq!(format!("{line:?}"), "Line");
}

fn known<R>(look: impl FnOnce(&Known<'_>) -> R) -> R {
    let text = r#"
        [c4c.north]
        url = "https://my000000.crm.ondemand.com"
        username = "QIAO"
        password = "secret"
        notify_key = "0123456789abcdef-key"
        [wechat.main]
        app_id = "wx0123456789abcdef"
        app_secret = "simsecret"
        token = "simtoken"
        tenant = "north"
    "#;
    let environment = crate::config::Environment::from_iter(Vec::<(String, String)>::new());
    let loaded = crate::config::load_text(text, std::path::Path::new("qiao.toml"), &environment);
    let config = loaded.expect("a configuration").config;
    look(&Known {
        accounts: &config.wechat,
        now: Timestamp::from_second(1_000_000).unwrap(),
    })
}

const OBJECT: &str = "00163eaa-1111-1ee7-b897-5bd4ab3f0001";

/// A line of these columns, without those that are empty.
fn line(columns: &[(&str, &str)]) -> Line {
    let members = columns
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).into()));
    serde_json::from_value(serde_json::Value::Object(members.collect())).unwrap()
}

#[test]
fn a_line_becomes_a_mapping() {
    let columns = [
        ("account", "main"),
        ("openid", "o1"),
        ("object_id", OBJECT),
        ("name", "王"),
    ];
    let entry = known(|known| line(&columns).entry(known)).unwrap();
    assert_eq!(entry.tenant, TenantId::new("north"), "that of the account");
    assert_eq!(entry.state, MappingState::Linked);
    assert_eq!(entry.chosen.object_id, ObjectId::parse(OBJECT));
    assert_eq!(entry.name.as_deref(), Some("王"));
}

#[test]
fn all_that_is_wrong_with_a_line_is_said_at_once() {
    let long = "x".repeat(300);
    let right = [
        ("account", "main"),
        ("openid", "o1"),
        ("customer_id", "1000441"),
    ];
    for (column, text, piece) in [
        ("account", "", "account: it is missing"),
        (
            "account",
            "other",
            "account: it is not in the configuration",
        ),
        ("account", "Main!", "account: it is no name"),
        ("openid", "", "openid: it is missing"),
        ("openid", "o 1", "openid: it is not of the form"),
        ("unionid", "ö", "unionid: it is not of the form"),
        (
            "tenant",
            "south",
            "tenant: the account's followers live in another",
        ),
        ("customer_id", "", "one who is linked needs one"),
        ("customer_id", "10 00", "customer_id: it is no number"),
        ("object_id", "1000441", "object_id: it is no ObjectID"),
        ("state", "gone", "state: it is no state"),
        ("state", "unfollowed", "give both or none"),
        ("name", &long, "name: it has more than 256 bytes"),
        ("reason", "a\nb", "reason: it holds control characters"),
        ("scene", &long, "scene: it has more"),
        ("followed_at", "yesterday", "followed_at: it is no instant"),
        (
            "followed_at",
            "2026-11-23T08:00:00Z",
            "followed_at: it lies in the future",
        ),
        (
            "linked_at",
            "1960-01-01T00:00:00Z",
            "linked_at: it lies before 1970",
        ),
    ] {
        let mut columns = right.to_vec();
        columns.retain(|(name, _)| *name != column);
        columns.push((column, text));
        let fault = known(|known| line(&columns).entry(known)).unwrap_err();
        assert!(
            fault.contains(piece) && !fault.contains(';'),
            "{column}: {fault}"
        );
    }
    let all = line(&[("account", "other"), ("openid", "?"), ("state", "?")]);
    let fault = known(|known| all.entry(known)).unwrap_err();
    assert_eq!(fault.matches(';').count(), 3, "{fault}");
}

fn mapping(number: i64, text: &str, state: MappingState) -> Mapping {
    let at = Timestamp::from_microsecond(1_000_000_000_123 % (number + 2)).unwrap();
    Mapping {
        follower: Follower {
            account: AccountId::new("main"),
            openid: OpenId::new(format!("o{number}")),
        },
        unionid: Some(UnionId::new("union")),
        tenant: TenantId::new("north"),
        customer: Some((ObjectId::parse(OBJECT).unwrap(), CustomerId::new("7"))),
        state,
        reason: Some(text.to_owned()),
        scene: Some(text.to_owned()),
        name: Some(text.to_owned()),
        followed_at: Some(at),
        linked_at: Some(at),
        updated_at: at,
    }
}

proptest! {
    /// Whatever stands in the database can be exported, and what was exported can be imported.
    #[test]
    fn what_is_written_is_read_again(
        texts in prop::collection::vec("(?s).{0,400}|[\",\\\\ a]{0,30}|王{0,400}", 1..6), kind in 0..5_usize,
    ) {
        let state = MappingState::ALL[kind];
        let mappings: Vec<Mapping> = texts.iter().zip(0..).map(|(t, n)| mapping(n, t, state)).collect();
        for format in FORMATS {
            let mut file = Vec::new();
            let mut writer = Writer::new(&mut file, format).unwrap();
            for mapping in &mappings {
                writer.line(&Line::from(mapping)).unwrap();
            }
            writer.flush().unwrap();
            drop(writer);
            let lines = read(&file, format);
            prop_assert_eq!(lines.len(), mappings.len());
            for ((at, line), (mapping, nth)) in lines.iter().zip(mappings.iter().zip(1..)) {
                prop_assert_eq!(*at, if format == Format::Csv { nth + 1 } else { nth });
                let entry = known(|known| line.clone().and_then(|line| line.entry(known)));
                let entry = entry.expect("a right line");
                prop_assert_eq!(&entry.follower, &mapping.follower);
                prop_assert_eq!(entry.state, state);
                prop_assert_eq!(entry.chosen.whole(), mapping.customer.clone());
                prop_assert_eq!(entry.followed_at, mapping.followed_at);
            }
        }
    }

    /// Wrong lines among right ones are named by their numbers, wherever they stand.
    #[test]
    fn every_wrong_line_is_named(wrong in prop::collection::vec(any::<Option<bool>>(), 0..40)) {
        let mut file = b"account,openid\n".to_vec();
        let mut expected = Vec::new();
        for (wrong, number) in wrong.iter().zip(2..) {
            // An empty line is none, but it is counted.
            file.extend_from_slice(match wrong {
                Some(true) => b"main,\"o1\n",
                Some(false) => b"main,o1\n",
                None => b"\n",
            });
            expected.extend((*wrong == Some(true)).then_some(number));
        }
        let faults = read(&file, Format::Csv).into_iter().filter(|(_, line)| line.is_err());
        prop_assert_eq!(faults.map(|(number, _)| number).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..400), with_header: bool) {
        for format in FORMATS {
            let header: &[u8] = if with_header { b"account,openid\n" } else { b"" };
            let file = [header, &bytes].concat();
            let ends = file.split(|byte| *byte == b'\n').count() as u64 - 1;
            let mut before = 0;
            for (number, line) in read(&file, format) {
                prop_assert!(number > before && number <= ends + 1);
                before = number;
                if let Ok(line) = line {
                    let _ = known(|known| line.entry(known));
                }
            }
        }
    }
}
