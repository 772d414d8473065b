//! Promises that are looked at when a seed has healed: both sides and the database must agree.

use qiao_sim::wechat::{PushRecord, Reply};
use serde_json::Value;

use super::platforms::ANSWER;
use super::world::{ACCOUNTS, World};

/// Counted tries that an effect gets before it is given up.
const MOST_TRIES: i64 = 20;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    effect: String,
    remote: String,
    state: String,
    attempts: i64,
    last_verdict: Option<String>,
    last_error: Option<String>,
    was_uncertain: bool,
    by_template: bool,
    passively: bool,
    message: Option<String>,
    age_days: i64,
}

impl World {
    /// What Qiao was told it knows without comparing itself with the platforms.
    pub async fn check_before_reconciling(&mut self) {
        if !self.clock_was_wrong() {
            self.check_followers(true).await;
        }
        self.check_snapshots(true).await;
    }

    pub async fn check_at_the_end(&mut self) {
        self.check_integrity().await;
        self.check_pushes().await;
        self.check_effects().await;
        self.check_followers(false).await;
        self.check_snapshots(false).await;
        self.check_held().await;
        self.check_answers();
        self.check_recorded().await;
    }

    /// What was said stands in C4C once, where Qiao says that it does, and never twice.
    async fn check_recorded(&mut self) {
        let recorded: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT m.account, m.msg_id, o.state FROM outbox o JOIN message m ON m.id = o.message_id
             WHERE o.effect = 'conversation.record'",
        )
        .fetch_all(&mut self.sqlite)
        .await
        .unwrap();
        let activities: Vec<_> = self.c4c.activities().map(|a| a.message_id).collect();
        let tickets: Vec<_> = self.c4c.tickets().collect();
        let notes: Vec<_> = tickets.iter().flat_map(|ticket| &ticket.notes).collect();
        for (account, msg_id, state) in recorded {
            let mark = format!("#{msg_id}\n");
            let stands = if account == ACCOUNTS[0] {
                activities.iter().filter(|id| **id == msg_id).count()
            } else {
                notes
                    .iter()
                    .filter(|note| note.text.contains(&mark))
                    .count()
            };
            let fits = stands <= 1 && (state != "done" || stands == 1);
            self.witness.holds(fits, || {
                format!("{msg_id} of {account} is {state} and stands in C4C {stands} times")
            });
        }
    }

    async fn check_integrity(&mut self) {
        let told: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut self.sqlite)
            .await
            .unwrap();
        self.witness.holds(told == "ok", || told.clone());
    }

    /// Every acknowledged push is there with its message, once.
    async fn check_pushes(&mut self) {
        for ((at, openid, second), push) in self.witness.pushes.clone() {
            let (all, accepted): (i64, i64) = sqlx::query_as(
                "SELECT count(*), count(*) FILTER (WHERE state = 'accepted') FROM inbox
                 WHERE remote = ? AND openid = ? AND sent_at = ?",
            )
            .bind(ACCOUNTS[at])
            .bind(&openid)
            .bind(second * 1_000_000)
            .fetch_one(&mut self.sqlite)
            .await
            .unwrap();
            let told = || format!("{all} rows, {accepted} accepted, of {push:?}");
            let [all, accepted] = [all, accepted].map(|n| usize::try_from(n).unwrap());
            self.witness.holds(all >= push.acknowledged, told);
            self.witness.holds(all <= push.delivered, told);
            self.witness
                .holds(push.acknowledged == 0 || accepted > 0, told);
            let same =
                |sent: &&PushRecord| sent.openid == openid && sent.created.as_second() == second;
            let distinct = self.wechat[at].pushes().filter(same).count();
            self.witness.holds(accepted <= distinct, told);
            for msg_id in push.msg_ids {
                let messages: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM message WHERE account = ? AND openid = ? AND msg_id = ?",
                )
                .bind(ACCOUNTS[at])
                .bind(&openid)
                .bind(msg_id.to_string())
                .fetch_one(&mut self.sqlite)
                .await
                .unwrap();
                let fits = messages == 1 || (messages == 0 && push.acknowledged == 0);
                self.witness
                    .holds(fits, || format!("{messages} messages of one push"));
            }
        }
        for wechat in &self.wechat {
            for push in wechat.pushes() {
                let refused = push.attempts.iter().any(|attempt| {
                    matches!(attempt.reply, Some(Reply::Invalid(_) | Reply::Refused(_)))
                });
                if refused {
                    let what = format!("an answer to {} was wrong", push.what);
                    self.witness.broken.push(what);
                }
            }
        }
    }

    /// No effect waits or runs; what was given up had its tries; what WeChat showed is what we say.
    async fn check_effects(&mut self) {
        let now = qiao::kit::clock::Clock::now(&self.time).as_microsecond();
        let effects: Vec<Row> = sqlx::query_as(
            "SELECT o.id, o.effect, o.remote, o.state, o.attempts, o.last_verdict, o.last_error,
                 EXISTS (SELECT 1 FROM attempt a WHERE a.outbox_id = o.id
                     AND a.verdict = 'uncertain') AS was_uncertain,
                 coalesce(o.note LIKE '%template%', 0) AS by_template,
                 coalesce(o.note LIKE '%passive%', 0) AS passively,
                 m.state AS message, (? - o.created_at) / 86400000000 AS age_days
             FROM outbox o LEFT JOIN message m ON m.id = o.message_id ORDER BY o.id",
        )
        .bind(now)
        .fetch_all(&mut self.sqlite)
        .await
        .unwrap();
        for effect in effects {
            self.check_effect(&effect);
        }
    }

    fn check_effect(&mut self, effect: &Row) {
        let id = effect.id;
        let told = || format!("{} {id} is {}", effect.effect, effect.state);
        let restarts = i64::try_from(self.witness.restarts).unwrap();
        self.witness
            .holds(!matches!(effect.state.as_str(), "ready" | "running"), told);
        self.witness
            .holds(effect.attempts <= MOST_TRIES + restarts, || {
                format!("{id} was tried {} times", effect.attempts)
            });
        if effect.state == "dead" {
            let verdict = effect.last_verdict.as_deref();
            let error = effect.last_error.as_deref().unwrap_or_default();
            let given_up = effect.attempts >= MOST_TRIES
                || matches!(verdict, Some("permanent" | "window"))
                || error.starts_with("expired")
                || effect.age_days >= 14;
            self.witness.holds(given_up, || {
                format!("{id} was given up too early: {verdict:?} {error}")
            });
        }
        if effect.effect == "wechat.send" {
            self.check_send(effect);
        }
    }

    fn check_send(&mut self, effect: &Row) {
        let id = effect.id;
        let shown = self.witness.shown.get(&id).map_or(0, Vec::len);
        let again = self.witness.retried.get(&id).copied().unwrap_or_default();
        let resends = effect.remote.ends_with(ACCOUNTS[1]);
        let told = || {
            let (state, message) = (&effect.state, &effect.message);
            format!("send {id} is {state} ({message:?}) and was shown {shown} times")
        };
        let may_repeat = effect.by_template || (resends && effect.was_uncertain);
        if !may_repeat {
            self.witness.holds(shown <= 1 + again, told);
        }
        if effect.state == "done" {
            self.witness.holds(shown >= 1 || effect.passively, told);
        } else if again == 0 && !effect.was_uncertain && !resends {
            self.witness.holds(shown == 0, told);
        }
        let fitting = match effect.message.as_deref() {
            Some("sent" | "answered") => "done",
            Some("held" | "uncertain") => "held",
            Some("failed") => "dead",
            Some("cancelled") => "cancelled",
            _ => "nothing",
        };
        self.witness.holds(effect.state == fitting, told);
    }

    /// Nobody's message waits for a window that is open, and nothing for a linking.
    async fn check_held(&mut self) {
        let linking: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM outbox WHERE state = 'held' AND held_reason = 'linking'",
        )
        .fetch_one(&mut self.sqlite)
        .await
        .unwrap();
        self.witness.holds(linking == 0, || {
            format!("{linking} rereads are held although nobody is being linked")
        });
        let waiting: Vec<i64> = sqlx::query_scalar(
            "SELECT o.id FROM outbox o JOIN send_window w
                 ON o.lane = 'send:' || w.account || ':' || w.openid
             WHERE o.state = 'held' AND o.held_reason = 'window' AND w.valid_until > ?
                 AND w.used < w.allowed",
        )
        .bind(qiao::kit::clock::Clock::now(&self.time).as_microsecond())
        .fetch_all(&mut self.sqlite)
        .await
        .unwrap();
        self.witness.holds(waiting.is_empty(), || {
            format!("{waiting:?} are held although the window is open")
        });
    }

    /// No answer of the hook was shown twice.
    fn check_answers(&mut self) {
        let retried: usize = self.witness.retried.values().sum();
        let mut twice = 0;
        for (openid, _) in self.wechat[0].people() {
            let seen = self.wechat[0].seen(openid).iter();
            let mut answers: Vec<&str> = seen
                .map(|seen| seen.text.as_str())
                .filter(|text| text.starts_with(ANSWER))
                .collect();
            answers.sort_unstable();
            twice += answers.windows(2).filter(|pair| pair[0] == pair[1]).count();
        }
        self.witness.holds(twice <= retried, || {
            format!("{twice} answers of the hook were shown twice")
        });
    }

    /// Whoever follows is linked to their one customer; whoever left is not. `heard`: only those
    /// whose every push was acknowledged.
    async fn check_followers(&mut self, heard: bool) {
        let mut people = Vec::new();
        for (at, wechat) in self.wechat.iter().enumerate() {
            let them = wechat.people();
            people.extend(them.map(|(openid, who)| (at, openid.to_owned(), who.subscribed)));
        }
        for (at, openid, follows) in people {
            let mut pushes = self.witness.pushes.iter();
            let unheard = pushes.any(|((of, who, _), push)| {
                *of == at && *who == openid && push.acknowledged < push.acts
            });
            if heard && unheard {
                continue;
            }
            let mapping: Option<(String, Option<String>)> = sqlx::query_as(
                "SELECT state, object_id FROM mapping WHERE account = ? AND openid = ?",
            )
            .bind(ACCOUNTS[at])
            .bind(&openid)
            .fetch_optional(&mut self.sqlite)
            .await
            .unwrap();
            let customers = self.c4c.find_by_wechat_id(&openid);
            let live: Vec<&str> = customers
                .iter()
                .filter(|customer| !customer.is_obsolete())
                .map(|customer| customer.object_id.as_str())
                .collect();
            let fits = match &mapping {
                Some((state, object)) => match (state.as_str(), object) {
                    ("linked", Some(object)) => {
                        follows
                            && (live == [object.as_str()] || self.witness.removed.contains(object))
                    }
                    ("obsolete", Some(object)) => self.witness.removed.contains(object),
                    ("unfollowed", _) => !follows,
                    _ => false,
                },
                None => !follows,
            };
            self.witness.holds(fits, || {
                let who = &openid[24..];
                format!("{who} follows: {follows}; mapping {mapping:?}; customers {live:?}")
            });
        }
    }

    /// The baseline of each linked customer is how it stands in C4C. `told`: only of those of
    /// whose every change Qiao was told.
    async fn check_snapshots(&mut self, told: bool) {
        let snapshots: Vec<(String, String)> = sqlx::query_as(
            "SELECT s.object_id, s.fields FROM customer_snapshot s
             WHERE EXISTS (SELECT 1 FROM mapping m WHERE m.tenant = s.tenant
                 AND m.object_id = s.object_id AND m.state = 'linked') ORDER BY 1",
        )
        .fetch_all(&mut self.sqlite)
        .await
        .unwrap();
        for (object, fields) in snapshots {
            if told && self.witness.untold.contains(&object) {
                continue;
            }
            let Some(customer) = self.c4c.customer(&object).filter(|c| !c.is_obsolete()) else {
                continue;
            };
            let fields: Value = serde_json::from_str(&fields).unwrap();
            let differs: Vec<String> = fields
                .as_object()
                .unwrap()
                .iter()
                .filter(|(name, was)| **was != customer.text(name))
                .map(|(name, was)| format!("{name}: {was} and {}", customer.text(name)))
                .collect();
            self.witness.holds(differs.is_empty(), || {
                format!(
                    "the baseline of {} is not how it stands: {differs:?}",
                    &object[28..]
                )
            });
        }
    }
}
