//! `erase`: persons of whom an erasure was ordered are erased, step by step.
//!
//! Every step may be done again: a run that was cut off is gone on with by the next one, where its row of
//! `erasure` stands. What is a person's tells `src/store/person.rs`; the commits are in
//! `src/store/erasing.rs`. Pushes wait for one commit of some hundred rows at most, and for the file's
//! rewriting at the end if it is small.

use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;

use super::Job;
use super::backup::{expires_at, standing};
use crate::backup::BackupError;
use crate::domain::ids::ObjectId;
use crate::domain::rows::{Changes, Follower};
use crate::effects::Context;
use crate::flows::privacy::{self, Certificate, Copy};
use crate::kit::media::{MediaError, sha256};
use crate::kit::transport::BoxFuture;
use crate::store::{Beginning, Ends, Erasure, PARTS, Part, PersonalRow, Place, StoreError, member};

/// Its name.
pub const ERASE: &str = "erase";

/// Rows of one commit: some milliseconds of the writer's time.
const ROWS: usize = 250;

/// Looks through all tables until nothing is found; the second finds what has ended meanwhile.
const LOOKS: u32 = 3;

/// Commits that merge the full-text index: far more than any index has pages.
const MERGES: u32 = 100_000;

pub(super) struct Erase(pub(super) Context);

/// What stopped an erasure; the next run goes on.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Backup(#[from] BackupError),
}

impl Job for Erase {
    fn name(&self) -> &'static str {
        ERASE
    }

    fn is_idle(&self) -> BoxFuture<'_, bool> {
        // If that cannot be read, the run fails and says why.
        Box::pin(async move {
            let due = self.0.store.erasures_due(self.0.clock.now()).await;
            due.is_ok_and(|due| due.is_empty())
        })
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let due = self.0.store.erasures_due(self.0.clock.now()).await;
            let (mut ended, mut waiting) = (0, 0);
            for erasure in due.map_err(|fault| fault.to_string())? {
                let gone = self.all_of(erasure).await;
                if gone.map_err(|fault| fault.to_string())? {
                    ended += 1;
                } else {
                    waiting += 1;
                }
            }
            Ok(format!(
                "{ended} erasures ended, {waiting} wait for what is under way"
            ))
        })
    }
}

impl Erase {
    /// Takes an erasure as far as it goes now; whether it has ended.
    async fn all_of(&self, mut erasure: Erasure) -> Result<bool, Stop> {
        loop {
            let goes_on = match (erasure.state.as_str(), erasure.follower()) {
                ("waiting", Some(follower)) => self.begin(&erasure, follower).await?,
                ("erasing", Some(follower)) => self.rows(&erasure, &follower).await?,
                ("erased", _) => self.certify(&erasure).await?,
                _ => return Ok(true),
            };
            match self.0.store.erasure(erasure.id).await? {
                Some(next) if goes_on => erasure = next,
                Some(_) => return Ok(false),
                None => return Ok(true),
            }
        }
    }

    async fn begin(&self, erasure: &Erasure, follower: Follower) -> Result<bool, Stop> {
        let store = &self.0.store;
        let mapping = store.mapping(&follower).await?;
        if privacy::is_void(&erasure.cause, mapping.as_ref().map(|m| m.state)) {
            return Ok(store.drop_erasure(erasure.id).await?);
        }
        let live = self.0.live();
        let account = live.account(&follower.account);
        let configured = || account.map(|(account, _)| account.tenant.clone());
        let mapped = mapping.as_ref().map(|mapping| mapping.tenant.clone());
        let tenant = mapped.or_else(configured);
        let tenant_id = tenant.as_ref().map_or("", |tenant| tenant.as_str());
        let keys = store.keys_of(&follower, tenant_id).await?;
        let customer = mapping.and_then(|mapping| mapping.customer);
        let is_theirs = |object: &ObjectId| keys.objects.iter().any(|own| own == object.as_str());
        let effect = customer
            .map(|(object, _)| object)
            .filter(|object| erasure.obsolete_customer && is_theirs(object))
            .zip(tenant)
            .map(|(object, tenant)| privacy::obsolete(&tenant, &object));
        let changes = Changes {
            effects: effect.into_iter().collect(),
            ..Changes::none()
        };
        let beginning = Beginning {
            id: erasure.id,
            follower,
            keys,
            salt: self.0.random.bytes(),
            changes,
        };
        Ok(store.begin_erasure(beginning).await?)
    }

