//! What followers send besides texts, and WeChat's own agents.

use super::*;
use crate::wechat::{Place, Voice};

/// An act of a follower, and the elements of its push.
type Case<'a> = (u64, &'a str, &'a [(&'a str, &'a str)]);

#[test]
fn each_kind_of_message_has_its_elements() {
    let mut world = World::new();
    let openid = world.follower();
    let (now, rng, wx) = (world.now, &mut world.rng, &mut world.wx);
    let voice = Voice {
        bytes: b"#!AMR\n",
        recognition: Some("你好"),
        ..Voice::default()
    };
    let speex = Voice {
        format: "speex",
        ..voice
    };
    let place = Place {
        latitude: 23.134_521,
        longitude: 113.358_803,
        scale: 20,
        label: "广州市",
    };
    let place_fields = [
        ("Location_X", "23.134521"),
        ("Location_Y", "113.358803"),
        ("Scale", "20"),
        ("Label", "广州市"),
    ];
    let file_fields = [
        ("Title", "a.pdf"),
        ("Description", "D"),
        ("FileTotalLen", "12"),
        ("MediaId", ""),
    ];
    let cases: [Case; 6] = [
        (
            wx.send_voice(&openid, &voice, now, rng),
            "voice",
            &[
                ("Format", "amr"),
                ("Recognition", "你好"),
                ("MediaId16K", ""),
            ],
        ),
        (
            wx.send_voice(&openid, &speex, now, rng),
            "voice",
            &[("Format", "speex")],
        ),
        (
            wx.send_short_video(&openid, b"v", b"t", now, rng),
            "shortvideo",
            &[],
        ),
        (
            wx.send_location(&openid, &place, now, rng),
            "location",
            &place_fields,
        ),
        (
            wx.send_link(&openid, "T", "D", "http://u", now, rng),
            "link",
            &[("Title", "T"), ("Description", "D"), ("Url", "http://u")],
        ),
        (
            wx.send_file(&openid, "a.pdf", "D", 12, now, rng),
            "file",
            &file_fields,
        ),
    ];
    for (push, kind, elements) in cases {
        assert_eq!(world.pushed(push, "MsgType"), kind);
        assert_eq!(world.pushed(push, "FromUserName"), openid);
        for (element, expected) in elements {
            assert_eq!(world.pushed(push, element), *expected, "{kind} {element}");
        }
    }
    assert_eq!(world.pushed(cases[5].0, "FileMd5").len(), 32);
    assert!(!world.pushed(cases[5].0, "FileKey").is_empty());
    // Each of them opened the window of a message.
    world.advance(3600);
    assert_eq!(world.send_text(&openid, "hi"), 0);
}

#[test]
fn a_picture_comes_with_an_address_and_an_id() {
    let mut world = World::new();
    let openid = world.follower();
    let push = world
        .wx
        .send_image(&openid, b"x", world.now, &mut world.rng);
    assert!(
        world
            .pushed(push, "PicUrl")
            .starts_with("http://mmbiz.qpic.cn/")
    );
    let media_id = world.pushed(push, "MediaId");
    assert_eq!(
        world.wx.medium(&media_id, world.now).unwrap().bytes[..],
        b"x"[..]
    );
}

#[test]
fn agents_of_wechat_take_hand_over_and_close_a_session() {
    let mut world = World::new();
    let openid = world.follower();
    let (now, rng, wx) = (world.now, &mut world.rng, &mut world.wx);
    let taken = wx.kf_create_session(&openid, "a@x", now, rng);
    let switched = wx.kf_switch_session(&openid, "a@x", "b@x", now, rng);
    let closed = wx.kf_close_session(&openid, "b@x", now, rng);
    for (push, event, element, agent) in [
        (taken, "kf_create_session", "KfAccount", "a@x"),
        (switched, "kf_switch_session", "FromKfAccount", "a@x"),
        (switched, "kf_switch_session", "ToKfAccount", "b@x"),
        (closed, "kf_close_session", "KfAccount", "b@x"),
    ] {
        assert_eq!(world.pushed(push, "Event"), event);
        assert_eq!(world.pushed(push, "FromUserName"), openid);
        assert_eq!(world.pushed(push, element), agent);
    }
    assert_eq!(world.due().len(), 3);
    world.advance(61);
    assert_eq!(world.send_text(&openid, "no window by that"), 45015);
}

#[test]
fn messages_during_a_session_are_not_pushed_until_it_is_closed_or_half_an_hour_old() {
    let mut world = World::new();
    let openid = world.follower();
    let agent = "a@x";
    world
        .wx
        .kf_create_session(&openid, agent, world.now, &mut world.rng);
    world.due();
    world.say(&openid, "to the agent");
    assert!(world.due().is_empty());
    world.wx.click(&openid, "k", world.now, &mut world.rng);
    assert_eq!(world.due().len(), 1);
    world.advance(30 * 60);
    world.say(&openid, "to the account");
    assert_eq!(world.due().len(), 1);
    world
        .wx
        .kf_create_session(&openid, agent, world.now, &mut world.rng);
    world
        .wx
        .kf_close_session(&openid, agent, world.now, &mut world.rng);
    world.due();
    world.say(&openid, "to the account");
    assert_eq!(world.due().len(), 1);
}
