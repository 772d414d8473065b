//! Where a measurement takes place: a folder with a configuration and a database of followers
//! who are linked already.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};

use super::process::free_address;
use super::pushes::Mode;
use crate::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId};
use crate::domain::rows::{Changes, Follower, MappingChange, MappingState};
use crate::kit::clock::{Clock as _, SystemClock};
use crate::kit::random::Random;
use crate::store::{Store, StoredToken, TokenKind, seeded_openid};

/// Demo values: they open nothing but the servers of this measurement.
pub(super) const APP_ID: &str = "wx0123456789abcdef";
pub(super) const ORIGINAL_ID: &str = "gh_0123456789ab";
pub(super) const TOKEN: &str = "simtoken";
pub(super) const NOTIFY_KEY: &str = "0123456789abcdef-key";
pub(super) const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// Rows that one transaction of the preparation writes.
const CHUNK: u64 = 2000;

/// A folder of a measurement, removed when it is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new one in `parent`.
    pub(super) fn new(parent: &Path) -> anyhow::Result<Self> {
        let name = format!("qiao-bench-{:016x}", Random::from_system().word());
        let folder = parent.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
        Ok(Self(folder))
    }

    /// What lies in it under that name.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans the temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a daemon needs to start.
pub(super) struct Site {
    /// Its configuration file.
    pub(super) config: PathBuf,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

/// Where both platforms are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Platforms<'a> {
    pub(super) wechat: &'a str,
    pub(super) c4c: &'a str,
}

/// Neither platform is there: a plain message of somebody linked calls nobody.
const NOBODY: Platforms<'_> = Platforms {
    wechat: "http://127.0.0.1:9",
    c4c: "http://127.0.0.1:9",
};

impl Site {
    /// Writes a configuration for the database at `database`, with platforms that do not answer.
    pub(super) fn new(folder: &Folder, database: &Path, mode: Mode) -> anyhow::Result<Self> {
        Self::between(folder, database, mode, NOBODY)
    }

    /// The same between platforms.
    pub(super) fn between(
        folder: &Folder,
        database: &Path,
        mode: Mode,
        platforms: Platforms<'_>,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let aes_key = match mode {
            Mode::Plain => String::new(),
            Mode::Safe => format!("encoding_aes_key = \"{AES_KEY}\"\n"),
        };
        let text = format!(
            r#"[server]
listen = "{address}"
[database]
url = "sqlite:{database}"
[c4c.main]
url = "{c4c}"
username = "qiao"
password = "secret"
notify_key = "{NOTIFY_KEY}"
[wechat.main]
app_id = "{APP_ID}"
app_secret = "simsecret"
original_id = "{ORIGINAL_ID}"
token = "{TOKEN}"
api_url = "{wechat}"
{aes_key}"#,
            database = database.display(),
            wechat = platforms.wechat,
            c4c = platforms.c4c,
        );
        let config = folder.join("qiao.toml");
        std::fs::write(&config, text)?;
        Ok(Self { config, address })
    }
}

/// Makes a database with so many linked followers and a token that needs no renewal.
pub(super) async fn prepare(database: &Path, followers: u64) -> anyhow::Result<()> {
    let store = open(database).await?;
    let now = SystemClock.now();
    for first in (0..followers).step_by(usize::try_from(CHUNK)?) {
        let mappings = (first..followers.min(first + CHUNK)).map(|number| linked(number, now));
        let changes = Changes {
            mappings: mappings.collect(),
            ..Changes::none()
        };
        store.write(changes).await?;
    }
    let token = StoredToken {
        value: "bench-token".into(),
        fetched_at: now,
        expires_at: now.checked_add(SignedDuration::from_hours(24 * 365))?,
    };
    store
        .replace_token(&AccountId::new("main"), TokenKind::AccessToken, None, token)
        .await?;
    store.close().await;
    Ok(())
}

/// Opens it as the daemon would.
pub(super) async fn open(database: &Path) -> anyhow::Result<Store> {
    Ok(Store::open(database, Arc::new(SystemClock)).await?)
}

fn linked(number: u64, now: Timestamp) -> MappingChange {
    let follower = Follower {
        account: AccountId::new("main"),
        openid: OpenId::new(seeded_openid(number)),
    };
    MappingChange {
        customer: Some((
            ObjectId::new(format!("00163E{number:026X}")),
            CustomerId::new(format!("{}", 1_000_000 + number)),
        )),
        followed_at: Some(now),
        ..MappingChange::to(follower, TenantId::new("main"), MappingState::Linked)
    }
}
