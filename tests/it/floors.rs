//! The house rules that a compiler does not know: who may see whom, and which words belong into
//! which rooms. The table of floors is the one drawn in `src/lib.rs`.

use std::path::{Path, PathBuf};

use regex::Regex;

/// A file does one job in about 400 lines; past this it does two.
const MOST_LINES: usize = 450;

/// A word of the code, where it may stand, and what to do instead.
struct Rule {
    word: &'static str,
    place: Place,
    remedy: &'static str,
}

enum Place {
    Only(&'static [&'static str]),
    Never(&'static [&'static str]),
}

use Place::{Never, Only};

impl Place {
    fn allows(&self, path: &str) -> bool {
        let named = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
        match self {
            Only(places) => named(places),
            Never(places) => !named(places),
        }
    }
}

const RULES: [Rule; 7] = [
    Rule {
        word: r"\bsqlx::",
        place: Only(&["src/store/"]),
        remedy: "SQL lives in `store`: give it a whole operation, and call that",
    },
    Rule {
        word: r"\bopen_as\b|\bCommitWatch\b|\bOpening\b",
        place: Only(&["src/store/"]),
        remedy: "hooks into commits are for tests: what is shipped opens with `Store::open`",
    },
    Rule {
        word: r"\breqwest::",
        place: Only(&["src/kit/"]),
        remedy: "take a `kit::transport::Transport`: the simulation puts its own there",
    },
    Rule {
        word: r"\baxum::",
        place: Only(&[
            "src/http/",
            "src/control/socket.rs",
            "src/app.rs",
            "src/bench/roles.rs",
            "src/bench/platforms.rs",
            "src/cli/",
        ]),
        remedy: "routes live in `http`; what they do belongs to `effects` or `flows`",
    },
    Rule {
        word: r"\b(Timestamp|SystemTime|Zoned)::now\b",
        place: Only(&["src/kit/clock.rs"]),
        remedy: "take a `kit::clock::Clock`, or the instant as an argument",
    },
    Rule {
        word: r"\basync\b|\.await\b|\btokio\b|\bClock\b",
        place: Never(&[
            "src/config/",
            "src/domain/",
            "src/flows/",
            "src/outbox/gate.rs",
            "src/outbox/retry.rs",
        ]),
        remedy: "decisions are pure: let `effects` read and call, and pass in what was read",
    },
    Rule {
        word: r"\.unwrap\(\)",
        place: Only(&[]),
        remedy: "return the error, or `expect` the invariant that excludes it",
    },
];

