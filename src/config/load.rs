//! Finds the file, reads it, lays the environment over it and validates the whole.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use toml::Table;

use super::environment::Environment;
use super::error::{ConfigError, ConfigErrors, Fault};
use super::keys;
use super::tree::{Notes, Run, Section};
use super::types::Config;
use super::validate;

/// Arrays within arrays that a configuration may hold; its own have two.
const MAX_OPEN_BRACKETS: usize = 100;

/// Where the file is looked for when neither `-c` nor `QIAO_CONFIG` names it.
const PLACES: [&str; 2] = ["qiao.toml", "/etc/qiao/qiao.toml"];

/// A hundred accounts with their rules are far smaller; a larger file is the wrong one.
const MAX_FILE: u64 = 1024 * 1024;

/// A valid configuration and what should be known about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file it came from, absolute.
    pub file: PathBuf,
    /// Sentences about risky settings; none of them stops anything.
    pub warnings: Vec<String>,
    /// The files that secrets came from.
    pub secret_files: Vec<PathBuf>,
    /// Whether a secret stands in the file itself, or in a variable that takes a key's place.
    pub holds_secrets: bool,
}

/// Loads the configuration: from `named` (`-c/--config`), else from `QIAO_CONFIG`, else from
/// `./qiao.toml` or `/etc/qiao/qiao.toml`. Relative paths in it count from its folder.
///
/// All faults come at once, each with key, reason and remedy.
pub fn load(named: Option<&Path>, env: &Environment) -> Result<Loaded, ConfigErrors> {
    let file = find(named, env, &PLACES.map(Path::new))?;
    let file = std::path::absolute(&file).map_err(|e| unreadable(&file, &e))?;
    let text = read(&file)?;
    load_text(&text, &file, env)
}

/// Validates `text` as if it stood in `file`, which need not exist but should be absolute.
pub fn load_text(text: &str, file: &Path, env: &Environment) -> Result<Loaded, ConfigErrors> {
    let mut tree = parse(text, file)?;
    let mut errors = env.lay_over(&mut tree);
    errors.extend(keys::unknown_keys(&tree));
    let run = Run {
        env,
        folder: file.parent().unwrap_or(Path::new("/")),
        notes: RefCell::new(Notes {
            errors,
            ..Notes::default()
        }),
    };
    let config = validate::config(&Section::root(&tree, &run));
    let notes = run.notes.into_inner();
    match config {
        Ok(config) if notes.errors.is_empty() => Ok(Loaded {
            config,
            file: file.to_owned(),
            warnings: notes.warnings,
            secret_files: notes.secret_files,
            holds_secrets: notes.holds_secrets,
        }),
        _ => Err(ConfigErrors(notes.errors)),
    }
}

/// A file that was named must be there; of the usual places the first that exists is taken.
fn find(named: Option<&Path>, env: &Environment, places: &[&Path]) -> Result<PathBuf, ConfigError> {
    let from_variable = env.get("QIAO_CONFIG").filter(|path| !path.is_empty());
    if let Some(named) = named.or(from_variable.map(Path::new)) {
        return Ok(named.to_owned());
    }
    let found = places.iter().find(|place| place.exists());
    found.map(|place| place.to_path_buf()).ok_or_else(|| {
        let places: Vec<_> = places.iter().map(|p| p.display().to_string()).collect();
        let reason = format!("there is no configuration at {}", places.join(" or "));
        let remedy = "name one with -c or QIAO_CONFIG, or copy config.example.toml";
        Fault::new(reason, remedy).at("configuration")
    })
}

pub(super) fn read(file: &Path) -> Result<String, ConfigError> {
    use std::io::Read;
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|e| unreadable(file, &e))?;
    opened
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|e| unreadable(file, &e))?;
    if text.len() as u64 > MAX_FILE {
        let too_large = Fault::new(
            format!("the file is larger than {MAX_FILE} bytes"),
            "name the configuration of qiao",
        );
        return Err(too_large.at(file.display().to_string()));
    }
    Ok(text)
}

