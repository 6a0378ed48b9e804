//! The threads of the data path.
//!
//! Each has a runtime, connections and upstream connections of its own, so that a request meets one thread from its first byte
//! to its last. They share the sockets they accept from, the limits, and what is in force. Admin, health and signals live on
//! none of them: a tightening does not queue behind traffic.

use std::io;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::listener::{Handle, Listening};

/// Starts one thread, which serves until `drain` is cancelled and what was under way has ended, and then drops `token`.
/// What it serves is made by `listening`, on the thread's runtime.
///
/// # Errors
///
/// When the system gives no thread or no descriptor.
pub fn spawn<H: Handle>(
    number: usize,
    listening: impl FnOnce() -> io::Result<Vec<Listening<H>>>,
    drain: CancellationToken,
    token: TaskTrackerToken,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listening = {
        let _on_it = runtime.enter();
        listening()?
    };
    let serve = move || {
        runtime.block_on(join_all(listening.into_iter().map(|one| one.serve(drain.clone()))));
        drop(token);
    };
    std::thread::Builder::new().name(format!("data-{number}")).spawn(serve).map(drop)
}
