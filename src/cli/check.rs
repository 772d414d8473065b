//! `qiao check`: is the configuration valid?

use super::Failed;
use super::menu;
use super::output::say;
use crate::app::transport;
use crate::config::{Config, ConfigError, ConfigErrors, Loaded, load_menu};

/// Tells that a valid configuration is one, and what is risky about it.
pub(super) fn run(loaded: &Loaded) -> Result<(), Failed> {
    buildable(&loaded.config)?;
    for warning in &loaded.warnings {
        say(&format!("warning: {warning}"))?;
    }
    let mut errors = Vec::new();
    for (id, account) in &loaded.config.wechat {
        match load_menu(&loaded.config, id) {
            Some(Ok(menu)) => {
                for warning in menu::warnings(id, &menu, account) {
                    say(&format!("warning: {warning}"))?;
                }
            }
            Some(Err(faults)) => errors.extend(faults.0),
            None => {}
        }
    }
    if !errors.is_empty() {
        return Err(ConfigErrors(errors).into());
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
