use super::event::{PrivacyNotice, TemplateOutcome};
use super::*;
use crate::wechat::window::GrantTrigger;
use proptest::prelude::*;

/// A push with the usual envelope and `fields` inside.
fn push(fields: &str) -> Push {
    Push::parse(&format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>oAlice</FromUserName>\
         <CreateTime>1700000000</CreateTime>{fields}</xml>"
    ))
    .unwrap()
}

fn message(kind: &str, fields: &str) -> Push {
    push(&format!(
        "<MsgType><![CDATA[{kind}]]></MsgType><MsgId>42</MsgId>{fields}"
    ))
}

fn event(name: &str, fields: &str) -> Push {
    push(&format!(
        "<MsgType>event</MsgType><Event>{name}</Event>{fields}"
    ))
}

macro_rules! fixture {
    ($name:literal) => {
        Push::parse(include_str!(concat!(
            "../../../tests/fixtures/wechat/",
            $name
        )))
        .unwrap()
    };
}

#[test]
fn a_text_keeps_its_white_space_and_its_ids() {
    let push = push(
        "<MsgType>text</MsgType><Content><![CDATA[ hi\n]]></Content><MsgID>9007199254740993</MsgID>\
         <MsgDataId>d</MsgDataId><Idx>2</Idx>",
    );
    assert_eq!(push.text().unwrap(), " hi\n");
    assert_eq!(push.msg_id(), Some(9_007_199_254_740_993));
    assert_eq!(push.dedupe_key(), "m:00009007199254740993");
    let PushKind::Message { article, .. } = &push.kind else {
        panic!("a text is a message");
    };
    let article = article.as_ref().unwrap();
    assert_eq!((article.data_id.as_str(), article.index), ("d", 2));
}

#[test]
fn every_message_has_a_faithful_text() {
    let cases = [
        ("text", "<Content>你好</Content>", "你好"),
        ("image", "<PicUrl>u</PicUrl><MediaId>m</MediaId>", "[image]"),
        ("voice", "<Format>amr</Format>", "[voice]"),
        ("voice", "<Recognition>喂</Recognition>", "[voice] 喂"),
        ("video", "", "[video]"),
        ("shortvideo", "", "[video]"),
        (
            "location",
            "<Location_X>23.1</Location_X><Location_Y>113.3</Location_Y><Label>Canton Tower</Label>",
            "[location] 23.1,113.3 Canton Tower",
        ),
        (
            "link",
            "<Title>t</Title><Description>d</Description><Url>https://x</Url>",
            "[link] t d https://x",
        ),
        ("location", "<Label> </Label>", "[location]"),
        (
            "location",
            "<Location_Y>113.3</Location_Y>",
            "[location] ,113.3",
        ),
        (
            "file",
            "<Title>offer.pdf</Title><Description>2 pages</Description>",
            "[file] offer.pdf 2 pages",
        ),
        (
            "miniprogrampage",
            "<Title>Shop</Title><PagePath>p/i</PagePath>",
            "[miniprogrampage] Shop p/i",
        ),
        ("sticker", "", "[sticker]"),
    ];
    for (kind, fields, text) in cases {
        let push = message(kind, fields);
        assert_eq!(push.text().as_deref(), Some(text), "{kind}");
        assert_eq!(push.kind_word(), kind);
        assert_eq!(push.grant(), Some(GrantTrigger::Message), "{kind}");
        assert!(push.is_contact());
        assert_eq!(push.dedupe_key(), "m:00000000000000000042");
    }
    assert_eq!(fixture!("link.xml").kind_word(), "link");
    assert_eq!(fixture!("voice.xml").text().as_deref(), Some("[voice]"));
}

#[test]
fn media_of_a_message_can_be_fetched_and_of_a_voice_the_better_copy() {
    let cases = [
        ("image", "<MediaId>a</MediaId>", Some("a")),
        ("voice", "<MediaId>a</MediaId>", Some("a")),
        (
            "voice",
            "<MediaId>a</MediaId><MediaId16K>b</MediaId16K>",
            Some("b"),
        ),
        (
            "video",
            "<MediaId>a</MediaId><ThumbMediaId>b</ThumbMediaId>",
            Some("a"),
        ),
        ("shortvideo", "<MediaId>a</MediaId>", Some("a")),
        ("image", "<MediaId> </MediaId>", None),
        ("file", "<FileKey>a</FileKey>", None),
        ("text", "<Content>a</Content>", None),
    ];
    for (kind, fields, expected) in cases {
        let PushKind::Message { body, .. } = message(kind, fields).kind else {
            panic!("a {kind} is a message");
        };
        assert_eq!(body.media_id(), expected, "{kind} {fields}");
    }
}

