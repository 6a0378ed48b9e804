use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sekisho_codec::ws::{Deflate, Side, Walk, WsError};
use sekisho_filters::access::Standing;
use sekisho_policy::Refusal;
use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::inspect::Inspect;
use super::judge::refusal;
use super::pump::{Pump, Way};
use super::{Judge, Opened, SocketLimits};

/// One WebSocket between a client and an upstream.
pub(super) struct Tunnel {
    pub(super) judge: Arc<Judge>,
    pub(super) opened: Opened,
    pub(super) deflate: Option<Deflate>,
    /// Of whoever opened it, if they had to say who they are.
    pub(super) standing: Option<Standing>,
    pub(super) limits: SocketLimits,
    pub(super) drain: CancellationToken,
}

/// Why both sides are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The close code for the client.
    pub(super) client: u16,
    /// The close code for the upstream.
    pub(super) upstream: u16,
}

impl End {
    pub(super) const fn code(self, side: Side) -> u16 {
        match side {
            Side::Client => self.client,
            Side::Server => self.upstream,
        }
    }
}

/// What the two pumps of a tunnel share.
#[derive(Debug)]
pub(super) struct Shared {
    end: watch::Sender<Option<End>>,
    /// Pieces that have passed.
    passed: AtomicU64,
}

impl Shared {
    fn new() -> Self {
        Self { end: watch::Sender::new(None), passed: AtomicU64::new(0) }
    }

    /// Has both sides closed. The first to say why is believed.
    pub(super) fn end(&self, why: End) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            end.get_or_insert(why);
            first
        });
    }

    /// Waits until both sides are to be closed.
    pub(super) async fn ended(&self) -> End {
        let mut ends = self.end.subscribe();
        let end = ends.wait_for(Option::is_some).await.ok().and_then(|end| *end);
        // INVARIANT: the sender is here, so there is an end when there is an answer.
        end.unwrap_or(End { client: GOING_AWAY, upstream: GOING_AWAY })
    }

    pub(super) fn note(&self) {
        self.passed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Tunnel {
    /// Waits for both sides to have changed protocol, and runs.
    pub(super) async fn open(self, client: OnUpgrade, upstream: OnUpgrade) {
        let both = async { tokio::try_join!(client, upstream) };
        let Ok(Ok((client, upstream))) = timeout(self.limits.close_timeout, both).await else { return };
        self.run(TokioIo::new(client), TokioIo::new(upstream)).await;
    }

    /// Runs until both sides have closed, or were closed.
    pub(super) async fn run<C, U>(self, client: C, upstream: U)
    where
        C: AsyncRead + AsyncWrite + Send,
        U: AsyncRead + AsyncWrite + Send,
    {
        let shared = Shared::new();
        let (replies, from_us) = mpsc::channel(REPLIES);
        let (from_client, to_client) = split(client);
        let (from_upstream, to_upstream) = split(upstream);
        let up = Pump::new(from_client, to_upstream, self.way(Side::Client, Some(replies)), &shared);
        let down = Pump::new(from_upstream, to_client, self.way(Side::Server, None), &shared).answering(from_us);
        let up = up.run(|why| self.fault(Side::Client, why));
        let down = down.run(|why| self.fault(Side::Server, why));
        tokio::select! {
            () = self.both(up, down) => {}
            () = self.watch(&shared) => {}
        }
    }

    /// Both directions; when one is over the other has a little more time.
    async fn both(&self, up: impl Future<Output = ()>, down: impl Future<Output = ()>) {
        let rest = match select(pin!(up), pin!(down)).await {
            Either::Left(((), down)) => timeout(self.limits.close_timeout, down).await,
            Either::Right(((), up)) => timeout(self.limits.close_timeout, up).await,
        };
        // What did not close in time is cut.
        drop(rest);
    }

    /// Tells whose fault it is, and says how the connection is closed for it.
    fn fault(&self, side: Side, why: WsError) -> End {
        match side {
            Side::Client => {
                self.refuse(&refusal(why));
                End { client: why.close_code(), upstream: GOING_AWAY }
            }
            Side::Server => {
                self.judge.broke(&self.opened.exchange, why);
                End { client: GOING_AWAY, upstream: why.close_code() }
            }
        }
    }

    fn way(&self, side: Side, replies: Option<mpsc::Sender<Vec<u8>>>) -> Way {
        let route = &self.opened.exchange.route;
        let (looks, takeover) = match side {
            Side::Client => {
                (route.orders.is_some() || route.redact.request, self.deflate.map(|deflate| deflate.client_takeover))
            }
            Side::Server => (route.redact.response, self.deflate.map(|deflate| deflate.server_takeover)),
        };
        if !looks {
            return Way::Walk(Walk::new(side, self.deflate.is_some()));
        }
        let judge = (Arc::clone(&self.judge), self.opened.clone());
        let inspect = Inspect::new(side, judge, takeover, self.limits.message_bytes);
        Way::Inspect(Box::new(inspect.replying(replies).standing(self.standing.clone())))
    }

    fn refuse(&self, refusal: &Refusal) {
        self.judge.refuse(&self.judge.one(&self.opened.exchange, b""), refusal, b"");
    }

    /// Waits until whoever opened it is revoked, which may be for ever.
    async fn revoked(&self) {
        match self.standing.clone() {
            Some(standing) => standing.over().await,
            None => std::future::pending().await,
        }
    }

    /// Ends the connection when nothing may pass any more, when nothing does, or when a drain began; returns when it has had time to close.
    async fn watch(&self, shared: &Shared) {
        let away = End { client: GOING_AWAY, upstream: GOING_AWAY };
        tokio::select! {
            biased;
            () = self.judge.quarantined(&self.opened.exchange) => {
                shared.end(CUT);
                self.refuse(&Refusal::Quarantined);
            }
            () = self.judge.outlived(&self.opened) => {
                shared.end(CUT);
                self.refuse(&Refusal::UpgradeRefused);
            }
            _end = shared.ended() => {}
            () = self.revoked() => shared.end(CUT),
            () = self.drain.cancelled() => shared.end(away),
            () = idle(shared, self.limits.idle_timeout) => shared.end(away),
        }
        tokio::time::sleep(self.limits.close_timeout).await;
    }
}

/// Returns when nothing has passed for between one and one and a quarter of `timeout`.
async fn idle(shared: &Shared, timeout: Duration) {
    let mut looks = tokio::time::interval(timeout / LOOKS);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut last, mut still) = (shared.passed.load(Ordering::Relaxed), 0);
    while still <= LOOKS {
        looks.tick().await;
        let now = shared.passed.load(Ordering::Relaxed);
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
}

/// How a connection ends whose client may no longer be here, whose route is in quarantine, or that policy would not let be opened.
pub(super) const CUT: End = End { client: POLICY, upstream: GOING_AWAY };

/// Close codes (RFC 6455, 7.4.1).
pub(super) const GOING_AWAY: u16 = 1001;
pub(super) const POLICY: u16 = 1008;

/// How often it is looked within an idle timeout whether anything came.
const LOOKS: u32 = 4;

/// Replies of ours that wait for the client to take them. Then the client is not read any more either.
const REPLIES: usize = 16;
