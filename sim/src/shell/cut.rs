//! Connections that can be closed without an answer, or in the middle of one.
//!
//! HTTP has no answer "none", so the connection under it is made to fail: once its [`Peer`] is
//! cut, every write fails, and hyper gives the connection up before a status line is out. An
//! answer that ends too early is a body that fails after its last byte.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::io::ReaderStream;

/// The far end of one connection, as a handler sees it.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    ip: IpAddr,
    cut: Arc<AtomicBool>,
}

impl Peer {
    /// Where the caller calls from.
    pub(super) fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Lets nothing more be written: whatever the handler returns next closes the connection.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().peer.clone()
    }
}

/// A body of these bytes, after which the connection breaks.
pub(super) fn broken_off(bytes: Vec<u8>) -> Body {
    let reader = io::Cursor::new(bytes).chain(Break { paused: false });
    Body::from_stream(ReaderStream::new(reader))
}

/// Fails, but not at once: what came before it shall leave first.
struct Break {
    paused: bool,
}

impl AsyncRead for Break {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.paused {
            self.paused = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

/// A TCP listener whose connections can be cut.
pub(super) struct CuttableListener(pub(super) TcpListener);

impl Listener for CuttableListener {
    type Io = Connection;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Connection, std::net::SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        let peer = Peer {
            ip: address.ip(),
            cut: Arc::default(),
        };
        (Connection { stream, peer }, address)
    }

    fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.0.local_addr()
    }
}

/// A TCP connection that refuses writes once it is cut.
pub(super) struct Connection {
    stream: TcpStream,
    peer: Peer,
}

impl Connection {
    fn check(&self) -> io::Result<()> {
        if self.peer.cut.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
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
