//! What operators type, and what they read: the real binary, beside a daemon and without one.

mod alone;
mod init;
mod reading;
mod writing;

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use crate::world::World;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Told {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Told {
    /// The printed array or object.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }

    /// Done, and this was said.
    pub fn says(&self, piece: &str) {
        assert_eq!(self.code, 0, "{self:?}");
        assert!(self.out.contains(piece), "no `{piece}` in {self:?}");
    }

    /// Ended with `code`, and standard error says why.
    pub fn fails(&self, code: i32, piece: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(piece), "no `{piece}` in {self:?}");
    }
}

/// The binary with this configuration, as the user `wang` of an otherwise empty environment.
pub fn binary(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qiao"));
    command
        .env_clear()
        .env("USER", "wang")
        .arg("--config")
        .arg(config)
        .kill_on_drop(true);
    command
}

pub async fn run(config: &Path, words: &[&str]) -> Told {
    let ended = binary(config).args(words).output().await.unwrap();
    Told {
        code: ended.status.code().expect("ended by itself"),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// Runs a command on the world's database.
pub async fn qiao(world: &World, words: &[&str]) -> Told {
    run(&world.config_file(), words).await
}
