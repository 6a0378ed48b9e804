use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use sekisho_filters::order_gate::Unwritten;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Protocol;
use super::frames::Frames;

/// A socket that tells when the requests it was given have been written.
#[derive(Debug)]
pub(super) struct Socket<S> {
    inner: TokioIo<S>,
    unwritten: Unwritten,
    /// What is followed on a connection of HTTP/2.
    frames: Option<Frames>,
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, unwritten: Unwritten, protocol: Protocol) -> Self {
        let frames = (protocol == Protocol::Http2).then(Frames::default);
        Self { inner: TokioIo::new(stream), unwritten, frames }
    }
}

impl<S: AsyncRead + Unpin> Read for Socket<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> Write for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        if let (Poll::Ready(Ok(count)), Some(frames)) = (&written, &mut self.frames) {
            frames.written(buf.get(..*count).unwrap_or(buf));
        }
        written
    }

    /// INVARIANT: the HTTP/1 client flushes its socket only when its own buffer is empty, and a flushed TLS stream has written
    /// its last record to the socket. That of HTTP/2 flushes with requests half written: what counts is that one has ended.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        if flushed.is_ready() && self.frames.as_mut().is_none_or(Frames::take_ended) {
            self.unwritten.written();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    /// Frames are followed in one buffer after another.
    fn is_write_vectored(&self) -> bool {
        self.frames.is_none() && self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.frames.is_some() {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
            return self.poll_write(cx, first);
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}
