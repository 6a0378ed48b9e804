//! The last step of a message that the gate has let through.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use sekisho_filters::order_gate::PermittedMessage;
use sekisho_policy::Refusal;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Writes a message, having looked at the state whenever its first byte could be written. A refusal means that none was.
pub(super) async fn send<W>(permitted: &PermittedMessage, bytes: &[u8], to: &mut W) -> io::Result<Option<Refusal>>
where
    W: AsyncWrite + Unpin,
{
    if !permitted.is_order() {
        return put(to, bytes).await.map(|()| None);
    }
    let first = poll_fn(|cx| {
        // What lies in a buffer of TLS is not written yet: behind it nothing could be.
        ready!(Pin::new(&mut *to).poll_flush(cx))?;
        let start = match permitted.commence() {
            Ok(start) => start,
            Err(refusal) => return Poll::Ready(Ok(Err(refusal))),
        };
        // INVARIANT: where nothing could be written the start ends here, so that a full socket holds up no tightening.
        Pin::new(&mut *to).poll_write(cx, bytes).map_ok(|written| Ok((start, written)))
    });
    let (start, written) = match first.await {
        Err(gone) => {
            permitted.stayed();
            return Err(gone);
        }
        Ok(Err(refusal)) => return Ok(Some(refusal)),
        Ok(Ok(begun)) => begun,
    };
    permitted.forwarded();
    put(to, bytes.get(written..).unwrap_or_default()).await?;
    drop(start);
    Ok(None)
}

/// Writes `bytes` until they are in the socket: a stream of TLS may keep the last of them, and nobody comes to ask for it.
pub(super) async fn put<W>(to: &mut W, bytes: &[u8]) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    to.write_all(bytes).await?;
    to.flush().await
}

#[cfg(test)]
mod tests;
