//! `qiao demo`: the main job between both simulated platforms, played and verified.
//!
//! Start reading at [`run`], then [`story`]: each step acts at a simulator and is verified there.
//! [`stage`] sets up the simulators and the daemon, a child process; [`scene`] is what a step
//! works with; [`tell`] prints.

mod conversation;
mod daemon;
mod hook;
mod scene;
mod stage;
mod story;
mod tell;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{anyhow, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

use stage::Stage;
use tell::Teller;

/// The whole of `--once` ends within 60 s; starting and stopping the daemon have their share.
const STORY_WITHIN: Duration = Duration::from_secs(38);

/// How the demo is played.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where the daemon listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Ends after the story; the exit code is 0 only if every step held
    #[arg(long)]
    once: bool,
    /// Prints one JSON object a step
    #[arg(long)]
    json: bool,
}

/// Plays the story; then, without `--once`, keeps everything up until Ctrl-C.
pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let mut stop = Stop::new()?;
    let mut stage = Stage::set(options.listen).await?;
    let outcome = perform(options, &mut stage, &mut stop).await;
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

async fn perform(options: &Options, stage: &mut Stage, stop: &mut Stop) -> anyhow::Result<()> {
    let teller = Teller::new(options.json);
    teller.open(stage)?;
    let play = tokio::time::timeout(STORY_WITHIN, story::play(stage, &teller));
    let cast = tokio::select! {
        played = play => played
            .map_err(|_| anyhow!("the story did not end within {} s", STORY_WITHIN.as_secs()))??,
        () = stop.asked() => bail!("the demo was stopped before its end"),
    };
    if options.once {
        return Ok(());
    }
    teller.what_to_try(stage, &cast)?;
    tokio::select! {
        () = stop.asked() => Ok(()),
        status = stage.daemon.ended() => bail!("the daemon ended by itself: {}", status?),
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
