//! QR codes: made by a command, drawn, scanned, and what a scan brings about.

mod agents;
mod binding;
mod creating;

use std::time::Duration;

use qiao::control::{Command, Refused};
use qiao::domain::ids::AccountId;
use qiao::domain::qr::{Purpose, Scene, Wish};
use qiao_sim::fault::Kind;
use serde_json::Value;

use crate::world::{Plan, World};

pub const CREATE: &str = "/cgi-bin/qrcode/create";

/// Counts of a code: scans and follows.
const COUNTS: &str = "SELECT scans || ' ' || follows FROM v_qr_code";

const OUTCOMES: &str = "SELECT outcome FROM qr_scan ORDER BY id";

const CAMPAIGN: &str = r#"
customer = { FirstName = "{campaign|none}", LastName = "{openid}", NickName = "{scene}", RoleCode = "CRM000" }
"#;

/// A permanent code.
pub fn code(purpose: Purpose, target: &str) -> Wish {
    Wish {
        purpose,
        target: target.to_owned(),
        scene: None,
        lifetime: None,
        reusable: false,
    }
}

/// One that ends.
pub fn temporary(purpose: Purpose, target: &str, hours: i64) -> Wish {
    Wish {
        lifetime: Some(jiff::SignedDuration::from_hours(hours)),
        ..code(purpose, target)
    }
}

impl World {
    /// `qiao qr create` for the account, with the daemon's own time.
    pub async fn wishes(&self, wish: Wish) -> Result<Value, Refused> {
        let nonce = rand_like(self.wechat_calls(CREATE));
        let account = AccountId::new("main");
        let ordered = self.operate(Command::QrCreate {
            account,
            wish,
            nonce,
        });
        let ordered = ordered.await;
        self.settled().await;
        ordered
    }

    /// Has a code made; what its picture says.
    pub async fn code(&self, wish: Wish) -> String {
        self.wishes(wish).await.unwrap();
        self.text("SELECT url FROM qr_code ORDER BY id DESC LIMIT 1")
            .await
    }

    /// Somebody scans a code, and whatever comes of it is over; `false` when WeChat knows no such code.
    pub async fn scans(&self, openid: &str, url: &str) -> bool {
        let push = self
            .wechat
            .with(|wechat, now, rng| wechat.scan_code(openid, url, now, rng));
        self.settled().await;
        push.is_some()
    }

    /// A field of a follower's customer.
    pub fn field_of(&self, openid: &str, field: &str) -> String {
        let object = self.object_of(openid);
        self.c4c
            .look(|c4c| c4c.customer(&object).unwrap().text(field).to_owned())
    }
}

/// Another nonce for each code.
fn rand_like(number: u64) -> [u8; 16] {
    u128::from(number + 1).to_be_bytes()
}

