//! `qiao person export`: everything that is held of a person, read page by page beside the daemon.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::super::output::{row, say};
use super::super::reach;
use super::Who;
use super::archive::Archive;
use crate::config::Config;
use crate::domain::rows::Follower;
use crate::kit::file_type::FileType;
use crate::kit::media::{MediaError, MediaFolder};
use crate::store::{
    AuditFilter, Ends, Keys, PARTS, Part, PersonalRow, Place, Store, member, person_target,
};

/// Rows of the audit read at once.
const PAGE: u32 = 500;

/// Whose data, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asked {
    #[command(flatten)]
    who: Who,
    /// Where to [default: person.zip]. A file that exists is not replaced
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, asked: &Asked) -> Result<()> {
    let store = reach::reading(config).await?;
    let follower = asked.who.found(&store, config).await?;
    let path = asked.output.clone().unwrap_or_else(|| "person.zip".into());
    let mut archive = Archive::create(&path)?;
    let account = config.wechat.get(&follower.account);
    let tenant = account.map_or("", |account| account.tenant.as_str());
    let export = Export {
        keys: store.keys_of(&follower, tenant).await?,
        ends: store.ends().await?,
        media: MediaFolder::of_another(store.path().with_file_name("media")),
        store,
        follower,
    };
    let written = export.write(&mut archive).await;
    match written.and_then(|()| archive.finish()) {
        Ok(()) => say(&format!("{} is written", path.display())),
        Err(fault) => {
            // Half an export would be taken for a whole one.
            let _ = std::fs::remove_file(&path);
            Err(fault)
        }
    }
}

struct Export {
    store: Store,
    follower: Follower,
    keys: Keys,
    ends: Ends,
    media: MediaFolder,
}

impl Export {
    async fn write(&self, archive: &mut Archive) -> Result<()> {
        archive.text("readme.txt", &readme(&self.follower))?;
        for part in &PARTS {
            self.part(archive, part).await?;
        }
        self.audit(archive).await?;
        let media = PARTS.iter().find(|part| part.table == "media");
        self.files(archive, media.expect("it is one of them")).await
    }

    async fn part(&self, archive: &mut Archive, part: &Part) -> Result<()> {
        let mut list = archive.list(&format!("{}.json", part.table))?;
        let mut from = Some(Place::START);
        while let Some(place) = from {
            let (rows, next) = self.page(part, place).await?;
            for row in &rows {
                list.row(&row.row)?;
            }
            from = next;
        }
        list.end()
    }

    async fn page(&self, part: &Part, from: Place) -> Result<(Vec<PersonalRow>, Option<Place>)> {
        let store = &self.store;
        let page = store.personal(part, &self.follower, &self.keys, from, &self.ends);
        Ok(page.await?)
    }

    /// What operators did to them.
    async fn audit(&self, archive: &mut Archive) -> Result<()> {
        let mut list = archive.list("audit.json")?;
        let pseudonym = self.store.pseudonym(&self.follower).await?;
        let mut before = pseudonym.is_some().then_some(i64::MAX);
        let filter = AuditFilter {
            target: pseudonym.as_deref().map(person_target),
            ..AuditFilter::default()
        };
        while let Some(id) = before {
            let page = self.store.audited(&filter, id, PAGE).await?;
            for act in &page {
                list.row(&row(act).to_string())?;
            }
            before = page.last().map(|last| last.id);
        }
        list.end()
    }

    /// A file that is gone or damaged is told of, and lets the others pass.
    async fn files(&self, archive: &mut Archive, media: &Part) -> Result<()> {
        let (mut from, mut missing) = (Some(Place::START), Vec::<Value>::new());
        while let Some(place) = from {
            let (rows, next) = self.page(media, place).await?;
            for row in rows {
                let Some(sha256) = member(&row, "sha256") else {
                    continue;
                };
                match self.media.get(&sha256).await {
                    Ok(bytes) => {
                        let ending = FileType::of(&bytes).extension();
                        archive.bytes(&format!("media/{}.{ending}", row.id), &bytes)?;
                    }
                    Err(fault @ (MediaError::Missing(_) | MediaError::Damaged(_))) => {
                        missing.push(json!({ "id": row.id, "why": fault.to_string() }));
                    }
                    Err(fault) => return Err(fault.into()),
                }
            }
            from = next;
        }
        if missing.is_empty() {
            return Ok(());
        }
        archive.text("media/missing.json", &json!(missing).to_string())
    }
}

/// What is what, in both languages.
fn readme(follower: &Follower) -> String {
    let head = format!(
        "Everything that Qiao holds of one follower of the account `{account}`.\n\
         关注公众号“{account}”的一位用户在 Qiao 中的全部数据。\n\n\
         OpenID: {openid}\n\n\
         Each .json file is a list of rows. Instants are microseconds since 1970, UTC.\n\
         每个 .json 文件是一组记录；时间为 1970 年以来的微秒数（UTC）。\n",
        account = follower.account,
        openid = follower.openid.as_str(),
    );
    let mut lines = vec![head];
    let rest = [
        (
            "audit.json",
            ["what operators did to you", "管理员对您的数据所做的操作"],
        ),
        (
            "media/",
            [
                "your files, named by their id in media.json",
                "您的文件，以 media.json 中的 id 命名",
            ],
        ),
    ];
    let parts = PARTS
        .iter()
        .map(|part| (format!("{}.json", part.table), part.is));
    let rest = rest.map(|(name, is)| (name.to_owned(), is));
    for (name, [english, chinese]) in parts.chain(rest) {
        lines.push(format!("{name}: {english} / {chinese}"));
    }
    lines.join("\n") + "\n"
}
