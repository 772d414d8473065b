//! Media both ways: fetched, uploaded, sent, and dead after three days.

use super::*;
use crate::wechat::{MediaKind, Voice};

const JPEG: &[u8] = b"\xff\xd8\xff\xe0";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42";
const THREE_DAYS: i64 = 3 * 24 * 3600;

/// The error code of an answer, 0 if it is none.
fn code(answer: &Response) -> i64 {
    let object: Option<Value> = serde_json::from_slice(&answer.body).ok();
    object.map_or(0, |object| object["errcode"].as_i64().unwrap_or(0))
}

fn id_of(answer: &Value) -> &str {
    answer["media_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
}

/// A follower who may be sent five messages.
fn talker(world: &mut World) -> String {
    let openid = world.follower();
    world.say(&openid, "hi");
    openid
}

fn send(world: &mut World, openid: &str, kind: &str, object: &Value) -> i64 {
    let body = json!({"touser": openid, "msgtype": kind, kind: object});
    world.call(CUSTOM_SEND, &body).0
}

#[test]
fn a_picture_is_fetched_to_the_byte_until_it_is_three_days_old() {
    let mut world = World::new();
    let openid = world.follower();
    let picture = file(PNG);
    let push = world
        .wx
        .send_image(&openid, &picture, world.now, &mut world.rng);
    let media_id = world.pushed(push, "MediaId");
    world.advance(THREE_DAYS - 1);
    let answer = world.fetch(&media_id);
    assert_eq!(answer.body, picture);
    assert_eq!(answer.header("content-type"), Some("image/png"));
    let name = format!("attachment; filename=\"{media_id}.png\"");
    assert_eq!(answer.header("content-disposition"), Some(name.as_str()));
    world.advance(1);
    assert_eq!(code(&world.fetch(&media_id)), 40007);
    assert_eq!(code(&world.fetch("no such id")), 40007);
}

#[test]
fn a_recording_and_its_better_copy_have_ids_of_their_own() {
    let mut world = World::new();
    let openid = world.follower();
    let (narrow, wide) = (amr(2), file(b"#!AMR-WB\n"));
    let voice = Voice {
        bytes: &narrow,
        wideband: Some(&wide),
        ..Voice::default()
    };
    let push = world
        .wx
        .send_voice(&openid, &voice, world.now, &mut world.rng);
    let (id, id_16k) = (
        world.pushed(push, "MediaId"),
        world.pushed(push, "MediaId16K"),
    );
    assert_eq!(world.fetch(&id).body, narrow);
    assert_eq!(world.fetch(&id).header("content-type"), Some("audio/amr"));
    assert_eq!(world.fetch(&id_16k).body, wide);
}

#[test]
fn a_video_is_a_link_that_needs_no_token_and_dies_with_it() {
    let mut world = World::new();
    world.wx.settings.download_url = "http://cdn.test/".to_owned();
    let openid = world.follower();
    let (video, thumb) = (file(MP4), file(JPEG));
    let (now, rng) = (world.now, &mut world.rng);
    let long = world.wx.send_video(&openid, &video, &thumb, now, rng);
    let short = world.wx.send_short_video(&openid, &video, &thumb, now, rng);
    for push in [long, short] {
        let answer = world.fetch(&world.pushed(push, "MediaId"));
        let link: Value = serde_json::from_slice(&answer.body).unwrap();
        let link = link["video_url"].as_str().unwrap();
        let target = link.strip_prefix("http://cdn.test").unwrap();
        assert_eq!(world.request("GET", target, &Value::Null).body, video);
        let still = world.fetch(&world.pushed(push, "ThumbMediaId"));
        assert_eq!(still.body, thumb);
        world.now += SignedDuration::from_secs(THREE_DAYS);
        assert_eq!(world.request("GET", target, &Value::Null).status, 404);
        world.now = now;
    }
}

#[test]
fn a_download_is_told_off_in_json_whatever_its_content_type_says() {
    let mut world = World::new();
    world.wx.settings.media_content_type = Some("image/jpeg".to_owned());
    let openid = world.follower();
    let push = world
        .wx
        .send_image(&openid, &file(PNG), world.now, &mut world.rng);
    let media_id = world.pushed(push, "MediaId");
    assert_eq!(
        world.fetch(&media_id).header("content-type"),
        Some("image/jpeg")
    );
    world.post(
        "/_control/faults",
        &json!({"on": "media/get", "kind": "code", "code": -1}),
    );
    for expected in [-1, 40001] {
        let answer = world.fetch(&media_id);
        assert_eq!((answer.status, code(&answer)), (200, expected));
        assert_eq!(answer.header("content-type"), Some("image/jpeg"));
        world.post(
            "/_control/faults",
            &json!({"on": "media/get", "kind": "code", "code": 40001}),
        );
    }
    let limits = &mut world.wx.settings.daily_limits;
    limits.insert(MEDIA_GET.to_owned(), 1);
    world.post("/_control/faults/clear", &json!({}));
    world.advance(24 * 3600);
    assert_eq!(code(&world.fetch(&media_id)), 0);
    assert_eq!(code(&world.fetch(&media_id)), 45009);
}

#[test]
fn what_is_uploaded_is_sent_and_seen_to_the_byte_while_it_lives() {
    let mut world = World::new();
    let openid = talker(&mut world);
    let (picture, recording, video, thumb) = (file(JPEG), amr(60), file(MP4), file(JPEG));
    let image = world.upload("image", "a.JPEG", &picture);
    assert_eq!(image["type"], "image");
    assert_eq!(image["created_at"], world.now.as_second());
    let voice = world.upload("voice", "a.amr", &recording);
    let clip = world.upload("video", "a.mp4", &video);
    let still = world.upload("thumb", "a.jpg", &thumb);
    assert!(still.get("media_id").is_none());
    let of_video = json!({"media_id": id_of(&clip), "thumb_media_id": still["thumb_media_id"]});
    for (kind, object) in [
        ("image", json!({"media_id": id_of(&image)})),
        ("voice", json!({"media_id": id_of(&voice)})),
        ("video", of_video.clone()),
    ] {
        assert_eq!(send(&mut world, &openid, kind, &object), 0, "{kind}");
    }
    let seen = world.wx.seen(&openid).iter();
    let seen: Vec<_> = seen
        .map(|s| (&*s.kind, s.media.as_ref().unwrap()))
        .collect();
    for ((kind, medium), (expected, of_kind, bytes)) in seen.iter().zip([
        ("image", MediaKind::Image, &picture),
        ("voice", MediaKind::Voice, &recording),
        ("video", MediaKind::Video, &video),
    ]) {
        assert_eq!((*kind, medium.kind), (expected, of_kind));
        assert_eq!(medium.bytes[..], bytes[..]);
    }
    assert_eq!(seen.len(), 3);
    assert_eq!(world.fetch(id_of(&image)).body, picture);
    world.advance(THREE_DAYS);
    world.say(&openid, "still there?");
    assert_eq!(send(&mut world, &openid, "video", &of_video), 40007);
}

#[test]
fn only_the_accounts_own_media_of_the_right_kind_are_sent() {
    let mut world = World::new();
    let openid = talker(&mut world);
    let push = world
        .wx
        .send_image(&openid, &file(JPEG), world.now, &mut world.rng);
    let theirs = json!({"media_id": world.pushed(push, "MediaId")});
    let voice = world.upload("voice", "a.mp3", &file(b"ID3"));
    let voice = json!({"media_id": id_of(&voice)});
    let clip = world.upload("video", "a.mp4", &file(MP4));
    let clip = json!({"media_id": id_of(&clip), "thumb_media_id": ""});
    let unknown = json!({"media_id": "m", "thumb_media_id": "m"});
    for (kind, object) in [
        ("image", &theirs),
        ("image", &voice),
        ("image", &unknown),
        ("video", &clip),
        ("music", &unknown),
        ("miniprogrampage", &unknown),
    ] {
        assert_eq!(
            send(&mut world, &openid, kind, object),
            40007,
            "{kind} {object}"
        );
    }
    let kind = MediaKind::Image;
    let permanent = world
        .wx
        .add_material(kind, &file(PNG), world.now, &mut world.rng);
    world.advance(THREE_DAYS);
    world.say(&openid, "still there?");
    let permanent_image = json!({"media_id": permanent});
    assert_eq!(send(&mut world, &openid, "image", &permanent_image), 0);
    assert_eq!(code(&world.fetch(&permanent)), 40007);
}

#[test]
fn a_picture_counts_against_the_window_as_a_text_does() {
    let mut world = World::new();
    let openid = world.follower();
    let image = world.upload("image", "a.png", &file(PNG));
    let image = json!({"media_id": id_of(&image)});
    for expected in [0, 0, 0, 45047] {
        assert_eq!(send(&mut world, &openid, "image", &image), expected);
    }
    world.advance(60);
    assert_eq!(send(&mut world, &openid, "image", &image), 45015);
}

#[test]
fn wrong_uploads_are_refused_with_their_codes() {
    let mut world = World::new();
    let large = |magic: &[u8], size: usize| [magic, &vec![0; size + 1 - magic.len()]].concat();
    for (of_type, filename, bytes, expected) in [
        ("shortvideo", "a.mp4", file(MP4), 40004),
        ("", "a.png", file(PNG), 40004),
        ("image", "a.png", Vec::new(), 44001),
        ("image", "a.png", file(b"BM"), 40005),
        ("image", "a", file(PNG), 40005),
        ("image", "a.amr", file(PNG), 40005),
        ("voice", "a.amr", file(PNG), 40005),
        ("thumb", "a.png", file(PNG), 40005),
        ("image", "a.png", large(PNG, 10 << 20), 40009),
        ("voice", "a.mp3", large(b"ID3", 2 << 20), 40010),
        ("video", "a.mp4", large(MP4, 10 << 20), 40011),
        ("thumb", "a.jpg", large(JPEG, 64 << 10), 40012),
        ("voice", "a.amr", amr(61), 45007),
    ] {
        let answer = world.upload(of_type, filename, &bytes);
        assert_eq!(answer["errcode"], expected, "{of_type} {filename}");
    }
    world.wx.settings.image_limit = 2 << 20;
    let picture = large(PNG, 2 << 20);
    assert_eq!(world.upload("image", "a.png", &picture)["errcode"], 40009);
    let largest = &picture[..2 << 20];
    assert!(world.upload("image", "a.png", largest)["media_id"].is_string());
}

#[test]
fn a_form_without_the_file_its_name_or_its_type_is_refused() {
    let mut world = World::new();
    let picture = file(PNG);
    for (part, content_type) in [
        ("name=\"file\"; filename=\"a.png\"", "image/png"),
        ("name=\"media\"", "image/png"),
        ("name=\"media\"; filename*=utf-8''a.png", "image/png"),
        ("name=\"media\"; filename=\"a.png\"", ""),
    ] {
        let answer = world.upload_part("image", part, content_type, &picture);
        assert_eq!(answer["errcode"], 41005, "{part} {content_type}");
    }
    let (code, _) = world.call(&format!("{UPLOAD}?type=image"), &json!({"media": "a"}));
    assert_eq!(code, 41005);
}

#[test]
fn a_passive_reply_may_show_a_picture() {
    let mut world = World::new();
    let openid = world.follower();
    let picture = file(PNG);
    let image = world.upload("image", "a.png", &picture);
    world.say(&openid, "a picture, please");
    let push = world.due().remove(0);
    let image = format!("<Image><MediaId>{}</MediaId></Image>", id_of(&image));
    let reply = reply_to(&openid, "x").replace("[text]", "[image]");
    world.answer(&push, &reply.replace("</xml>", &format!("{image}</xml>")));
    let seen = &world.wx.seen(&openid)[0];
    assert_eq!(seen.media.as_ref().unwrap().bytes[..], picture[..]);
}
