//! `qiao check`: is the configuration valid?

use super::Failed;
use super::output::say;
use crate::app::transport;
use crate::config::{Config, ConfigError, ConfigErrors, Loaded};

/// Tells that a valid configuration is one, and what is risky about it.
pub(super) fn run(loaded: &Loaded) -> Result<(), Failed> {
    buildable(&loaded.config)?;
    for warning in &loaded.warnings {
        say(&format!("warning: {warning}"))?;
    }
    let file = loaded.file.display();
    Ok(say(&format!("{file}: the configuration is valid"))?)
}

/// What cannot be seen without building it: the CA file's contents, the proxy.
fn buildable(config: &Config) -> Result<(), ConfigErrors> {
    let wrong = |fault: anyhow::Error| ConfigError {
        key: "outbound".to_owned(),
        reason: format!("{fault:#}"),
        remedy: "correct proxy, no_proxy or ca_file".to_owned(),
    };
    transport(&config.outbound)
        .map(drop)
        .map_err(|fault| wrong(fault).into())
}
