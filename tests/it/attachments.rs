//! The files of agents' answers: each reaches the follower behind its answer, byte for byte or by its name.

use std::fs::File as OnDisk;
use std::time::Duration;

use qiao_sim::c4c::{Answer, File};
use qiao_sim::fault::Kind;
use qiao_sim::wechat::{Seen, Via, WeChat};

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
#[derive(Debug, Clone, PartialEq)]
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

/// A follower who has asked something.
struct Asked {
    world: World,
    openid: String,
    ticket: String,
}

impl Asked {
    async fn with(conversation: &str) -> Self {
        let plan = Plan {
            account: conversation.to_owned(),
            ..Plan::default()
        };
        let world = World::planned(plan).await;
        let openid = world.customer().await;
        let mut asked = Self {
            world,
            openid,
            ticket: String::new(),
        };
        asked.asks().await;
        let look = |c4c: &qiao_sim::c4c::C4c| c4c.tickets_of(&asked.openid).remove(0).id;
        asked.ticket = asked.world.c4c.look(look);
        asked
    }

    async fn asks(&self) {
        self.world.say(&self.openid, "hello");
        self.later(1).await;
    }

    async fn later(&self, seconds: u64) {
        self.world.settled().await;
        self.world.advance(Duration::from_secs(seconds));
        self.world.settled().await;
    }

    async fn gets(&self, answer: &Answer) {
        let c4c = &self.world.c4c;
        let answered = c4c.with(|c4c, now, _| c4c.answer(&self.ticket, answer, now));
        answered.expect("a ticket of a channel");
        self.world.settled().await;
    }

    /// What they have seen since they became a customer.
    fn shown(&self) -> Vec<Shown> {
        let shown = |seen: &Seen| match &seen.media {
            Some(medium) => Shown::Medium(seen.kind.clone(), medium.bytes.to_vec()),
            None => Shown::Text(seen.text.clone()),
        };
        self.world.wechat.look(|wechat| {
            let seen = wechat.seen(&self.openid).iter();
            let custom = seen.filter(|seen| seen.via == Via::Custom);
            custom.skip(1).map(shown).collect()
        })
    }
}

