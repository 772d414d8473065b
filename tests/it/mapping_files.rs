//! Mapping files: what is exported can be brought in again, and one wrong line keeps all of them out.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::commands::{Told, qiao};
use crate::world::{LINKING, World};

/// An OpenID of the form that WeChat gives.
fn openid(number: u32) -> String {
    format!("oImport{number:021}")
}

/// Everything that `mapping` holds, its own clock apart.
const MAPPINGS: &str =
    "SELECT json_group_array(json_array(account, openid, unionid, tenant, object_id, customer_id,
        state, reason, scene, name, followed_at, linked_at) ORDER BY account, openid) FROM mapping";

impl World {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn import(&self, name: &str, content: impl AsRef<[u8]>, options: &[&str]) -> Told {
        let file = self.file(name);
        std::fs::write(&file, content).unwrap();
        let words = ["mapping", "import", file.to_str().unwrap()];
        qiao(self, &[&words[..], options].concat()).await
    }

    async fn export(&self, options: &[&str]) -> String {
        let told = qiao(self, &[&["mapping", "export"][..], options].concat()).await;
        assert_eq!((told.code, told.err.as_str()), (0, ""), "{told:?}");
        told.out
    }

    /// They all came long ago, whatever the machine's clock says, by which a command judges.
    async fn long_ago(&self) {
        self.sql("UPDATE mapping SET followed_at = 1700000000123456, linked_at = 1700000001000000")
            .await;
    }

    /// The daemon's database is lost; a new daemon begins without any.
    async fn forget_everything(&mut self) {
        self.stop().await;
        for ending in ["", "-wal", "-shm"] {
            let gone = std::fs::remove_file(self.file(&format!("data/qiao.db{ending}")));
            assert!(gone.is_ok() || !ending.is_empty());
        }
        self.start().await;
    }

