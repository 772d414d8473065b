//! How long a reconciliation of many mappings takes, and that the daemon's memory does not grow with
//! their number.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::Measure;
use super::figures::Rounds;
use super::platforms::OBSOLETE_EACH;
use super::process::Process;
use super::pushes::Mode;
use super::report::{Section, Target, figure};
use super::site::{Folder, Platforms, Site};
use crate::kit::clock::SystemClock;
use crate::store;

/// What the daemon may take, in MiB, however many mappings there are.
const MOST: f64 = 200.0;

const COLUMNS: [&str; 4] = ["mappings", "seconds", "mappings/s", "peak MiB"];

/// So that WeChat is asked about each follower, too.
const NAMED: &str = r#"
[c4c.main.customer]
FirstName = "{name|Wechat}"
LastName = "{openid}"
RoleCode = "CRM000"
"#;

/// One dry run.
struct Sample {
    seconds: f64,
    peak: f64,
}

/// Reconciles everything once a round.
pub(super) async fn measure(measure: &Measure) -> anyhow::Result<Section> {
    let mappings = measure.size.mappings.max(1);
    let folder = Folder::new(&measure.folder)?;
    let database = folder.join("reconcile.db");
    store::seed(&database, Arc::new(SystemClock), mappings, 0).await?;
    let far_side = Process::role(
        &["platforms", "--followers", &mappings.to_string()],
        measure.cores.load,
    )?;
    let url = format!("http://{}", far_side.address);
    let platforms = Platforms {
        wechat: &url,
        c4c: &url,
    };
    let site = Site::between(&folder, &database, Mode::Plain, platforms)?;
    let mut config = OpenOptions::new().append(true).open(&site.config)?;
    config.write_all(NAMED.as_bytes())?;
    let rounds = Rounds::measure(measure.rounds, &[()], async |()| {
        reconcile(measure, &site, mappings)
    });
    let rounds = rounds.await?;
    far_side.stop()?;
    let seconds = rounds.median((), |sample| sample.seconds);
    let peak = rounds.highest((), |sample| sample.peak);
    #[expect(clippy::cast_precision_loss, reason = "mappings are fewer than 2^53")]
    let rate = mappings as f64 / seconds;
    Ok(Section {
        name: "reconcile",
        title: "Reconciliation",
        notes: vec![
            format!(
                "a dry run over {mappings} followers, as many mappings and as many customers, of which one in \
                 {OBSOLETE_EACH} is obsolete; both platforms answer at once from another process"
            ),
            "the median time of all rounds, and the highest peak of the daemon".to_owned(),
        ],
        columns: &COLUMNS,
        rows: vec![vec![
            json!(mappings),
            figure(seconds),
            figure(rate),
            figure(peak),
        ]],
        targets: vec![Target::below(
            format!("peak while {mappings} mappings are reconciled, MiB"),
            peak,
            MOST,
        )],
    })
}

fn reconcile(measure: &Measure, site: &Site, mappings: u64) -> anyhow::Result<Sample> {
    let daemon = Process::daemon(&site.config, site.address, measure.cores.server)?;
    let begun = Instant::now();
    let output = Command::new(std::env::current_exe()?)
        .arg("--config")
        .arg(&site.config)
        .args(["reconcile", "--json"])
        .output()
        .context("the command cannot be started")?;
    let seconds = begun.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "it could not be reconciled: {said}"
    );
    let expected = format!("{} findings, dry run", mappings / OBSOLETE_EACH);
    ensure!(said.trim() == expected, "{said} instead of {expected}");
    let peak = daemon.usage()?.peak;
    daemon.stop()?;
    Ok(Sample { seconds, peak })
}
