//! The data path: connection, listener, classification, chain, upstream.

pub mod listener;

pub mod strict;

pub mod classify;

pub mod chain;

pub mod upstream;

pub mod workers;
