//! The tower layers a request passes. They know tower and http, and no socket.
#![forbid(unsafe_code)]

pub mod starts;

pub use starts::{Start, Starts};
