//! Many pushes at once, over plain sockets: as fast as they are answered, or at a rate that does
//! not ask whether anybody keeps up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use qiao_sim::wechat::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::raw::{signed, text_push};

/// Callers at once that Qiao can serve.
const FEW: u64 = 64;

/// More callers than Qiao lets in, and few enough for a process that may open 1,024 files, which
/// is what most systems give.
const MANY: u64 = 640;

/// Different people who speak.
const FOLLOWERS: u64 = 500;

/// WeChat waits so long for an answer, and then hangs up.
const DEADLINE: Duration = Duration::from_secs(5);

/// How a flood comes.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    to: SocketAddr,
    /// Pushes a second; `None` for as many as are answered.
    rate: Option<u32>,
    callers: u64,
    lasts: Duration,
    /// The MsgId of the first push.
    first_id: u64,
}

/// What became of its pushes.
#[derive(Debug, Default)]
pub struct Told {
    /// The MsgIds that were answered `success`, and how long each answer took.
    pub taken: Vec<(u64, Duration)>,
    /// How long it took until each refusal by 503.
    pub refused: Vec<Duration>,
    /// Connections that broke, and after how long.
    pub broken: Vec<Duration>,
    /// Pushes that were never sent: every caller was busy when it was their time.
    pub unsent: u64,
}

impl Flood {
    /// As many as are answered, one after the other by each caller.
    pub fn of(to: SocketAddr, lasts: Duration) -> Self {
        Self {
            to,
            rate: None,
            callers: FEW,
            lasts,
            first_id: 1,
        }
    }

    /// So many pushes a second, whatever is answered.
    pub fn at_rate(to: SocketAddr, rate: u32, lasts: Duration) -> Self {
        Self {
            rate: Some(rate),
            callers: MANY,
            first_id: 1_000_000_000,
            ..Self::of(to, lasts)
        }
    }

    /// Lets it come, and waits until it is over.
    pub async fn come(self) -> Told {
        let (start, tickets) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let query: Arc<str> = query().into();
        let mut callers = JoinSet::new();
        for _ in 0..self.callers {
            callers.spawn(self.call(start, tickets.clone(), query.clone()));
        }
        let mut told = Told::default();
        while let Some(one) = callers.join_next().await {
            let one = one.unwrap();
            told.taken.extend(one.taken);
            told.refused.extend(one.refused);
            told.broken.extend(one.broken);
            told.unsent += one.unsent;
        }
        told
    }

    async fn call(self, start: Instant, tickets: Arc<AtomicU64>, query: Arc<str>) -> Told {
        let mut told = Told::default();
        let mut connection = None;
        loop {
            let ticket = tickets.fetch_add(1, Ordering::Relaxed);
            let due = self.due(start, ticket);
            if due >= start + self.lasts {
                return told;
            }
            if due.elapsed() > DEADLINE {
                told.unsent += 1;
                continue;
            }
            sleep_until(due).await;
            let id = self.first_id + ticket;
            let push = request(&query, id);
            let asked = Instant::now();
            let answer = exchange(self.to, &mut connection, &push);
            let answer = timeout_at(asked + DEADLINE, answer);
            match answer.await {
                Ok(Ok(200)) => told.taken.push((id, asked.elapsed())),
                Ok(Ok(503)) => told.refused.push(asked.elapsed()),
                Ok(Ok(status)) => panic!("{status}"),
                Ok(Err(_)) | Err(_) => {
                    connection = None;
                    told.broken.push(asked.elapsed());
                }
            }
        }
    }

    fn due(&self, start: Instant, ticket: u64) -> Instant {
        match self.rate {
            Some(rate) => start + Duration::from_secs(ticket) / rate,
            None => Instant::now(),
        }
    }
}

/// Sends one push of somebody and gives the status of its answer.
pub async fn push_one(to: SocketAddr, id: u64) -> u16 {
    let push = request(&query(), id);
    exchange(to, &mut None, &push).await.unwrap()
}

/// What the signature of every push covers is the same, so it is made once.
fn query() -> String {
    signed(&Settings::default().token, None)
}

async fn exchange(
    to: SocketAddr,
    kept: &mut Option<TcpStream>,
    push: &[u8],
) -> std::io::Result<u16> {
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => TcpStream::connect(to).await?,
    };
    stream.write_all(push).await?;
    let mut answer = Vec::with_capacity(256);
    let head = loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            break String::from_utf8_lossy(&answer[..end + 2]).to_ascii_lowercase();
        }
    };
    let header = |name: &str| {
        let (_, value) = head.split_once(name)?;
        value.split("\r\n").next()
    };
    let length: usize = header("content-length: ").map_or(0, |n| n.parse().unwrap());
    while answer.len() < head.len() + 2 + length {
        stream.read_buf(&mut answer).await?;
    }
    if header("connection: ") != Some("close") {
        *kept = Some(stream);
    }
    Ok(head[9..12].parse().unwrap())
}

fn request(query: &str, id: u64) -> Vec<u8> {
    let body = text_push(&openid(id), id, "a few words of somebody in a crowd");
    let length = body.len();
    format!(
        "POST /wechat/main?{query} HTTP/1.1\r\nhost: qiao\r\ncontent-type: text/xml\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn openid(id: u64) -> String {
    format!("oFlood{:022}", id % FOLLOWERS)
}

/// The value that 99 of 100 do not exceed.
pub fn p99(of: &[Duration]) -> Duration {
    let mut of = of.to_vec();
    of.sort_unstable();
    of.get(of.len() * 99 / 100).copied().unwrap_or_default()
}
