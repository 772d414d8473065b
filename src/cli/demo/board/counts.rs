//! Nothing lost, nothing twice: counted where each thing really is.

use std::collections::HashSet;
use std::sync::Arc;

use qiao_sim::c4c::C4c;
use qiao_sim::wechat::{PushRecord, WeChat};
use serde_json::{Value, json};

use super::Board;
use crate::store::StoreError;

/// What was said, where it is now, and what is there twice.
pub(super) async fn shown(board: &Arc<Board>) -> Result<Value, StoreError> {
    let (said, lost) = board.parts.wechat.look(said);
    let history = board.parts.store.said_tally().await?;
    let (in_c4c, twice) = board.parts.c4c.look(in_c4c);
    let queue = board.parts.store.queue_state().await?;
    Ok(json!({
        "said": said,
        "given_up": lost,
        "history": history.messages,
        "c4c": in_c4c,
        "doubles": history.messages - history.msg_ids + twice,
        "open": queue.open,
        "held": queue.held,
        "dead": queue.dead,
    }))
}

/// Messages of followers, and those of them that WeChat gave up on because nobody answered.
fn said(wechat: &WeChat) -> (usize, usize) {
    let is_message = |push: &&PushRecord| push.msg_id.is_some();
    let said = wechat.pushes().filter(is_message).count();
    let lost = wechat.pushes().filter(is_message);
    (said, lost.filter(|push| push.banner).count())
}

/// Their messages in C4C, and what is there twice: a message, or a customer.
fn in_c4c(c4c: &C4c) -> (i64, i64) {
    let mut doubles = 0;
    let mut ids = HashSet::new();
    for activity in c4c.activities().filter(|activity| activity.inbound) {
        if !ids.insert(activity.message_id) {
            doubles += 1;
        }
    }
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let mut people = HashSet::new();
    for customer in c4c.customers() {
        // Those whom no follower stands for have none.
        let openid = customer.wechat_id();
        if !openid.is_empty() && !people.insert(openid) {
            doubles += 1;
        }
    }
    (count, doubles)
}