    /// Deletes what is theirs until nothing is found; whether it came to that.
    async fn rows(&self, erasure: &Erasure, follower: &Follower) -> Result<bool, Stop> {
        let store = &self.0.store;
        for _ in 0..LOOKS {
            let ends = erasure.ends(store.ends().await?);
            let mut found = false;
            for part in PARTS.iter().filter(|part| part.along.is_some()) {
                found |= self.part(erasure, follower, part, &ends).await?;
            }
            if found {
                continue;
            }
            for _ in 0..MERGES {
                if !store.merge_index().await? {
                    break;
                }
            }
            store.finish_erasure(erasure.id).await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// One table; whether anything was found in it.
    async fn part(
        &self,
        erasure: &Erasure,
        follower: &Follower,
        part: &Part,
        ends: &Ends,
    ) -> Result<bool, Stop> {
        let store = &self.0.store;
        let (keys, mut found, mut from) = (erasure.keys(), false, Some(Place::START));
        while let Some(place) = from {
            let (rows, next) = store.personal(part, follower, &keys, place, ends).await?;
            for rows in rows.chunks(ROWS) {
                found = true;
                if part.table == "media" {
                    self.files(follower, ends, rows).await?;
                }
                let ids = rows.iter().map(|row| row.id).collect();
                store.erase(erasure.id, part.table, ids).await?;
            }
            from = next;
        }
        Ok(found)
    }

    /// The files go before their rows: once those are gone nobody knows whose they were.
    async fn files(
        &self,
        follower: &Follower,
        ends: &Ends,
        rows: &[PersonalRow],
    ) -> Result<(), Stop> {
        let own: Vec<String> = rows
            .iter()
            .filter_map(|row| member(row, "sha256"))
            .collect();
        let shared = self.0.store.files_of_others(follower, ends, &own).await?;
        for sha256 in own.iter().filter(|sha256| !shared.contains(sha256)) {
            self.0.media.remove(sha256).await?;
        }
        Ok(())
    }

    /// What deleted rows left in the file goes, then the certificate is written. Not while somebody reads
    /// from the log, which then cannot be emptied.
    async fn certify(&self, erasure: &Erasure) -> Result<bool, Stop> {
        let store = &self.0.store;
        let tidied = store.tidy().await?;
        if !tidied.log_empty {
            return Ok(false);
        }
        let erased = erasure.finished_at.unwrap_or_else(|| self.0.clock.now());
        let copies = privacy::holding(self.copies().await?, erasure.first_seen_at, erased);
        let customer = if erasure.obsolete_customer {
            "obsolete"
        } else {
            "kept"
        };
        let certificate = Certificate {
            erasure: erasure.id.to_string(),
            account: erasure.account.as_str().to_owned(),
            person: erasure.pseudonym.clone().unwrap_or_default(),
            cause: erasure.cause.clone(),
            ordered_at: erasure.requested_at,
            begun_at: erasure.begun_at.unwrap_or(erased),
            finished_at: erased,
            rows: serde_json::from_str(&erasure.counts).unwrap_or_default(),
            file_rewritten: tidied.rewritten,
            customer_in_c4c: customer.to_owned(),
            copies,
        };
        let text = serde_json::to_string(&certificate).expect("text and numbers");
        let digest = sha256(text.as_bytes());
        store.certify(erasure.id, text, digest).await?;
        Ok(true)
    }

    /// Every copy of the database that Qiao knows of: the one place that a certificate asks.
    async fn copies(&self) -> Result<Vec<Copy>, Stop> {
        let live = self.0.live();
        let schedule = live.config.jobs.of("backup");
        let schedule = schedule.expect("every job stands in JOBS");
        let (keep, now) = (live.config.backup.keep, self.0.clock.now());
        let standing = standing(&self.0).await?;
        let backups = standing.iter().map(|backup| Copy {
            path: backup.path.clone(),
            made_at: backup.created_at(),
            expires_at: expires_at(backup, &standing, keep, schedule, now),
        });
        let mut copies: Vec<Copy> = backups.collect();
        copies.extend(moved_aside(self.0.store.path()));
        Ok(copies)
    }
}

/// What was kept before a migration, or replaced by a restore: nobody deletes those but a person.
fn moved_aside(database: &Path) -> Vec<Copy> {
    let folder = database.parent().map(std::fs::read_dir);
    let entries = folder.into_iter().flatten().flatten().flatten();
    let name = database.file_name().unwrap_or_default().to_string_lossy();
    let names = [".before-", ".replaced-"].map(|why| format!("{name}{why}"));
    let is_copy = |of: &str| names.iter().any(|name| of.starts_with(name));
    let kept = entries.filter(|entry| is_copy(&entry.file_name().to_string_lossy()));
    kept.map(|entry| {
        let made = entry.metadata().and_then(|it| it.modified());
        let made = made.unwrap_or(SystemTime::UNIX_EPOCH);
        Copy {
            path: entry.path().display().to_string(),
            made_at: Timestamp::try_from(made).unwrap_or(Timestamp::UNIX_EPOCH),
            expires_at: None,
        }
    })
    .collect()
}
