//! `[wechat.<account>.conversation]`.

use jiff::SignedDuration;

use super::forms;
use crate::config::conversation::{
    ConversationRules, IntoC4c, OutsideWindow, SocialChannel, TicketFields,
};
use crate::config::defaults;
use crate::config::error::Fault;
use crate::config::tree::{Reading, Section, all};

/// What may be said of a conversation in the fields of its ticket.
const TICKET: [&str; 4] = ["name", "customer_id", "text", "agent"];

pub(super) fn rules(section: &Section<'_>) -> Reading<ConversationRules> {
    let into_c4c = into_c4c(section);
    let idle = positive(section, "idle_minutes", defaults::IDLE_MINUTES);
    let max_age = positive(section, "max_hours", defaults::MAX_HOURS);
    let max_messages = positive(section, "max_messages", defaults::MAX_MESSAGES);
    let end_words = section.list("end_words", forms::text);
    let outside_window = outside_window(section);
    let delivery_notes = section.or("delivery_notes", defaults::DELIVERY_NOTES, note_type);
    let reply_files = section.or(
        "reply_files",
        defaults::REPLY_FILES,
        forms::choice(&forms::SWITCH),
    );
    let typing = section.or("typing", defaults::TYPING, forms::choice(&forms::SWITCH));
    let reply_note = reply_note(section);
    let agent_field = agent_field(section);
    Ok(ConversationRules {
        into_c4c: into_c4c?,
        idle: SignedDuration::from_mins(idle?),
        max_age: SignedDuration::from_hours(max_age?),
        max_messages: max_messages?,
        end_words: end_words?.unwrap_or_default(),
        outside_window: outside_window?,
        delivery_notes: delivery_notes?,
        reply_files: reply_files?,
        typing: typing?,
        reply_note: reply_note?,
        agent_field: agent_field?,
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Off,
    Social,
    Ticket,
}

fn into_c4c(section: &Section<'_>) -> Reading<IntoC4c> {
    let words = [
        ("off", Kind::Off),
        ("social", Kind::Social),
        ("ticket", Kind::Ticket),
    ];
    let kind = section.or("into_c4c", defaults::INTO_C4C, forms::choice(&words));
    let code = section.or("channel_code", defaults::CHANNEL_CODE, forms::text);
    let id = section.optional("channel_id", forms::text);
    let ticket = ticket(section);
    match kind? {
        Kind::Off => Ok(IntoC4c::Off),
        Kind::Social => Ok(IntoC4c::Social(SocialChannel {
            id: id?.ok_or_else(|| section.missing("channel_id"))?,
            code: code?,
        })),
        Kind::Ticket => ticket.map(IntoC4c::Ticket),
    }
}

fn ticket(conversation: &Section<'_>) -> Reading<TicketFields> {
    let section = conversation.section("ticket")?;
    if !section.is_present() {
        let owned = |(field, text): (&str, &str)| (field.to_owned(), text.to_owned());
        return Ok(defaults::TICKET.map(owned).into());
    }
    let read = |field: &str| {
        let name = forms::odata_name(field).map_err(|fault| section.error(field, fault));
        let text = section.or(field, "", forms::template(&TICKET));
        Ok((name?, text?))
    };
    Ok(all(section.names().map(read))?.into_iter().collect())
}

fn positive(section: &Section<'_>, key: &str, default: i64) -> Reading<i64> {
    let number = section.number(key)?.unwrap_or(default);
    if (1..=1_000_000).contains(&number) {
        return Ok(number);
    }
    let fault = Fault::new(
        "the number is not between 1 and 1000000",
        format!("the default is {default}"),
    );
    Err(section.error(key, fault))
}

/// `off`, or the code of a type of notes.
fn note_type(text: &str) -> Result<Option<String>, Fault> {
    match text {
        "off" => Ok(None),
        code if code.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(code.to_owned())),
        _ => Err(Fault::new(
            "this is no type of notes",
            "write \"off\" or its code, for example \"10011\"",
        )),
    }
}

/// Of followers' own messages, in tickets (c4c.md 4.3).
const FROM_CUSTOMER: &str = "10008";

/// The code of a type of notes; written empty it means none.
fn reply_note(section: &Section<'_>) -> Reading<Option<String>> {
    let parse = |text: &str| match text {
        FROM_CUSTOMER => Err(Fault::new(
            "this is the type of what followers write",
            "write the type of notes by which agents answer, for example \"10007\"",
        )),
        code if code.bytes().all(|byte| byte.is_ascii_digit()) => Ok(code.to_owned()),
        _ => Err(Fault::new(
            "this is no type of notes",
            "write its code, for example \"10007\", or \"\" for none",
        )),
    };
    match section.text("reply_note")? {
        Some("") => Ok(None),
        _ => section
            .or("reply_note", defaults::REPLY_NOTE, parse)
            .map(Some),
    }
}

/// A property of tickets; written empty it means that no ticket is given to an agent.
fn agent_field(section: &Section<'_>) -> Reading<Option<String>> {
    if section.text("agent_field")? == Some("") {
        return Ok(None);
    }
    section
        .or("agent_field", defaults::AGENT_FIELD, forms::odata_name)
        .map(Some)
}

fn outside_window(section: &Section<'_>) -> Reading<OutsideWindow> {
    let words = [
        ("template", OutsideWindow::Template),
        ("hold", OutsideWindow::Hold),
        ("refuse", OutsideWindow::Refuse),
    ];
    section.or(
        "outside_window",
        defaults::OUTSIDE_WINDOW,
        forms::choice(&words),
    )
}
