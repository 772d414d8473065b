use super::*;
use Verdict::{Permanent, Transient};

const MORNING: &str = "2026-11-23T01:30:00Z";

fn now() -> Timestamp {
    MORNING.parse().unwrap()
}

fn refused(call: Call, code: i64) -> Error {
    Error::refused(call, code, "")
}

fn verdict(error: &Error) -> Verdict {
    error.failure(now(), 1).verdict
}

fn http(call: Call, status: u16) -> Error {
    Error {
        call,
        cause: Cause::Http {
            status,
            retry_after: None,
        },
    }
}

#[test]
fn a_code_has_the_verdict_of_the_reference() {
    let cases = [
        (-1, Verdict::Uncertain),
        (40001, Verdict::Auth),
        (40014, Verdict::Auth),
        (42001, Verdict::Auth),
        (40003, Transient),
        (40037, Permanent),
        (40125, Verdict::Auth),
        (40164, Verdict::Auth),
        (43004, Permanent),
        (43019, Permanent),
        (45002, Permanent),
        (45009, Verdict::Throttled),
        (45011, Verdict::Throttled),
        (45015, Verdict::Window),
        (45047, Verdict::Window),
        (48001, Verdict::Window),
        (48002, Permanent),
        (48004, Verdict::Auth),
        (123_456, Transient),
    ];
    for (code, expected) in cases {
        assert_eq!(verdict(&refused(Call::SendText, code)), expected, "{code}");
    }
    assert_eq!(verdict(&refused(Call::UserInfo, -1)), Transient);
    assert_eq!(verdict(&refused(Call::UserInfo, 48001)), Permanent);
}

#[test]
fn a_refused_token_is_repaired_and_a_refused_secret_pauses_the_account() {
    let token = refused(Call::SendText, 40001);
    assert_eq!(token.sense(), Some(Sense::TokenRefused));
    assert_eq!(token.failure(now(), 1).pause, None);
    let secret = refused(Call::FetchToken, 40001).failure(now(), 1);
    assert_eq!(secret.verdict, Verdict::Auth);
    assert_eq!(secret.pause.unwrap().reason, "app_secret_refused");
}

#[test]
fn what_ails_the_account_pauses_it_with_a_reason() {
    let cases = [
        (40125, "app_secret_refused"),
        (40164, "ip_not_allowed"),
        (40243, "app_secret_frozen"),
        (48004, "banned"),
        (61004, "ip_not_allowed"),
        (89503, "ip_unconfirmed"),
        (89506, "ip_declined"),
    ];
    for (code, reason) in cases {
        let pause = refused(Call::FetchToken, code).failure(now(), 1).pause;
        assert_eq!(pause.unwrap().reason, reason, "{code}");
    }
}

#[test]
fn an_unknown_code_is_given_up_after_two_retries_and_a_doubtful_openid_after_one() {
    let verdicts = |code| {
        [1, 2, 3].map(|attempts| {
            let failure = refused(Call::SendText, code).failure(now(), attempts);
            failure.verdict
        })
    };
    assert_eq!(verdicts(123_456), [Transient, Transient, Permanent]);
    assert_eq!(verdicts(40003), [Transient, Permanent, Permanent]);
}

#[test]
fn quotas_wait_as_long_as_the_platform_counts() {
    let daily = refused(Call::SendText, 45009).failure(now(), 1);
    // 09:30 in Beijing.
    assert_eq!(daily.retry_after, Some(Duration::from_mins(14 * 60 + 30)));
    let minute = refused(Call::SendText, 45011).failure(now(), 1);
    assert_eq!(minute.retry_after, Some(Duration::from_mins(1)));
    let midnight: Timestamp = "2026-11-23T16:00:00Z".parse().unwrap();
    assert_eq!(until_beijing_midnight(midnight), Duration::from_hours(24));
    let before = midnight - SignedDuration::from_secs(1);
    assert_eq!(until_beijing_midnight(before), Duration::from_secs(1));
}

#[test]
fn without_an_answer_a_send_is_uncertain_and_a_read_is_not() {
    for fault in [
        TransportError::Lost("reset".to_owned()),
        TransportError::TooLarge,
    ] {
        let error = |call| Error {
            call,
            cause: Cause::Transport(fault.clone()),
        };
        assert_eq!(verdict(&error(Call::SendText)), Verdict::Uncertain);
        assert_eq!(verdict(&error(Call::SendTemplate)), Verdict::Uncertain);
        assert_eq!(verdict(&error(Call::Followers)), Transient);
    }
}

#[test]
fn a_refused_connection_pauses_the_account_and_costs_nothing() {
    let error = Error {
        call: Call::SendText,
        cause: Cause::Transport(TransportError::NotSent("refused".to_owned())),
    };
    let failure = error.failure(now(), 1);
    assert_eq!(failure.verdict, Transient);
    assert_eq!(failure.pause.unwrap().reason, "unreachable");
}

#[test]
fn machines_in_between_are_told_from_the_platform() {
    let cases = [
        (302, Transient, true),
        (400, Transient, false),
        (401, Verdict::Auth, true),
        (404, Transient, true),
        (408, Verdict::Uncertain, false),
        (429, Verdict::Throttled, false),
        (500, Verdict::Uncertain, false),
        (502, Verdict::Uncertain, false),
        (503, Transient, true),
    ];
    for (status, expected, pauses) in cases {
        let failure = http(Call::SendText, status).failure(now(), 1);
        assert_eq!(failure.verdict, expected, "{status}");
        assert_eq!(failure.pause.is_some(), pauses, "{status}");
    }
    let read = verdict(&http(Call::UserInfo, 502));
    assert_eq!(read, Transient);
    let third = http(Call::SendText, 413).failure(now(), 3);
    assert_eq!(third.verdict, Permanent);
}

#[test]
fn a_sentence_names_cause_remedy_and_rid() {
    let error = Error::refused(
        Call::FetchToken,
        40164,
        "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 5f1a2b3c-4d5e6f70-8a9b0c1d",
    );
    assert_eq!(
        error.to_string(),
        "WeChat refused the fetch of an access_token: this machine's address is not in the IP \
         allow-list (40164, “invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist”); list this \
         machine's outgoing address in the IP allow-list of the WeChat console \
         [rid 5f1a2b3c-4d5e6f70-8a9b0c1d]"
    );
    let hinted = Error::refused(Call::SendText, 47003, "argument invalid! hint: [x1]");
    assert!(hinted.to_string().contains("“argument invalid!”"));
}

#[test]
fn a_sentence_never_repeats_identifiers_or_secrets() {
    let openid = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc";
    let said =
        format!("bad {openid}, secret=0123456789abcdef0123456789abcdef rid: {openid}{openid}");
    for code in [40003, 40125, 47003, 123_456] {
        let shown = format!("{0} {0:?}", Error::refused(Call::SendText, code, &said));
        for part in [openid, "0123456789abcdef"] {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
