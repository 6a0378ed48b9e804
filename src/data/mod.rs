//! The data path: connection, listener, classification, chain, upstream.

pub mod ledger;

pub mod exposure;

pub mod live;

pub mod listener;

pub mod inherited;

pub mod observe;

pub mod secure;

pub mod peers;

pub mod strict;

mod host;

pub mod hops;

pub mod classify;

mod held;

pub mod chain;

pub mod dial;

mod drain;

mod linger;

mod preface;

mod timer;

pub mod upstream;

mod gated;

pub mod websocket;

pub mod fix;

pub mod workers;

mod relayed;

pub mod streams;
