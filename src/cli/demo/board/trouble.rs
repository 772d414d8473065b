//! What can be broken, and how it is put right.

use qiao_sim::fault::{Fault, Kind, UNTIL_CLEARED};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Board, Order};

/// Where messages to followers go.
const CUSTOM_SEND: &str = "/cgi-bin/message/custom/send";

/// Where access tokens come from.
const TOKEN: &str = "/cgi-bin/stable_token";

/// Two pieces of the path of every call of C4C, so that the two faults can be told apart.
const ODATA: &str = "/sap/c4c/odata/";
const SAP: &str = "/sap/c4c/";

/// How long a slow C4C takes for each call.
const SLOW_MS: u64 = 2000;

/// One of the things that go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trouble {
    /// C4C answers 503 to everything.
    C4cDown,
    /// C4C takes two seconds for each call.
    C4cSlow,
    /// WeChat answers 45015 to every custom message: the window is closed.
    Window,
    /// WeChat forgets the access token.
    Token,
    /// The daemon is killed.
    Daemon,
}

/// What is broken now.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    down: bool,
    slow: bool,
    window: bool,
    /// Tokens fetched when it was revoked.
    revoked: Option<u64>,
}

impl Troubles {
    /// As the page is told. A revoked token is put right by whoever fetches another one.
    pub(super) fn shown(&self, board: &Board) -> Value {
        let fetched = || board.parts.wechat.look(|wechat| wechat.calls(TOKEN));
        json!({
            "c4c_down": self.down,
            "c4c_slow": self.slow,
            "window": self.window,
            "token": self.revoked.is_some_and(|before| fetched() <= before),
            "daemon": !board.parts.daemon.borrow().up,
        })
    }
}

/// Breaks it. False when it cannot be.
pub(super) async fn make(board: &Board, trouble: Trouble) -> bool {
    match trouble {
        Trouble::C4cDown => {
            board.troubles().down = true;
            let kind = Kind::Status {
                status: 503,
                html: true,
                retry_after: None,
            };
            at_c4c(board, ODATA, kind);
        }
        Trouble::C4cSlow => {
            board.troubles().slow = true;
            at_c4c(board, SAP, Kind::Latency { millis: SLOW_MS });
        }
        Trouble::Window => {
            board.troubles().window = true;
            let kind = Kind::Code {
                code: 45015,
                after_effect: false,
            };
            board.parts.wechat.with(|wechat, _, _| {
                wechat.faults.clear(Some(CUSTOM_SEND));
                wechat.faults.add(always(CUSTOM_SEND, kind));
            });
        }
        Trouble::Token => {
            let fetched = board.parts.wechat.with(|wechat, now, _| {
                wechat.revoke_tokens(now);
                wechat.calls(TOKEN)
            });
            board.troubles().revoked = Some(fetched);
        }
        Trouble::Daemon => return ordered(board, Order::Kill).await,
    }
    true
}

/// Puts it right, and where Qiao would wait for its next probe tells it so, as an operator does.
pub(super) async fn mend(board: &Board, trouble: Trouble) -> bool {
    match trouble {
        Trouble::C4cDown => {
            board.troubles().down = false;
            board
                .parts
                .c4c
                .with(|c4c, _, _| c4c.faults().clear(Some(ODATA)));
        }
        Trouble::C4cSlow => {
            board.troubles().slow = false;
            board
                .parts
                .c4c
                .with(|c4c, _, _| c4c.faults().clear(Some(SAP)));
            return true;
        }
        Trouble::Window => {
            board.troubles().window = false;
            board
                .parts
                .wechat
                .with(|wechat, _, _| wechat.faults.clear(Some(CUSTOM_SEND)));
            return true;
        }
        // Qiao does that.
        Trouble::Token => return true,
        Trouble::Daemon => return ordered(board, Order::Start).await,
    }
    ordered(board, Order::Reload).await
}

fn at_c4c(board: &Board, on: &str, kind: Kind) {
    board.parts.c4c.with(|c4c, _, _| {
        c4c.faults().clear(Some(on));
        c4c.faults().add(always(on, kind));
    });
}

fn always(on: &str, kind: Kind) -> Fault {
    Fault {
        on: on.to_owned(),
        kind,
        times: UNTIL_CLEARED,
    }
}

async fn ordered(board: &Board, order: impl FnOnce(oneshot::Sender<bool>) -> Order) -> bool {
    let (tell, done) = oneshot::channel();
    let sent = board.parts.orders.send(order(tell)).await;
    sent.is_ok() && done.await.unwrap_or(false)
}
