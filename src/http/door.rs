//! The door: how many may be in the house at once, and what the others are told.
//!
//! It bounds the memory and the open files that callers can cost. It must not know what they
//! want. Start reading at [`Door`].

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

use crate::domain::series;

/// Connections at once. A process may open 1,024 files unless somebody allows it more, and our
/// own calls and the database need some. More would not be committed sooner: they would only wait
/// longer, and WeChat waits for 5 s.
const PLACES: usize = 512;

/// A caller that says nothing for so long gives its place up; proxies keep idle connections for
/// a minute.
const LONGEST_SILENCE: Duration = Duration::from_secs(75);

/// What those are told for whom there is no place. WeChat and C4C come again.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A listener that lets so many in and refuses the others at once.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Door {
    /// Opens it.
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(PLACES)),
            patience: LONGEST_SILENCE,
        }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => return (Guest::new(stream, place, self.patience), address),
                Err(_) => turn_away(&stream),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Whoever has gone already does not matter.
fn turn_away(stream: &TcpStream) {
    metrics::counter!(series::REFUSED, "side" => "door", "reason" => "no_place").increment(1);
    // What is left unread when the connection closes would make it look broken.
    let _ = stream.try_read(&mut [0; 4096]);
    let _ = stream.try_write(NO_PLACE);
}

/// A connection that has a place until it ends.
#[derive(Debug)]
pub struct Guest {
    stream: TcpStream,
    patience: Duration,
    silence: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            silence: Box::pin(tokio::time::sleep(patience)),
            _place: place,
        }
    }

    /// An answer is one small piece: waiting for more to send with it would only delay it.
    pub fn answer_at_once(&mut self) {
        // Fails only where the caller has gone.
        let _ = self.stream.set_nodelay(true);
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            let until = Instant::now() + self.patience;
            self.silence.as_mut().reset(until);
            return Poll::Ready(read);
        }
        ready!(self.silence.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// A door with one place.
    async fn door(patience: Duration) -> (Door, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = Door {
            listener,
            places: Arc::new(Semaphore::new(1)),
            patience,
        };
        (door, address)
    }

    #[tokio::test]
    async fn who_finds_no_place_is_told_so_and_a_place_that_was_left_is_given_again() {
        let (mut door, address) = door(LONGEST_SILENCE).await;
        let _first = TcpStream::connect(address).await.unwrap();
        let (guest, _) = door.accept().await;
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(b"POST / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut told = Vec::new();
        tokio::select! {
            read = second.read_to_end(&mut told) => drop(read.unwrap()),
            _ = door.accept() => panic!("there is one place"),
        }
        assert_eq!(told, NO_PLACE);
        drop(guest);
        let _third = TcpStream::connect(address).await.unwrap();
        door.accept().await;
    }

    #[tokio::test]
    async fn a_silent_guest_gives_the_place_up() {
        let (mut door, address) = door(Duration::from_millis(1)).await;
        let mut caller = TcpStream::connect(address).await.unwrap();
        caller.write_all(b"a").await.unwrap();
        let (mut guest, _) = door.accept().await;
        guest.stream.readable().await.unwrap();
        assert_eq!(guest.read_u8().await.unwrap(), b'a');
        let fault = guest.read_u8().await.unwrap_err();
        assert_eq!(fault.kind(), io::ErrorKind::TimedOut);
    }
}
