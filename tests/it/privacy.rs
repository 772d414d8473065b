//! A person's data: given to them whole, and erased so that nothing of it is left on the disk.

mod export;
mod raw;

use std::collections::BTreeMap;
use std::time::Duration;

use qiao::control::Command;
use qiao::domain::ids::{AccountId, OpenId};
use qiao::domain::rows::{Changes, Follower};
use qiao::flows::privacy;
use qiao::kit::clock::Clock as _;
use qiao::kit::media::sha256;
use qiao::store::{Beginning, PARTS};
use serde_json::{Value, json};

use crate::commands::qiao;
use crate::world::{PATIENCE, Plan, World};

const SOCIAL: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
"#;

/// What one person says, sends and is called.
const CHINESE: &str = "请问我的订单号是多少？紫罗兰色的那件";
const ENGLISH: &str = "Where is my chartreuse umbrella?";
const NAME: &str = "Annabellissima";
const ANSWER: &str = "Your parcel is in Kaohsiung, dear customer";
const HELD: &str = "Held for a zephyr";
const PICTURE: &[u8] = b"\xff\xd8\xff\xe0 only Anna has this picture";
const SHARED: &[u8] = b"\xff\xd8\xff\xe0 everybody has this picture";

/// Two customers who talked; of the first everything is there that can be.
struct Two {
    world: World,
    anna: String,
    bert: String,
}

impl Two {
    async fn talked() -> Self {
        let plan = Plan {
            account: SOCIAL.to_owned(),
            ..Plan::default()
        };
        let world = World::planned(plan).await;
        let (anna, bert) = (world.customer().await, world.customer().await);
        let two = Self { world, anna, bert };
        two.talk().await;
        two
    }

    async fn talk(&self) {
        let (world, anna, bert) = (&self.world, &*self.anna, &*self.bert);
        world.say(bert, "请问我的订单号");
        for text in [CHINESE, ENGLISH] {
            world.say(anna, text);
            world.recorded().await;
        }
        for (who, bytes) in [(anna, PICTURE), (anna, SHARED), (bert, SHARED)] {
            world
                .wechat
                .with(|wechat, now, rng| wechat.send_image(who, bytes, now, rng));
            world.recorded().await;
        }
        let place = qiao_sim::wechat::Place {
            latitude: 30.66,
            longitude: 104.06,
            scale: 16,
            label: "Anna's street",
        };
        world
            .wechat
            .with(|wechat, now, rng| wechat.send_location(anna, &place, now, rng));
        world.recorded().await;
        let push = world.click(anna, "offers");
        world.settled().await;
        world.repeat(push);
        world.settled().await;
        world
            .wechat
            .with(|wechat, now, rng| wechat.kf_create_session(anna, "seat7@shop", now, rng));
        world.settled().await;
        world.change(anna, &[("FirstName", NAME)]);
        world.until_seen(anna, "FirstName").await;
        world
            .agent_answers(&world.the_ticket(anna).id, ANSWER)
            .await;
        world.settled().await;
        world.advance(Duration::from_hours(49));
        world.settled().await;
        world.send(anna, HELD).await;
        world.settled().await;
        world.run_job("index").await;
        self.found_and_seen().await;
    }

