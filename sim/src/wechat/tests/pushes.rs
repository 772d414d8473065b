//! Pushes and what becomes of their answers, without HTTP.

use super::*;
use crate::wechat::crypto::{Cipher, signature};
use crate::wechat::{PushOptions, Tamper};

fn query(push: &Push, name: &str) -> String {
    let url = url::Url::parse(&push.url).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(n, _)| n == name);
    found
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn signed_by(push: &Push, token: &str) -> bool {
    let (timestamp, nonce) = (query(push, "timestamp"), query(push, "nonce"));
    query(push, "signature") == signature(&[token, &timestamp, &nonce])
}

fn encrypted(push: &Push) -> String {
    let xml = String::from_utf8(push.body.clone()).unwrap();
    let start = xml.find("<Encrypt><![CDATA[").unwrap() + "<Encrypt><![CDATA[".len();
    xml[start..].split("]]>").next().unwrap().to_owned()
}

fn in_mode(mode: Mode) -> World {
    let mut world = World::new();
    world.wx.settings.encoding_aes_key = Some(KEY.to_owned());
    world.wx.settings.mode = mode;
    world
}

#[test]
fn a_message_is_pushed_signed_with_all_its_fields() {
    let mut world = World::new();
    let openid = world.follower();
    let id = world.say(&openid, "a <b> & c");
    let push = world.due().remove(0);
    assert!(signed_by(&push, "simtoken"));
    assert_eq!(query(&push, "openid"), openid);
    let msg_id = world.wx.push(id).unwrap().msg_id.unwrap();
    assert!(msg_id > i64::from(i32::MAX));
    assert_eq!(
        String::from_utf8(push.body).unwrap(),
        format!(
            "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>\n\
             <FromUserName><![CDATA[{openid}]]></FromUserName>\n\
             <CreateTime>1795428000</CreateTime>\n\
             <MsgType><![CDATA[text]]></MsgType>\n\
             <Content><![CDATA[a <b> & c]]></Content>\n\
             <MsgId>{msg_id}</MsgId>\n</xml>"
        )
    );
}

#[test]
fn each_mode_shows_what_it_may() {
    let cipher = Cipher::new(KEY, "wx0123456789abcdef").unwrap();
    for (mode, shows_text) in [(Mode::Compatible, true), (Mode::Safe, false)] {
        let mut world = in_mode(mode);
        let openid = world.follower();
        let id = world.say(&openid, "hello");
        let push = world.due().remove(0);
        let body = String::from_utf8_lossy(&push.body).into_owned();
        assert_eq!(body.contains("hello"), shows_text, "{mode:?}");
        assert!(body.contains("ToUserName"));
        let sealed = encrypted(&push);
        assert_eq!(
            cipher.open(&sealed).unwrap(),
            world.wx.push(id).unwrap().xml
        );
        let (timestamp, nonce) = (query(&push, "timestamp"), query(&push, "nonce"));
        let signed = signature(&["simtoken", &timestamp, &nonce, &sealed]);
        assert_eq!(query(&push, "msg_signature"), signed);
        assert_eq!(query(&push, "encrypt_type"), "aes");
    }
}

#[test]
fn an_unanswered_message_comes_three_times_in_fifteen_seconds_and_then_the_banner() {
    let mut world = in_mode(Mode::Safe);
    let openid = world.follower();
    let id = world.say(&openid, "hello?");
    let mut bodies = Vec::new();
    for attempt in 1..=3 {
        let push = world.due().remove(0);
        bodies.push((push.body.clone(), push.url.clone()));
        world.advance(5);
        assert!(world.texts_seen(&openid).is_empty());
        world.ignore(&push);
        assert_eq!(world.wx.push(id).unwrap().attempts.len(), attempt);
    }
    assert!(bodies.iter().all(|sent| *sent == bodies[0]));
    assert!(world.due().is_empty() && world.wx.next_due().is_none());
    assert!(world.wx.push(id).unwrap().banner);
    assert_eq!(world.texts_seen(&openid).len(), 1);
}

#[test]
fn a_refused_connection_is_tried_again_five_seconds_after_it_was_made() {
    let mut world = World::new();
    let openid = world.follower();
    world.say(&openid, "hello?");
    let push = world.due().remove(0);
    world.ignore(&push);
    world.advance(4);
    assert!(world.due().is_empty());
    world.advance(1);
    assert_eq!(world.due().len(), 1);
}

#[test]
fn a_retry_may_be_signed_anew_over_the_same_body() {
    let mut world = in_mode(Mode::Safe);
    world.wx.settings.fresh_nonce_on_retry = true;
    let openid = world.follower();
    world.say(&openid, "hello?");
    let first = world.due().remove(0);
    world.advance(5);
    world.ignore(&first);
    let second = world.due().remove(0);
    assert_eq!(first.body, second.body);
    assert_ne!(query(&first, "nonce"), query(&second, "nonce"));
    assert!(signed_by(&second, "simtoken"));
}

