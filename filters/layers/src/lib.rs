//! The tower layers a request passes. They know tower and http, and no socket.
#![forbid(unsafe_code)]

pub mod body;

pub mod fault;

pub mod starts;

pub use body::Body;
pub use fault::{Cause, Fault};
pub use starts::{Start, Starts};