fn whole(said: &str) -> [Shown; 3] {
    [text(said), picture(), text("a file: 报价 2026.pdf")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_follows_its_answer_byte_for_byte_and_a_document_by_its_name() {
    let asked = Asked::with(SOCIAL).await;
    asked.gets(&answer("here")).await;
    assert_eq!(asked.shown(), whole("here"));
    let kinds = "SELECT group_concat(m.kind || ' ' || m.purpose || ' ' || m.state || ' ' || d.name || ' ' || d.mime, ', ')
         FROM message m JOIN media d ON d.message_id = m.id WHERE m.direction = 'out'";
    assert_eq!(
        asked.world.text(kinds).await,
        "image reply sent plan.jpg image/jpeg, \
         file reply sent 报价 2026.pdf application/pdf"
    );
    let linked = "SELECT count(DISTINCT inbox_id) FROM message WHERE purpose = 'reply'";
    assert_eq!(asked.world.count(linked).await, 1, "all of one push of C4C");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_seen_once_although_the_mashup_posts_twice_and_answers_are_lost() {
    let asked = Asked::with(SOCIAL).await;
    asked
        .world
        .c4c
        .with(|c4c, _, _| c4c.replies().settings.duplicates = 2);
    let lost = Kind::Drop { after_effect: true };
    asked.world.wechat_fails("media/upload", lost.clone());
    asked
        .world
        .c4c_fails("SocialMediaActivityAttachmentFolder", lost);
    asked.gets(&answer("here")).await;
    for _ in 0..3 {
        asked.later(60).await;
    }
    assert_eq!(asked.shown(), whole("here"));
    asked.world.c4c.with(|c4c, _, _| {
        let statuses = c4c.replies().attempts().map(|attempt| attempt.status);
        assert_eq!(statuses.collect::<Vec<_>>(), [Some(200); 3]);
        assert!(c4c.faults().armed().is_empty(), "all have struck");
    });
    let all_struck = |wechat: &WeChat| wechat.faults.armed().is_empty();
    assert!(asked.world.wechat.look(all_struck));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_whose_sending_is_uncertain_waits_for_a_person_and_is_not_sent_twice() {
    let asked = Asked::with(SOCIAL).await;
    let only_file = Answer::new("here", "Li").with_file(file("plan.jpg", PICTURE));
    // Of the two sends the second is lost: the first is the text.
    asked.world.c4c_fails(
        "SocialMediaActivityAttachmentFolder",
        Kind::Code {
            code: 500,
            after_effect: false,
        },
    );
    asked.gets(&only_file).await;
    assert_eq!(asked.shown(), [text("here")]);
    asked
        .world
        .wechat_fails("message/custom/send", Kind::Drop { after_effect: true });
    for _ in 0..3 {
        asked.later(60).await;
    }
    assert_eq!(asked.shown(), [text("here"), picture()]);
    let held =
        "SELECT held_reason || ' ' || m.kind FROM v_outbox o JOIN message m ON m.outbox_id = o.id
         WHERE o.state = 'held'";
    assert_eq!(asked.world.text(held).await, "uncertain image");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_that_wechat_lost_is_uploaded_once_more() {
    let asked = Asked::with(SOCIAL).await;
    let only_file = Answer::new("here", "Li").with_file(file("plan.jpg", PICTURE));
    asked.world.c4c_fails(
        "SocialMediaActivityAttachmentFolder",
        Kind::Code {
            code: 500,
            after_effect: false,
        },
    );
    asked.gets(&only_file).await;
    let gone = Kind::Code {
        code: 40007,
        after_effect: false,
    };
    asked.world.wechat_fails("message/custom/send", gone);
    asked.later(60).await;
    assert_eq!(asked.shown(), [text("here"), picture()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_and_a_film_are_sent_and_what_wechat_does_not_take_is_named() {
    let asked = Asked::with(SOCIAL).await;
    let large = [PICTURE, &vec![0; 2 << 20]].concat();
    // 61 seconds of a voice at the lowest rate: its frames have 13 bytes.
    let frame = [[0x04].as_slice(), &[0; 12]].concat();
    let long = [b"#!AMR\n".as_slice(), &frame.repeat(50 * 61)].concat();
    let short = [b"#!AMR\n".as_slice(), &frame.repeat(50)].concat();
    let film = b"\0\0\0\x20ftypisom a film";
    let said = Answer::new("here", "Li Wei")
        .with_file(file("large.jpg", &large))
        .with_file(file("film.mp4", film))
        .with_file(file("long.amr", &long))
        .with_file(file("short.amr", &short));
    asked.gets(&said).await;
    asked.later(1).await;
    let expected = [
        text("here"),
        text("a file: large.jpg"),
        Shown::Medium("video".to_owned(), film.to_vec()),
        text("a file: long.amr"),
        Shown::Medium("voice".to_owned(), short),
    ];
    assert_eq!(asked.shown(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_window_all_of_it_waits_and_goes_in_order() {
    let asked = Asked::with(SOCIAL).await;
    asked.world.advance(Duration::from_hours(49));
    asked.gets(&answer("here")).await;
    asked.gets(&Answer::new("and more", "Li")).await;
    let held = "SELECT count(*) FROM v_outbox WHERE state = 'held' AND held_reason = 'window'";
    assert_eq!(asked.world.count(held).await, 4);
    assert_eq!(asked.shown(), []);
    asked.asks().await;
    let mut expected = whole("here").to_vec();
    expected.push(text("and more"));
    assert_eq!(asked.shown(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_only_answer_names_its_files() {
    let asked = Asked::with(SOCIAL).await;
    let may_not = |wechat: &mut WeChat| wechat.settings.may_send = false;
    asked.world.wechat.with(|wechat, _, _| may_not(wechat));
    let picture = file("plan.jpg", PICTURE);
    asked
        .gets(&Answer::new("here", "Li").with_file(picture))
        .await;
    for _ in 0..3 {
        asked.asks().await;
    }
    let replies = asked.world.seen_by(&asked.openid, Via::Reply);
    assert_eq!(replies[replies.len() - 2..], ["here", "a file: plan.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_for_files_where_nobody_wants_them() {
    let conversation = SOCIAL.replace(
        "[wechat.main.texts]",
        "reply_files = \"off\"\n[wechat.main.texts]",
    );
    let asked = Asked::with(&conversation).await;
    asked.gets(&answer("here")).await;
    assert_eq!(asked.shown(), [text("here")]);
    let looked = "SELECT count(*) FROM outbox WHERE effect = 'reply.files'";
    assert_eq!(asked.world.count(looked).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_typing_while_an_answer_waits_and_never_behind_it() {
    let conversation = SOCIAL.replace(
        "[wechat.main.texts]",
        "typing = \"on\"\n[wechat.main.texts]",
    );
    let asked = Asked::with(&conversation).await;
    let too_many = Kind::Code {
        code: 45011,
        after_effect: false,
    };
    asked.world.wechat_fails("message/custom/send", too_many);
    asked.gets(&Answer::new("here", "Li")).await;
    asked.later(1).await;
    let types = || {
        asked
            .world
            .wechat
            .with(|wechat, now, _| wechat.is_typing_to(&asked.openid, now))
    };
    assert!(types());
    asked.later(120).await;
    assert_eq!(asked.shown(), [text("here")]);
    // Again after a silence: WeChat shows it to nobody, and nobody minds.
    asked.gets(&Answer::new("more", "Li")).await;
    assert_eq!(asked.shown(), [text("here"), text("more")]);
    asked.later(1).await;
    assert!(!types());
    let tried = "SELECT count(*) || ' ' || sum(state IN ('done', 'cancelled')) FROM outbox
         WHERE effect = 'wechat.typing'";
    assert_eq!(asked.world.text(tried).await, "2 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_when_the_last_history_that_has_it_was_deleted() {
    let asked = Asked::with(&format!("{SOCIAL}{DELETE}")).await;
    asked.gets(&answer("here")).await;
    let folder = asked.world.folder.path().join("data/media");
    let files = || {
        let folders = std::fs::read_dir(&folder).unwrap();
        let files = folders.flat_map(|it| std::fs::read_dir(it.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect::<Vec<_>>()
    };
    assert_eq!(files().len(), 2);
    let sweep = async || {
        asked
            .world
            .daemon()
            .parts
            .timetable
            .run("media_sweep")
            .await
            .unwrap()
    };
    let age = || {
        for file in files() {
            let file = OnDisk::open(file).unwrap();
            let put = file.metadata().unwrap().modified().unwrap();
            file.set_modified(put - Duration::from_hours(2)).unwrap();
        }
    };
    age();
    sweep().await;
    assert_eq!(files().len(), 2, "a message has them");
    let other = asked.world.customer().await;
    asked
        .world
        .wechat
        .with(|wechat, now, rng| wechat.send_image(&other, PICTURE, now, rng));
    asked.later(1).await;
    asked.world.click(&asked.openid, "delete");
    asked.world.settled().await;
    sweep().await;
    assert_eq!(
        files().len(),
        1,
        "the picture is young, and somebody else's, too"
    );
    age();
    sweep().await;
    assert_eq!(files().len(), 1, "it is somebody else's");
    assert_eq!(std::fs::read(&files()[0]).unwrap(), PICTURE);
}
