//! The load: keep-alive connections that send pushes as fast as they are answered.
//!
//! One thread on its own core, raw sockets, requests made before. It must not be what limits a
//! rate, so it tells how much of its core it used.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::cores;
use super::pushes::Pushes;

/// Longest answer: `success` with its headers, or a short refusal.
const ANSWER: usize = 2048;

/// What is to be sent.
pub(super) struct Load<'a> {
    /// To whom.
    pub(super) address: SocketAddr,
    /// Over how many connections.
    pub(super) connections: usize,
    /// For how long.
    pub(super) time: Duration,
    /// What.
    pub(super) pushes: &'a Arc<Pushes>,
    /// The number of the first push.
    pub(super) first: u64,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Answered {
    /// The numbers of pushes that were sent: from `Load::first` to below this.
    pub(super) next: u64,
    /// Those that were not acknowledged.
    pub(super) refused: Vec<u64>,
    /// From the first request to the last answer.
    pub(super) took: Duration,
    /// From request to answer, in microseconds, sorted.
    pub(super) latencies: Vec<u32>,
    /// Processor time of the load itself.
    pub(super) cpu: Duration,
}

impl Answered {
    /// Acknowledged pushes a second.
    pub(super) fn rate(&self) -> f64 {
        self.acknowledged() / self.took.as_secs_f64()
    }

    /// Acknowledged pushes.
    #[expect(clippy::cast_precision_loss, reason = "a run has millions, not 2^53")]
    pub(super) fn acknowledged(&self) -> f64 {
        self.latencies.len() as f64
    }

    /// The latency in milliseconds that this share of the pushes did not exceed.
    pub(super) fn percentile(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count of latencies"
        )]
        let at = (self.acknowledged() * share) as usize;
        let found = self.latencies.get(at).or(self.latencies.last());
        found.map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

struct Shared {
    pushes: Arc<Pushes>,
    next: Cell<u64>,
    until: Instant,
}

#[derive(Default)]
struct Seen {
    latencies: Vec<u32>,
    refused: Vec<u64>,
}

impl Load<'_> {
    /// Sends, on the calling thread, and waits for the last answer.
    pub(super) fn run(&self) -> anyhow::Result<Answered> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        LocalSet::new().block_on(&runtime, self.send())
    }

    async fn send(&self) -> anyhow::Result<Answered> {
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            connections.push(stream);
        }
        let (began, cpu) = (Instant::now(), cores::time_of_this_thread());
        let shared = Rc::new(Shared {
            pushes: Arc::clone(self.pushes),
            next: Cell::new(self.first),
            until: began + self.time,
        });
        let senders: Vec<_> = connections
            .into_iter()
            .map(|stream| tokio::task::spawn_local(keep_sending(stream, Rc::clone(&shared))))
            .collect();
        let mut seen = Seen::default();
        for sender in senders {
            let mut of_one = sender.await??;
            seen.latencies.append(&mut of_one.latencies);
            seen.refused.append(&mut of_one.refused);
        }
        let took = began.elapsed();
        let cpu = cores::time_of_this_thread().saturating_sub(cpu);
        seen.latencies.sort_unstable();
        Ok(Answered {
            next: shared.next.get(),
            refused: seen.refused,
            took,
            latencies: seen.latencies,
            cpu,
        })
    }
}

async fn keep_sending(mut stream: TcpStream, shared: Rc<Shared>) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let (mut request, mut answer) = (Vec::new(), [0; ANSWER]);
    loop {
        let began = Instant::now();
        let number = shared.next.get();
        if began >= shared.until || !shared.pushes.write(number, &mut request) {
            return Ok(seen);
        }
        shared.next.set(number + 1);
        stream.write_all(&request).await?;
        let acknowledged = read_answer(&mut stream, &mut answer).await?;
        if acknowledged {
            let micros = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
            seen.latencies.push(micros);
        } else {
            seen.refused.push(number);
        }
    }
}

/// Reads one answer to its end; whether it is a 200 that says `success`.
async fn read_answer(stream: &mut TcpStream, answer: &mut [u8; ANSWER]) -> anyhow::Result<bool> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut answer[filled..]).await?;
        if read == 0 {
            bail!("the server closed a connection, or its answer is too long");
        }
        filled += read;
        let Some(head) = answer[..filled]
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
        else {
            continue;
        };
        let (head, body) = answer[..filled].split_at(head + 4);
        if body.len() >= content_length(head)? {
            return Ok(head.starts_with(b"HTTP/1.1 200 ") && body == b"success");
        }
    }
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    const NAME: &[u8] = b"content-length: ";
    let at = head.windows(NAME.len()).position(|name| name == NAME);
    let digits = &head[at.context("an answer without its length")? + NAME.len()..];
    let digits = digits.iter().take_while(|digit| digit.is_ascii_digit());
    Ok(digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}
