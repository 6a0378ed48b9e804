//! Rules about the tree itself: what a compiler cannot hold. Each rule reads a [`Tree`](tree::Tree) of files and returns what is wrong
//! with it; one test runs it over this repository, the others show on made-up trees that it fires.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod tree;

mod tokens;

mod edges;

mod pure;

mod signals;

mod size;

mod manifests;

mod pages;

mod codes;

mod failmodes;

mod words;

mod links;

mod threats;
