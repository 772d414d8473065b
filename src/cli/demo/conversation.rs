//! The conversation of the story: a question and a picture go into C4C, an agent answers there, the
//! follower reads it, and the history tells all of it.

use jiff::SignedDuration;
use qiao_sim::c4c::{ActivityView, Answer, C4c, TicketView};
use qiao_sim::wechat::Via;

use super::scene::{Scene, Unmet, one_line};
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::rows::Follower;
use crate::store::TranscriptRow;

/// What the follower wants to know.
const QUESTION: &str = "这座桥附近有你们的门店吗？";

/// The picture that they send: a bridge, drawn for this.
const PICTURE: &[u8] = include_bytes!("bridge.png");

/// What the agent answers.
const ANSWER: &str = "有的，过桥右转就是，周一至周五 9:00–18:00。";

/// The agent.
const AGENT: &str = "Li Wei";

/// A question of the follower becomes an activity of their conversation's ticket. Gives the ticket's
/// number.
pub(super) async fn ask(scene: &mut Scene<'_>, openid: &str) -> Result<String, Unmet> {
    scene
        .stage
        .wechat
        .with(|wechat, now, rng| wechat.say(openid, QUESTION, now, rng));
    scene.note("WeChat", format!("the follower asked: {QUESTION}"));
    let is_it = |activity: &ActivityView| activity.text == QUESTION;
    let activity = scene.activity(openid, "the question", is_it).await?;
    scene.note(
        "C4C",
        format!(
            "activity {} says it; its SocialMediaMessageID is the MsgId {}",
            activity.id, activity.message_id
        ),
    );
    let ticket = scene.ticket(openid).await?;
    scene.note("C4C", format!("ticket {}: {}", ticket.id, ticket.name));
    scene.settles(openid, 5).await?;
    said_once(scene, openid, QUESTION)?;
    Ok(ticket.id)
}

/// A picture becomes an activity with an attachment, byte for byte.
pub(super) async fn picture(scene: &mut Scene<'_>, openid: &str) -> Result<(), Unmet> {
    scene
        .stage
        .wechat
        .with(|wechat, now, rng| wechat.send_image(openid, PICTURE, now, rng));
    let sent = format!("the follower sent a picture of {} bytes", PICTURE.len());
    scene.note("WeChat", sent);
    let has_file = |activity: &ActivityView| !activity.files.is_empty();
    let activity = scene.activity(openid, "the picture", has_file).await?;
    let file = &activity.files[0];
    scene.note(
        "C4C",
        format!(
            "activity {} has the attachment {}, {}, {} bytes",
            activity.id,
            file.name,
            file.mime_type,
            file.bytes.len()
        ),
    );
    let (equal, count) = (*file.bytes == *PICTURE, activity.files.len());
    scene.must(
        "C4C",
        "its bytes equal the original, and it is the only one",
        equal && count == 1,
        |_| format!("equal: {equal}, attachments: {count}"),
    )?;
    scene.settles(openid, 5).await
}

/// An agent answers the ticket; C4C posts the answer twice, and the follower sees it once.
pub(super) async fn answer(scene: &mut Scene<'_>, openid: &str, ticket: &str) -> Result<(), Unmet> {
    let sma_id = scene.stage.c4c.with(|c4c, now, _| {
        c4c.replies().settings.duplicates = 1;
        let sma_id = c4c.answer(ticket, &Answer::new(ANSWER, AGENT), now);
        c4c.replies().settings.duplicates = 0;
        sma_id
    });
    let sma_id = sma_id.ok_or_else(|| Unmet::because("the ticket can be answered", &ticket))?;
    let told = format!("{AGENT} answered ticket {ticket}: activity {sma_id}, posted twice");
    scene.note("C4C", told);
    scene.sees(openid, Via::Custom, ANSWER).await?;
    scene.settles(openid, 6).await?;
    let statuses = scene.stage.c4c.with(|c4c, _, _| {
        let attempts = c4c.replies().attempts();
        let of_it = attempts.filter(|attempt| attempt.about == sma_id);
        of_it.map(|attempt| attempt.status).collect::<Vec<_>>()
    });
    scene.must(
        "C4C",
        "both posts were answered 200",
        statuses == [Some(200); 2],
        |_| format!("{statuses:?}"),
    )?;
    let note = scene.ticket(openid).await?.notes.pop();
    let text = note.map(|note| note.text).unwrap_or_default();
    let is_told = text.contains("was delivered");
    scene.must("C4C", "a note of the ticket tells it", is_told, |_| {
        format!("its last note says “{text}”")
    })?;
    scene.note("C4C", format!("the note: {text}"));
    Ok(())
}