#[test]
fn a_follow_by_qr_code_and_a_scan_tell_the_same_scene() {
    let follow = event(
        "subscribe",
        "<EventKey>qrscene_shop_7</EventKey><Ticket>T</Ticket>",
    );
    assert_eq!(follow.scene(), Some("shop_7"));
    assert_eq!(follow.follow_action(), FollowAction::Follow);
    assert_eq!(follow.grant(), Some(GrantTrigger::Follow));
    let scan = event("SCAN", "<EventKey>shop_7</EventKey><Ticket>T</Ticket>");
    assert_eq!(scan.scene(), Some("shop_7"));
    assert_eq!(scan.follow_action(), FollowAction::None);
    assert_eq!(scan.grant(), Some(GrantTrigger::Scan));
    assert_eq!(scan.kind_word(), "event:scan");
    let bare = fixture!("subscribe.xml");
    assert_eq!(bare.scene(), None);
    assert_eq!(bare.follow_action(), FollowAction::Follow);
    let empty_key = event("subscribe", "<EventKey><![CDATA[]]></EventKey>");
    assert_eq!(empty_key.scene(), None);
}

#[test]
fn an_unfollow_is_no_contact() {
    let push = event("unsubscribe", "<EventKey/>");
    assert_eq!(push.follow_action(), FollowAction::Unfollow);
    assert!(!push.is_contact());
    assert_eq!(push.follower(), Some(&push.from));
    assert_eq!(push.grant(), None);
    assert_eq!(push.text(), None);
}

#[test]
fn only_clicks_and_scans_of_the_menu_open_the_window() {
    let tapped = message(
        "text",
        "<Content>Yes</Content><bizmsgmenuid>101</bizmsgmenuid>",
    );
    assert_eq!(tapped.grant(), Some(GrantTrigger::Menu));
    for name in ["CLICK", "scancode_push", "scancode_waitmsg"] {
        assert_eq!(event(name, "").grant(), Some(GrantTrigger::Menu), "{name}");
    }
    for name in [
        "VIEW",
        "view_miniprogram",
        "LOCATION",
        "location_select",
        "pic_weixin",
        "TEMPLATESENDJOBFINISH",
        "something_new",
    ] {
        assert_eq!(event(name, "").grant(), None, "{name}");
    }
}

#[test]
fn menu_events_tell_their_button_and_what_came_of_it() {
    let click = event("CLICK", "<EventKey>review</EventKey>");
    assert!(matches!(click.event(), Some(Event::Click { key }) if key == "review"));
    let view = event(
        "VIEW",
        "<EventKey>https://x/?a=1&amp;b</EventKey><MenuId>3</MenuId>",
    );
    assert!(matches!(view.event(), Some(Event::View(opened))
            if opened.target == "https://x/?a=1&b" && opened.menu_id.as_deref() == Some("3")));
    let scan = fixture!("scancode_push.xml");
    assert!(
        matches!(scan.event(), Some(Event::ScanCode { key, scan_type, result })
            if key == "6" && scan_type == "qrcode" && result == "1")
    );
    let pictures = event(
        "pic_weixin",
        "<EventKey>p</EventKey><SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>a</PicMd5Sum>\
         </item><item><PicMd5Sum>b</PicMd5Sum></item></PicList></SendPicsInfo>",
    );
    assert!(matches!(pictures.event(), Some(Event::Pictures { md5, .. }) if md5 == &["a", "b"]));
    let place = event(
        "location_select",
        "<SendLocationInfo><Location_X>23</Location_X><Poiname>Tower</Poiname></SendLocationInfo>",
    );
    assert!(
        matches!(place.event(), Some(Event::LocationSelect { latitude, place, .. })
            if latitude == "23" && place == "Tower")
    );
}

