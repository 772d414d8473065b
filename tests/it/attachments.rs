//! The files of agents' answers: each reaches the follower behind its answer, byte for byte or by its name.

use std::fs::File as OnDisk;
use std::time::Duration;

use qiao_sim::c4c::{Answer, File};
use qiao_sim::fault::{Fault, Kind};
use qiao_sim::wechat::{Seen, Via};

use crate::world::{Plan, World};

const SOCIAL: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
[wechat.main.texts]
file_named = "a file: {name}"
"#;

const DELETE: &str = r#"
[[wechat.main.rules]]
when = { click = "delete" }
then = { action = "delete" }
"#;

const PICTURE: &[u8] = b"\xff\xd8\xff\xe0 a picture";

fn file(name: &str, bytes: &[u8]) -> File {
    File {
        name: name.to_owned(),
        mime_type: "application/octet-stream".to_owned(),
        bytes: bytes.to_vec(),
    }
}

/// A picture and a document.
fn answer(text: &str) -> Answer {
    Answer::new(text, "Li Wei")
        .with_file(file("plan.jpg", PICTURE))
        .with_file(file("报价 2026.pdf", b"%PDF-1.7 a document"))
}

/// What a follower has seen of an answer, of its files the bytes.
#[derive(Debug, PartialEq)]
enum Shown {
    Text(String),
    Medium(String, Vec<u8>),
}

fn text(text: &str) -> Shown {
    Shown::Text(text.to_owned())
}

fn picture() -> Shown {
    Shown::Medium("image".to_owned(), PICTURE.to_vec())
}

impl World {
    /// A follower who has asked something, and the number of their ticket.
    async fn asked(conversation: &str) -> (Self, String, String) {
        let plan = Plan {
            account: conversation.to_owned(),
            ..Plan::default()
        };
        let world = Self::planned(plan).await;
        let openid = world.customer().await;
        world.asks(&openid).await;
        let ticket = world.c4c.look(|c4c| c4c.tickets_of(&openid).remove(0).id);
        (world, openid, ticket)
    }

    async fn asks(&self, openid: &str) {
        self.say(openid, "hello");
        self.later(1).await;
    }

    async fn later(&self, seconds: u64) {
        self.settled().await;
        self.advance(Duration::from_secs(seconds));
        self.settled().await;
    }

    async fn answers(&self, ticket: &str, answer: &Answer) {
        let answered = self.c4c.with(|c4c, now, _| c4c.answer(ticket, answer, now));
        answered.expect("a ticket of a channel");
        self.settled().await;
    }

    /// What they have seen since they became a customer.
    fn shown(&self, openid: &str) -> Vec<Shown> {
        let shown = |seen: &Seen| match &seen.media {
            Some(medium) => Shown::Medium(seen.kind.clone(), medium.bytes.to_vec()),
            None => Shown::Text(seen.text.clone()),
        };
        self.wechat.look(|wechat| {
            let seen = wechat.seen(openid).iter();
            let custom = seen.filter(|seen| seen.via == Via::Custom);
            custom.skip(1).map(shown).collect()
        })
    }

    fn wechat_fails(&self, on: &str, kind: Kind, times: u32) {
        let on = on.to_owned();
        let fault = Fault { on, kind, times };
        self.wechat.with(|wechat, _, _| wechat.faults.add(fault));
    }

    fn c4c_fails(&self, on: &str, kind: Kind) {
        let on = on.to_owned();
        let fault = Fault { on, kind, times: 1 };
        self.c4c.with(|c4c, _, _| c4c.faults().add(fault));
    }
}

