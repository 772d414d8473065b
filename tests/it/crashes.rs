//! `kill -9` of the real binary in the middle of a delivery, on a real file, and what the next
//! one makes of it. Time is real here.

use std::time::Duration;

use qiao_sim::fault::{Fault, Kind};
use sqlx::SqliteConnection;

use crate::process::{Process, Site};
use crate::world::open;

/// From a restart to the follower being told; a story that takes longer has failed.
const QUICK: Duration = Duration::from_secs(10);

const CREATE: &str = "POST /sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection";
const LOOK_UP: &str = "GET /sap/c4c/odata/cust/v1/zindividualcustomer/CustomerCommonCollection";
const CUSTOMERS: &str = "IndividualCustomerCollection";
const SEND: &str = "/cgi-bin/message/custom/send";
const TOKEN: &str = "/cgi-bin/stable_token";

/// The real binary between both simulated platforms.
struct House {
    site: Site,
    daemon: Option<Process>,
}

impl House {
    async fn new() -> Self {
        let site = Site::new().await;
        let daemon = Some(site.serve().await);
        Self { site, daemon }
    }

    async fn start(&mut self) {
        self.daemon = Some(self.site.serve().await);
    }

    async fn until_logged(&mut self, message: &str) {
        self.daemon.as_mut().unwrap().until_logged(message).await;
    }

    /// `kill -9`, after which both platforms work again.
    async fn kill(&mut self) {
        self.daemon.take().unwrap().kill().await;
        self.site.c4c.with(|c4c, _, _| c4c.faults().clear(None));
        self.site
            .wechat
            .with(|wechat, _, _| wechat.faults.clear(None));
    }

    fn c4c_fails(&self, on: &str, kind: Kind) {
        let (on, times) = (on.to_owned(), 1);
        self.site
            .c4c
            .with(|c4c, _, _| c4c.faults().add(Fault { on, kind, times }));
    }

    fn wechat_fails(&self, on: &str, kind: Kind) {
        let (on, times) = (on.to_owned(), 1);
        self.site
            .wechat
            .with(|wechat, _, _| wechat.faults.add(Fault { on, kind, times }));
    }

    /// Somebody follows and has been answered with the welcome: the follow is acknowledged.
    async fn follower(&self) -> String {
        let openid = self.site.wechat.with(|wechat, now, rng| {
            let openid = wechat.new_follower(rng);
            wechat.follow(&openid, None, now, rng);
            openid
        });
        self.until_seen(&openid, 1).await;
        openid
    }

    async fn until_seen(&self, openid: &str, many: usize) {
        let seen = self
            .site
            .wechat
            .until(|wechat| (wechat.seen(openid).len() >= many).then_some(()));
        let seen = tokio::time::timeout(QUICK, seen).await;
        assert!(seen.is_ok(), "{}", self.outbox().await);
    }

    async fn until_called(&self, method: &str, set: &str, times: u64) {
        let called = self
            .site
            .c4c
            .until(|c4c| (c4c.calls().total(method, set) >= times).then_some(()));
        tokio::time::timeout(QUICK, called).await.unwrap();
    }

    async fn until_wechat_called(&self, path: &str) {
        let called = self
            .site
            .wechat
            .until(|wechat| (wechat.calls(path) > 0).then_some(()));
        tokio::time::timeout(QUICK, called).await.unwrap();
    }

    /// Looks at the database of the other process until it says so: nothing tells us when.
    async fn until_count(&self, sql: &'static str, expected: i64) {
        let mut database = open(&self.site.database()).await;
        let mut look = tokio::time::interval(Duration::from_millis(10));
        let fits = async {
            while sqlx::query_scalar::<_, i64>(sql)
                .fetch_one(&mut database)
                .await
                .unwrap()
                != expected
            {
                look.tick().await;
            }
        };
        let fits = tokio::time::timeout(QUICK, fits).await;
        assert!(fits.is_ok(), "{sql}: {}", self.outbox().await);
    }

    /// Takes the write lock, so that the daemon can commit nothing until it is dropped.
    async fn hold_writes(&self) -> SqliteConnection {
        let mut connection = open(&self.site.database()).await;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .unwrap();
        connection
    }

    async fn outbox(&self) -> String {
        let rows: Vec<(i64, String, String, Option<String>)> =
            sqlx::query_as("SELECT id, effect, state, last_error FROM outbox ORDER BY id")
                .fetch_all(&mut open(&self.site.database()).await)
                .await
                .unwrap();
        format!("{rows:#?}")
    }

    /// Everything that was acknowledged has happened, and happened once.
    async fn everyone_is_one_customer_and_told_once(&self, openids: &[String]) {
        for openid in openids {
            self.until_seen(openid, 2).await;
        }
        self.until_count(OPEN, 0).await;
        for openid in openids {
            let (customers, told) = (
                self.site
                    .c4c
                    .look(|c4c| c4c.find_by_wechat_id(openid).len()),
                self.site.wechat.look(|wechat| wechat.seen(openid).len()),
            );
            assert_eq!((customers, told), (1, 2), "{}", self.outbox().await);
        }
    }

    /// The send that was cut off waits for a person, and nothing else waits.
    async fn one_send_is_held_uncertain(&self) {
        self.until_count(HELD, 1).await;
        self.until_count(OPEN, 0).await;
        self.until_count(UNCERTAIN_MESSAGES, 1).await;
    }
}