#[test]
fn the_outcome_of_a_template_is_read_whatever_its_spaces() {
    let push = fixture!("templatesendjobfinish.xml");
    assert!(
        matches!(push.event(), Some(Event::TemplateSent { msg_id: Some(200_163_836), outcome })
            if *outcome == TemplateOutcome::Delivered)
    );
    let cases = [
        ("failed:user block", TemplateOutcome::Blocked),
        ("failed: user block", TemplateOutcome::Blocked),
        ("failed: system failed", TemplateOutcome::SystemFailed),
        ("odd", TemplateOutcome::Other("odd".to_owned())),
    ];
    for (status, expected) in cases {
        let push = event(
            "TEMPLATESENDJOBFINISH",
            &format!("<Status>{status}</Status>"),
        );
        assert!(
            matches!(push.event(), Some(Event::TemplateSent { outcome, .. }) if *outcome == expected),
            "{status}"
        );
    }
}

#[test]
fn results_of_mass_messages_and_publications_are_about_nobody() {
    let mass = fixture!("masssendjobfinish.xml");
    let Some(Event::MassSent(sent)) = mass.event() else {
        panic!("a mass result");
    };
    assert_eq!(sent.msg_id, Some(1_000_001_625));
    assert_eq!(sent.status, "err(30003)");
    assert_eq!(sent.copyright, [(1, 2), (2, 2)]);
    assert_eq!(sent.urls, ["Url"]);
    let published = fixture!("freepublishjobfinish.xml");
    assert!(
        matches!(published.event(), Some(Event::Published { id, status: Some(0), article_id, urls, failed })
            if id == "2247503051"
                && article_id.as_deref() == Some("b5O2OUs25HBxRceL7hfReg-U9QGeq9zQjiDvyWP4Hq4")
                && urls == &["ARTICLE_URL"]
                && failed == &[1, 2])
    );
    let certified = event(
        "naming_verify_fail",
        "<FailTime>5</FailTime><FailReason>r</FailReason>",
    );
    assert!(matches!(
        certified.event(),
        Some(Event::Certification {
            time: Some(5),
            reason: Some(_),
            ..
        })
    ));
    for push in [mass, published, certified] {
        assert_eq!(push.follower(), None);
        assert!(!push.is_contact());
    }
}

#[test]
fn answers_to_subscription_requests_are_read_one_by_one() {
    let push = fixture!("subscribe_msg_popup_event.xml");
    let Some(Event::Consents(consents)) = push.event() else {
        panic!("consents");
    };
    let answers: Vec<_> = consents.iter().map(|c| (c.accepted, c.scene)).collect();
    assert_eq!(answers, [(true, Some(2)), (false, Some(2))]);
    let sent = event(
        "subscribe_msg_sent_event",
        "<SubscribeMsgSentEvent><List><TemplateId>t</TemplateId><MsgID>1700827132819554304</MsgID>\
         <ErrorCode>0</ErrorCode><ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent>",
    );
    let Some(Event::NotificationsSent(sent)) = sent.event() else {
        panic!("notifications");
    };
    assert_eq!(sent[0].msg_id, Some(1_700_827_132_819_554_304));
}

#[test]
fn what_the_platform_says_about_a_person_is_about_that_person() {
    let push = fixture!("user_authorization_revoke.xml");
    let follower = push.follower().unwrap();
    assert_eq!(follower.as_str(), "owAqB1nqaOYYWl0Ng484G2z5NIwU");
    assert_ne!(follower, &push.from);
    assert!(!push.is_contact());
    assert!(
        matches!(push.event(), Some(Event::Privacy { notice: PrivacyNotice::Revoked, app_id, revoked, .. })
            if app_id == "wx13974bf780d3dc89" && revoked == "1")
    );
    let lower = event(
        "user_info_modified",
        "<openid>oBob</openid><appid>wx1</appid>",
    );
    assert_eq!(lower.follower(), Some(&OpenId::new("oBob")));
    assert_eq!(event("user_info_modified", "").follower(), None);
}

