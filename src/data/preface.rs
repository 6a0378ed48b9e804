//! The first bytes of a connection on which nobody agreed what is spoken.
//!
//! Whoever speaks HTTP/2 by prior knowledge and gets its preface wrong cannot read an answer of HTTP/1: to such a client it is a frame
//! of four million bytes. RFC 9113, 3.4 has the connection ended. An HTTP/1 client that erred names its protocol all the same, and is
//! told what was wrong.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection that is at its end, to who reads it, when its first line names another protocol than HTTP.
///
/// A line that arrives in pieces is left to the parser, which refuses it with an answer.
#[derive(Debug)]
pub(super) struct Prefaced {
    stream: TcpStream,
    /// Known once something was sent.
    foreign: Option<bool>,
}

impl Prefaced {
    /// `stream`, of which nothing was read.
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream, foreign: None }
    }
}

/// Whether `bytes` begin with a line of three words or more, the last of which is no version of HTTP (RFC 9112, 2.3).
fn foreign(bytes: &[u8]) -> bool {
    let ends = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let Some(line) = bytes.split(ends).next().filter(|line| line.len() < bytes.len()) else { return false };
    let version = line.split(|byte| *byte == b' ').skip(2).last();
    version.is_some_and(|version| !version.is_empty() && !version.starts_with(b"HTTP/"))
}

impl AsyncRead for Prefaced {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.foreign.is_none() {
            let mut first = [0; LOOK];
            let mut first = ReadBuf::new(&mut first);
            ready!(self.stream.poll_peek(cx, &mut first))?;
            let foreign = foreign(first.filled());
            if foreign {
                // What nobody reads would end the connection with a reset, which may overtake the end.
                let _taken = self.stream.try_read(&mut [0; LOOK])?;
            }
            self.foreign = Some(foreign);
        }
        if self.foreign == Some(true) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Prefaced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// As much of a connection is looked at: a longer first line is no preface.
const LOOK: usize = 64;

#[cfg(test)]
mod tests {
    use super::foreign;

    #[test]
    fn only_a_whole_line_that_names_another_protocol_is_foreign() {
        for line in
            ["INVALID CONNECTION PREFACE\r\n\r\n", "PRI * SPDY/3\r\n", "a b c\nGET / HTTP/1.1\r\n", "a b HTTP\r\n"]
        {
            assert!(foreign(line.as_bytes()), "{line:?}");
        }
        for line in [
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b c d\r\n",
            "GET / HTTP/9\r\n",
            "GET /a b HTTP/1.1\r\n",
            "GET /\r\n",
            "GET  / \r\n",
            "",
            "\r\n",
            "INVALID CONNECTION PREFACE",
        ] {
            assert!(!foreign(line.as_bytes()), "{line:?}");
        }
    }
}
