//! `GET /demo/live`: what changes, as server-sent events. Each is a whole part of the page, so that a page that
//! comes late, or missed something, is right after one event of each.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use qiao_sim::wechat::PushRecord;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior};

use super::{Board, counts, desk, phone};
use crate::store::{RecentArrival, StoreError};

/// How often it is looked: the database tells nobody when it changes, and a page need not be faster than an eye.
const LOOK_EVERY: Duration = Duration::from_millis(80);

/// Arrivals shown.
const ARRIVALS: u32 = 30;

/// Effects shown; an arrival has up to four.
const EFFECTS: u32 = 90;

/// The parts of the page, by the names of their events.
const NAMES: [&str; 4] = ["phone", "desk", "rows", "state"];

/// One open page.
struct Watcher {
    board: Arc<Board>,
    ticks: Interval,
    /// What the page has, by part.
    told: [String; NAMES.len()],
    due: VecDeque<Event>,
    _seat: OwnedSemaphorePermit,
}

/// Tells the page what changes until it goes.
pub(super) async fn live(State(board): State<Arc<Board>>) -> Response {
    let Ok(seat) = Arc::clone(&board.pages).try_acquire_owned() else {
        let sentence = "too many pages of the demo are open; close one\n";
        return (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response();
    };
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher {
        board,
        ticks,
        told: Default::default(),
        due: VecDeque::new(),
        _seat: seat,
    };
    let events = stream::unfold(watcher, async |mut watcher| {
        let event = watcher.next().await;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response()
}

impl Watcher {
    /// The next event, when there is one.
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.due.pop_front() {
                return event;
            }
            self.ticks.tick().await;
            // A database that cannot be read for a moment, as during a restart, is read at the next tick.
            if let Ok(parts) = parts(&self.board).await {
                self.compare(parts);
            }
        }
    }

    fn compare(&mut self, parts: [Value; NAMES.len()]) {
        for ((name, part), told) in NAMES.iter().zip(parts).zip(&mut self.told) {
            let text = part.to_string();
            if text != *told {
                self.due.push_back(Event::default().event(name).data(&text));
                *told = text;
            }
        }
    }
}

async fn parts(board: &Arc<Board>) -> Result<[Value; NAMES.len()], StoreError> {
    let recent = board.parts.store.recent(ARRIVALS, EFFECTS).await?;
    let counts = counts::shown(board).await?;
    let mut rows = json!(recent);
    rows["answered"] = answered(board, &recent.arrivals);
    Ok([
        phone::shown(board),
        desk::shown(board),
        rows,
        state(board, &counts),
    ])
}

/// How long WeChat waited for the answer to each of its pushes, which comes only after the commit is on disk:
/// microseconds, by the row. A push and its row say the same.
fn answered(board: &Board, arrivals: &[RecentArrival]) -> Value {
    board.parts.wechat.look(|wechat| {
        let pushes: Vec<&PushRecord> = wechat.pushes().collect();
        let took = arrivals.iter().filter_map(|arrival| {
            let body = arrival.body.as_deref()?;
            let push = pushes.iter().rev().find(|push| push.xml == body)?;
            let first = push.attempts.iter().find(|one| one.over.is_some())?;
            let took = first.over?.duration_since(first.at).as_micros();
            Some((arrival.id.to_string(), json!(i64::try_from(took).ok()?)))
        });
        Value::Object(took.collect())
    })
}

fn state(board: &Board, counts: &Value) -> Value {
    let daemon = *board.parts.daemon.borrow();
    json!({
        "daemon": { "up": daemon.up, "kills": daemon.kills },
        "story": daemon.in_story,
        "troubles": board.troubles().shown(board),
        "counts": counts,
    })
}
