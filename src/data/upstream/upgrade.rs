use std::sync::Arc;
use std::time::Instant;

use http::{Response, StatusCode};
use sekisho_filters::access::Standing;
use sekisho_filters::order_gate::Permitted;
use sekisho_filters::{Body, Cause, Fault, Stop, Waited};

use super::Upstream;
use super::send::{broken, exchange};
use crate::data::websocket::handshake::{Joined, Wanted, protocols};

impl Upstream {
    /// Makes the handshake that the gate permitted, on a connection of its own. An answer that changes no protocol is an answer
    /// like any other.
    pub(super) async fn upgrade(&self, permitted: Permitted, wanted: Wanted) -> Result<Response<Body>, Stop> {
        let (order, asked) = (permitted.is_order(), Arc::clone(permitted.exchange()));
        let standing = permitted.beside().get::<Standing>().cloned();
        let (found, mut connection) = self.connect((self.next(), order), |_no_old_one| None).await?;
        let endpoint = found.endpoint;
        // INVARIANT: the last look at the state happens here, with the connection in hand.
        let mut request = endpoint.target.address(permitted.commence(&connection.unwritten)?)?;
        let offered = protocols(request.headers());
        let key = wanted.write(request.headers_mut()).map_err(|error| Fault::Upstream(Cause::from(error)))?;
        let began = Instant::now();
        let answered = exchange(&self.timeouts, &mut connection, request, order).await;
        asked.trip.upstream_took(Waited { time: began.elapsed(), retries: 0 });
        let answered = answered.and_then(|sent| sent.map_err(|failed| broken(failed.into_error(), order)));
        endpoint.note(&answered);
        let response = answered?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return endpoint.answer(connection, response);
        }
        let joined = Joined::from((&wanted, &key), &offered, standing, response);
        joined.map_err(|why| Fault::Upstream(why.into()).into())
    }
}
