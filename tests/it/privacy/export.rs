//! What a person is given of their own.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use qiao::store::PARTS;
use serde_json::Value;
use zip::ZipArchive;

use super::{ANSWER, CHINESE, NAME, PICTURE, Two};
use crate::commands::qiao;

/// The entries of a zip file.
fn entries(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_everything_that_is_held_of_them_and_nothing_of_others() {
    let two = Two::talked().await;
    let path = two.world.folder.path().join("anna.zip");
    let output = path.to_str().unwrap();
    let words = ["person", "export", &two.anna, "--output", output];
    qiao(&two.world, &words).await.says("is written");
    let mode = path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let entries = entries(&path);
    let read = |name: &str| {
        let entry = entries.iter().find(|(entry, _)| entry == name);
        entry.unwrap_or_else(|| panic!("no {name}")).1.clone()
    };
    for part in &PARTS {
        let rows: Value = serde_json::from_slice(&read(&format!("{}.json", part.table))).unwrap();
        assert!(
            !rows.as_array().unwrap().is_empty(),
            "nothing of {}",
            part.table
        );
    }
    for (table, word) in [
        ("message.json", CHINESE),
        ("inbox.json", CHINESE),
        ("message.json", ANSWER),
        ("customer_snapshot.json", NAME),
        ("audit.json", "message.send"),
        ("readme.txt", "微信"),
    ] {
        let text = String::from_utf8(read(table)).unwrap();
        assert!(text.contains(word), "no {word} in {table}");
    }
    let media: Vec<_> = entries
        .iter()
        .filter(|(name, _)| name.starts_with("media/"))
        .collect();
    assert_eq!(media.len(), 2, "both of her pictures");
    assert!(media.iter().any(|(_, bytes)| bytes == PICTURE));
    for (name, bytes) in &entries {
        let of_bert = String::from_utf8_lossy(bytes).contains(&two.bert);
        assert!(!of_bert, "{name} tells of somebody else");
    }
    qiao(&two.world, &words).await.fails(1, "cannot be made");
}
