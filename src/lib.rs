//! Sekisho, a sidecar for trading services: what leaves is searched, what enters is checked, orders are held.
//!
//! The modules stand in the order a request meets them. `docs/ARCHITECTURE.md` tells the whole.
#![forbid(unsafe_code)]

pub mod cli;

pub mod app;

pub mod compile;

pub mod tls;

pub mod data;

pub mod identity;

pub mod control;

pub mod enforce;

pub mod evidence;

pub mod telemetry;

pub mod admin;
