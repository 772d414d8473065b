//! `qiao demo`: the main job between both simulated platforms, played and verified, and a page to touch it.
//!
//! Start reading at [`run`], then [`story`]: each step acts at a simulator and is verified there.
//! [`stage`] sets up the simulators and the daemon, a child process; [`scene`] is what a step
//! works with; [`tell`] prints. [`board`] serves the page with two sides; [`keeper`] does for it what only the
//! owner of the daemon can.

mod board;
mod conversation;
mod daemon;
mod hook;
mod keeper;
mod scene;
mod settings;
mod stage;
mod story;
mod tell;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use stage::{Stage, here};
use tell::Teller;

/// The whole of `--once` ends within 60 s; starting and stopping the daemon have their share.
const STORY_WITHIN: Duration = Duration::from_secs(38);

/// How the demo is played.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where the daemon listens; the page is one port above
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Ends after the story; the exit code is 0 only if every step held
    #[arg(long, conflicts_with = "no_story")]
    once: bool,
    /// Leaves the story out: the page is there at once, and nobody has followed yet
    #[arg(long)]
    no_story: bool,
    /// What opens as 我的账户 in place of the demo's own small page: a folder of static files, such as
    /// examples/ui5-account/dist
    #[arg(long, value_name = "FOLDER")]
    account_page: Option<PathBuf>,
    /// Prints one JSON object a step
    #[arg(long)]
    json: bool,
}

/// Plays the story; then, without `--once`, keeps everything up until Ctrl-C.
pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let mut stop = Stop::new()?;
    let door = if options.once {
        None
    } else {
        Some(Door::open(options.listen).await?)
    };
    let origin = door.as_ref().map(|door| door.origin.as_str());
    let mut stage = Stage::set(options.listen, origin, options.account_page.as_deref()).await?;
    let outcome = perform(options, &mut stage, door, &mut stop).await;
    let folder = stage.folder.clone();
    let struck = stage.strike().await;
    if let Err(fault) = outcome.and(struck) {
        let kept = folder.display();
        bail!("{fault:#}; the database and the daemon's log are kept in {kept}");
    }
    if options.once {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Where the page will be. Its address is in the daemon's configuration, so it is known first.
struct Door {
    listener: TcpListener,
    origin: String,
}

impl Door {
    async fn open(listen: SocketAddr) -> anyhow::Result<Self> {
        let mut address = listen;
        if address.port() != 0 {
            // Above the last port there is none: any will do.
            address.set_port(address.port().checked_add(1).unwrap_or(0));
        }
        let bound = TcpListener::bind(address).await;
        let listener = bound.with_context(|| format!("the page cannot listen on {address}"))?;
        let origin = here(listener.local_addr()?);
        Ok(Self { listener, origin })
    }
}

async fn perform(
    options: &Options,
    stage: &mut Stage,
    door: Option<Door>,
    stop: &mut Stop,
) -> anyhow::Result<()> {
    let teller = Teller::new(options.json);
    if door.is_some() {
        stage.furnish().await?;
    }
    let opened = door.map(|door| keeper::open(stage, door.listener, &door.origin));
    let page = opened.as_ref().map(|(page, _)| page.url.as_str());
    teller.open(stage, page)?;
    let mut cast = None;
    if !options.no_story {
        let play = tokio::time::timeout(STORY_WITHIN, story::play(stage, &teller));
        cast = Some(tokio::select! {
            played = play => played.map_err(|_| {
                anyhow!("the story did not end within {} s", STORY_WITHIN.as_secs())
            })??,
            () = stop.asked() => bail!("the demo was stopped before its end"),
        });
    }
    let Some((page, mut keeper)) = opened else {
        return Ok(());
    };
    keeper.story_is_over();
    teller.what_to_try(stage, &page.url, cast.as_ref())?;
    tokio::select! {
        () = stop.asked() => Ok(()),
        fault = keeper.keep(stage) => Err(fault),
    }
}
/// The signals that end the demo. Without them the daemon would be left behind.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
