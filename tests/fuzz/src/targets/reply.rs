//! The answer hook's answer: whatever it says, the follower never sees WeChat's fault banner.

use qiao::flows::answer;
use qiao::kit::random::Random;
use qiao::wechat::query::PushQuery;
use qiao::wechat::receive::open_push;
use qiao::wechat::reply::{MAX_TEXT_BYTES, Reply};
use qiao_sim::wechat::{Mode, Reply as Judged, Settings, WeChat};
use qiao_sim::wire::{Core, PushOutcome, Response};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Target;
use crate::told::assert_fit;
use crate::world::{AES_KEY, APP_ID, NOW, OPENID, ORIGINAL_ID, SAFE_KEYS, TOKEN, follower};

pub(crate) const TARGET: Target = Target {
    name: "reply",
    check,
    words: &[
        "{\"text\":\"",
        "{\"news\":{\"title\":\"",
        "\"description\":\"",
        "\"pic_url\":\"",
        "\"url\":\"",
        "\"}",
        "}}",
        "]]>",
        "<![CDATA[",
        "\\u0000",
        "\\ufffe",
        "\\ud83d\\ude00",
        "\\r\\n",
        "\\u200b",
        " ",
        "null",
    ],
};

fn check(bytes: &[u8]) {
    match answer::read(bytes) {
        Ok(Some(reply)) => show(&reply),
        Ok(None) => {}
        Err(fault) => assert_fit(&fault.to_string()),
    }
}

fn show(reply: &Reply) {
    assert_fit(&format!("{reply:?}"));
    match reply.render(&follower(), ORIGINAL_ID, NOW) {
        Ok(xml) => {
            judge(reply, &xml, Mode::Plain);
            judge(reply, &xml, Mode::Safe);
        }
        Err(fault) => {
            let is_text = matches!(reply, Reply::Text(text)
                if text.len() > MAX_TEXT_BYTES || !text.chars().any(char::is_alphanumeric));
            assert!(is_text, "refused without need: {fault}");
            assert_fit(&fault.to_string());
        }
    }
}

/// Lets the simulated platform push a message and judge our answer to it.
fn judge(reply: &Reply, xml: &str, mode: Mode) {
    let mut rng = StdRng::seed_from_u64(7);
    let mut wechat = WeChat::new(Settings {
        app_id: APP_ID.to_owned(),
        original_id: ORIGINAL_ID.to_owned(),
        token: TOKEN.to_owned(),
        encoding_aes_key: Some(AES_KEY.to_owned()),
        push_url: "http://localhost/wechat/main".to_owned(),
        mode,
        ..Settings::default()
    });
    wechat.adopt(OPENID, NOW);
    let id = wechat.say(OPENID, "您好", NOW, &mut rng);
    let pushes = wechat.take_due(NOW, &mut rng);
    let push = pushes.first().expect("the push is due at once");
    let body = match mode {
        Mode::Safe => {
            let (_, query) = push.url.split_once('?').expect("a push is signed");
            let received = open_push(&SAFE_KEYS, &PushQuery::parse(query), &push.body)
                .expect("the simulator seals for the account");
            let key = received.reply_key.expect("it was encrypted");
            key.seal(xml, NOW, &Random::from_seed(7))
        }
        Mode::Plain | Mode::Compatible => xml.to_owned(),
    };
    let answer = Response {
        status: 200,
        headers: Vec::new(),
        body: body.into_bytes(),
    };
    wechat.pushed(push, PushOutcome::Answered(answer), NOW);
    let record = wechat.push(id).expect("it was pushed");
    let judged = record.attempts.last().and_then(|a| a.reply.as_ref());
    let Some(Judged::Message { kind, text }) = judged else {
        panic!("the follower sees no answer: {judged:?}");
    };
    assert_eq!(kind, reply.kind_word());
    if let Reply::Text(said) = reply {
        assert!(text.len() <= said.len());
    }
}