const OPEN: &str = "SELECT count(*) FROM outbox WHERE state IN ('ready', 'running')";
const HELD: &str = "SELECT count(*) FROM v_outbox WHERE effect = 'wechat.send'
    AND state = 'held' AND uncertain = 1 AND held_reason = 'uncertain'";
const UNCERTAIN_MESSAGES: &str = "SELECT count(*) FROM v_conversation WHERE purpose = 'customer_created' AND state = 'uncertain'";
const CUT_OFF: &str = "SELECT count(*) FROM attempt a JOIN outbox o ON o.id = a.outbox_id
    WHERE o.effect IN ('customer.ensure', 'wechat.send')
        AND a.verdict = 'uncertain' AND a.error LIKE 'the daemon stopped%'";

const NO_ANSWER: Kind = Kind::Hang {
    after_effect: false,
};
const NO_ANSWER_BUT_DONE: Kind = Kind::Hang { after_effect: true };
const LATE: Kind = Kind::Latency { millis: 1_000 };

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_create_was_claimed() {
    let mut house = House::new().await;
    // The first one's look-up keeps the only slot of a tenant that has not answered yet.
    house.c4c_fails(LOOK_UP, NO_ANSWER);
    let first = house.follower().await;
    house
        .until_called("GET", "CustomerCommonCollection", 1)
        .await;
    let second = house.follower().await;
    house.kill().await;
    house.start().await;
    house
        .everyone_is_one_customer_and_told_once(&[first, second])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_create_was_under_way() {
    for (hang, creates) in [(NO_ANSWER, 2), (NO_ANSWER_BUT_DONE, 1)] {
        let mut house = House::new().await;
        house.c4c_fails(CREATE, hang);
        let openid = house.follower().await;
        house.until_called("POST", CUSTOMERS, 1).await;
        house.kill().await;
        house.start().await;
        house
            .everyone_is_one_customer_and_told_once(&[openid])
            .await;
        house.until_count(CUT_OFF, 1).await;
        let posts = house
            .site
            .c4c
            .look(|c4c| c4c.calls().total("POST", CUSTOMERS));
        assert_eq!(posts, creates, "looked up before it was created again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_creates_answer_was_settled() {
    let mut house = House::new().await;
    house.c4c_fails(CREATE, LATE);
    let openid = house.follower().await;
    house.until_called("POST", CUSTOMERS, 1).await;
    let lock = house.hold_writes().await;
    house.until_logged("an outcome waits to be written").await;
    house.kill().await;
    drop(lock);
    house.start().await;
    house
        .everyone_is_one_customer_and_told_once(&[openid])
        .await;
    house.until_count(CUT_OFF, 1).await;
    let posts = house
        .site
        .c4c
        .look(|c4c| c4c.calls().total("POST", CUSTOMERS));
    assert_eq!(posts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_a_send_was_claimed() {
    let mut house = House::new().await;
    // The first one's send waits for a token and keeps the only slot of an untried account.
    house.wechat_fails(TOKEN, NO_ANSWER);
    let first = house.follower().await;
    house.until_wechat_called(TOKEN).await;
    let second = house.follower().await;
    let linked = "SELECT count(*) FROM mapping WHERE state = 'linked'";
    house.until_count(linked, 2).await;
    let object = house
        .site
        .c4c
        .look(|c4c| c4c.find_by_wechat_id(&second)[0].object_id.clone());
    house
        .site
        .c4c
        .with(|c4c, now, _| c4c.change(&object, &[("Mobile", "1")], now));
    let queued = "SELECT count(*) FROM message WHERE purpose = 'customer_changed'";
    house.until_count(queued, 1).await;
    house.kill().await;
    house.start().await;
    house.until_seen(&second, 3).await;
    house.one_send_is_held_uncertain().await;
    let told = house.site.wechat.look(|wechat| {
        let told = wechat.seen(&second).iter().map(|seen| seen.text.clone());
        told.collect::<Vec<_>>()
    });
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told[1].contains("1000") && told[2].contains("Mobile"),
        "in order: {told:?}"
    );
    let first_seen = house.site.wechat.look(|wechat| wechat.seen(&first).len());
    assert_eq!(first_seen, 1, "nobody knows, so a person decides");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_send_was_under_way() {
    for (hang, seen) in [(NO_ANSWER, 1), (NO_ANSWER_BUT_DONE, 2)] {
        let mut house = House::new().await;
        house.wechat_fails(SEND, hang);
        let openid = house.follower().await;
        house.until_wechat_called(SEND).await;
        house.kill().await;
        house.start().await;
        house.one_send_is_held_uncertain().await;
        let shown = house.site.wechat.look(|wechat| wechat.seen(&openid).len());
        assert_eq!(shown, seen, "never twice");
        house.until_count(CUT_OFF, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_a_sends_answer_was_settled() {
    let mut house = House::new().await;
    house.wechat_fails(SEND, LATE);
    let openid = house.follower().await;
    house.until_wechat_called(SEND).await;
    let lock = house.hold_writes().await;
    house.until_logged("an outcome waits to be written").await;
    house.kill().await;
    drop(lock);
    house.start().await;
    house.one_send_is_held_uncertain().await;
    let shown = house.site.wechat.look(|wechat| wechat.seen(&openid).len());
    assert_eq!(shown, 2, "the welcome and the number, once");
}
