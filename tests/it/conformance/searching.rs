//! Messages are found by their words, once they are indexed, and never after they were deleted.

use qiao::domain::grams::Sought;
use qiao::domain::rows::{Changes, Follower, NewMessage};
use qiao::store::{SearchQuery, StartedBy};

use super::Way;
use super::rows::{Room, done, follower, nothing, push, said, to_say};

fn sought(text: &str) -> SearchQuery {
    SearchQuery::new(Sought::parse(text).unwrap(), 100)
}

impl Room {
    /// Each of these is said in a commit of its own.
    async fn hears<const N: usize>(&self, said_by: [(&Follower, &str); N]) {
        for (follower, text) in said_by {
            let messages = vec![said(follower, text)];
            self.write(Changes {
                messages,
                ..nothing()
            })
            .await;
        }
    }

    async fn index(&self) {
        while self.store.index_messages(2).await.unwrap() > 0 {}
        assert_eq!(self.store.unindexed().await.unwrap(), 0);
    }

    /// The ids of what is found, in order.
    async fn finds(&self, query: &SearchQuery) -> Vec<i64> {
        let found = self.store.search(query).await.unwrap();
        found.into_iter().map(|found| found.message.id).collect()
    }

    async fn forget(&self, follower: &Follower) {
        let forgets = vec![follower.clone()];
        self.write(Changes {
            forgets,
            ..nothing()
        })
        .await;
    }
}

pub async fn a_message_is_found_by_its_words_once_it_is_indexed(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let picture = NewMessage {
        text: None,
        ..said(&anna, "")
    };
    room.hears([(&anna, "请问我的订单号是多少？")]).await;
    room.write(Changes {
        messages: vec![picture],
        ..nothing()
    })
    .await;
    room.hears([
        (&anna, "订单，单号"),
        (&anna, "Order A-42, bitte"),
        (&anna, "号"),
    ])
    .await;
    assert_eq!(room.store.unindexed().await.unwrap(), 5);
    assert_eq!(room.finds(&sought("订单")).await, [0; 0]);
    assert_eq!(room.store.index_messages(3).await.unwrap(), 3);
    assert_eq!(room.store.unindexed().await.unwrap(), 2);
    assert_eq!(room.finds(&sought("号")).await, [3, 1]);
    room.index().await;
    for (text, found) in [
        ("号", &[5, 3, 1][..]),
        ("订单", &[3, 1]),
        ("订单号", &[1]),
        ("多少 订单", &[1]),
        ("ORDER bit", &[4]),
        ("ａ-42", &[4]),
        ("a+42", &[]),
        ("rder", &[]),
        ("退款", &[]),
    ] {
        assert_eq!(room.finds(&sought(text)).await, found, "{text}");
    }
    let found = room.store.search(&sought("Order")).await.unwrap();
    assert_eq!(found[0].account, "main");
    assert_eq!(found[0].openid, anna.openid.as_str());
    let text = found[0].message.text.as_deref();
    assert_eq!(text, Some("Order A-42, bitte"));
}

pub async fn what_is_found_is_narrowed_and_comes_in_pages(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    let other = Follower {
        account: qiao::domain::ids::AccountId::new("other"),
        ..anna.clone()
    };
    for _ in 0..150 {
        room.hears([(&anna, "订单"), (&bert, "订单"), (&other, "订单")])
            .await;
        room.wait(1);
    }
    room.index().await;
    let of_anna = SearchQuery {
        openid: Some(anna.openid.clone()),
        ..sought("订单")
    };
    let in_main = SearchQuery {
        account: Some(anna.account.clone()),
        ..sought("订单")
    };
    let both = SearchQuery {
        account: Some(anna.account.clone()),
        ..of_anna.clone()
    };
    let early = SearchQuery {
        since: Some(room.later(-150)),
        until: Some(room.later(-148)),
        ..sought("订单")
    };
    let early_of_anna = SearchQuery {
        openid: of_anna.openid.clone(),
        ..early.clone()
    };
    let numbers = |keep: fn(i64) -> bool| (1..=450).rev().filter(move |id| keep(*id));
    for (query, expected) in [
        (sought("订单"), numbers(|_| true).collect::<Vec<_>>()),
        (of_anna, numbers(|id| id % 3 != 2).collect()),
        (in_main, numbers(|id| id % 3 != 0).collect()),
        (both, numbers(|id| id % 3 == 1).collect()),
        (early, vec![6, 5, 4, 3, 2, 1]),
        (early_of_anna, vec![6, 4, 3, 1]),
    ] {
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let page = SearchQuery {
                before,
                ..query.clone()
            };
            let page = room.finds(&page).await;
            before = page.last().copied();
            if before.is_none() {
                break;
            }
            assert!(page.len() <= 100);
            pages.extend(page);
        }
        assert_eq!(pages, expected, "{query:?}");
        let whole = SearchQuery {
            limit: 1000,
            ..query
        };
        assert_eq!(room.finds(&whole).await, expected, "in one page");
    }
}

