//! Who is told of every answer, besides the witness of decisions.

use std::fmt::Debug;

use http::{Method, Response, Uri};
use sekisho_filters::{Body, Exchange};

/// What a request asked for, as it came in.
#[derive(Debug)]
pub struct Target {
    /// Its method.
    pub method: Method,
    /// Where it went.
    pub uri: Uri,
}

/// Whoever counts, times and writes down answers.
pub trait Observe: Debug + Send + Sync {
    /// Before a request is looked at: `None` if nobody wants to know later what it asked for.
    fn asked(&self, method: &Method, uri: &Uri) -> Option<Target>;

    /// When its answer has a head; the answer goes on as what is returned.
    fn answered(&self, exchange: &Exchange, asked: Option<Target>, response: Response<Body>) -> Response<Body>;
}
