use super::*;

/// Answers by path, and pushes to whatever URL it is given.
#[derive(Default)]
struct Probe {
    handled: u32,
    due: Option<(Timestamp, String)>,
    outcomes: Vec<PushOutcome>,
}

impl Core for Probe {
    fn handle(&mut self, request: &Request, _: Timestamp, _: &mut dyn Rng) -> Delivery {
        self.handled += 1;
        match request.path.as_str() {
            "/drop" => Delivery::Drop,
            "/hang" => Delivery::Hang,
            "/short" => Delivery::Answer(
                Response {
                    status: 200,
                    headers: vec![("content-length".into(), "100".into())],
                    body: b"the beginning".to_vec(),
                },
                Duration::ZERO,
            ),
            _ => Delivery::Answer(
                Response {
                    status: 201,
                    headers: vec![("x-seen".into(), request.param("q").unwrap_or_default())],
                    body: request.body.clone(),
                },
                Duration::ZERO,
            ),
        }
    }

    fn take_due(&mut self, now: Timestamp, _: &mut dyn Rng) -> Vec<Push> {
        let due = self.due.take_if(|(at, _)| *at <= now);
        due.into_iter()
            .map(|(_, url)| Push {
                id: 1,
                url,
                headers: Vec::new(),
                body: b"<xml/>".to_vec(),
                deadline: Duration::from_millis(200),
            })
            .collect()
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.due.as_ref().map(|(at, _)| *at)
    }

    fn pushed(&mut self, _: &Push, outcome: PushOutcome, _: Timestamp) {
        self.outcomes.push(outcome);
    }
}

async fn probe() -> Server<Probe> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clock = SimClock::manual(Timestamp::UNIX_EPOCH);
    Server::start(listener, Probe::default(), clock, 1)
}

fn client() -> reqwest::Client {
    push_client()
}

#[tokio::test]
async fn a_request_reaches_the_core_and_its_answer_comes_back() {
    let server = probe().await;
    let answer = client()
        .post(format!("{}/echo?q=%E6%A1%A5", server.url()))
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["x-seen"].as_bytes(), "桥".as_bytes());
    assert_eq!(answer.text().await.unwrap(), "hello");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_carries_the_simulators_own_time() {
    let server = probe().await;
    let answer = client().get(server.url()).send().await.unwrap();
    assert_eq!(answer.headers()["date"], "Thu, 01 Jan 1970 00:00:00 GMT");
    server.clock().advance(Duration::from_secs(61));
    let answer = client().get(server.url()).send().await.unwrap();
    assert_eq!(answer.headers()["date"], "Thu, 01 Jan 1970 00:01:01 GMT");
    server.stop().await;
}

#[tokio::test]
async fn a_dropped_request_is_a_broken_connection_without_a_status() {
    let server = probe().await;
    let error = client()
        .get(format!("{}/drop", server.url()))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.status(), None);
    assert!(error.is_request(), "{error:?}");
    assert_eq!(server.with(|core, _, _| core.handled), 1);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_shorter_than_it_promises_breaks_off_after_its_last_byte() {
    let server = probe().await;
    let request = client().get(format!("{}/short", server.url()));
    let mut answer = request.send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.content_length()),
        (200, Some(100))
    );
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "the beginning");
    assert!(answer.chunk().await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_hanging_request_lasts_until_the_caller_gives_up() {
    let server = probe().await;
    let error = client()
        .get(format!("{}/hang", server.url()))
        .timeout(Duration::from_millis(50))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout());
    server.stop().await;
}

#[tokio::test]
async fn stopping_breaks_hanging_requests() {
    let server = probe().await;
    let hanging = tokio::spawn(client().get(format!("{}/hang", server.url())).send());
    server.until(|core| (core.handled == 1).then_some(())).await;
    server.stop().await;
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn a_push_leaves_when_the_clock_is_moved_to_its_instant() {
    let receiver = probe().await;
    let server = probe().await;
    let url = format!("{}/echo", receiver.url());
    let at = Timestamp::from_second(60).unwrap();
    server.with(|core, _, _| core.due = Some((at, url)));
    assert_eq!(receiver.with(|core, _, _| core.handled), 0);
    client()
        .post(format!("{}{CLOCK_PATH}", server.url()))
        .body(r#"{"advance_seconds":60}"#)
        .send()
        .await
        .unwrap();
    let outcome = server.until(|core| core.outcomes.first().cloned()).await;
    let PushOutcome::Answered(response) = outcome else {
        panic!("the receiver answers")
    };
    assert_eq!((response.status, response.body), (201, b"<xml/>".to_vec()));
}

#[tokio::test]
async fn a_push_without_an_answer_in_time_is_unanswered() {
    let receiver = probe().await;
    let server = probe().await;
    let url = format!("{}/hang", receiver.url());
    server.with(|core, now, _| core.due = Some((now, url)));
    let outcome = server.until(|core| core.outcomes.first().cloned()).await;
    assert!(matches!(outcome, PushOutcome::Unanswered));
}