#[test]
fn other_desks_and_sessions_are_read() {
    let switched = event(
        "kf_switch_session",
        "<FromKfAccount>a@x</FromKfAccount><ToKfAccount>b@x</ToKfAccount>",
    );
    assert!(
        matches!(switched.event(), Some(Event::AgentSwitched { from, to }) if from == "a@x" && to == "b@x")
    );
    let joined = event("kf_create_session", "<KfAccount>a@x</KfAccount>");
    assert!(matches!(joined.event(), Some(Event::AgentJoined { agent }) if agent == "a@x"));
    let entered = event("user_enter_tempsession", "<SessionFrom>s</SessionFrom>");
    assert!(matches!(entered.event(), Some(Event::SessionEntered { from }) if from == "s"));
}

#[test]
fn an_unknown_event_is_kept_by_name_and_makes_no_customer() {
    let push = event("Card_Pay_Order", "");
    assert_eq!(push.kind_word(), "event:card_pay_order");
    assert!(matches!(push.event(), Some(Event::Other { name }) if name == "card_pay_order"));
    assert!(!push.is_contact());
    let endless = event(&"x".repeat(5_000), "");
    assert_eq!(endless.kind_word().len(), "event:".len() + MAX_KIND_CHARS);
}

#[test]
fn a_key_of_an_event_depends_on_every_field_and_not_on_their_order_or_the_envelope() {
    let key = |fields: &str| event("CLICK", fields).dedupe_key().to_owned();
    let one = key("<EventKey>a</EventKey><MenuId>1</MenuId>");
    assert!(one.starts_with("e:00000000001700000000:"));
    assert_eq!(one.len(), 2 + 20 + 1 + 32);
    let same = key("<Encrypt>x</Encrypt><MenuId>1</MenuId><EventKey><![CDATA[a]]></EventKey>");
    assert_eq!(one, same);
    for other in [
        "<EventKey>a</EventKey><MenuId>2</MenuId>",
        "<EventKey>a</EventKey>",
        "<EventKey>a</EventKey><MenuId>1</MenuId><X/>",
        "<EventKey>aMenuId1</EventKey>",
        "<EventKey>a<MenuId>1</MenuId></EventKey>",
    ] {
        assert_ne!(one, key(other), "{other}");
    }
}

#[test]
fn a_message_without_msg_id_is_told_apart_by_its_fields() {
    let push = push("<MsgType>sticker</MsgType><X>1</X>");
    assert_eq!(push.msg_id(), None);
    assert!(push.dedupe_key().starts_with("e:"));
}

/// The kinds of messages, with the fields that say something in words.
const WORDS: [(&str, &[&str]); 10] = [
    ("text", &["Content"]),
    ("image", &[]),
    ("voice", &["Recognition"]),
    ("video", &[]),
    ("shortvideo", &[]),
    ("location", &["Location_X", "Location_Y", "Label"]),
    ("link", &["Title", "Description", "Url"]),
    ("file", &["Title", "Description"]),
    ("miniprogrampage", &["Title", "PagePath"]),
    ("sticker", &[]),
];

proptest! {
    #[test]
    fn whatever_was_said_in_words_stands_in_the_text(
        (kind, names) in proptest::sample::select(&WORDS[..]),
        said in "[a-z你 😀,\\[\\]\n]{0,30}",
    ) {
        let value = |name: &str| format!("{name}={said}.");
        let field = |name: &&str| format!("<{name}><![CDATA[{}]]></{name}>", value(name));
        let fields: String = names.iter().map(field).collect();
        let text = message(kind, &fields).text().unwrap();
        for name in names {
            prop_assert!(text.contains(&value(name)), "{}", text);
        }
    }

    #[test]
    fn no_push_makes_its_text_panic(
        (kind, _) in proptest::sample::select(&WORDS[..]),
        fields in any::<String>(),
    ) {
        let push = format!(
            "<xml><FromUserName>o</FromUserName><CreateTime>1</CreateTime>\
             <MsgType>{kind}</MsgType><Title>{fields}</Title><Label><![CDATA[{fields}]]></Label>\
             <Content>{fields}</Content><MediaId>{fields}</MediaId>{fields}</xml>"
        );
        if let Ok(push) = Push::parse(&push) {
            let _ = push.text();
        }
    }
}
