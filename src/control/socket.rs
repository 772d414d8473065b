//! The daemon's Unix socket: `POST /control` with a [`Command`] as JSON. Who may open the socket
//! (mode 0600: the daemon's own user) may do everything.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::connect_info::{Connected, IntoMakeServiceWithConnectInfo};
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as Answer};
use axum::routing::post;
use axum::serve::IncomingStream;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::UnixListener;

use super::{Command, Controls, Refused};
use crate::kit::reqwest_transport::ReqwestTransport;
use crate::kit::transport::{Method, Request, Transport, TransportError};

/// A reconciliation of a million followers makes thousands of calls, of two seconds each at C4C; nothing
/// else comes near it.
const TIMEOUT: Duration = Duration::from_hours(8);

/// The longest name of an operator that the audit keeps: user names have 32 characters.
const MAX_NAME: usize = 64;

/// An operator as the audit names them: by what they call themselves, and by the user id that the kernel
/// vouches for.
pub fn named(name: &str, uid: Option<u32>) -> String {
    let name = name.chars().filter(|letter| !letter.is_control());
    let name: String = name.take(MAX_NAME).collect();
    match uid {
        Some(uid) => format!("{name} (uid {uid})"),
        None => name,
    }
}

/// A command and what the one who gave it is called.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    who: String,
    command: Command,
}

/// The socket's place: beside the database.
pub fn path_for(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".sock");
    PathBuf::from(name)
}

/// Makes the socket, readable by this user only. The caller holds the database's lock, so a file
/// that stands there is a dead daemon's.
pub fn listen(path: &Path) -> std::io::Result<UnixListener> {
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Whose process has opened the socket, as the kernel tells.
#[derive(Debug, Clone, Copy)]
pub struct Peer(Option<u32>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok().map(|peer| peer.uid()))
    }
}

/// What the socket serves.
pub fn service(controls: Controls) -> IntoMakeServiceWithConnectInfo<Router, Peer> {
    Router::new()
        .route("/control", post(handle))
        .with_state(controls)
        .into_make_service_with_connect_info()
}

async fn handle(
    State(controls): State<Controls>,
    ConnectInfo(Peer(uid)): ConnectInfo<Peer>,
    Json(envelope): Json<Envelope>,
) -> Answer {
    let who = named(&envelope.who, uid);
    match controls.execute(envelope.command, &who).await {
        Ok(done) => Json(done).into_response(),
        Err(Refused(reason)) => {
            (StatusCode::CONFLICT, Json(json!({ "error": reason }))).into_response()
        }
    }
}

/// Asks a running daemon; `None` when none listens.
pub async fn ask(path: &Path, command: &Command, who: &str) -> Option<Result<Value, Refused>> {
    if !path.exists() {
        return None;
    }
    let envelope = json!({ "who": who, "command": command });
    let request = Request {
        method: Method::Post,
        url: "http://qiao/control".to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: envelope.to_string().into_bytes(),
        timeout: TIMEOUT,
    };
    let transport = match ReqwestTransport::over_unix_socket(path) {
        Ok(transport) => transport,
        Err(fault) => return Some(Err(Refused(fault.to_string()))),
    };
    let answer = match transport.send(request).await {
        Ok(answer) => answer,
        // The socket of a daemon that was killed stays behind.
        Err(TransportError::NotSent(_)) => return None,
        Err(fault) => return Some(Err(Refused(fault.to_string()))),
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    Some(if answer.status == 200 {
        Ok(body)
    } else {
        let reason = body["error"]
            .as_str()
            .unwrap_or("the daemon refused the command");
        Err(Refused(reason.to_owned()))
    })
}