/// What the database says of the whole conversation, beside the daemon, and whether it is what stands in
/// C4C.
pub(super) async fn history(scene: &mut Scene<'_>, openid: &str) -> Result<(), Unmet> {
    let follower = Follower {
        account: AccountId::new("main"),
        openid: OpenId::new(openid),
    };
    let read = scene.stage.history(&follower).await;
    let rows = read.map_err(|fault| Unmet::because("the history can be read", &fault))?;
    for row in &rows {
        scene.note("Qiao", line(row));
    }
    let theirs = rows.iter().filter(|row| row.message.direction == "in");
    let known: Vec<Option<String>> = theirs.map(|row| row.activity.clone()).collect();
    let said = scene.stage.c4c.look(|c4c| said(c4c, openid));
    let in_c4c: Vec<Option<String>> = said.into_iter().map(|a| Some(a.id)).collect();
    scene.must(
        "Qiao",
        "each of their messages is one activity in C4C, in the order said, and C4C has no other",
        known == in_c4c,
        |_| format!("Qiao knows {known:?} and C4C has {in_c4c:?}"),
    )
}

/// A message as a line of the history, with the time that each step took.
fn line(row: &TranscriptRow) -> String {
    let message = &row.message;
    let mut line = format!("{:<3} {}", message.direction, message.kind);
    let mut add = |piece: String| line.push_str(&piece);
    if let Some(purpose) = &message.purpose {
        add(format!(" {purpose}"));
    }
    add(format!(", {}", message.state));
    if let Some(text) = &message.text {
        add(format!(": {}", one_line(text)));
    }
    for medium in row.media().as_array().into_iter().flatten() {
        let name = medium["name"].as_str().unwrap_or("?");
        add(format!(" [{name}]"));
    }
    let since =
        |at: jiff::Timestamp| -> SignedDuration { at.duration_since(message.recorded_at()) };
    if let (Some(number), Some(at)) = (&row.activity, row.in_c4c_at()) {
        let millis = since(at).as_millis();
        add(format!("; activity {number} after {millis} ms"));
    }
    if let Some(at) = message.settled_at().filter(|_| message.outbox_id.is_some()) {
        add(format!("; delivered after {} ms", since(at).as_millis()));
    }
    line
}

/// What the follower said, as C4C has it.
fn said(c4c: &C4c, openid: &str) -> Vec<ActivityView> {
    let activities = c4c.activities_of(openid).into_iter();
    activities.filter(|activity| activity.inbound).collect()
}

fn said_once(scene: &mut Scene<'_>, openid: &str, text: &str) -> Result<(), Unmet> {
    let all = scene.stage.c4c.look(|c4c| said(c4c, openid));
    let count = all.iter().filter(|activity| activity.text == text).count();
    scene.must("C4C", "it stands there once", count == 1, |_| {
        format!("{count} activities say it")
    })
}

impl Scene<'_> {
    /// Waits for the follower's activity that is `it`.
    async fn activity(
        &self,
        openid: &str,
        what: &str,
        is_it: impl Fn(&ActivityView) -> bool,
    ) -> Result<ActivityView, Unmet> {
        let look = |c4c: &C4c| said(c4c, openid).into_iter().find(|one| is_it(one));
        let seen = |c4c: &C4c| {
            let texts: Vec<String> = said(c4c, openid).into_iter().map(|a| a.text).collect();
            format!("C4C has {texts:?}")
        };
        self.at_c4c(&format!("C4C has {what} of the follower"), look, seen)
            .await
    }

    /// Waits until the follower has exactly one ticket.
    async fn ticket(&self, openid: &str) -> Result<TicketView, Unmet> {
        let one = |c4c: &C4c| match &c4c.tickets_of(openid)[..] {
            [ticket] => Some(ticket.clone()),
            _ => None,
        };
        let seen = |c4c: &C4c| {
            let tickets = c4c.tickets_of(openid).into_iter();
            let numbers: Vec<String> = tickets.map(|ticket| ticket.id).collect();
            format!("C4C has the tickets {numbers:?}")
        };
        let expected = "C4C has exactly one ticket of the follower's conversation";
        self.at_c4c(expected, one, seen).await
    }
}