    /// What only comes of seats and of a reconciliation.
    async fn found_and_seen(&self) {
        let world = &self.world;
        let follower = Self::follower(&self.anna);
        let openids = [follower.openid];
        world
            .store()
            .mark_seen(&follower.account, &openids, world.clock.now())
            .await
            .unwrap();
        world
            .sql(
                "INSERT INTO finding (job_run_id, kind, account, openid, detail, state, found_at)
                 SELECT 1, 'stale_snapshot', account, openid, openid || ' is stale', 'found', 0
                 FROM mapping ORDER BY created_at LIMIT 1",
            )
            .await;
        world
            .sql(
                "INSERT INTO session (token, account, openid, asked, created_at, expires_at)
                 SELECT printf('%064d', 1), account, openid, 'snsapi_base', 0, 1 FROM mapping
                 ORDER BY created_at LIMIT 1",
            )
            .await;
        world
            .sql(
                "INSERT INTO consent (account, openid, scope, name, avatar, given_at)
                 SELECT account, openid, 'snsapi_userinfo', 'Annabellissima', 'https://picture', 0
                 FROM mapping ORDER BY created_at LIMIT 1",
            )
            .await;
        world
            .sql(
                "INSERT INTO reconcile_customer (tenant, object_id, wechat_id)
                 SELECT tenant, object_id, openid FROM mapping ORDER BY created_at LIMIT 1",
            )
            .await;
        world
            .sql(
                "UPDATE job_run SET resume = json_object('at', (
                     SELECT openid FROM mapping ORDER BY created_at LIMIT 1))
                 WHERE id = 1",
            )
            .await;
    }

    fn follower(openid: &str) -> Follower {
        Follower {
            account: AccountId::new("main"),
            openid: OpenId::new(openid),
        }
    }

    /// Her words, names, numbers and bytes, as they lie on a disk.
    fn needles(&self) -> Vec<Vec<u8>> {
        let words = [
            &self.anna,
            CHINESE,
            ENGLISH,
            NAME,
            ANSWER,
            HELD,
            "chartreuse",
        ];
        let mut needles: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        needles.push("紫罗".as_bytes().to_vec());
        needles.push(PICTURE.to_vec());
        needles.push(self.world.object_of(&self.anna).into_bytes());
        needles
    }

    async fn erase(&self, openid: &str) -> Value {
        let Follower { account, openid } = Self::follower(openid);
        let command = Command::PersonErase {
            account,
            openid,
            obsolete_customer: false,
        };
        self.world.operate(command).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_person_is_left_on_the_disk_and_everything_of_others() {
    let two = Two::talked().await;
    let (world, needles) = (&two.world, two.needles());
    let before = world.count("SELECT count(*) FROM message").await;
    for needle in &needles {
        let found = raw::files_with(world, needle);
        assert!(!found.is_empty(), "it was never there: {needle:?}");
    }
    let told = two.erase(&two.anna).await;
    for needle in &needles {
        let found = raw::files_with(world, needle);
        let shown = String::from_utf8_lossy(needle);
        assert_eq!(found, Vec::<String>::new(), "{shown} is left");
    }
    let rows: BTreeMap<String, u64> =
        serde_json::from_value(told["certificate"]["rows"].clone()).unwrap();
    let tables = PARTS.iter().map(|part| part.table);
    for table in tables.chain(["attempt", "dedupe"]) {
        assert!(rows.contains_key(table), "nothing of `{table}` in {rows:?}");
    }
    let left = world.count("SELECT count(*) FROM message").await;
    assert_eq!(before - left, i64::try_from(rows["message"]).unwrap());
    let shared = raw::files_with(world, SHARED);
    assert_eq!(shared.len(), 1, "it is Bert's, too");
    let found = qiao(world, &["conversation", "search", "订单号", "--json"]).await;
    assert_eq!(found.json().as_array().unwrap().len(), 1, "Bert's");
    let sent = world.seen(&two.anna).iter().any(|(_, text)| text == HELD);
    assert!(!sent, "what waited for her is not sent any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_kept_and_says_which_copies_hold_the_person() {
    let two = Two::talked().await;
    let data = two.world.folder.path().join("data");
    // Its time is that of the disk, which is none that the story knows: she is older than all.
    two.world.sql("UPDATE mapping SET created_at = 0").await;
    std::fs::write(data.join("qiao.db.before-0008"), b"a copy").unwrap();
    let backup = two.world.folder.path().join("by hand.tar");
    let file = backup.clone();
    two.world.command(Command::Backup { file }).await;
    let told = two.erase(&two.anna).await;
    let certificate = &told["certificate"];
    let copies = certificate["copies"].as_array().unwrap();
    let held: Vec<_> = copies
        .iter()
        .map(|copy| (&copy["path"], &copy["expires_at"]))
        .collect();
    let nobody = Value::Null;
    assert!(held.contains(&(&json!(backup), &nobody)), "{held:?}");
    assert_eq!(certificate["file_rewritten"], true);
    assert_eq!(certificate["customer_in_c4c"], "kept");
    let id = told["erasure"].as_str().unwrap();
    let again = qiao(&two.world, &["person", "certificate", id, "--json"]).await;
    assert_eq!(again.json()["certificate"], *certificate);
    let digest = two.world.text("SELECT sha256 FROM erasure").await;
    assert_eq!(again.json()["sha256"], digest);
    let kept = two.world.text("SELECT certificate FROM erasure").await;
    assert_eq!(sha256(kept.as_bytes()), digest);
    qiao(&two.world, &["person", "certificate", id])
        .await
        .says("rows erased: activity");
    let audited = two
        .world
        .texts("SELECT DISTINCT target FROM audit WHERE act LIKE 'person.%'")
        .await;
    let name = certificate["person"].as_str().unwrap();
    assert_eq!(audited, [format!("person:{name}")]);
    assert_eq!(two.world.count("SELECT count(*) FROM pseudonym").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_not_written_anew_and_what_was_deleted_is_overwritten_all_the_same() {
    let two = Two::talked().await;
    two.world
        .sql(
            "INSERT INTO finding (job_run_id, kind, detail, state, found_at)
             VALUES (1, 'large', printf('%.*c', 70000000, 'x'), 'found', 0)",
        )
        .await;
    let told = two.erase(&two.anna).await;
    assert_eq!(told["certificate"]["file_rewritten"], false);
    for needle in [ENGLISH, &two.anna] {
        let found = raw::files_with(&two.world, needle.as_bytes());
        assert_eq!(found, Vec::<String>::new(), "{needle} is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_after_the_erasure_is_a_new_person() {
    let two = Two::talked().await;
    two.erase(&two.anna).await;
    two.world.say(&two.anna, "hello again");
    two.world.recorded().await;
    let mapping = qiao(&two.world, &["mapping", "show", &two.anna, "--json"]).await;
    assert_eq!(mapping.json()["state"], "linked");
    let shown = qiao(&two.world, &["conversation", "show", &two.anna, "--json"]).await;
    let said = shown.out.matches("hello again").count();
    assert_eq!(said, 1, "{}", shown.out);
    assert!(!shown.out.contains(ENGLISH));
    let again = two.erase(&two.anna).await;
    assert!(again["certificate"]["rows"]["message"].as_u64().unwrap() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_was_cut_off_is_gone_on_with_after_the_restart() {
    let mut two = Two::talked().await;
    let follower = Two::follower(&two.anna);
    let needles = two.needles();
    let now = two.world.clock.now();
    let store = two.world.store();
    let order = privacy::ordered(&follower, false, now);
    let id = store.order_erasure(order).await.unwrap();
    let beginning = Beginning {
        id,
        keys: store.keys_of(&follower, "main").await.unwrap(),
        follower,
        salt: [7; 32],
        changes: Changes::none(),
    };
    assert!(store.begin_erasure(beginning).await.unwrap());
    two.world.stop().await;
    two.world.start().await;
    two.world.daemon().parts.timetable.tick().await;
    two.world.daemon().parts.timetable.drained(PATIENCE).await;
    assert_eq!(two.world.text("SELECT state FROM erasure").await, "done");
    for needle in &needles {
        let shown = String::from_utf8_lossy(needle);
        let found = raw::files_with(&two.world, needle);
        assert_eq!(found, Vec::<String>::new(), "{shown} is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_erases_by_a_command_and_the_customer_in_c4c_becomes_obsolete() {
    let two = Two::talked().await;
    let object = two.world.object_of(&two.anna);
    qiao(&two.world, &["person", "erase", &two.anna])
        .await
        .fails(1, "say --yes");
    let words = ["person", "erase", &two.anna, "--obsolete-customer", "--yes"];
    two.world
        .sql(
            "INSERT INTO mapping (account, openid, tenant, object_id, customer_id, state, created_at, updated_at)
             SELECT 'shop', 'oOther', tenant, object_id, customer_id, state, 0, 0 FROM mapping
             ORDER BY created_at LIMIT 1",
        )
        .await;
    qiao(&two.world, &words)
        .await
        .fails(1, "stands for a follower of account `shop`, too");
    two.world
        .sql("DELETE FROM mapping WHERE account = 'shop'")
        .await;
    let told = qiao(&two.world, &words).await;
    told.says("C4C is asked to make the customer obsolete");
    two.world.settled().await;
    let obsolete = two
        .world
        .c4c
        .look(|c4c| c4c.customer(&object).unwrap().is_obsolete());
    assert!(obsolete);
    assert_eq!(
        raw::files_with(&two.world, two.anna.as_bytes()),
        Vec::<String>::new()
    );
    for verb in ["erase", "export"] {
        let mut words = vec!["person", verb, &two.anna];
        words.extend((verb == "erase").then_some("--yes"));
        qiao(&two.world, &words)
            .await
            .fails(1, "nothing is known of this OpenID");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_erased_after_a_while_unless_they_are_back() {
    let plan = Plan {
        account: "on_unfollow = \"erase\"".to_owned(),
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    let (stays, goes) = (world.customer().await, world.customer().await);
    for openid in [&stays, &goes] {
        world.unfollow(openid);
    }
    world.settled().await;
    world.run_job("erase").await;
    assert_eq!(
        world.count("SELECT count(*) FROM mapping").await,
        2,
        "not yet"
    );
    world.advance(Duration::from_secs(5));
    world.follow(&stays);
    world.settled().await;
    world.advance(Duration::from_mins(10));
    world.settled().await;
    world.run_job("erase").await;
    let left = world.texts("SELECT openid FROM mapping").await;
    assert_eq!(left, [stays]);
    assert_eq!(
        raw::files_with(&world, goes.as_bytes()),
        Vec::<String>::new()
    );
    let causes = world
        .texts("SELECT cause || ' ' || state FROM erasure")
        .await;
    assert_eq!(causes, ["unfollow done"]);
}

/// Tables of which no row tells anything of a person.
const OF_NOBODY: [(&str, &str); 12] = [
    (
        "backup",
        "a file is named in a certificate, and goes by rotation",
    ),
    ("call_count", "of an account"),
    ("job", "of the timetable"),
    ("last_id", "of a table"),
    ("oauth_state", "of a browser whose owner is not known yet"),
    ("account_token", "of an account"),
    ("audit", "a person stands there as a pseudonym"),
    ("erasure", "its OpenID goes with the person"),
    ("pseudonym", "its salt goes with the person"),
    ("attempt", "goes with its row of outbox"),
    ("dedupe", "goes with its row of inbox"),
    ("message_search", "goes with its message, by a trigger"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_known_to_the_erasure_or_says_nothing_of_anybody() {
    let world = World::new().await;
    let tables = world
        .texts(
            "SELECT name FROM pragma_table_list WHERE schema = 'main'
             AND (type = 'table' OR type = 'virtual')
             AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations' ORDER BY name",
        )
        .await;
    for table in &tables {
        let known = PARTS.iter().any(|part| part.table == table);
        let of_nobody = OF_NOBODY.iter().any(|(name, _)| name == table);
        assert!(
            known != of_nobody,
            "`{table}`: name it in src/store/person.rs and let src/store/erasing.rs take its rows, or \
             say here why it tells nothing of a person"
        );
    }
}
