//! Secrets: literally, from an environment variable, or from a file.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::Fault;

/// The longest secret file that is read. The longest real secret is a password of some dozens of
/// characters; a larger file is the wrong one.
const MAX_FILE: u64 = 4 * 1024;

/// Where a secret stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the configuration itself.
    Here,
    /// In an environment variable.
    Variable,
    /// In this file.
    File(PathBuf),
}

/// Where the secret stands that `text` leads to.
pub(super) fn place(text: &str, folder: &Path) -> Place {
    match text.split_once(':') {
        Some(("env", _)) => Place::Variable,
        Some(("file", path)) => Place::File(folder.join(path)),
        _ => Place::Here,
    }
}

/// Resolves `env:NAME`, `file:PATH` (relative to `folder`; one trailing newline is trimmed) or
/// the secret itself. The result is never empty.
pub(super) fn resolve(text: &str, env: &Environment, folder: &Path) -> Result<String, Fault> {
    let secret = if let Some(name) = text.strip_prefix("env:") {
        from_variable(name, env)?
    } else if let Some(path) = text.strip_prefix("file:") {
        from_file(&folder.join(path))?
    } else {
        text.to_owned()
    };
    if secret.is_empty() {
        return Err(Fault::new("the secret is empty", "give its value"));
    }
    Ok(secret)
}

fn from_variable(name: &str, env: &Environment) -> Result<String, Fault> {
    env.get(name).map(ToOwned::to_owned).ok_or_else(|| {
        Fault::new(
            format!("the environment variable {name} is not set"),
            "set it for the process that runs qiao",
        )
    })
}

fn from_file(path: &Path) -> Result<String, Fault> {
    let unusable = |reason: String| {
        Fault::new(
            format!("the file {} cannot be used: {reason}", path.display()),
            "give a small text file that the user who runs qiao may read",
        )
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| unusable(e.to_string()))?;
    file.take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|e| unusable(e.to_string()))?;
    if text.len() as u64 > MAX_FILE {
        return Err(unusable(format!("it is larger than {MAX_FILE} bytes")));
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_each_of_its_three_places() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "from file \n").unwrap();
        let env: Environment = [("PW", "from env")].into_iter().collect();
        let found = |text| resolve(text, &env, folder.path()).unwrap();
        assert_eq!(found("as it stands"), "as it stands");
        assert_eq!(found("env:PW"), "from env");
        assert_eq!(found("file:pw"), "from file ");
        let absolute = format!("file:{}", folder.path().join("pw").display());
        assert_eq!(found(&absolute), "from file ");
    }

    #[test]
    fn a_secret_that_is_not_there_is_told_without_a_value() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("empty"), "\r\n").unwrap();
        std::fs::write(folder.path().join("large"), vec![b'x'; 5000]).unwrap();
        std::fs::write(folder.path().join("binary"), [0xff]).unwrap();
        let env: Environment = [("EMPTY", "")].into_iter().collect();
        for (text, expected) in [
            ("", "the secret is empty"),
            ("env:EMPTY", "the secret is empty"),
            ("env:GONE", "the environment variable GONE is not set"),
            ("file:empty", "the secret is empty"),
            ("file:gone", "No such file"),
            ("file:large", "larger than 4096 bytes"),
            ("file:binary", "valid UTF-8"),
        ] {
            let error = resolve(text, &env, folder.path()).unwrap_err().at("k");
            assert!(error.reason.contains(expected), "{text}: {error}");
        }
    }
}