fn with_tenant(tenant: &str) -> Plan {
    Plan {
        tenant: tenant.to_owned(),
        ..Plan::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaigns_code_is_recorded_on_who_comes_by_it_and_counted() {
    let world = World::planned(with_tenant(CAMPAIGN)).await;
    let url = world.code(code(Purpose::Campaign, "spring-fair")).await;
    let openid = world.somebody();
    assert!(world.scans(&openid, &url).await);
    assert_eq!(world.field_of(&openid, "FirstName"), "spring-fair");
    assert_eq!(world.field_of(&openid, "NickName"), "spring-fair");
    assert_eq!(world.text(COUNTS).await, "1 1");
    world.scans(&openid, &url).await;
    assert_eq!(world.text(COUNTS).await, "2 1", "a follower scanned");
    let told = "SELECT customer_id || ' ' || target || ' ' || follow FROM v_qr_scan";
    assert_eq!(
        world.texts(told).await,
        ["1000441 spring-fair 1", "1000441 spring-fair 0"]
    );
    let last = world.count("SELECT last_scan_at FROM qr_code").await;
    assert_eq!(last, world.clock_micros());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_comes_again_is_counted_once() {
    let world = World::new().await;
    let url = world.code(code(Purpose::Campaign, "fair")).await;
    let openid = world.somebody();
    world.in_copies(3);
    world.scans(&openid, &url).await;
    assert_eq!(world.text(COUNTS).await, "1 1");
    let first = world
        .wechat
        .look(|wechat| wechat.pushes().next().unwrap().id);
    world.repeat(first);
    world.settled().await;
    assert_eq!(world.text(COUNTS).await, "1 1");
    assert_eq!(world.texts(OUTCOMES).await, ["counted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scene_that_we_did_not_make_stays_what_it_was() {
    let world = World::planned(with_tenant(CAMPAIGN)).await;
    let openid = world.somebody();
    world
        .wechat
        .with(|wechat, now, rng| wechat.follow(&openid, Some("of-another-system"), now, rng));
    world.settled().await;
    assert_eq!(world.field_of(&openid, "FirstName"), "none");
    assert_eq!(world.field_of(&openid, "NickName"), "of-another-system");
    assert_eq!(world.count("SELECT count(*) FROM qr_scan").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_campaign_may_have_several_codes() {
    let world = World::planned(with_tenant(CAMPAIGN)).await;
    let mut urls = Vec::new();
    for scene in ["door", "window"] {
        let wish = Wish {
            scene: Some(Scene::Text(scene.to_owned())),
            ..code(Purpose::Campaign, "春季展会")
        };
        urls.push(world.code(wish).await);
    }
    let openid = world.somebody();
    world.scans(&openid, &urls[1]).await;
    assert_eq!(world.field_of(&openid, "FirstName"), "春季展会");
    assert_eq!(world.texts(COUNTS).await, ["0 0", "1 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_exists_gets_the_campaign_only_where_that_is_configured() {
    for (tenant, campaign) in [
        ("", "Wechat"),
        ("campaign = { FirstName = \"{campaign}\" }", "fair"),
    ] {
        let world = World::planned(with_tenant(tenant)).await;
        let openid = world.customer().await;
        let url = world.code(code(Purpose::Campaign, "fair")).await;
        let told = world.seen(&openid).len();
        world.scans(&openid, &url).await;
        world.scans(&openid, &url).await;
        assert_eq!(world.field_of(&openid, "FirstName"), campaign);
        let patches = world.c4c_calls("PATCH", "IndividualCustomerCollection");
        assert_eq!(patches, u64::from(campaign == "fair"), "once");
        world.advance(Duration::from_secs(5));
        world.settled().await;
        assert_eq!(world.seen(&openid).len(), told, "of nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_comes_before_its_customer_waits_for_them() {
    let world = World::planned(with_tenant("campaign = { NickName = \"{campaign}\" }")).await;
    let url = world.code(code(Purpose::Campaign, "fair")).await;
    world.c4c_fails_for(
        "IndividualCustomer",
        Kind::Status {
            status: 503,
            html: false,
            retry_after: None,
        },
        1,
    );
    let openid = world.somebody();
    world.scans(&openid, &url).await;
    world.advance(Duration::from_mins(2));
    world.settled().await;
    assert_eq!(world.field_of(&openid, "NickName"), "fair");
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_go_with_their_time_and_the_count_stays() {
    let plan = Plan {
        account: "[retention]\nmessages = 30\n".to_owned(),
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    let url = world.code(code(Purpose::Campaign, "fair")).await;
    let openid = world.somebody();
    world.scans(&openid, &url).await;
    world.advance(Duration::from_hours(31 * 24));
    world.scans(&openid, &url).await;
    let told = world.run_job("retention").await;
    assert!(told.contains("1 scans of QR codes"), "{told}");
    assert_eq!(world.count("SELECT count(*) FROM qr_scan").await, 1);
    assert_eq!(world.text(COUNTS).await, "2 1");
}
