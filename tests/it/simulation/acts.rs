//! What people do: followers in WeChat, agents in C4C, operators at Qiao's commands.

use qiao::control::Command;
use qiao::domain::ids::{AccountId, OpenId};
use qiao_sim::wechat::PushOptions;
use rand::RngExt;
use serde_json::json;

use super::faults::Fault;
use super::tasks::{Ended, Task, Work};
use super::world::{ACCOUNTS, World, seconds};

/// People around each account.
const PEOPLE: usize = 3;

impl World {
    /// A follower does something; their push sets out.
    pub fn follower_acts(&mut self) {
        // Two acts of one follower in one second can look alike to the byte (design.md 4).
        self.time.advance(seconds(1));
        let at = self.rng.random_range(0..ACCOUNTS.len());
        if self.chance(Fault::Duplicate, 0.15) {
            self.push_comes_again(at);
            return;
        }
        let openid = self.somebody(at);
        let follows = self.wechat[at]
            .people()
            .any(|(who, person)| who == openid && person.subscribed);
        let copies = if self.chance(Fault::Duplicate, 0.25) {
            2
        } else {
            1
        };
        self.wechat[at].next_push(PushOptions {
            copies,
            ..PushOptions::default()
        });
        if copies > 1 {
            self.met(Fault::Duplicate);
        }
        let (now, roll) = (self.now(), self.rng.random_range(0..100));
        let what = match roll {
            _ if !follows => "follows",
            0..20 => "leaves",
            20..60 => "speaks",
            60..70 => "sends a picture",
            70..85 => "taps",
            _ => "scans",
        };
        let (wechat, rng) = (&mut self.wechat[at], &mut self.far_rng);
        let push = match what {
            "follows" => wechat.follow(&openid, (roll < 30).then_some("7"), now, rng),
            "leaves" => wechat.unfollow(&openid, now, rng),
            "speaks" => wechat.say(&openid, "hello", now, rng),
            "taps" => wechat.click(&openid, "MENU", now, rng),
            "scans" => wechat.scan(&openid, "7", now, rng),
            _ => {
                let picture = json!({"PicUrl": "http://x/1", "MediaId": "m"});
                wechat.push_message(&openid, "image", &picture, now, rng)
            }
        };
        let msg_id = self.wechat[at].push(push).and_then(|push| push.msg_id);
        let key = (at, openid.clone(), now.as_second());
        let pushed = self.witness.pushes.entry(key).or_default();
        pushed.msg_ids.extend(msg_id);
        pushed.acts += 1;
        self.tell(&format!("{} of {} {what}", &openid[24..], ACCOUNTS[at]));
    }

    /// A push of the last day is sent once more, to the byte.
    fn push_comes_again(&mut self, at: usize) {
        let now = self.now();
        let lately = |created| now.duration_since(created).as_hours() < 24;
        let pushes: Vec<u64> = self.wechat[at]
            .pushes()
            .filter(|push| lately(push.created))
            .map(|push| push.id)
            .collect();
        if let Some(push) = pushes.get(self.rng.random_range(0..pushes.len().max(1))) {
            self.met(Fault::Duplicate);
            self.wechat[at].repeat_push(*push, now);
            self.tell("a push is sent once more");
        }
    }

    /// One of the few people around an account.
    fn somebody(&mut self, at: usize) -> String {
        let known: Vec<String> = self.wechat[at]
            .people()
            .map(|(openid, _)| openid.to_owned())
            .collect();
        let chosen = self.rng.random_range(0..PEOPLE);
        match known.get(chosen) {
            Some(openid) => openid.clone(),
            None => self.wechat[at].new_follower(&mut self.far_rng),
        }
    }

    /// An agent works in C4C.
    pub fn agent_acts(&mut self) {
        let objects: Vec<String> = self
            .c4c
            .customers()
            .filter(|customer| !customer.is_obsolete())
            .map(|customer| customer.object_id.clone())
            .collect();
        if objects.is_empty() {
            return;
        }
        // An agent who has a customer open often saves more than once.
        let again = self.rng.random_bool(0.5);
        let open = self.witness.open.take();
        let open = open.filter(|object| again && objects.contains(object));
        let object = &match open {
            Some(object) => object,
            None => objects[self.rng.random_range(0..objects.len())].clone(),
        };
        self.witness.open = Some(object.clone());
        let lost = self.chance(Fault::NotificationLost, 0.4);
        let copies = u32::from(self.rng.random_bool(0.3));
        let settings = &mut self.c4c.notifications().settings;
        settings.duplicates = copies;
        settings.lose_next = if lost { copies + 1 } else { 0 };
        let (now, roll) = (self.now(), self.rng.random_range(0..40));
        let what = match roll {
            0 => {
                self.c4c.delete(object, now);
                "deletes"
            }
            1 => {
                self.c4c.set_obsolete(object, now);
                "retires"
            }
            _ => {
                let (field, of) = if roll % 2 == 0 {
                    ("Mobile", "+86 138 0000")
                } else {
                    ("Email", "a@b.example")
                };
                self.c4c
                    .change(object, &[(field, &format!("{of}{roll}"))], now);
                "changes"
            }
        };
        if roll < 2 {
            self.witness.removed.insert(object.clone());
        }
        if lost {
            self.witness.untold.insert(object.clone());
        }
        let object = object[28..].to_owned();
        self.c4c.notifications().settings.lose_next = 0;
        if lost {
            self.met(Fault::NotificationLost);
        }
        self.tell(&format!("an agent {what} {object}"));
    }

    /// An operator gives an order.
    pub async fn operator_acts(&mut self) {
        let rows: Vec<(i64, String, bool)> = sqlx::query_as(
            "SELECT id, state, uncertain FROM outbox WHERE state IN ('held', 'dead', 'cancelled')
                 AND held_reason IS NOT 'conflict' ORDER BY id DESC LIMIT 8",
        )
        .fetch_all(&mut self.sqlite)
        .await
        .unwrap();
        let roll = self.rng.random_range(0..10);
        let command = match rows.get(self.rng.random_range(0..rows.len().max(1))) {
            Some((id, _, _)) if roll < 5 => {
                *self.witness.retried.entry(*id).or_default() += 1;
                Command::OutboxRetry { id: *id }
            }
            Some((id, _, _)) if roll < 7 => Command::OutboxCancel { id: *id },
            _ => {
                let at = self.rng.random_range(0..ACCOUNTS.len());
                let openid = OpenId::new(self.somebody(at));
                Command::MessageSend {
                    account: AccountId::new(ACCOUNTS[at]),
                    openid,
                    text: "a word from us".to_owned(),
                }
            }
        };
        self.order(command);
    }

    /// An order becomes a task.
    pub fn order(&mut self, command: Command) {
        let controls = self.parts.controls();
        self.tell(&format!("an operator: {command:?}"));
        let future = async move {
            let told = controls.execute(command, "operator").await;
            let told = told.map(|told| told.to_string());
            Ended::Told(told.map_err(|refused| refused.0))
        };
        let number = self.number();
        self.tasks.push(Task::new(number, Work::Order, future));
    }

    /// A job of the timetable becomes a task, as its alarm would have it.
    pub fn job(&mut self, name: &'static str) {
        let timetable = self.parts.timetable.clone();
        let future = async move {
            let told = timetable.run(name).await;
            Ended::Told(told.map_err(|refused| refused.to_string()))
        };
        self.tell(&format!("the job {name}"));
        let number = self.number();
        self.tasks.push(Task::new(number, Work::Job, future));
    }
}
