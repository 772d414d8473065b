//! What the documents promise exists: the files they link to, the commands they name, and their
//! options.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

/// Everything a newcomer reads.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "docs/ARCHITECTURE.md",
    "docs/BACKUP.md",
    "docs/BENCHMARKS.md",
    "docs/DESIGN.md",
    "docs/DOCTOR.md",
    "docs/MAP.md",
    "docs/MAPPINGS.md",
    "docs/MENU.md",
    "docs/METRICS.md",
    "docs/OPERATIONS.md",
    "docs/PAGES.md",
    "docs/PRIVACY.md",
    "docs/PROOF.md",
    "docs/QR.md",
    "docs/RECONCILIATION.md",
    "docs/SCHEMA.md",
    "docs/WECHAT-SETUP.md",
    "docs/C4C-SETUP.md",
    "config.example.toml",
    "examples/ui5-account/README.md",
    "deploy/qiao.service",
    "Makefile",
];

/// The mark of a command that is promised for later.
const COMING: &str = "(coming)";

/// All of them.
pub fn written_for_people() -> impl Iterator<Item = &'static str> {
    DOCUMENTS.iter().copied()
}

pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn no_document_is_empty_and_every_one_is_checked_here() {
    let written = std::fs::read_dir(root().join("docs")).unwrap();
    for entry in written.map(|entry| entry.unwrap()) {
        if !entry.file_type().unwrap().is_file() {
            // Pictures lie in a folder of their own.
            continue;
        }
        let name = format!("docs/{}", entry.file_name().to_str().unwrap());
        assert!(
            DOCUMENTS.contains(&name.as_str()),
            "{name} is not in DOCUMENTS"
        );
    }
    for document in DOCUMENTS {
        assert!(!read(document).trim().is_empty(), "{document} is empty");
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    for document in DOCUMENTS {
        let text = read(document);
        for found in link.captures_iter(&text) {
            let (file, anchor) = found[1].split_once('#').unwrap_or((&found[1], ""));
            if file.contains("://") {
                continue;
            }
            let target = match file {
                "" => root().join(document),
                file => root().join(document).parent().unwrap().join(file),
            };
            assert!(
                target.exists(),
                "{document} links to {file}, which does not exist"
            );
            assert!(
                anchor.is_empty() || anchors(&target).contains(&anchor.to_owned()),
                "{document} links to #{anchor}, which is no heading of {}",
                target.display()
            );
        }
    }
}

/// The anchors that GitHub makes of a document's headings.
/// The same of a document by its path in the house.
pub fn anchors_of(document: &str) -> Vec<String> {
    anchors(&root().join(document))
}

fn anchors(document: &PathBuf) -> Vec<String> {
    let text = std::fs::read_to_string(document).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_source_file_that_a_document_names_exists() {
    let path = Regex::new(r"`((?:src|sim|tests|migrations|deploy|docs)/[\w./-]+)`").unwrap();
    for document in DOCUMENTS {
        for found in path.captures_iter(&read(document)) {
            let file = &found[1];
            assert!(
                root().join(file).exists(),
                "{document} names {file}, which does not exist"
            );
        }
    }
}

#[test]
fn every_command_that_a_document_names_exists_or_is_marked_as_coming() {
    let tree = Tree::of_the_binary();
    let mut faults = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        for (line, mention) in mentions(&text) {
            let fault = match (tree.follow(&mention), line.contains(COMING)) {
                (Ok(()), false) | (Err(_), true) => continue,
                (Ok(()), true) => "it has come; take the mark away".to_owned(),
                (Err(fault), false) => fault,
            };
            faults.push(format!("{document}: `qiao {mention}`: {fault}"));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Every `qiao …` in a code span or as a line of a code block, with the line it stands on.
fn mentions(text: &str) -> Vec<(&str, String)> {
    let span = Regex::new(r#"[`"]qiao ([^`"|]+)[`"|]"#).unwrap();
    let typed = Regex::new(r"^\s*(?:\$ )?(?:sudo -u qiao )?qiao ([a-z-][^#|]*)").unwrap();
    let mut mentions = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        in_block ^= line.starts_with("```");
        let found = if in_block { &typed } else { &span };
        mentions.extend(
            found
                .captures_iter(line)
                .map(|m| (line, m[1].trim().to_owned())),
        );
    }
    mentions
}

/// The commands as `qiao help` tells them: the words of each with the text of its help.
struct Tree(BTreeMap<Vec<String>, String>);

impl Tree {
    fn of_the_binary() -> Self {
        let mut tree = Self(BTreeMap::new());
        tree.explore(&[]);
        tree
    }

    fn explore(&mut self, words: &[String]) {
        let told = Command::new(env!("CARGO_BIN_EXE_qiao"))
            .args(words)
            .arg("--help")
            .output()
            .unwrap();
        let help = String::from_utf8(told.stdout).unwrap();
        assert!(told.status.success(), "qiao {} --help", words.join(" "));
        let children = subcommands(&help);
        self.0.insert(words.to_owned(), help);
        for child in children {
            self.explore(&[words, &[child]].concat());
        }
    }

    /// Walks the words of a mention as far as they are commands; then every option must be known.
    fn follow(&self, mention: &str) -> Result<(), String> {
        let mut at = Vec::new();
        let mut words = mention.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let help = &self.0[&at];
            if word == "-c" || word == "--config" {
                words.next();
            } else if let Some(option) = word.trim_start_matches('[').strip_prefix("--") {
                let option = option.trim_end_matches(']');
                let known = Regex::new(&format!(r"--{}\b", regex::escape(option))).unwrap();
                if !known.is_match(help) {
                    return Err(format!("there is no option --{option}"));
                }
            } else {
                let children = subcommands(help);
                let choices: Vec<&str> = word.split('|').collect();
                let strange = choices
                    .iter()
                    .find(|c| !children.contains(&(**c).to_owned()));
                match strange {
                    _ if children.is_empty() => {}
                    Some(strange) => return Err(format!("there is no command `{strange}`")),
                    None => at.push(choices[0].to_owned()),
                }
            }
        }
        Ok(())
    }
}

fn subcommands(help: &str) -> Vec<String> {
    let listed = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    let lines = listed.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect()
}