fn whole(said: &str) -> [Shown; 3] {
    [text(said), picture(), text("a file: 报价 2026.pdf")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_follows_its_answer_byte_for_byte_and_a_document_by_its_name() {
    let (world, openid, ticket) = World::asked(SOCIAL).await;
    world.answers(&ticket, &answer("here")).await;
    assert_eq!(world.shown(&openid), whole("here"));
    let kinds = "SELECT group_concat(m.kind || ' ' || m.purpose || ' ' || m.state || ' ' || d.name || ' ' || d.mime, ', ')
         FROM message m JOIN media d ON d.message_id = m.id WHERE m.direction = 'out'";
    assert_eq!(
        world.text(kinds).await,
        "image reply sent plan.jpg image/jpeg, \
         file reply sent 报价 2026.pdf application/pdf"
    );
    let linked = "SELECT count(DISTINCT inbox_id) FROM message WHERE purpose = 'reply'";
    assert_eq!(world.count(linked).await, 1, "all of one push of C4C");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_seen_once_although_the_mashup_posts_twice_and_answers_are_lost() {
    let (world, openid, ticket) = World::asked(SOCIAL).await;
    world
        .c4c
        .with(|c4c, _, _| c4c.replies().settings.duplicates = 2);
    let lost = Kind::Drop { after_effect: true };
    world.wechat_fails("media/upload", lost.clone(), 1);
    world.c4c_fails("SocialMediaActivityAttachmentFolder", lost);
    world.answers(&ticket, &answer("here")).await;
    for _ in 0..3 {
        world.later(60).await;
    }
    assert_eq!(world.shown(&openid), whole("here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_whose_sending_is_uncertain_waits_for_a_person_and_is_not_sent_twice() {
    let (world, openid, ticket) = World::asked(SOCIAL).await;
    let only_file = Answer::new("here", "Li").with_file(file("plan.jpg", PICTURE));
    // Of the two sends the second is lost: the first is the text.
    world.c4c_fails(
        "SocialMediaActivityAttachmentFolder",
        Kind::Code {
            code: 500,
            after_effect: false,
        },
    );
    world.answers(&ticket, &only_file).await;
    assert_eq!(world.shown(&openid), [text("here")]);
    world.wechat_fails("message/custom/send", Kind::Drop { after_effect: true }, 1);
    for _ in 0..3 {
        world.later(60).await;
    }
    assert_eq!(world.shown(&openid), [text("here"), picture()]);
    let held =
        "SELECT held_reason || ' ' || m.kind FROM v_outbox o JOIN message m ON m.outbox_id = o.id
         WHERE o.state = 'held'";
    assert_eq!(world.text(held).await, "uncertain image");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_that_wechat_lost_is_uploaded_once_more() {
    let (world, openid, ticket) = World::asked(SOCIAL).await;
    let only_file = Answer::new("here", "Li").with_file(file("plan.jpg", PICTURE));
    world.c4c_fails(
        "SocialMediaActivityAttachmentFolder",
        Kind::Code {
            code: 500,
            after_effect: false,
        },
    );
    world.answers(&ticket, &only_file).await;
    let gone = Kind::Code {
        code: 40007,
        after_effect: false,
    };
    world.wechat_fails("message/custom/send", gone, 1);
    world.later(60).await;
    assert_eq!(world.shown(&openid), [text("here"), picture()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wechat_does_not_take_is_named() {
    let (world, openid, ticket) = World::asked(SOCIAL).await;
    let large = [PICTURE, &vec![0; 2 << 20]].concat();
    // 61 seconds of a voice at the lowest rate: its frames have 13 bytes.
    let frame = [[0x04].as_slice(), &[0; 12]].concat();
    let long = [b"#!AMR\n".as_slice(), &frame.repeat(50 * 61)].concat();
    let short = [b"#!AMR\n".as_slice(), &frame.repeat(50)].concat();
    let said = Answer::new("here", "Li Wei")
        .with_file(file("large.jpg", &large))
        .with_file(file("film.mp4", b"\0\0\0\x20ftypisom"))
        .with_file(file("long.amr", &long))
        .with_file(file("short.amr", &short));
    world.answers(&ticket, &said).await;
    world.later(1).await;
    let expected = [
        text("here"),
        text("a file: large.jpg"),
        text("a file: film.mp4"),
        text("a file: long.amr"),
        Shown::Medium("voice".to_owned(), short),
    ];
    assert_eq!(world.shown(&openid), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_window_all_of_it_waits_and_goes_in_order() {
    let (world, openid, ticket) = World::asked(SOCIAL).await;
    world.advance(Duration::from_hours(49));
    world.answers(&ticket, &answer("here")).await;
    world.answers(&ticket, &Answer::new("and more", "Li")).await;
    let held = "SELECT count(*) FROM v_outbox WHERE state = 'held' AND held_reason = 'window'";
    assert_eq!(world.count(held).await, 4);
    assert_eq!(world.shown(&openid), []);
    world.asks(&openid).await;
    let mut expected = whole("here").to_vec();
    expected.push(text("and more"));
    assert_eq!(world.shown(&openid), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_for_files_where_nobody_wants_them() {
    let conversation = SOCIAL.replace(
        "[wechat.main.texts]",
        "reply_files = \"off\"\n[wechat.main.texts]",
    );
    let (world, openid, ticket) = World::asked(&conversation).await;
    world.answers(&ticket, &answer("here")).await;
    assert_eq!(world.shown(&openid), [text("here")]);
    let looked = "SELECT count(*) FROM outbox WHERE effect = 'reply.files'";
    assert_eq!(world.count(looked).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_typing_while_an_answer_waits_and_never_behind_it() {
    let conversation = SOCIAL.replace(
        "[wechat.main.texts]",
        "typing = \"on\"\n[wechat.main.texts]",
    );
    let (world, openid, ticket) = World::asked(&conversation).await;
    let too_many = Kind::Code {
        code: 45011,
        after_effect: false,
    };
    world.wechat_fails("message/custom/send", too_many, 1);
    world.answers(&ticket, &Answer::new("here", "Li")).await;
    let types = || {
        world
            .wechat
            .with(|wechat, now, _| wechat.is_typing_to(&openid, now))
    };
    assert!(types());
    world.later(120).await;
    assert_eq!(world.shown(&openid), [text("here")]);
    // Again after a silence: WeChat shows it to nobody, and nobody minds.
    world.answers(&ticket, &Answer::new("more", "Li")).await;
    assert_eq!(world.shown(&openid), [text("here"), text("more")]);
    assert!(!types());
    let tried = "SELECT count(*) || ' ' || sum(state IN ('done', 'cancelled')) FROM outbox
         WHERE effect = 'wechat.typing'";
    assert_eq!(world.text(tried).await, "2 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_when_the_last_history_that_has_it_was_deleted() {
    let (world, openid, ticket) = World::asked(&format!("{SOCIAL}{DELETE}")).await;
    world.answers(&ticket, &answer("here")).await;
    let folder = world.folder.path().join("data/media");
    let files = || {
        let folders = std::fs::read_dir(&folder).unwrap();
        let files = folders.flat_map(|it| std::fs::read_dir(it.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect::<Vec<_>>()
    };
    assert_eq!(files().len(), 2);
    let prune = async || world.daemon().parts.timetable.run("prune").await.unwrap();
    let age = || {
        for file in files() {
            let file = OnDisk::open(file).unwrap();
            let put = file.metadata().unwrap().modified().unwrap();
            file.set_modified(put - Duration::from_hours(2)).unwrap();
        }
    };
    age();
    prune().await;
    assert_eq!(files().len(), 2, "a message has them");
    let other = world.customer().await;
    world
        .wechat
        .with(|wechat, now, rng| wechat.send_image(&other, PICTURE, now, rng));
    world.later(1).await;
    world.click(&openid, "delete");
    world.settled().await;
    prune().await;
    assert_eq!(
        files().len(),
        1,
        "the picture is young, and somebody else's, too"
    );
    age();
    prune().await;
    assert_eq!(files().len(), 1, "it is somebody else's");
    assert_eq!(std::fs::read(&files()[0]).unwrap(), PICTURE);
}
