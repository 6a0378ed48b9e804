use std::sync::Arc;

use bytes::Bytes;
use sekisho_codec::framing::Framing;
use sekisho_codec::framing::fluent::Fluent;
use sekisho_codec::framing::syslog::Syslog;
use sekisho_policy::{BadRecords, Refusal, StreamFormat};

use super::body::Stream;
use super::coding::Codings;
use super::framed::Reading;
use super::message::{OnFind, Search};
use crate::Exchange;

/// Searches what is sent on one connection that is not HTTP, with the rules, the limits and the witness of the layer.
#[derive(Debug)]
pub struct Feed {
    stream: Stream,
}

impl Feed {
    pub(super) fn new(with: Arc<super::service::Searcher>, exchange: Arc<Exchange>, format: StreamFormat) -> Self {
        let (bounds, budget) = (with.limits.units, with.limits.decoded);
        let framing: Box<dyn Framing + Send> = match format {
            StreamFormat::Syslog => Box::new(Syslog::new(bounds)),
            StreamFormat::Forward => Box::new(Fluent::new(bounds, budget)),
        };
        let drops = exchange.route.bodies.records == BadRecords::Drop;
        let reading = Reading { framing: Some(framing), raw: None, drops };
        let search = Search { exchange, with, on_find: OnFind::Edit, told: Arc::default() };
        Self { stream: Stream::new(search, &Codings::default(), reading) }
    }

    /// Takes a piece as it came; gives out what may go on, whole records only.
    ///
    /// # Errors
    ///
    /// When the connection must go no further.
    pub fn push(&mut self, piece: Bytes) -> Result<Vec<u8>, Refusal> {
        self.stream.push(piece)
    }

    /// The sender has finished.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), and when it has finished within a record.
    pub fn finish(&mut self) -> Result<Vec<u8>, Refusal> {
        self.stream.finish()
    }

    /// Whether a record has begun and is not whole.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.stream.is_within()
    }
}
