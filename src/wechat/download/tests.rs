use super::*;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::domain::verdict::{Failure, Verdict};
use crate::wechat::codes::Sense;
use crate::wechat::tests::{Script, response, token};

/// It is no UTF-8 and begins like no text.
const PICTURE: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\xc3\x28";
const FILM: &[u8] = b"\0\0\0\x20ftypisom";

async fn download<const N: usize>(answers: [Response; N]) -> Result<Media, Error> {
    let client = Script::told(answers.map(Ok)).client();
    client.download_media(&token(), "M+1").await
}

async fn failure<const N: usize>(answers: [Response; N]) -> (Error, Failure) {
    let error = download(answers).await.unwrap_err();
    let failure = error.failure(Timestamp::UNIX_EPOCH, 1);
    (error, failure)
}

fn video_at(link: &str) -> Response {
    response(200, &[], format!("{{\"video_url\":\"{link}\"}}"))
}

fn moved_to(link: &str) -> Response {
    response(302, &[("location", link)], "")
}

#[tokio::test]
async fn a_picture_comes_byte_for_byte_with_what_the_far_side_calls_it() {
    let length = PICTURE.len().to_string();
    let headers = [
        ("content-type", "image/jpeg"),
        ("content-length", &*length),
        ("content-disposition", "attachment; filename=\"M/1.jpg\""),
    ];
    let script = Script::ending(Ok(response(200, &headers, PICTURE)));
    let media = script.client().download_media(&token(), "M+1").await;
    let media = media.unwrap();
    assert_eq!(media.bytes, PICTURE);
    assert_eq!(media.file_name.as_deref(), Some("M_1.jpg"));
    assert_eq!(media.content_type.as_deref(), Some("image/jpeg"));
    assert_eq!(
        script.urls(),
        ["https://api.test/cgi-bin/media/get?access_token=T%2F1&media_id=M%2B1"]
    );
}

#[tokio::test]
async fn a_file_name_is_read_however_it_is_written() {
    let cases = [
        ("attachment; filename=\"a;b.amr\"", Some("a_b.amr")),
        ("attachment; Filename=a.amr; size=3", Some("a.amr")),
        ("attachment; filename=\"../../x\"", Some("_.._x")),
        ("attachment; filename=\"", None),
        ("attachment", None),
    ];
    for (said, expected) in cases {
        let media = download([response(200, &[("content-disposition", said)], PICTURE)]).await;
        assert_eq!(media.unwrap().file_name.as_deref(), expected, "{said}");
    }
}

#[tokio::test]
async fn a_medium_older_than_three_days_is_gone_for_good() {
    let body = r#"{"errcode":40007,"errmsg":"invalid media_id rid: 1-2-3"}"#;
    // Whatever the answer says of itself, and behind a byte order mark, too.
    for said in [body.to_owned(), format!("\u{feff}\n{body}")] {
        let answer = response(200, &[("content-type", "image/jpeg")], said);
        let (error, failure) = failure([answer]).await;
        assert_eq!(error.sense(), Some(Sense::MediaGone));
        assert_eq!(failure.verdict, Verdict::Permanent);
        assert!(failure.message.contains("three days"), "{failure:?}");
    }
}

#[tokio::test]
async fn an_error_keeps_its_own_verdict() {
    let refused = |code| response(200, &[], format!("{{\"errcode\":{code}}}"));
    for (code, verdict) in [
        (-1, Verdict::Transient),
        (40001, Verdict::Auth),
        (45009, Verdict::Throttled),
        (48001, Verdict::Permanent),
    ] {
        assert_eq!(failure([refused(code)]).await.1.verdict, verdict, "{code}");
    }
}

#[tokio::test]
async fn half_a_file_and_a_page_in_between_are_never_taken_for_the_medium() {
    let answers = [
        response(200, &[("content-length", "999")], PICTURE),
        response(200, &[("content-length", "3")], PICTURE),
        response(200, &[], ""),
        response(200, &[], "{\"errcode\":400"),
        response(200, &[], "{}"),
        response(200, &[], "\r\n<!DOCTYPE html><title>Log in</title>"),
        response(502, &[], "<html>bad gateway</html>"),
        response(502, &[], PICTURE),
    ];
    for answer in answers {
        let (error, failure) = failure([answer]).await;
        assert_eq!(failure.verdict, Verdict::Transient, "{error:?}");
    }
}

#[tokio::test]
async fn a_body_that_was_compressed_on_the_way_is_whole() {
    let headers = [("content-length", "5"), ("content-encoding", "gzip")];
    let media = download([response(200, &headers, PICTURE)]).await;
    assert_eq!(media.unwrap().bytes, PICTURE);
}