pub async fn the_text_decides_and_not_the_index(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for _ in 0..250 {
        room.hears([(&anna, "a 1")]).await;
    }
    room.hears([(&anna, "a-1")]).await;
    for _ in 0..250 {
        room.hears([(&anna, "a 1")]).await;
    }
    room.index().await;
    let one = SearchQuery {
        limit: 1,
        ..sought("a-1")
    };
    assert_eq!(room.finds(&one).await, [251]);
}

pub async fn a_word_that_was_deleted_is_not_found(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.hears([(&anna, "订单"), (&bert, "订单")]).await;
    room.index().await;
    // The newest message and one that is not indexed yet go, too.
    room.hears([(&anna, "订单")]).await;
    room.forget(&anna).await;
    assert_eq!(room.finds(&sought("订单")).await, [2]);
    room.index().await;
    let indexed = "SELECT count(*) FROM message_search WHERE message_search MATCH '\"订单\"'";
    assert_eq!(room.number(indexed).await, 1);
    room.forget(&bert).await;
    assert_eq!(room.number(indexed).await, 0);
    assert_eq!(room.number("SELECT count(*) FROM message_search").await, 0);
}

pub async fn a_message_behind_a_deleted_one_is_found(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.hears([(&bert, "退款"), (&anna, "订单")]).await;
    room.index().await;
    room.forget(&anna).await;
    room.store.close().await;
    let room = Room::new(way).await;
    room.hears([(&bert, "发票")]).await;
    room.index().await;
    assert_eq!(room.finds(&sought("发票")).await, [3]);
    assert_eq!(room.finds(&sought("订单")).await, [0; 0]);
}

pub async fn a_text_that_was_deleted_alone_is_not_found(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.hears([(&anna, "订单"), (&anna, "订单")]).await;
    room.index().await;
    way.does("UPDATE message SET text = NULL").await;
    assert_eq!(room.number("SELECT count(*) FROM message_search").await, 0);
    room.index().await;
    assert_eq!(room.finds(&sought("订单")).await, [0; 0]);
}

pub async fn a_conversation_is_read_page_by_page_both_ways(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.arrive(push("m:1", to_say(&anna, "welcome"))).await;
    room.wait(2);
    room.run(done()).await;
    for _ in 0..4 {
        room.hears([(&bert, "of Bert"), (&anna, "of Anna")]).await;
    }
    let page = room.store.messages_before(&anna, 7, 2).await.unwrap();
    let ids: Vec<_> = page.iter().map(|row| row.message.id).collect();
    assert_eq!(ids, [3, 5], "the newest before it, in order");
    let first = room.store.transcript(&anna, 0, 2).await.unwrap();
    let [welcome, second] = &first[..] else {
        panic!("{first:?}")
    };
    assert_eq!((welcome.message.id, second.message.id), (1, 3));
    assert_eq!(welcome.received_at(), Some(room.later(-2)));
    assert_eq!(welcome.message.settled_at(), Some(room.now()));
    assert_eq!((&welcome.last_error, &welcome.msg_id), (&None, &None));
    assert_eq!(second.msg_id.as_deref(), Some("1"));
    assert_eq!(second.received_at(), None);
    let rest = room.store.transcript(&anna, 3, 100).await.unwrap();
    let ids: Vec<_> = rest.iter().map(|row| row.message.id).collect();
    assert_eq!(ids, [5, 7, 9]);
    let none = room.store.transcript(&anna, 9, 100).await.unwrap();
    assert_eq!(none, []);
}

pub async fn only_the_last_runs_of_a_job_are_kept(way: &Way) {
    let room = Room::new(way).await;
    for job in ["index", "prune", "index", "index"] {
        let run = room.store.start_job(job, StartedBy::Schedule).await;
        let run = run.unwrap().expect("it does not run yet");
        let told = Ok("done".to_owned());
        room.store.finish_job(run, told).await.unwrap();
    }
    assert_eq!(room.store.prune_runs("index", 3).await.unwrap(), 0);
    assert_eq!(room.store.prune_runs("index", 2).await.unwrap(), 1);
    let left = "SELECT count(*) FROM job_run WHERE id > 1";
    assert_eq!(room.number(left).await, 3, "the oldest went");
    assert_eq!(room.number("SELECT count(*) FROM job_run").await, 3);
}