fn unreadable(file: &Path, error: &std::io::Error) -> ConfigError {
    let reason = format!("the file cannot be read: {error}");
    let remedy = "name a text file that the user who runs qiao may read";
    Fault::new(reason, remedy).at(file.display().to_string())
}

/// The parser's message names what it expected and never quotes the line.
pub(super) fn parse(text: &str, file: &Path) -> Result<Table, ConfigError> {
    if is_too_deep(text) {
        let reason = format!("more than {MAX_OPEN_BRACKETS} brackets are open at once");
        return Err(Fault::new(reason, "close them").at(file.display().to_string()));
    }
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let (line, column) = position(before.unwrap_or_default());
        let reason = error.message().replace('\n', ", ");
        let key = format!("{}:{line}:{column}", file.display());
        Fault::new(reason, "correct the TOML there").at(key)
    })
}

/// Whether so many brackets are open that reading them could exhaust the stack: the TOML reader
/// descends into each. Brackets in texts are counted, too; no configuration comes near the limit.
pub fn is_too_deep(text: &str) -> bool {
    let mut open = Vec::new();
    text.bytes().any(|byte| {
        match byte {
            b'[' => open.push(b']'),
            b'{' => open.push(b'}'),
            b']' | b'}' if open.last() == Some(&byte) => drop(open.pop()),
            // One that closes nothing leaves the others open.
            _ => {}
        }
        open.len() > MAX_OPEN_BRACKETS
    })
}

/// Line and column, both from 1, of what comes after `before`.
fn position(before: &str) -> (usize, usize) {
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_without_end_are_refused_and_exhaust_nothing() {
        let text = format!("a = {}", "[".repeat(100_000));
        let refused = load_text(&text, Path::new("/qiao.toml"), &Environment::default());
        let reason = &refused.unwrap_err().0[0].reason;
        assert_eq!(reason, "more than 100 brackets are open at once");
    }

    #[test]
    fn the_file_is_taken_from_the_first_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let usual = folder.path().join("usual.toml");
        std::fs::write(&usual, "").unwrap();
        let absent = folder.path().join("absent.toml");
        let places = [absent.as_path(), usual.as_path()];
        let variable: Environment = [("QIAO_CONFIG", "/by/variable")].into_iter().collect();
        let empty: Environment = [("QIAO_CONFIG", "")].into_iter().collect();
        let found = |named, env| find(named, env, &places).unwrap();
        assert_eq!(
            found(Some(Path::new("/by/flag")), &variable),
            Path::new("/by/flag")
        );
        assert_eq!(found(None, &variable), Path::new("/by/variable"));
        assert_eq!(found(None, &empty), usual);
        let error = find(None, &empty, &places[..1]).unwrap_err();
        assert!(error.to_string().contains("absent.toml"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = load(
            Some(&folder.path().join("gone.toml")),
            &Environment::default(),
        );
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("gone.toml: the file cannot be read: No such file"),
            "{error}"
        );
    }

    #[test]
    fn a_syntax_error_has_line_and_column() {
        let text = "# 桥\n[wechat.main]\ntoken = \"好\" token\n";
        let error = parse(text, Path::new("/etc/qiao/qiao.toml")).unwrap_err();
        assert_eq!(error.key, "/etc/qiao/qiao.toml:3:13");
    }

    #[test]
    fn a_syntax_error_does_not_quote_the_line() {
        for line in [
            "token = hunter2",
            "token = \"hunter2",
            "token = \"hunter2\\q\"",
            "token = 12hunter2",
            "token = \"a\" hunter2",
            "token = [\"a\" hunter2]",
            "token = \"a\"\ntoken = \"hunter2\"",
        ] {
            let error = parse(line, Path::new("qiao.toml")).unwrap_err().to_string();
            assert!(error.starts_with("qiao.toml:"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
