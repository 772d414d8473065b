//! How long a search takes among many messages, and what it costs to make them findable.

use std::time::Instant;

use anyhow::ensure;
use serde_json::{Value, json};

use super::Measure;
use super::figures::{Rounds, percentile};
use super::report::{Section, Target, figure};
use super::site::{self, Folder};
use crate::domain::grams::Sought;
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::rows::{Changes, Follower, MessageState, NewMessage};
use crate::kit::clock::{Clock as _, SystemClock};
use crate::store::{SearchQuery, Store, seeded_openid};

/// Among so many messages the promise is made; fewer where a measurement asks for fewer.
const MESSAGES: u64 = 100_000;

/// Messages that one transaction of the preparation writes.
const CHUNK: u64 = 2000;

/// Followers, each of whom says as much as the others.
const SPEAKERS: u64 = 1000;

/// Messages of one commit of the indexing, as the job `index` has it.
const BATCH: u32 = 250;

/// Searches of one case in one round.
const TURNS: usize = 20;

/// A page, as `conversation search` asks for it.
const PAGE: u32 = 50;

/// How long a search may take, in milliseconds.
const QUICK: f64 = 50.0;

/// What is sought, in words for people and as it is typed.
const CASES: [(&str, &str); 9] = [
    ("two characters, in half of them", "订单"),
    ("two characters, in one of 5000", "退款"),
    ("two characters, in the oldest only", "琥珀"),
    ("common pairs that never meet", "我的订单发货"),
    ("four characters", "订单发货"),
    ("two words, both common", "订单 快递"),
    ("one character, in half of them", "订"),
    ("an English word", "order"),
    ("two characters, of one follower", "订单"),
];

/// The last case is narrowed to this speaker.
const SPEAKER: u64 = 0;

/// One case in one round.
struct Sample {
    found: usize,
    ms: Vec<f64>,
}

const COLUMNS: [&str; 5] = ["sought", "typed", "found", "p50 ms", "slowest ms"];

/// Measures every search once a round, on one database.
pub(super) async fn measure(measure: &Measure) -> anyhow::Result<Section> {
    let folder = Folder::new(&measure.folder)?;
    let messages = measure.size.messages.min(MESSAGES);
    let store = site::open(&folder.join("search.db")).await?;
    say(&store, messages).await?;
    let indexing = index(&store, messages).await?;
    let cases: Vec<usize> = (0..CASES.len()).collect();
    let rounds = Rounds::measure(measure.rounds, &cases, async |case| {
        search(&store, case).await
    });
    let rounds = rounds.await?;
    store.close().await;
    let slowest = |case| rounds.highest(case, |sample: &Sample| percentile(&sample.ms, 1.0));
    let row = |case: usize| -> Vec<Value> {
        let (what, typed) = CASES[case];
        let found = rounds.of(case).first().map(|sample| sample.found);
        let p50 = rounds.median(case, |sample| percentile(&sample.ms, 0.5));
        vec![
            json!(what),
            json!(typed),
            json!(found),
            figure(p50),
            figure(slowest(case)),
        ]
    };
    let promise = |case: usize| {
        let (what, _) = CASES[case];
        let what = format!("search among {messages} messages, {what}, slowest ms");
        Target::below(what, slowest(case), QUICK)
    };
    Ok(Section {
        name: "search",
        title: "Search",
        notes: vec![
            format!(
                "{messages} messages of {SPEAKERS} followers; the newest {PAGE} that fit, \
                 {TURNS} times a round, by the store that a daemon has open"
            ),
            format!(
                "to make them findable took the writer {indexing:.0} µs a message, in batches of \
                 {BATCH}, each with its commit"
            ),
        ],
        columns: &COLUMNS,
        rows: cases.iter().copied().map(row).collect(),
        targets: (0..4).map(promise).collect(),
    })
}

/// Writes the messages, as pushes would leave them.
async fn say(store: &Store, messages: u64) -> anyhow::Result<()> {
    for first in (0..messages).step_by(usize::try_from(CHUNK)?) {
        let numbers = first..messages.min(first + CHUNK);
        let changes = Changes {
            messages: numbers.map(message).collect(),
            ..Changes::none()
        };
        store.write(changes).await?;
    }
    Ok(())
}

fn message(number: u64) -> NewMessage {
    NewMessage {
        follower: Follower {
            account: AccountId::new("main"),
            openid: OpenId::new(seeded_openid(number % SPEAKERS)),
        },
        state: MessageState::Received,
        kind: "text".into(),
        purpose: None,
        msg_id: Some(number.to_string().into()),
        text: Some(text(number).into()),
        inbox_id: None,
        created_at: SystemClock.now(),
    }
}

/// What a customer writes: the same words come again and again, and hardly a text twice.
fn text(number: u64) -> String {
    const OPENINGS: [&str; 5] = ["你好，", "请问一下，", "在吗？", "麻烦帮我看看，", "您好！"];
    const SUBJECTS: [&str; 6] = [
        "我的订单",
        "上周买的衣服",
        "这个订单",
        "昨天寄的包裹",
        "订单发货的快递",
        "会员积分 order",
    ];
    const QUESTIONS: [&str; 7] = [
        "什么时候能到",
        "怎么还没有消息",
        "可以换地址吗",
        "能不能开发票",
        "颜色不对怎么办",
        "快递是哪一家的",
        "还要等多久",
    ];
    let of = |words: &[&'static str], by: u64| {
        let at = usize::try_from(number / by).unwrap_or_default();
        words[at % words.len()]
    };
    let rare = match number {
        0 => "琥珀",
        number if number % 5000 == 17 => "我要退款",
        _ => "",
    };
    let (opening, subject) = (of(&OPENINGS, 1), of(&SUBJECTS, 5));
    let question = of(&QUESTIONS, 30);
    format!("{opening}{subject}{question}？编号{number} {rare}")
}

/// Indexes everything; the microseconds that a message took.
async fn index(store: &Store, messages: u64) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut indexed = 0;
    loop {
        match store.index_messages(BATCH).await? {
            0 => break,
            taken => indexed += taken,
        }
    }
    ensure!(indexed == messages, "{indexed} of {messages} were indexed");
    #[expect(clippy::cast_precision_loss, reason = "messages are fewer than 2^53")]
    let each = begun.elapsed().as_secs_f64() * 1e6 / messages as f64;
    Ok(each)
}

async fn search(store: &Store, case: usize) -> anyhow::Result<Sample> {
    let (_, typed) = CASES[case];
    let mut query = SearchQuery::new(Sought::parse(typed)?, PAGE);
    if case == CASES.len() - 1 {
        query.openid = Some(OpenId::new(seeded_openid(SPEAKER)));
    }
    let mut sample = Sample {
        found: 0,
        ms: Vec::with_capacity(TURNS),
    };
    for _ in 0..TURNS {
        let begun = Instant::now();
        sample.found = store.search(&query).await?.len();
        sample.ms.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(sample)
}
