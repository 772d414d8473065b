//! Backups that are sealed well and hold something else: what every digest allows, the rest must find.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use qiao::backup::{BackupError, make, try_restore};
use qiao::kit::clock::{Clock as _, ManualClock};
use qiao::kit::media::{MediaFolder, sha256};
use qiao::kit::sealed::tail;
use qiao::store::{Act, BackupKind, Store, Target};
use serde_json::Value;
use tar::{Archive, EntryType, Header};
use tempfile::TempDir;

use crate::world::open;

/// One entry, as a forger would write it.
#[derive(Clone)]
pub struct Forged {
    name: String,
    kind: EntryType,
    /// What its header says.
    size: u64,
    bytes: Vec<u8>,
}

impl Forged {
    fn new(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            kind: EntryType::Regular,
            size: bytes.len() as u64,
            bytes: bytes.to_vec(),
        }
    }

    fn call(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    fn put(&mut self, bytes: Vec<u8>) {
        self.size = bytes.len() as u64;
        self.bytes = bytes;
    }

    fn written(&self) -> Vec<u8> {
        let mut header = Header::new_gnu();
        // `set_path` would refuse what a forger writes.
        header.as_old_mut().name[..self.name.len()].copy_from_slice(self.name.as_bytes());
        header.set_entry_type(self.kind);
        header.set_mode(0o600);
        header.set_size(self.size);
        header.set_cksum();
        let mut written = header.as_bytes().to_vec();
        written.extend(&self.bytes);
        written.resize(written.len().next_multiple_of(512), 0);
        written
    }
}

/// A place with a good backup: two media, and some rows.
pub struct Good {
    folder: TempDir,
    pub bytes: Vec<u8>,
}

impl Good {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new("2026-11-23T08:00:00Z".parse().unwrap());
        let now = clock.now();
        let database = folder.path().join("qiao.db");
        let store = Store::open(&database, std::sync::Arc::new(clock))
            .await
            .unwrap();
        let media = MediaFolder::new(MediaFolder::beside(&database))
            .await
            .unwrap();
        for picture in [&b"one picture"[..], &[7; 2000]] {
            let address = media.put(picture.to_vec()).await.unwrap().sha256;
            sqlx::query(
                "INSERT INTO media (message_id, kind, state, sha256, bytes, mime, settled_at)
                 VALUES (1, 'image', 'stored', ?, 9, 'image/png', 0)",
            )
            .bind(address)
            .execute(&mut open(&database).await)
            .await
            .unwrap();
        }
        let act = Act {
            who: "wang".to_owned(),
            act: "test",
            target: Target::Thing("all".to_owned()),
            before: None,
            after: None,
        };
        store.audit(act).await.unwrap();
        let file = folder.path().join("good.tar");
        make(&store, &media, &file, BackupKind::Asked, now)
            .await
            .unwrap();
        let bytes = std::fs::read(&file).unwrap();
        Self { folder, bytes }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What a trial says to these bytes; it leaves nothing behind.
    pub async fn tried(&self, bytes: &[u8]) -> Result<(), BackupError> {
        let file = self.path().join("tried.tar");
        std::fs::write(&file, bytes).unwrap();
        let tried = try_restore(&file, &self.path().join("qiao.db"), "drill").await;
        assert!(!self.path().join("qiao.db.drill").exists());
        tried.map(drop)
    }

    pub fn entries(&self) -> Vec<Forged> {
        let entries = entries(&self.bytes);
        assert_eq!(entries.len(), 4, "two media, the database, the manifest");
        entries
    }
}

/// What is in a backup, the seal apart.
fn entries(bytes: &[u8]) -> Vec<Forged> {
    let mut archive = Archive::new(bytes);
    let mut entries = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        entries.push(Forged::new(&name, &bytes));
    }
    assert_eq!(entries.pop().unwrap().name, "seal");
    entries
}

/// The same backup as a later version of Qiao would have made it, in a file beside it.
pub async fn of_a_newer_qiao(file: &Path) -> PathBuf {
    let mut entries = entries(&std::fs::read(file).unwrap());
    let later = "INSERT INTO _sqlx_migrations VALUES (9999, 'newer', '', 1, x'00', 0)";
    with_database(&mut entries, &file.with_extension("db"), &[later]).await;
    retell(&mut entries, |told| told["schema"] = 9999.into());
    let newer = file.with_extension("newer");
    std::fs::write(&newer, sealed(&entries)).unwrap();
    newer
}