#[test]
fn a_passive_reply_is_seen_once_however_many_copies_get_it() {
    let mut world = World::new();
    let openid = world.follower();
    world.wx.next_push(PushOptions {
        copies: 3,
        ..PushOptions::default()
    });
    world.say(&openid, "hi");
    let copies = world.due();
    assert_eq!(copies.len(), 3);
    for copy in &copies {
        assert_eq!(copy.body, copies[0].body);
        world.answer(copy, &reply_to(&openid, "welcome"));
    }
    assert_eq!(world.texts_seen(&openid), ["welcome"]);
    world.say(&openid, "again");
    assert_eq!(world.due().len(), 1);
}

#[test]
fn a_malformed_reply_shows_the_banner_at_once() {
    let mut world = World::new();
    let openid = world.follower();
    let id = world.say(&openid, "hi");
    let push = world.due().remove(0);
    world.answer(&push, "{\"ok\":true}");
    assert!(matches!(
        world.wx.push(id).unwrap().outcome(),
        Some(Reply::Invalid(_))
    ));
    assert!(world.wx.push(id).unwrap().banner && world.wx.is_quiet());
}

#[test]
fn nobody_sees_a_banner_for_an_event_that_is_not_theirs() {
    let mut world = World::new();
    let openid = world.follower();
    let id = world.wx.unfollow(&openid, world.now, &mut world.rng);
    let push = world.due().remove(0);
    world.answer(&push, "oops");
    assert!(!world.wx.push(id).unwrap().banner);
    assert!(world.texts_seen(&openid).is_empty());
}

#[test]
fn a_delayed_push_is_overtaken_by_a_later_one() {
    let mut world = World::new();
    let openid = world.follower();
    world.wx.next_push(PushOptions {
        delay_ms: 2_000,
        ..PushOptions::default()
    });
    world.say(&openid, "first");
    world.advance(1);
    world.say(&openid, "second");
    let text = |push: &Push| String::from_utf8_lossy(&push.body).contains("second");
    assert!(world.due().iter().all(text));
    world.advance(1);
    assert!(!world.due().iter().any(text));
}

#[test]
fn forged_pushes_do_not_fit_and_are_not_repeated() {
    let cipher = Cipher::new(KEY, "wx0123456789abcdef").unwrap();
    for (tamper, signed, opens) in [
        (Tamper::WrongSignature, false, true),
        (Tamper::WrongKey, true, false),
    ] {
        let mut world = in_mode(Mode::Safe);
        let openid = world.follower();
        world.wx.next_push(PushOptions {
            tamper: Some(tamper),
            ..PushOptions::default()
        });
        world.say(&openid, "hi");
        let push = world.due().remove(0);
        assert_eq!(signed_by(&push, "simtoken"), signed, "{tamper:?}");
        assert_eq!(cipher.open(&encrypted(&push)).is_ok(), opens, "{tamper:?}");
        world.ignore(&push);
        assert!(world.wx.is_quiet() && world.texts_seen(&openid).is_empty());
    }
}

#[test]
fn what_a_blacklisted_person_says_is_not_pushed() {
    let mut world = World::new();
    let openid = world.follower();
    world.wx.person_mut(&openid).unwrap().blacklisted = true;
    world.say(&openid, "hi");
    assert!(world.due().is_empty() && world.wx.is_quiet());
}

#[test]
fn following_by_a_code_carries_its_scene_and_scanning_later_carries_it_bare() {
    let mut world = World::new();
    let openid = world.wx.new_follower(&mut world.rng);
    assert_eq!(openid.len(), 28);
    let (now, rng) = (world.now, &mut world.rng);
    world.wx.follow(&openid, Some("shop"), now, rng);
    world.wx.scan(&openid, "shop", now, rng);
    let bodies: Vec<_> = world
        .due()
        .iter()
        .map(|push| String::from_utf8_lossy(&push.body).into_owned())
        .collect();
    assert!(bodies[0].contains("<EventKey><![CDATA[qrscene_shop]]></EventKey>"));
    assert!(bodies[1].contains("<EventKey><![CDATA[shop]]></EventKey>"));
    assert!(bodies.iter().all(|body| body.contains("<Ticket>")));
}

#[test]
fn a_url_is_verified_only_by_the_echostr_itself() {
    let mut world = World::new();
    for (prefix, verified) in [("", true), ("\u{feff}", false)] {
        let id = world.wx.verify_url(world.now, &mut world.rng);
        let push = world.due().remove(0);
        assert!(push.body.is_empty() && signed_by(&push, "simtoken"));
        let echo = format!("{prefix}{}", query(&push, "echostr"));
        world.answer(&push, &echo);
        let outcome = world.wx.push(id).unwrap().outcome();
        assert_eq!(outcome == Some(&Reply::Verified), verified);
    }
}

#[test]
fn an_earlier_push_can_be_delivered_again_to_the_byte() {
    let mut world = World::new();
    let openid = world.follower();
    let id = world.say(&openid, "hi");
    let first = world.due().remove(0);
    world.answer(&first, "success");
    world.advance(3600);
    assert!(world.wx.repeat_push(id, world.now));
    let again = world.due().remove(0);
    assert_eq!((again.body, again.url), (first.body, first.url));
    assert!(!world.wx.repeat_push(999_999, world.now));
}
