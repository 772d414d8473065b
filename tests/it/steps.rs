//! Further steps of stories, most of them on the WeChat side.

use std::pin::pin;
use std::time::Duration;

use qiao::control::{Command, Refused};
use qiao::domain::ids::{AccountId, OpenId};
use qiao_sim::fault::Kind;
use qiao_sim::wechat::{PushOptions, Reply, Via};
use serde_json::Value;

use crate::world::World;

pub const CUSTOM_SEND: &str = "/cgi-bin/message/custom/send";
pub const STABLE_TOKEN: &str = "/cgi-bin/stable_token";

impl World {
    /// What came back for the last delivery of a push, once all are over.
    pub async fn answered(&self, push: u64) -> Reply {
        let outcome = self
            .wechat
            .until(|wechat| wechat.push(push)?.outcome().cloned());
        tokio::time::timeout(Duration::from_secs(30), outcome)
            .await
            .expect("an answer to the push")
    }

    /// What came back for every delivery of a push.
    pub async fn answers(&self, push: u64) -> Vec<Reply> {
        self.answered(push).await;
        self.wechat.look(|wechat| {
            let attempts = &wechat.push(push).unwrap().attempts;
            attempts.iter().map(|a| a.reply.clone().unwrap()).collect()
        })
    }

    /// The next act is pushed in so many copies at the same time.
    pub fn in_copies(&self, copies: u32) {
        let options = PushOptions {
            copies,
            ..PushOptions::default()
        };
        self.wechat.with(|wechat, _, _| wechat.next_push(options));
    }

    /// The push of the next act is late by so many seconds, so that later ones overtake it.
    pub fn late_by(&self, seconds: u64) {
        let options = PushOptions {
            delay_ms: seconds * 1000,
            ..PushOptions::default()
        };
        self.wechat.with(|wechat, _, _| wechat.next_push(options));
    }

    /// Follows, and waits until that push is answered, while others are on their way.
    pub async fn follow_first(&self, openid: &str) {
        let push = self
            .wechat
            .with(|wechat, now, rng| wechat.follow(openid, None, now, rng));
        self.answered(push).await;
    }

    /// Unfollows, and waits until that push is answered, while others are on their way.
    pub async fn unfollow_first(&self, openid: &str) {
        let push = self
            .wechat
            .with(|wechat, now, rng| wechat.unfollow(openid, now, rng));
        self.answered(push).await;
    }

    /// WeChat delivers a push once more, to the byte.
    pub fn repeat(&self, push: u64) {
        self.wechat
            .with(|wechat, now, _| assert!(wechat.repeat_push(push, now)));
    }

    /// The next call of that path at WeChat goes wrong like this.
    pub fn wechat_fails(&self, on: &str, kind: Kind) {
        self.wechat_fails_for(on, kind, 1);
    }

    /// WeChat refuses the next call of that path with this `errcode`.
    pub fn wechat_refuses(&self, on: &str, code: i64) {
        let after_effect = false;
        self.wechat_fails(on, Kind::Code { code, after_effect });
    }

    /// The next call of that kind at C4C goes wrong like this.
    pub fn c4c_fails(&self, on: &str, kind: Kind) {
        self.c4c_fails_for(on, kind, 1);
    }

    /// How often a path was called at WeChat.
    pub fn wechat_calls(&self, path: &str) -> u64 {
        self.wechat.look(|wechat| wechat.calls(path))
    }

    /// The customers that C4C holds.
    pub fn customers(&self) -> usize {
        self.c4c.look(|c4c| c4c.customers().count())
    }

    /// What a follower has seen by one way.
    pub fn seen_by(&self, openid: &str, way: Via) -> Vec<String> {
        let seen = self.seen(openid);
        let by_it = seen.into_iter().filter(|(via, _)| *via == way);
        by_it.map(|(_, text)| text).collect()
    }

    /// Somebody who speaks, is linked, and has been told so: their window is open for 48 hours.
    pub async fn talking_customer(&self) -> String {
        let openid = self.customer().await;
        self.say(&openid, "hello");
        self.settled().await;
        openid
    }

    /// Carries a command out as an operator would.
    pub async fn operate(&self, command: Command) -> Result<Value, Refused> {
        let controls = self.daemon().parts.controls();
        controls.execute(command, "somebody").await
    }

    /// `qiao jobs run NAME`: what the job says of its run.
    pub async fn run_job(&self, name: &str) -> String {
        let name = name.to_owned();
        let told = self.operate(Command::JobRun { name }).await.unwrap();
        told["detail"].as_str().unwrap().to_owned()
    }

    /// `qiao message send main OPENID TEXT`
    pub async fn send(&self, openid: &str, text: &str) {
        let command = Command::MessageSend {
            account: AccountId::new("main"),
            openid: OpenId::new(openid),
            text: text.to_owned(),
        };
        self.operate(command).await.unwrap();
    }

    /// Lets time pass, half a second at a time, until something has happened. A request that
    /// waits takes its deadline from the clock at a moment that a story cannot see.
    pub async fn while_time_passes<T>(&self, happens: impl Future<Output = T>) -> T {
        let mut happens = pin!(happens);
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        loop {
            tokio::select! {
                biased;
                happened = &mut happens => return happened,
                _ = ticks.tick() => self.advance(Duration::from_millis(500)),
            }
        }
    }

    /// A column of texts by SQL.
    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql)
            .fetch_all(&mut self.sqlite().await)
            .await
            .unwrap()
    }

    /// Why a remote is paused, and for how many seconds more.
    pub fn pause_of(&self, remote: &str) -> Option<(&'static str, i64)> {
        use qiao::kit::clock::Clock as _;
        let report = self.daemon().parts.engine.report();
        let state = report.into_iter().find(|state| state.name == remote)?;
        let until = state.until?.duration_since(self.clock.now());
        Some((state.paused?, until.as_secs()))
    }
}