/// Changes the database by statements, at a place where it may lie for that.
async fn with_database(entries: &mut [Forged], place: &Path, statements: &[&'static str]) {
    let database = entries.iter().position(|it| it.name == "qiao.db").unwrap();
    std::fs::write(place, &entries[database].bytes).unwrap();
    let mut connection = open(place).await;
    for statement in statements {
        let done = sqlx::query(*statement).execute(&mut connection).await;
        done.unwrap();
    }
    sqlx::Connection::close(connection).await.unwrap();
    retell_database(entries, std::fs::read(place).unwrap());
    std::fs::remove_file(place).unwrap();
}

/// The entries in a file, with the seal that fits them.
pub fn sealed(entries: &[Forged]) -> Vec<u8> {
    let mut file: Vec<u8> = entries.iter().flat_map(Forged::written).collect();
    let tail = tail(&sha256(&file)).unwrap();
    file.extend(tail);
    file
}

/// Changes what the manifest says.
fn retell(entries: &mut [Forged], change: impl FnOnce(&mut Value)) {
    let manifest = entries.last_mut().unwrap();
    let mut told = serde_json::from_slice(&manifest.bytes).unwrap();
    change(&mut told);
    manifest.put(serde_json::to_vec(&told).unwrap());
}

/// Has the manifest say of the media what is there.
fn retell_media(entries: &mut [Forged]) {
    let media = entries.iter().filter(|it| it.name.starts_with("media/"));
    let sizes: Vec<u64> = media.map(|it| it.size).collect();
    retell(entries, |told| {
        told["media"]["files"] = sizes.len().into();
        told["media"]["bytes"] = sizes.iter().sum::<u64>().into();
    });
}

fn retell_database(entries: &mut [Forged], bytes: Vec<u8>) {
    let sum = sha256(&bytes);
    let size = bytes.len();
    let database = entries.iter_mut().find(|it| it.name == "qiao.db");
    database.unwrap().put(bytes);
    retell(entries, |told| {
        told["database"]["sha256"] = sum.into();
        told["database"]["bytes"] = size.into();
    });
}

type Forgery = fn(&mut Vec<Forged>);

/// What may be done to the entries, and the words that find it.
pub const FORGERIES: [(&str, Forgery); 22] = [
    ("a medium is not in it", |all| {
        all.remove(0);
        retell_media(all);
    }),
    ("tells of other contents", |all| drop(all.remove(1))),
    ("another SHA-256", |all| {
        all[0].call(&format!("media/{}", "00".repeat(32)));
    }),
    ("another SHA-256", |all| {
        let bytes = std::mem::take(&mut all[0].bytes);
        let other = std::mem::replace(&mut all[1].bytes, bytes);
        all[0].put(other);
        all[1].size = all[1].bytes.len() as u64;
    }),
    ("not in their order", |all| all.swap(0, 1)),
    ("not in their order", |all| {
        let again = all[1].clone();
        all.insert(2, again);
        retell_media(all);
    }),
    ("that nothing speaks of", |all| {
        let more = b"of somebody else";
        all.insert(0, Forged::new(&format!("media/{}", sha256(more)), more));
        all[..3].sort_by(|a, b| a.name.cmp(&b.name));
        retell_media(all);
    }),
    ("does not belong", |all| {
        all.insert(2, Forged::new("notes.txt", b"hello"));
    }),
    ("does not belong", |all| {
        all.push(Forged::new("qiao.db", b"again"));
    }),
    ("does not belong", |all| all.swap(2, 3)),
    ("no SHA-256", |all| {
        all[0].call("media/../../escaped");
    }),
    ("does not belong", |all| {
        all[0].call("../escaped");
    }),
    ("does not belong", |all| {
        all[0].call("/tmp/qiao-escaped");
    }),
    ("no plain file", |all| all[0].kind = EntryType::Symlink),
    ("no plain file", |all| all[0].kind = EntryType::GNUSparse),
    ("no plain file", |all| {
        all.insert(0, Forged::new("././@LongLink", b"qiao.db"));
        all[0].kind = EntryType::GNULongName;
    }),
    ("cut off", |all| all[0].size = u64::MAX / 2),
    ("too large", |all| all[3].size = 1 << 40),
    ("manifest is none", |all| all[3].put(b"{".to_vec())),
    ("no manifest", |all| drop(all.pop())),
    ("of another database", |all| {
        retell(all, |told| told["rows"]["message"] = 1_000_000.into());
    }),
    ("cannot be opened", |all| {
        retell_database(all, b"no database ".repeat(1000));
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_well_and_holds_something_else_is_found() {
    let good = Good::new().await;
    assert_eq!(sealed(&good.entries()).len(), good.bytes.len());
    let same = good.tried(&sealed(&good.entries())).await;
    assert!(same.is_ok(), "a fitting seal is taken: {same:?}");
    for (number, (words, forge)) in FORGERIES.iter().enumerate() {
        let mut entries = good.entries();
        forge(&mut entries);
        let found = good.tried(&sealed(&entries)).await;
        let fault = found.expect_err(words);
        assert!(fault.is_damage(), "{number}: {fault}");
        assert!(
            fault.to_string().contains(words),
            "{number}, {words}: {fault}"
        );
    }
    for escaped in [
        "escaped",
        "../escaped",
        "../../escaped",
        "/tmp/qiao-escaped",
    ] {
        assert!(!good.path().join(PathBuf::from(escaped)).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_a_broken_index_is_found() {
    let good = Good::new().await;
    let mut entries = good.entries();
    // The rows are not where the index says.
    let statements = [
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, '(message_id)', '(bytes)')
         WHERE name = 'media_of_message'",
    ];
    with_database(&mut entries, &good.path().join("other.db"), &statements).await;
    let fault = good.tried(&sealed(&entries)).await.unwrap_err();
    assert!(
        fault.is_damage() && fault.to_string().contains("does not check"),
        "{fault}"
    );
}
