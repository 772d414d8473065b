//! `qiao serve`: the daemon, from its configuration to SIGTERM.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{load, logging};
use crate::app::{Daemon, Doors, Parts, transport};
use crate::config::{Config, Loaded};
use crate::effects::Live;
use crate::http::Metrics;
use crate::kit::clock::SystemClock;
use crate::kit::random::Random;
use crate::store::Store;

/// Runs until SIGTERM or SIGINT.
pub(super) async fn run(loaded: Loaded, named: Option<&Path>) -> anyhow::Result<()> {
    logging::start();
    for warning in &loaded.warnings {
        tracing::warn!(warning, "configuration");
    }
    let clock = Arc::new(SystemClock);
    let store = Store::open_configured(&loaded.config.database, clock.clone()).await?;
    let doors = doors(&loaded.config).await?;
    let transport = transport(&loaded.config.outbound)?;
    let parts = Parts::assemble(
        loaded.config,
        store,
        clock,
        Random::from_system(),
        transport,
    )
    .await?;
    let mut signals = Signals::new()?;
    let daemon = Daemon::start(parts, doors).await?;
    tracing::info!(address = %daemon.address, "qiao is ready");
    tell_systemd(&[NotifyState::Ready]);
    let watchdog = tokio::spawn(watchdog(daemon.parts.clone()));
    while signals.next().await == Asked::Reload {
        reload(&daemon.parts, named);
    }
    tracing::info!("stopping");
    tell_systemd(&[NotifyState::Stopping]);
    watchdog.abort();
    daemon.stop().await;
    Ok(())
}

async fn doors(config: &Config) -> anyhow::Result<Doors> {
    let listen = async |address: std::net::SocketAddr| {
        TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; is it in use?"))
    };
    let admin = match config.server.admin_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    Ok(Doors {
        public: listen(config.server.listen).await?,
        admin,
        metrics: Some(Metrics::start()),
        scheduled: true,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Stop,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }
}

/// Puts new secrets, texts and rules in force. What a running daemon cannot change (where it
/// listens, its database, its accounts and tenants) is refused as a whole.
fn reload(parts: &Parts, named: Option<&Path>) {
    let loaded = match load(named) {
        Ok(loaded) => loaded,
        Err(errors) => {
            tracing::error!(%errors, "the configuration is wrong; the old one stays in force");
            return;
        }
    };
    let live = parts.context.live();
    if !same_house(&live.config, &loaded.config) {
        tracing::error!("accounts, tenants, addresses or database changed; restart qiao for that");
        return;
    }
    match Live::new(loaded.config, &parts.context.transport) {
        Ok(live) => {
            parts.context.replace(live);
            parts.engine.probe_again();
            tracing::info!("the configuration was reloaded");
        }
        Err(fault) => tracing::error!(error = %fault, "the old configuration stays in force"),
    }
}

fn same_house(old: &Config, new: &Config) -> bool {
    old.wechat.keys().eq(new.wechat.keys())
        && old.c4c.keys().eq(new.c4c.keys())
        && old.server.listen == new.server.listen
        && old.server.admin_listen == new.server.admin_listen
        && old.database == new.database
}

/// Tells systemd that the daemon lives, as long as its database takes writes.
async fn watchdog(parts: Parts) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut beat = tokio::time::interval(limit / 2);
    loop {
        beat.tick().await;
        // A stalled disk must not look alive; a full or locked one is reported by /readyz.
        if tokio::time::timeout(patience(limit), parts.context.store.probe())
            .await
            .is_ok()
        {
            tell_systemd(&[NotifyState::Watchdog]);
        }
    }
}

fn patience(limit: Duration) -> Duration {
    limit / 4
}

fn tell_systemd(state: &[NotifyState<'_>]) {
    if let Err(fault) = sd_notify::notify(state) {
        tracing::debug!(error = %fault, "systemd was not told");
    }
}
