//! Listeners of protocols that are not HTTP. They have a thread of their own for each protocol, so that a flood on one takes nothing
//! from orders on another; who is too many waits in the kernel's queue; a drain takes no more connections and leaves those that are
//! open some time to end.

use std::future::Future;
use std::io;
use std::net::{IpAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::listener::accept;

/// Serves connections that are no requests.
pub(super) trait Relayed: Send + Sync + 'static {
    /// Places for connections; listeners may share them.
    fn room(&self) -> Arc<Semaphore>;

    /// How long connections have to end once a drain began.
    fn patience(&self) -> Duration;

    /// Serves one connection of `peer` until it has ended.
    fn connection(
        self: Arc<Self>,
        client: TcpStream,
        peer: IpAddr,
        drain: CancellationToken,
    ) -> impl Future<Output = ()> + Send;
}

/// Serves all of `bound` on one thread until `drain` is cancelled and what was under way has ended; then drops `token`. Where
/// nothing is bound there is no thread.
///
/// # Errors
///
/// When the system gives no thread or no descriptor.
pub(super) fn spawn<R: Relayed>(
    name: &str,
    bound: Vec<(StdListener, R)>,
    drain: &CancellationToken,
    token: TaskTrackerToken,
) -> io::Result<()> {
    if bound.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serving = {
        let _on_it = runtime.enter();
        let one = |(socket, relayed)| Ok(serve(TcpListener::from_std(socket)?, Arc::new(relayed), drain.clone()));
        bound.into_iter().map(one).collect::<io::Result<Vec<_>>>()?
    };
    let run = move || {
        runtime.block_on(join_all(serving));
        drop(token);
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

async fn serve<R: Relayed>(socket: TcpListener, relayed: Arc<R>, drain: CancellationToken) {
    let (room, open) = (relayed.room(), TaskTracker::new());
    while let Some(accepted) = drain.run_until_cancelled(accept(&socket, &room)).await {
        let Some((client, peer, place)) = accepted else { continue };
        let connection = Arc::clone(&relayed).connection(client, peer, drain.clone());
        open.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(socket);
    open.close();
    let _cut = tokio::time::timeout(relayed.patience(), open.wait()).await;
}
