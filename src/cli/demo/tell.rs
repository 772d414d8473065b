//! How the story is told: in words on a terminal, or one JSON object a step.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use super::scene::{Fact, Unmet};
use super::stage::Stage;
use super::story::Cast;
use crate::store::TracedRow;

/// A step that was played; as JSON it is one line.
#[derive(Serialize)]
pub(super) struct Step<'a> {
    /// Its name.
    #[serde(rename = "step")]
    pub(super) name: &'static str,
    /// What happens, for people.
    #[serde(skip)]
    pub(super) title: &'static str,
    /// Whether everything was as expected.
    pub(super) held: bool,
    /// What was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unmet: Option<&'a Unmet>,
    /// How long it took.
    pub(super) millis: u128,
    /// What it shows.
    pub(super) evidence: Evidence,
}

/// What a step shows.
#[derive(Serialize)]
pub(super) struct Evidence {
    /// What was seen, in order.
    pub(super) facts: Vec<Fact>,
    /// What Qiao wrote meanwhile.
    pub(super) rows: Vec<TracedRow>,
}

/// Prints.
pub(super) struct Teller {
    json: bool,
    colour: bool,
}

impl Teller {
    /// For people, or with `json` for programs.
    pub(super) fn new(json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        Self {
            json,
            colour: !json && !plain && io::stdout().is_terminal(),
        }
    }

    /// Says what stands ready.
    pub(super) fn open(&self, stage: &Stage, page: Option<&str>) -> io::Result<()> {
        let page = page.map(|url| {
            format!("  page     {url}   a phone, a C4C screen, and the rows between them\n")
        });
        self.say(&format!(
            "{}\n  WeChat   {}   simulated in this process\n  C4C      {}   simulated in this \
             process\n  Qiao     {}   a child process: qiao serve\n  database {}\n{}",
            self.bold("Qiao between WeChat and SAP Cloud for Customer"),
            stage.wechat.url(),
            stage.c4c.url(),
            stage.url(),
            stage.folder.join("qiao.db").display(),
            page.unwrap_or_default(),
        ))
    }

    /// Tells one step.
    pub(super) fn tell(&self, step: &Step<'_>) -> io::Result<()> {
        if self.json {
            return writeln!(io::stdout(), "{}", serde_json::to_string(step)?);
        }
        writeln!(io::stdout(), "{}", self.as_text(step))
    }

    /// Says how to go on, once the story is over.
    pub(super) fn what_to_try(
        &self,
        stage: &Stage,
        page: &str,
        cast: Option<&Cast>,
    ) -> io::Result<()> {
        let heading = self.bold("Everything stays up. Open in a browser:");
        self.say(&format!("{heading}\n  {page}\n"))?;
        if let Some(cast) = cast {
            self.in_another_terminal(stage, cast)?;
        }
        let kept = stage.folder.display();
        self.say(&format!("Ctrl-C ends it; {kept} stays."))
    }

    /// The same by hand.
    fn in_another_terminal(&self, stage: &Stage, cast: &Cast) -> io::Result<()> {
        let (wechat, c4c) = (stage.wechat.url(), stage.c4c.url());
        let Cast {
            openid,
            object_id,
            ticket,
        } = cast;
        let folder = stage.folder.display();
        let program = std::env::current_exe()?;
        let program = program.display();
        self.say(&format!(
            r#"{heading}
{as_follower}
  curl -s {wechat}/_control/say -d '{{"openid":"{openid}","text":"在吗？"}}'
  curl -s {wechat}/_control/image -d '{{"openid":"{openid}","base64":"iVBORw0KGgo="}}'
  curl -s {wechat}/_control/click -d '{{"openid":"{openid}","key":"review"}}'
  curl -s '{wechat}/_control/seen?openid={openid}'
{as_agent}
  curl -s {c4c}/_control/answers -d '{{"to":"{ticket}","text":"您好","author_name":"Li Wei"}}'
  curl -s {c4c}/_control/tickets/{ticket}
  curl -s '{c4c}/_control/desk?openid={openid}'
  curl -s {c4c}/_control/customers/{object_id} -d '{{"Email":"li@example.cn"}}'
  curl -s {c4c}/_control/customers
{trouble}
  curl -s {c4c}/_control/faults -d '{{"on":"POST","kind":"drop","after_effect":true}}'
  curl -s {wechat}/_control/faults -d '{{"on":"custom/send","kind":"drop","after_effect":true}}'
  curl -s {wechat}/_control/follow -d '{{}}'
{looking}
  sqlite3 -readonly {folder}/qiao.db 'SELECT * FROM v_conversation'
  sqlite3 -readonly {folder}/qiao.db 'SELECT * FROM v_outbox'
  sqlite3 -readonly {folder}/qiao.db 'SELECT * FROM conversation'
  {program} -c {folder}/qiao.toml conversation show {openid}
  {program} -c {folder}/qiao.toml mapping list
  {program} -c {folder}/qiao.toml outbox list
  curl -s {qiao}/readyz
  tail -f {folder}/serve.log
"#,
            heading = self.bold("Or in another terminal:"),
            as_follower = self.dim("as the follower, and what they saw"),
            as_agent = self.dim("as a C4C agent"),
            trouble = self.dim(
                "trouble: an answer that is lost after its effect. C4C is looked up before anything \
                 is done again;\nWeChat cannot be asked, so such a message is held for a person \
                 (uncertain_send = \"hold\")"
            ),
            looking = self.dim("behind it"),
            qiao = stage.url(),
        ))
    }

    /// For people: on standard output, unless that is for programs.
    fn say(&self, text: &str) -> io::Result<()> {
        if self.json {
            writeln!(io::stderr(), "{text}")
        } else {
            writeln!(io::stdout(), "{text}")
        }
    }

    fn as_text(&self, step: &Step<'_>) -> String {
        let mark = if step.held {
            self.painted("32", "✓")
        } else {
            self.painted("31", "✗")
        };
        let title = self.bold(step.title);
        let mut text = format!("{mark} {title}  {} ms\n", step.millis);
        for Fact { place, saw, millis } in &step.evidence.facts {
            let _ = writeln!(text, "    {place:<8}{millis:>5} ms  {saw}");
        }
        for row in &step.evidence.rows {
            let _ = writeln!(text, "{}", self.dim(&row_as_text(row)));
        }
        if let Some(Unmet { expected, seen }) = step.unmet {
            let _ = writeln!(text, "    expected: {expected}\n    seen:     {seen}");
        }
        text
    }

    fn bold(&self, text: &str) -> String {
        self.painted("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.painted("2", text)
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

fn row_as_text(row: &TracedRow) -> String {
    let mut text = format!(
        "    {:<8}{:>5} ms  {} {}: {}",
        row.table, row.at_ms, row.id, row.what, row.state
    );
    if let Some(took) = row.took_ms {
        let _ = write!(text, " after {took} ms");
    }
    if let Some(detail) = &row.detail {
        let _ = write!(text, " ({detail})");
    }
    text
}
