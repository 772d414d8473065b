//! What is wrong with a configuration: all of it at once, each with key, reason and remedy.
//!
//! Errors name keys, ids and files and never repeat a value, because any value may turn out to
//! be a secret that was pasted into the wrong place.

use std::fmt;

/// One fault. Its sentence is `key: reason; remedy`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}; {remedy}")]
pub struct ConfigError {
    /// The dotted key (`wechat.main.app_id`), the environment variable, or the file.
    pub key: String,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// Everything that is wrong, in the order of the file's sections; never empty. Shown a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

/// What is wrong with a value, before it is known under which key it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    reason: String,
    remedy: String,
}

impl Fault {
    pub(super) fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    /// The fault of the value under `key`.
    pub(super) fn at(self, key: impl Into<String>) -> ConfigError {
        ConfigError {
            key: key.into(),
            reason: self.reason,
            remedy: self.remedy,
        }
    }
}
