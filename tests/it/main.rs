//! The whole process over real sockets: each test starts the binary, talks to it as a client would, and reads what
//! reached the other side.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on has failed")]

mod client;

mod codings;

mod sidecar;

mod upstream;

mod redaction;

mod reload;

mod leaks;

mod formats;

mod log_streams;

mod orders;

mod order_rules;

mod order_corpus;

mod state;

mod access;

mod keys;

mod jwts;

mod callers;

mod openapi;

mod incidents;

mod contain;

mod dod;

mod drill;

mod history;

mod gates;

mod signals;

mod crash;

mod journal;

mod contracts;

mod cli;

mod check;

mod init;

mod inject;

mod runbooks;

mod exec;

mod files;

mod protocol;

mod strict;

mod grpc;

mod guesses;

mod h2;

mod pki;

mod tls;

mod limits;

mod activation;

mod secured;

mod servers;

mod streams;

mod sweeps;

mod tools;

mod traffic;

mod socket;

mod websocket;

mod fix;

mod bundles;

mod secrets;

mod faults;

mod evidence;