#[test]
fn arrows_between_floors_only_point_down() {
    let house = House::drawn_in_lib();
    let mut faults = Vec::new();
    for file in sources("src") {
        let Some(room) = file.room() else { continue };
        for seen in file.rooms_it_names(&house) {
            if !house.may_see(&room, &seen) {
                faults.push(format!(
                    "{}: `{room}` may not see `crate::{seen}`; move what they share down to \
                     `domain` or `kit`, or let a higher floor join them",
                    file.path
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn every_room_of_the_house_stands_on_a_floor() {
    let house = House::drawn_in_lib();
    let modules = Regex::new(r"(?m)^(?:pub )?mod (\w+);").unwrap();
    let lib = read("src/lib.rs");
    let mut declared: Vec<&str> = modules
        .captures_iter(&lib)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    let mut drawn = house.rooms();
    declared.sort_unstable();
    drawn.sort_unstable();
    assert_eq!(
        declared, drawn,
        "the modules of src/lib.rs and its table of floors differ; correct the table"
    );
}

#[test]
fn words_stay_in_their_rooms() {
    let mut faults = Vec::new();
    for file in sources("src") {
        for rule in &RULES {
            if rule.place.allows(&file.path) {
                continue;
            }
            if let Some(word) = Regex::new(rule.word).unwrap().find(&file.code) {
                faults.push(format!(
                    "{}: `{}`: {}",
                    file.path,
                    word.as_str(),
                    rule.remedy
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn the_simulators_are_an_independent_reading() {
    let qiao = Regex::new(r"\bqiao(::|\s+as\b|;)").unwrap();
    let faults: Vec<String> = sources("sim/src")
        .iter()
        .filter(|file| qiao.is_match(&file.code))
        .map(|file| {
            format!(
                "{}: it sees `qiao`; read the protocol again instead",
                file.path
            )
        })
        .collect();
    assert_none(&faults);
    let manifest = read("sim/Cargo.toml");
    let depends = Regex::new(r"(?m)^qiao\b").unwrap();
    assert!(
        !depends.is_match(&manifest),
        "sim/Cargo.toml depends on qiao; take it out"
    );
}

#[test]
fn no_file_does_two_jobs() {
    let faults: Vec<String> = ["src", "sim/src", "tests"]
        .iter()
        .flat_map(|folder| sources(folder))
        .filter(|file| file.lines > MOST_LINES)
        .map(|file| {
            format!(
                "{}: {} lines; find its second job and move it out",
                file.path, file.lines
            )
        })
        .collect();
    assert_none(&faults);
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The floors from the top down; each is its rooms, groups of them apart.
///
/// In one group (`a → b`) the left may see the right; groups of one floor do not see each other.
struct House(Vec<Vec<Vec<String>>>);

impl House {
    fn drawn_in_lib() -> Self {
        let drawing = Regex::new(r"(?s)//! ```text\n(.*?)//! ```").unwrap();
        let lib = read("src/lib.rs");
        let drawing = drawing.captures(&lib).expect("src/lib.rs draws the floors");
        let rooms = Regex::new(r"(?m)^//! (.+?) {2,}\d").unwrap();
        let apart = Regex::new(" {2,}").unwrap();
        let floors = rooms.captures_iter(&drawing[1]).map(|floor| {
            let groups = apart.split(&floor[1]).map(str::to_owned);
            groups
                .map(|group| group.split(" → ").map(str::to_owned).collect())
                .collect()
        });
        Self(floors.collect())
    }

    fn rooms(&self) -> Vec<&str> {
        self.0
            .iter()
            .flatten()
            .flatten()
            .map(String::as_str)
            .collect()
    }

    fn place(&self, room: &str) -> Option<(usize, usize, usize)> {
        let floors = self.0.iter().enumerate();
        floors
            .flat_map(|(floor, groups)| {
                groups.iter().enumerate().flat_map(move |(group, rooms)| {
                    let rooms = rooms.iter().enumerate();
                    rooms.map(move |(step, name)| (name, (floor, group, step)))
                })
            })
            .find_map(|(name, place)| (name == room).then_some(place))
    }

    fn may_see(&self, from: &str, to: &str) -> bool {
        let (Some((floor, group, step)), Some((below, other, next))) =
            (self.place(from), self.place(to))
        else {
            return false;
        };
        floor < below || (floor == below && group == other && step <= next)
    }
}

/// One source file, without comments, strings and tests.
struct Source {
    path: String,
    code: String,
    lines: usize,
}

impl Source {
    /// The module under `src` that the file belongs to; the crate's root belongs to none.
    fn room(&self) -> Option<String> {
        let inside = self.path.strip_prefix("src/")?;
        let room = inside.split('/').next()?.trim_end_matches(".rs");
        (!matches!(room, "lib" | "main")).then(|| room.to_owned())
    }

    /// How many `super` lead from this file to the crate's root.
    fn depth(&self) -> usize {
        let inside = self
            .path
            .trim_start_matches("src/")
            .trim_end_matches("/mod.rs");
        inside.split('/').count()
    }

    /// Every room that a `crate::` path, or enough `super::`, leads to.
    fn rooms_it_names(&self, house: &House) -> Vec<String> {
        let path = Regex::new(r"\bcrate::(\{|\w+)|((?:\bsuper::)+)(\{|\w+)").unwrap();
        let rooms = house.rooms();
        let mut named = Vec::new();
        for found in path.captures_iter(&self.code) {
            let head = match (found.get(1), found.get(2), found.get(3)) {
                (Some(head), ..) => head,
                (_, Some(supers), Some(head))
                    if supers.as_str().matches("super").count() >= self.depth() =>
                {
                    head
                }
                _ => continue,
            };
            let heads = match head.as_str() {
                "{" => heads_of_group(&self.code[head.end()..]),
                word => vec![word.to_owned()],
            };
            named.extend(
                heads
                    .into_iter()
                    .filter(|head| rooms.contains(&head.as_str())),
            );
        }
        named
    }
}

/// The first words of the entries of a `{…}` group whose brace has just opened.
fn heads_of_group(rest: &str) -> Vec<String> {
    let mut depth = 1;
    let mut heads = vec![String::new()];
    for letter in rest.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(String::new()),
            _ if depth == 1 => heads.last_mut().expect("never empty").push(letter),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    let first = |entry: &String| entry.trim().split("::").next().map(str::to_owned);
    heads.iter().filter_map(first).collect()
}

fn sources(folder: &str) -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    let mut sources: Vec<Source> = files.iter().map(|file| source(file)).collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!sources.is_empty(), "{folder} holds no source file");
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn source(file: &Path) -> Source {
    let text = std::fs::read_to_string(file).unwrap();
    let path = file
        .strip_prefix(root())
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
    Source {
        lines: text.lines().count(),
        code: if is_test {
            String::new()
        } else {
            without_tests(&without_words(&text))
        },
        path,
    }
}

/// Blanks comments and the insides of literals, so that only code is looked at.
fn without_words(text: &str) -> String {
    let words = Regex::new(
        r##"(?s)//[^\n]*|/\*.*?\*/|r"[^"]*"|r#".*?"#|"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^\\'])'"##,
    );
    words.unwrap().replace_all(text, "").into_owned()
}

/// Cuts every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let Some((before, after)) = code.split_once("#[cfg(test)]") else {
        return code.to_owned();
    };
    let mut depth = 0_usize;
    let end = after.char_indices().find_map(|(at, letter)| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0 && matches!(letter, '}' | ';')).then_some(at + 1)
    });
    let rest = end.map_or("", |end| &after[end..]);
    format!("{before}{}", without_tests(rest))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_reader_of_sources_sees_code_and_nothing_else() {
    let text = r#"
        use crate::{kit::clock::Clock, store::{Job, Store}, wechat};
        // crate::http
        fn quote() -> char { '"' } fn said() -> &'static str { "crate::jobs" }
        #[cfg(test)] mod tests { use crate::c4c; fn x() { } }
        fn back() { super::super::outbox::run() }
    "#;
    let file = Source {
        path: "src/flows/intake.rs".to_owned(),
        code: without_tests(&without_words(text)),
        lines: 6,
    };
    let named = file.rooms_it_names(&House::drawn_in_lib());
    assert_eq!(named, ["kit", "store", "wechat", "outbox"]);
}
