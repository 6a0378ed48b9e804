//! A request between filters, before the gate.

use std::sync::Arc;

use http::Request;

use crate::{Body, Exchange};

/// A request on its way, with what is known of it. Filters take one and not a bare request: what was not classified cannot be
/// expressed.
#[derive(Debug)]
pub struct Hop {
    /// What the classifier saw. Shared: who answers later still has to know what was asked.
    pub exchange: Arc<Exchange>,
    /// The request as it is now.
    pub request: Request<Body>,
}
