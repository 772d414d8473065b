//! Our own daemon, as others find it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::net::UnixStream;
use url::Url;

use crate::config::Config;
use crate::kit::reqwest_transport::{ReqwestTransport, Route};
use crate::kit::transport::{Method, Request, Response, Transport as _};

/// `/readyz` commits once, for which it waits a second at most.
const OWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a daemon runs, and what its `/readyz` says.
#[derive(Debug)]
pub(super) struct Daemon {
    runs: bool,
    /// `None` when it does not run or does not answer.
    pub state: Option<State>,
}

/// `/readyz`, as much as is looked at.
#[derive(Debug, Deserialize)]
pub(super) struct State {
    pub ready: bool,
    pub reasons: Vec<String>,
    pub remotes: Vec<Paused>,
}

/// One remote of `/readyz`.
#[derive(Debug, Deserialize)]
pub(super) struct Paused {
    pub remote: String,
    pub paused: Option<String>,
}

impl Daemon {
    /// Looks for the daemon at its control socket, and asks it where it listens.
    pub(super) async fn ask(config: &Config, socket: &Path) -> Self {
        let runs = is_served(socket).await;
        let state = if runs { ready(config).await } else { None };
        Self { runs, state }
    }

    /// Whether one runs.
    pub(super) fn runs(&self) -> bool {
        self.runs
    }
}

/// Whether a daemon listens at its control socket.
pub async fn is_served(socket: &Path) -> bool {
    UnixStream::connect(socket).await.is_ok()
}

async fn ready(config: &Config) -> Option<State> {
    let answer = asked(config, "/readyz").await.ok()?;
    serde_json::from_slice(&answer.body).ok()
}

/// Whether a daemon of this configuration answers here: the health check of a container. Else a
/// sentence with the cause.
pub async fn alive(config: &Config) -> Result<(), String> {
    let (listen, answer) = (config.server.listen, asked(config, "/healthz").await);
    match answer {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(format!("{listen} answers with HTTP {}", answer.status)),
        Err(fault) => Err(format!("no daemon answers at {listen}: {fault}")),
    }
}

/// Asks the daemon at the address where it listens.
async fn asked(config: &Config, path: &str) -> Result<Response, String> {
    let url = format!(
        "http://{}{}",
        near(config.server.listen),
        below(&config.server.public_url, path)
    );
    // Not through [outbound]: it is this machine.
    let transport = ReqwestTransport::new(&Route::default());
    let transport = transport.map_err(|fault| fault.to_string())?;
    let answer = transport.send(get(url, OWN_TIMEOUT)).await;
    answer.map_err(|fault| fault.to_string())
}

/// Where a listener is found from the same machine.
fn near(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// A path behind that of `public_url`, which prefixes all routes.
fn below(public_url: &Url, path: &str) -> String {
    format!("{}{path}", public_url.path().trim_end_matches('/'))
}

/// The URL under which others reach a route of ours.
pub(super) fn public(config: &Config, path: &str) -> String {
    let mut url = config.server.public_url.clone();
    url.set_path(&below(&config.server.public_url, path));
    url.to_string()
}

/// A read without headers.
pub(super) fn get(url: String, timeout: Duration) -> Request {
    Request {
        method: Method::Get,
        url,
        headers: Vec::new(),
        body: Vec::new(),
        timeout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_found_here() {
        for (listen, found) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.3:80", "10.0.0.3:80"),
        ] {
            assert_eq!(near(listen.parse().unwrap()).to_string(), found);
        }
    }

    #[test]
    fn a_path_of_the_public_url_goes_before_the_route() {
        let at = |url: &str| below(&Url::parse(url).unwrap(), "/readyz");
        assert_eq!(at("https://a.cn"), "/readyz");
        assert_eq!(at("https://a.cn/bridge/"), "/bridge/readyz");
    }
}
