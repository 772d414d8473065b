//! What stories do to a world besides living in it: faults, SQL, raw requests, commands.

use qiao::control::Command;
use qiao::kit::clock::Clock as _;
use qiao::kit::transport::{Method, Request, Response};
use qiao_sim::c4c::C4c;
use qiao_sim::fault;
use qiao_sim::shell::Server;
use tokio::net::TcpListener;

use crate::world::{PATIENCE, World};

/// Header names and values.
pub type Headers<'a> = &'a [(&'static str, &'a str)];

impl World {
    /// Carries out one statement, as a person with `sqlite3` would.
    pub async fn sql(&self, sql: &'static str) {
        sqlx::query(sql)
            .execute(&mut self.sqlite().await)
            .await
            .unwrap();
    }

    /// The daemon's time as its rows have it.
    pub fn clock_micros(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    /// Arms a fault of the tenant for so many requests whose verb and path contain `on`.
    pub fn c4c_fails_for(&self, on: &str, kind: fault::Kind, times: u32) {
        let on = on.to_owned();
        self.c4c
            .with(|c4c, _, _| c4c.faults().add(fault::Fault { on, kind, times }));
    }

    /// Arms a fault of WeChat for so many requests whose path contains `on`.
    pub fn wechat_fails_for(&self, on: &str, kind: fault::Kind, times: u32) {
        let on = on.to_owned();
        self.wechat
            .with(|wechat, _, _| wechat.faults.add(fault::Fault { on, kind, times }));
    }

    /// C4C works again.
    pub fn c4c_heals(&self) {
        self.c4c.with(|c4c, _, _| c4c.faults().clear(None));
    }

    /// Calls of that verb on that entity set that reached C4C.
    pub fn c4c_calls(&self, method: &str, set: &str) -> u64 {
        self.c4c.look(|c4c| c4c.calls().total(method, set))
    }

    /// The same tenant listens elsewhere from now on; where it was, connections are refused.
    pub async fn move_c4c(&mut self, to: TcpListener) {
        let (tenant, clock) = (self.c4c.look(C4c::clone), self.c4c.clock().clone());
        let moved = Server::start(to, tenant, clock, 3);
        std::mem::replace(&mut self.c4c, moved).stop().await;
    }

    /// Posts to the daemon and gives the status.
    pub async fn post(&self, path: &str, headers: Headers<'_>, body: impl Into<Vec<u8>>) -> u16 {
        self.request(Method::Post, path, headers, body.into()).await
    }

    /// As [`World::post`], with what the daemon says to it.
    pub async fn posted(
        &self,
        path: &str,
        headers: Headers<'_>,
        body: impl Into<Vec<u8>>,
    ) -> (u16, String) {
        let answer = self.answered_to(Method::Post, path, headers, body.into());
        let answer = answer.await;
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    /// Calls the daemon as anybody on the network can.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: Headers<'_>,
        body: Vec<u8>,
    ) -> u16 {
        self.answered_to(method, path, headers, body).await.status
    }

    async fn answered_to(
        &self,
        method: Method,
        path: &str,
        headers: Headers<'_>,
        body: Vec<u8>,
    ) -> Response {
        let request = Request {
            method,
            url: format!("{}{path}", self.url()),
            headers: headers
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            body,
            timeout: PATIENCE,
        };
        let transport = &self.daemon().parts.context.transport;
        transport.send(request).await.unwrap()
    }

    /// Carries out a command as the daemon's socket does.
    pub async fn command(&self, command: Command) -> serde_json::Value {
        let controls = self.daemon().parts.controls();
        controls.execute(command, "tester").await.unwrap()
    }
}