    /// Customers in C4C whom nobody stands for: their key and number.
    fn strangers(&self, count: usize) -> Vec<(String, String)> {
        self.c4c.with(|c4c, now, _| {
            let made = (0..count).map(|_| c4c.create_customer(&[("LastName", "Li")], now));
            let made: Vec<String> = made.collect();
            let number =
                |object: &String| c4c.customer(object).unwrap().text("CustomerID").to_owned();
            made.iter()
                .map(|object| (object.clone(), number(object)))
                .collect()
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_is_imported_into_an_empty_database_and_exported_as_the_same() {
    let mut world = World::new().await;
    let known = [world.customer().await, world.customer().await];
    world.long_ago().await;
    world
        .sql("UPDATE mapping SET name = '王, \"小\"', scene = 'poster', unionid = 'oUnion', reason = NULL")
        .await;
    world
        .sql("INSERT INTO mapping (account, openid, tenant, state, reason, followed_at, created_at, updated_at)
              VALUES ('main', 'oLeft', 'main', 'unfollowed', NULL, 1700000000123456, 0, 0),
                     ('main', 'oTorn', 'main', 'conflict', 'several customers claim it: 1, 2', NULL, 0, 0)")
        .await;
    let before = world.text(MAPPINGS).await;
    for format in ["csv", "jsonl"] {
        let exported = world.export(&["--format", format]).await;
        let said = known.each_ref().map(|openid| world.seen(openid));
        world.forget_everything().await;
        assert_eq!(world.count("SELECT count(*) FROM mapping").await, 0);
        let told = world.import(&format!("all.{format}"), &exported, &[]).await;
        told.says("imported: 4; stood there already: 0");
        world.settled().await;
        assert_eq!(world.export(&["--format", format]).await, exported);
        assert_eq!(world.text(MAPPINGS).await, before, "{format}");
        let baselines = "SELECT count(*) FROM customer_snapshot";
        assert_eq!(
            world.count(baselines).await,
            2,
            "changes can be told from now on"
        );
        assert_eq!(
            said,
            known.each_ref().map(|openid| world.seen(openid)),
            "nobody is told"
        );
        assert_eq!(world.customers(), 2, "and nobody is made");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_imported_customer_reaches_the_follower() {
    let mut world = World::new().await;
    let openid = world.customer().await;
    world.long_ago().await;
    let exported = world.export(&[]).await;
    world.forget_everything().await;
    world
        .import("all.csv", exported, &[])
        .await
        .says("imported: 1");
    world.settled().await;
    world.say(&openid, "hello");
    world.settled().await;
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&openid, "Mobile").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_twice_changes_nothing_and_completes_what_was_cut_off() {
    let mut world = World::new().await;
    world.stop().await;
    let line = |number| format!("main,{},{number:032X},{number}\n", openid(number));
    let file = |count| -> String {
        let lines: String = (1..=count).map(line).collect();
        format!("account,openid,object_id,customer_id\n{lines}")
    };
    world
        .import("a.csv", file(700), &[])
        .await
        .says("imported: 700; stood there already: 0");
    let told = world.import("a.csv", file(1_800), &[]).await;
    told.says("imported: 1100; stood there already: 700");
    told.fails(0, "no daemon is running");
    let dump =
        "SELECT json_group_array(json_array(openid, object_id, state, updated_at)) FROM mapping";
    let before = (
        world.text(dump).await,
        world.count("SELECT count(*) FROM outbox").await,
    );
    assert_eq!(before.1, 1_800, "each is looked at in C4C once");
    let told = world.import("a.csv", file(1_800), &[]).await;
    told.says("imported: 0; stood there already: 1800");
    assert_eq!(told.err, "", "nothing was queued");
    let after = (
        world.text(dump).await,
        world.count("SELECT count(*) FROM outbox").await,
    );
    assert_eq!(before, after);
    let parts = "SELECT group_concat(target) FROM audit WHERE act = 'mapping.import' AND who LIKE 'wang (uid %'";
    let parts = world.text(parts).await;
    let changed = "500 lines,200 lines,500 lines,500 lines,300 lines";
    assert_eq!(parts, changed, "a part that changes nothing is no act");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_line_is_named_and_nothing_is_imported() {
    let world = World::new().await;
    let known = world.customer().await;
    let (_, number) = &world.strangers(1)[0];
    let file = [
        "openid,account,customer_id,object_id,tenant,name\n".as_bytes(),
        format!("{},main,{number},,main,right\n", openid(1)).as_bytes(),
        format!("{},other,{number},,main,2\n", openid(2)).as_bytes(),
        format!("{},main,{number},,elsewhere,3\n", openid(3)).as_bytes(),
        b"o 4,main,1,,main,4\n",
        format!("{},main,,123,main,5\n", openid(5)).as_bytes(),
        format!("{},main,,,main,6\n", openid(6)).as_bytes(),
        format!("{},main,{number},,main,twice\n", openid(1)).as_bytes(),
        format!("{known},main,{number},,main,8\n").as_bytes(),
        format!("{},main,{number},,main,{}\n", openid(9), "x".repeat(300)).as_bytes(),
        format!("{},main,{number},,main,\"10\n", openid(10)).as_bytes(),
        format!("{},main,{number}\n", openid(11)).as_bytes(),
        b"oX,main,1,,main,\xc3\x28\n",
        format!(
            "{},main,{number},,main,{}\n",
            openid(13),
            "x".repeat(20_000)
        )
        .as_bytes(),
    ]
    .concat();
    let told = world.import("bad.csv", file, &[]).await;
    for (line, piece) in [
        (3, "account: it is not in the configuration"),
        (4, "tenant: the account's followers live in another one"),
        (5, "openid: it is not of the form"),
        (6, "object_id: it is no ObjectID"),
        (
            7,
            "customer_id, object_id: one who is linked needs one of them",
        ),
        (8, "line 2 names the same follower"),
        (
            9,
            "the follower stands for customer 1000441 in the database",
        ),
        (10, "name: it has more than 256 bytes"),
        (11, "its quotes are wrong"),
        (12, "it has 3 fields and the header names 6"),
        (13, "it is not UTF-8"),
        (14, "it has more than 16384 bytes"),
    ] {
        told.fails(1, &format!("line {line}: {piece}"));
    }
    told.fails(1, "bad.csv: 12 lines are wrong, so nothing was imported");
    assert_eq!(
        told.err.matches("line ").count(),
        13,
        "and no other: {told:?}"
    );
    assert_eq!(told.out, "");
    assert_eq!(
        world.count("SELECT count(*) FROM mapping").await,
        1,
        "the right one neither"
    );
    assert_eq!(world.count("SELECT count(*) FROM audit").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_wrong_lines_the_first_hundred_are_shown() {
    let world = World::new().await;
    let lines: String = (0..1_234)
        .map(|_| "{\"account\":\"nobody\",\"openid\":\"o\"}\n")
        .collect();
    let told = world.import("bad.jsonl", lines, &[]).await;
    told.fails(1, "line 100: account: it is not in the configuration");
    told.fails(1, "1234 lines are wrong (1134 more than are shown)");
    assert_eq!(told.err.lines().count(), 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_without_what_is_needed_and_a_file_that_is_not_there_say_so() {
    let world = World::new().await;
    let told = world.import("a.csv", "account,name\nmain,Li\n", &[]).await;
    told.fails(1, "line 1: the header must name account, openid");
    let gone = world.file("gone.csv");
    let told = qiao(&world, &["mapping", "import", gone.to_str().unwrap()]).await;
    told.fails(1, "gone.csv cannot be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_happen() {
    let world = World::new().await;
    let known = world.customer().await;
    world.long_ago().await;
    let file = format!(
        "{}{{\"account\":\"main\",\"openid\":\"{}\",\"customer_id\":\"1000441\"}}\n",
        world.export(&["--format", "jsonl"]).await,
        openid(1)
    );
    assert!(file.contains(&known));
    let told = world.import("a.jsonl", file, &["--dry-run"]).await;
    told.says("all lines are right: 1 would be written, 1 stand there already");
    assert_eq!(world.count("SELECT count(*) FROM mapping").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM audit").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_number_is_enough_and_c4c_tells_the_other() {
    let world = World::new().await;
    let strangers = world.strangers(2);
    let file = format!(
        "account,openid,customer_id,object_id\nmain,{},{},\nmain,{},,{}\n",
        openid(1),
        strangers[0].1,
        openid(2),
        strangers[1].0.to_lowercase(),
    );
    world.import("a.csv", file, &[]).await.says("imported: 2");
    world.settled().await;
    let linked =
        "SELECT json_group_array(json_array(object_id, customer_id) ORDER BY openid) FROM mapping
                  WHERE state = 'linked'";
    let expected = serde_json::to_string(&strangers).unwrap();
    assert_eq!(world.text(linked).await, expected);
    assert_eq!(world.customers(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_does_not_exist_waits_for_a_person() {
    let world = World::new().await;
    let strangers = world.strangers(2);
    let obsolete = &strangers[1];
    world
        .c4c
        .with(|c4c, now, _| c4c.set_obsolete(&obsolete.0, now));
    // What C4C tells of it could make the mapping obsolete first, which is right, too.
    world.settled().await;
    let file = format!(
        "account,openid,customer_id,object_id\n\
         main,{},7,00163E00000000000000000000000007\n\
         main,{},8,\n\
         main,{},9,{}\n\
         main,{},{},{}\n",
        openid(1),
        openid(2),
        openid(3),
        strangers[0].0,
        openid(4),
        obsolete.1,
        obsolete.0,
    );
    world.import("a.csv", &file, &[]).await.says("imported: 4");
    world.settled().await;
    let waiting = "SELECT count(*) FROM v_mapping WHERE state = 'conflict' AND reason LIKE 'C4C has no such%'";
    assert_eq!(world.count(waiting).await, 4);
    let dead = "SELECT count(*) FROM v_dead_letter WHERE effect = 'customer.link' AND last_verdict = 'permanent'";
    assert_eq!(world.count(dead).await, 4);
    world.say(&openid(1), "hello");
    world.settled().await;
    world.advance(LINKING);
    world.settled().await;
    assert_eq!(world.count(waiting).await, 4, "whatever they do");
    assert_eq!(world.customers(), 2, "nobody is made in their place");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_customer_in_the_file_gets_one() {
    let world = World::new().await;
    let file = format!("account,openid,state\nmain,{},pending\n", openid(1));
    world.import("a.csv", file, &[]).await.says("imported: 1");
    world.settled().await;
    let linked = "SELECT count(*) FROM mapping WHERE state = 'linked'";
    assert_eq!(world.count(linked).await, 1);
    assert_eq!(world.seen(&openid(1)).len(), 0, "without being told");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_stays_away_when_a_file_links_them() {
    let world = World::new().await;
    let gone = world.customer().await;
    world.unfollow(&gone);
    world.settled().await;
    world
        .sql("UPDATE mapping SET object_id = NULL, customer_id = NULL")
        .await;
    let (_, number) = &world.strangers(1)[0];
    let file = format!("account,openid,customer_id\nmain,{gone},{number}\n");
    world.import("a.csv", file, &[]).await.says("imported: 1");
    world.settled().await;
    let kept = "SELECT state || ' ' || customer_id FROM mapping";
    assert_eq!(world.text(kept).await, format!("unfollowed {number}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_a_file_for_its_owner_and_can_be_narrowed() {
    let world = World::new().await;
    let openid = world.customer().await;
    world
        .sql(
            "INSERT INTO mapping (account, openid, tenant, state, created_at, updated_at)
              VALUES ('other', 'o1', 'main', 'pending', 0, 0)",
        )
        .await;
    let file = world.file("out.jsonl");
    let words = [
        "mapping",
        "export",
        file.to_str().unwrap(),
        "--account",
        "main",
    ];
    assert_eq!(qiao(&world, &words).await.code, 0);
    let written = std::fs::read_to_string(&file).unwrap();
    let row: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        row["openid"],
        openid.as_str(),
        "its name says how it is written"
    );
    assert_eq!(row["followed_at"], "2026-11-23T08:00:00.000000Z");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let nobody = world.export(&["--account", "nobody"]).await;
    let header = "account,openid,unionid,tenant,customer_id,object_id,state,reason,name,scene,followed_at,linked_at\n";
    assert_eq!(nobody, header, "a header, even of nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_export_comes_whole_and_in_order() {
    let world = World::new().await;
    world
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
              INSERT INTO mapping (account, openid, tenant, state, created_at, updated_at)
              SELECT 'main', printf('o%05d', i), 'main', 'pending', 0, 0 FROM n",
        )
        .await;
    let exported = world.export(&[]).await;
    let openids: Vec<&str> = exported.lines().skip(1).map(|line| &line[5..11]).collect();
    let all: Vec<String> = (1..=2500).map(|i| format!("o{i:05}")).collect();
    assert_eq!(openids, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_yields_to_a_link_that_was_made_meanwhile() {
    let mut world = World::new().await;
    let customer = world.customer().await;
    let (_, number) = world.strangers(1).remove(0);
    world.settled().await;
    world.stop().await;
    let file = format!("account,openid,customer_id\nmain,{},{number}\n", openid(1));
    world.import("a.csv", file, &[]).await.says("imported: 1");
    world
        .sql("UPDATE outbox SET next_attempt_at = 0 WHERE effect = 'customer.link'")
        .await;
    world
        .sql("UPDATE mapping SET state = 'linked', customer_id = k.customer_id, object_id = k.object_id
              FROM (SELECT customer_id, object_id FROM mapping WHERE state = 'linked') k
              WHERE state = 'pending'")
        .await;
    world.start().await;
    world.settled().await;
    let other = "SELECT count(*) FROM mapping WHERE state = 'linked' AND customer_id = '1000441'";
    assert_eq!(world.count(other).await, 2, "as that of {customer}");
    let dead = "SELECT last_error FROM v_dead_letter";
    assert!(
        world
            .text(dead)
            .await
            .contains("linked to another customer meanwhile")
    );
}
