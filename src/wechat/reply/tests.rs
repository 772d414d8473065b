use super::*;
use crate::wechat::xml::{self, Element};
use proptest::prelude::*;

/// Its text is leaked: a test is over soon.
fn rendered(reply: &Reply) -> Element<'static> {
    let now = Timestamp::from_second(1_407_743_423).unwrap();
    let to = OpenId::new("oia2Tj我是中文jewbmiOUlr6X-1crbLOvLw");
    let xml = reply.render(&to, "gh_7f083739789a", now).unwrap();
    xml::parse(xml.leak()).unwrap()
}

fn article(title: &str) -> Article {
    Article {
        title: title.to_owned(),
        description: "d".to_owned(),
        pic_url: "https://x/p.png".to_owned(),
        url: "https://x/?a=1&b=2".to_owned(),
    }
}

#[test]
fn a_video_is_written_as_the_platform_publishes_it() {
    let expected = include_str!("../../../tests/fixtures/wechat/vector_a3.plain.xml");
    let reply = Reply::Video {
        media_id: "eYJ1MbwPRJtOvIEabaxHs7TX2D-HV71s79GUxqdUkjm6Gs2Ed1KF3ulAOA9H1xG0".to_owned(),
        title: "testCallBackReplyVideo".to_owned(),
        description: "testCallBackReplyVideo".to_owned(),
    };
    assert_eq!(rendered(&reply), xml::parse(expected.trim()).unwrap());
}

#[test]
fn every_other_kind_has_its_fields() {
    let media_id = "m".to_owned();
    let image = rendered(&Reply::Image {
        media_id: media_id.clone(),
    });
    assert_eq!(image.child("Image").unwrap().text_of("MediaId"), "m");
    let voice = rendered(&Reply::Voice { media_id });
    assert_eq!(voice.child("Voice").unwrap().text_of("MediaId"), "m");
    let music = rendered(&Reply::Music {
        title: "t".to_owned(),
        description: "d".to_owned(),
        url: "u".to_owned(),
        hq_url: "h".to_owned(),
        thumb_media_id: "p".to_owned(),
    });
    let music = music.child("Music").unwrap();
    assert_eq!(music.text_of("MusicUrl"), "u");
    assert_eq!(music.text_of("HQMusicUrl"), "h");
    assert_eq!(music.text_of("ThumbMediaId"), "p");
    let anyone = rendered(&Reply::Transfer { agent: None });
    assert_eq!(anyone.text_of("MsgType"), "transfer_customer_service");
    assert!(anyone.child("TransInfo").is_none());
    let agent = rendered(&Reply::Transfer {
        agent: Some("a@x".to_owned()),
    });
    assert_eq!(
        agent.child("TransInfo").unwrap().text_of("KfAccount"),
        "a@x"
    );
}

#[test]
fn news_carry_their_count_and_at_least_one_article() {
    let news = rendered(&Reply::News(vec![article("one"), article("two")]));
    assert_eq!(news.number("ArticleCount"), Some(2));
    let articles = news.child("Articles").unwrap();
    let titles: Vec<_> = articles
        .children_named("item")
        .map(|item| item.text_of("Title"))
        .collect();
    assert_eq!(titles, ["one", "two"]);
    assert_eq!(articles.children[0].text_of("Url"), "https://x/?a=1&b=2");
    for count in [0, MAX_ARTICLES + 1] {
        let reply = Reply::News(vec![article("x"); count]);
        let error = reply.render(&OpenId::new("o"), "gh_1", Timestamp::UNIX_EPOCH);
        assert_eq!(error, Err(ReplyError::Articles(count)));
    }
}

#[test]
fn a_text_is_neither_empty_nor_longer_than_2048_bytes() {
    let render = |text: &str| {
        Reply::Text(text.to_owned()).render(&OpenId::new("o"), "gh_1", Timestamp::UNIX_EPOCH)
    };
    for empty in ["", " \n", "\u{8}"] {
        assert_eq!(render(empty), Err(ReplyError::EmptyText), "{empty:?}");
    }
    assert!(render(&"你".repeat(682)).is_ok());
    assert!(render(&"x".repeat(2_048)).is_ok());
    assert_eq!(render(&"你".repeat(683)), Err(ReplyError::LongText(2_049)));
}

#[test]
fn nothing_of_a_reply_is_shown() {
    assert_eq!(
        format!("{:?}", Reply::Text("hello".to_owned())),
        "Reply(text)"
    );
}

proptest! {
    #[test]
    fn a_text_arrives_as_it_was_said(text in "([^\r\u{0}-\u{8}\u{b}-\u{1f}\u{fffe}\u{ffff}]|\\]\\]>|&lt;|<a href='x'>){1,100}") {
        prop_assume!(!text.chars().all(shows_nothing));
        let read = rendered(&Reply::Text(text.clone()));
        prop_assert_eq!(read.text_of("Content"), text);
        prop_assert_eq!(read.text_of("FromUserName"), "gh_7f083739789a");
        prop_assert_eq!(read.text_of("ToUserName"), "oia2Tj我是中文jewbmiOUlr6X-1crbLOvLw");
        prop_assert_eq!(read.number("CreateTime"), Some(1_407_743_423));
        prop_assert_eq!(read.text_of("MsgType"), "text");
    }
}