#[tokio::test]
async fn a_voice_without_a_head_may_begin_like_a_text() {
    for voice in [&b"<a\0\x12"[..], b"{\x02\xff", b"<\x12\x13"] {
        let media = download([response(200, &[], voice)]).await;
        assert_eq!(media.unwrap().bytes, voice);
    }
}

#[tokio::test]
async fn a_video_is_fetched_from_where_it_is_and_without_the_token() {
    let steps = [
        video_at("http://me:pw@cdn.test/v?k=1"),
        moved_to("https://far.test/w"),
        moved_to("/x"),
        response(200, &[], FILM),
    ];
    let script = Script::told(steps.map(Ok));
    let media = script.client().download_media(&token(), "M").await;
    assert_eq!(media.unwrap().bytes, FILM);
    assert_eq!(
        script.urls()[1..],
        [
            "http://cdn.test/v?k=1",
            "https://far.test/w",
            "https://far.test/x"
        ]
    );
    assert!(script.asked().headers.is_empty());
}

#[tokio::test]
async fn a_link_leads_to_no_file_to_no_weaker_way_and_not_round_in_circles() {
    let (error, _) = failure([video_at("file:///etc/passwd")]).await;
    assert!(matches!(error.cause, Cause::Unreadable(_)), "{error}");
    for elsewhere in ["http://cdn.test/v", "ftp://cdn.test/v", "https://"] {
        let steps = [video_at("https://cdn.test/v"), moved_to(elsewhere)];
        let (error, failure) = failure(steps).await;
        assert_eq!(error.call, Call::FetchVideo, "{elsewhere}");
        assert!(matches!(error.cause, Cause::Unreadable(_)), "{error}");
        assert_eq!(failure.verdict, Verdict::Transient, "{elsewhere}");
    }
    let again = || moved_to("https://cdn.test/v");
    let first = video_at("https://cdn.test/v");
    let steps = [first, again(), again(), again(), again(), again()];
    let script = Script::told(steps.map(Ok));
    let lost = script.client().download_media(&token(), "M").await;
    assert!(lost.unwrap_err().to_string().contains("too often"));
    assert_eq!(script.urls().len(), 1 + 1 + MAX_REDIRECTS);
}

#[tokio::test]
async fn what_ails_the_place_of_a_video_does_not_pause_the_account() {
    for status in [400, 401, 403, 404, 407, 500, 503] {
        let steps = [video_at("https://cdn.test/v"), response(status, &[], "no")];
        let (_, failure) = failure(steps).await;
        assert_eq!(failure.verdict, Verdict::Transient, "{status}");
        assert_eq!(failure.pause, None, "{status}");
    }
    // Nor is a foreign JSON a word of WeChat's.
    let foreign = response(200, &[], r#"{"errcode":40001}"#);
    let (error, _) = failure([video_at("https://cdn.test/v"), foreign]).await;
    assert_eq!(error.sense(), None);
    let unreachable = TransportError::NotSent("refused".to_owned());
    let script = Script::told([Ok(video_at("https://cdn.test/v")), Err(unreachable)]);
    let error = script.client().download_media(&token(), "M").await;
    let failure = error.unwrap_err().failure(Timestamp::UNIX_EPOCH, 9);
    assert_eq!((failure.verdict, failure.pause), (Verdict::Transient, None));
}

#[tokio::test]
async fn what_is_too_large_is_not_asked_for_again() {
    let large = response(200, &[], vec![0xff; MAX_PICTURE_OR_VOICE + 1]);
    assert_eq!(failure([large]).await.1.verdict, Verdict::Permanent);
    let larger = Script::ending(Err(TransportError::TooLarge));
    let error = larger.client().download_media(&token(), "M").await;
    let failure = error.unwrap_err().failure(Timestamp::UNIX_EPOCH, 1);
    assert_eq!(failure.verdict, Verdict::Permanent);
}

#[tokio::test]
async fn nothing_that_is_printed_tells_the_token_or_what_was_shown() {
    let media = download([response(200, &[], PICTURE)]).await.unwrap();
    let (error, failure) = failure([video_at("https://cdn.test/secret"), moved_to("x:y")]).await;
    let shown = format!("{media:?} {error} {error:?} {failure:?}");
    for part in ["T/1", "T%2F1", "JFIF", "secret"] {
        assert!(!shown.contains(part), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_and_no_byte_is_changed(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..60),
        name in proptest::sample::select(
            &["content-length", "content-disposition", "location"][..]
        ),
        value in any::<String>(),
        link in any::<String>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = response(status, &[(name, &value)], &body);
        if let Ok(media) = runtime.block_on(download([answer.clone()])) {
            prop_assert_eq!(media.bytes, body);
        }
        let json = serde_json::json!({ "video_url": link }).to_string();
        let _ = runtime.block_on(download([response(200, &[], json), answer]));
    }
}
