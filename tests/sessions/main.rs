//! Sessions with engines that were not written here, through the running sidecar: Python's `websockets`, QuickFIX on both sides.
//! `make sessions` lays out what they need, and runs them; the tests in `tests/it` need none of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(dead_code, reason = "the modules of the other tests have more than is needed here")]

#[path = "../it/client.rs"]
mod client;

#[path = "../it/sidecar.rs"]
mod sidecar;

#[path = "../it/upstream.rs"]
mod upstream;

mod websockets;

mod quickfix;
