//! Branches, tiles, and what is kept of where followers are.

use jiff::SignedDuration;

use super::super::{LocationEvents, When};
use super::{config, errors};
use crate::domain::place::System;

/// `app.map` with these keys and one branch.
fn with_branch(keys: &str) -> String {
    format!(
        "app.map = {{ {keys} branches = [{{ name = \"East\", latitude = 30.66, longitude = 104 }}] }}"
    )
}

#[test]
fn there_is_a_map_when_there_is_a_branch() {
    assert_eq!(config("").map, None);
    assert_eq!(config("app.map.tiles = \"\"").map, None);
    let map = config(&with_branch("")).map.unwrap();
    assert_eq!((map.account.as_str(), &map.tiles), ("main", &None));
    let branch = &map.branches[0];
    assert_eq!(
        (branch.name.as_str(), branch.address.as_str()),
        ("East", "")
    );
    assert_eq!(branch.place.given, System::Gcj02);
    assert_eq!(
        branch.place.gcj02.longitude().to_bits(),
        104.0_f64.to_bits()
    );
    let map = config(&with_branch("coordinates = \"wgs84\","))
        .map
        .unwrap();
    assert!(
        (map.branches[0].place.gcj02.longitude() - 104.0).abs() > 0.002,
        "it was converted"
    );
}

#[test]
fn the_map_is_a_page_of_its_account() {
    let config = config(&format!(
        "server.public_url = \"https://b.example/x\"\n{}",
        with_branch("")
    ));
    let account = config.map.as_ref().unwrap().account.clone();
    let url = config.page_url(&account, "map").unwrap();
    assert_eq!(
        url.as_str(),
        "https://b.example/x/oauth/wechat/main/start?to=%2Fapp%2Fmap%2F"
    );
    assert_eq!(
        config.page_url(&crate::domain::ids::AccountId::new("other"), "map"),
        None
    );
}

#[test]
fn every_fault_of_every_branch_is_told_at_once() {
    let change = r#"
        [app.map]
        account = "nobody"
        tiles = "https://tiles.example/{z}/{x}.png"
        coordinates = "mars"
        [[app.map.branches]]
        name = ""
        latitude = 116.4
        longitude = 39.9
        [[app.map.branches]]
        name = "two\nlines"
        latitude = nan
        longitude = "1e400"
        [[app.map.branches]]
        name = "North"
        latitude = 95.0
        longitude = 200
        [[app.map.branches]]
        name = "South"
        latitude = 30.5
        longitude = 180.5
    "#;
    let told = errors(change);
    let keys: Vec<_> = told.iter().map(|e| e.split(": ").next().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "app.map.account",
            "app.map.tiles",
            "app.map.coordinates",
            "app.map.branches[0].name",
            "app.map.branches[0].latitude",
            "app.map.branches[1].name",
            "app.map.branches[1].latitude",
            "app.map.branches[1].longitude",
            "app.map.branches[2].latitude",
            "app.map.branches[3].longitude",
        ],
        "{told:#?}"
    );
    assert!(told[4].contains("swapped"), "{told:?}");
}

#[test]
fn tiles_come_from_one_plain_host() {
    let tiles = |url: &str| with_branch(&format!("tiles = \"{url}\","));
    assert!(
        config(&tiles("https://t.example/{z}/{x}/{y}.png?k=1"))
            .map
            .is_some()
    );
    for wrong in [
        "https://t.example/{z}/{x}",
        "https://{s}.t.example/{z}/{x}/{y}",
        "https://t{x}.example/{z}/{x}/{y}",
        "https://anna@t.example/{z}/{x}/{y}",
        "ftp://t.example/{z}/{x}/{y}",
        "/tiles/{z}/{x}/{y}",
        "https://t.example/{z}/{x}/{y}/{a}",
    ] {
        let told = errors(&tiles(wrong));
        assert_eq!(told.len(), 1, "{wrong}: {told:?}");
        assert!(told[0].starts_with("app.map.tiles: "), "{told:?}");
    }
}

#[test]
fn more_branches_than_a_page_bears_are_refused() {
    let branch = "{ name = \"b\", latitude = 1, longitude = 1 },";
    let many = |count| format!("app.map.branches = [{}]", branch.repeat(count));
    assert_eq!(config(&many(1_000)).map.unwrap().branches.len(), 1_000);
    assert_eq!(errors(&many(1_001)).len(), 1);
}

#[test]
fn the_rule_for_locations_needs_branches_of_its_account() {
    let rule = "wechat.main.rules = [{ when = { message = \"location\" }, then = { action = \"branches\" } }]";
    let told = errors(rule);
    let key = "wechat.main.rules[0].then.action: this account has no branches";
    assert!(told[0].starts_with(key), "{told:?}");
    let rules = &config(&format!("{rule}\n{}", with_branch(""))).wechat;
    let rules = &rules.values().next().unwrap().rules;
    assert!(matches!(&rules[0].when, When::Message(kind) if kind == "location"));
    let unknown = rule.replace("location", "locations");
    assert!(
        errors(&unknown)
            .iter()
            .any(|e| e.starts_with("wechat.main.rules[0].when.message"))
    );
}

#[test]
fn location_events_are_kept_all_or_none_or_now_and_then() {
    let events = |word: &str| {
        let config = config(&format!("wechat.main.location_events = \"{word}\""));
        config.wechat.values().next().unwrap().locations.events
    };
    assert_eq!(events("all"), LocationEvents::All);
    assert_eq!(events("off"), LocationEvents::Off);
    assert_eq!(
        events("90 s"),
        LocationEvents::Every(SignedDuration::from_secs(90))
    );
    assert_eq!(events("60 min"), events(""));
    for wrong in ["1", "x min", "-1 h", "0 s", "1 week", "every 1 h", "1  h"] {
        let told = errors(&format!("wechat.main.location_events = \"{wrong}\""));
        assert!(
            told[0].starts_with("wechat.main.location_events: "),
            "{wrong}: {told:?}"
        );
    }
}
