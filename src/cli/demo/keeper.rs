//! The owner of the daemon: kills it, starts it again and wakes it when the page asks.

use anyhow::anyhow;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::board::{self, Order, Page, Parts};
use super::stage::Stage;
use std::sync::Arc;

/// Orders that may wait: each page waits for the answer to its own.
const WAITING: usize = 8;

/// Takes the page's orders.
pub(super) struct Keeper {
    orders: mpsc::Receiver<Order>,
    daemon: watch::Sender<board::Daemon>,
}

/// Opens the page on that listener. Nobody can act there before [`Keeper::story_is_over`].
pub(super) fn open(stage: &Stage, listener: TcpListener, origin: &str) -> (Page, Keeper) {
    let (sender, orders) = mpsc::channel(WAITING);
    let (daemon, seen) = watch::channel(board::Daemon {
        up: true,
        kills: 0,
        in_story: true,
    });
    let parts = Parts {
        wechat: Arc::clone(&stage.wechat),
        c4c: Arc::clone(&stage.c4c),
        store: stage.store.clone(),
        daemon_url: stage.url(),
        orders: sender,
        daemon: seen,
    };
    let page = board::serve(listener, origin, parts);
    (page, Keeper { orders, daemon })
}

impl Keeper {
    /// From now on the page may act.
    pub(super) fn story_is_over(&mut self) {
        self.daemon.send_modify(|daemon| daemon.in_story = false);
    }

    /// Does what is ordered. Gives why the daemon ended, if nobody ordered that.
    pub(super) async fn keep(&mut self, stage: &mut Stage) -> anyhow::Error {
        loop {
            let up = self.daemon.borrow().up;
            tokio::select! {
                ended = stage.daemon.ended(), if up => return match ended {
                    Ok(status) => anyhow!("the daemon ended by itself: {status}"),
                    Err(fault) => fault.into(),
                },
                // The page is open as long as this runs, so there is a sender.
                Some(order) = self.orders.recv() => self.obey(stage, order).await,
            }
        }
    }

    async fn obey(&mut self, stage: &mut Stage, order: Order) {
        let up = self.daemon.borrow().up;
        let (tell, done) = match order {
            Order::Kill(tell) if up => {
                let killed = stage.daemon.kill().await.is_ok();
                self.daemon.send_modify(|daemon| {
                    daemon.up = !killed;
                    daemon.kills += u32::from(killed);
                });
                (tell, killed)
            }
            Order::Start(tell) if !up => {
                let started = stage.restart().await.is_ok();
                self.daemon.send_modify(|daemon| daemon.up = started);
                (tell, started)
            }
            Order::Reload(tell) if up => {
                let sent = stage.daemon.signal("HUP").await;
                (tell, sent.unwrap_or(false))
            }
            Order::Kill(tell) | Order::Start(tell) => (tell, false),
            // One that is down reads everything anew when it starts.
            Order::Reload(tell) => (tell, true),
        };
        // Who asked may have gone meanwhile.
        let _ = tell.send(done);
    }
}
