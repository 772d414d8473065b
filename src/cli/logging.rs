//! Logs: for people on a terminal, JSON otherwise. No secret, message body or whole OpenID.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is logged unless `QIAO_LOG` says otherwise. `cookie_store` would log cookies at debug.
const DEFAULT: &str = "info";

/// Whatever is asked for, these stay quiet: they would log cookies and SQL with contents.
const CAPPED: [&str; 4] = [
    "cookie_store=warn",
    "sqlx=warn",
    "hyper=info",
    "tokio_cron_scheduler=warn",
];

/// Starts logging to standard error; a second call changes nothing.
pub(super) fn start() {
    let asked = std::env::var("QIAO_LOG").unwrap_or_else(|_| DEFAULT.to_owned());
    let mut filter = EnvFilter::new(asked);
    for directive in CAPPED {
        filter = filter.add_directive(directive.parse().expect("a constant directive"));
    }
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        builder.compact().finish().try_init()
    } else {
        builder.json().flatten_event(true).finish().try_init()
    };
    // Only a second call fails, in tests that run commands in one process.
    let _ = started;
}
