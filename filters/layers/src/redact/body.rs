use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use sekisho_codec::coding::STEP;
use sekisho_policy::Refusal;
use tokio::time::Sleep;

use super::coded::Coded;
use super::coding::Codings;
use super::framed::{Reading, Through};
use super::memory::Lease;
use super::message::{OnFind, Search};
use crate::{Body, Fault, Place};

/// A body that is searched as it streams.
pub(super) struct Searched {
    inner: Body,
    stream: Stream,
    trailers: Option<Frame<Bytes>>,
    ended: bool,
    /// Set while the body pauses and something is held back.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Searched {
    pub(super) const fn new(inner: Body, stream: Stream) -> Self {
        Self { inner, stream, trailers: None, ended: false, pause: None }
    }

    /// What comes out when `frame` has come in, if anything does.
    fn advance(&mut self, frame: Option<Result<Frame<Bytes>, Fault>>) -> Result<Option<Frame<Bytes>>, Fault> {
        let out = match frame.transpose()? {
            Some(frame) => match frame.into_data() {
                Ok(data) => self.stream.push(data)?,
                Err(frame) => {
                    self.trailers =
                        frame.into_trailers().ok().map(|trailers| self.stream.trailers(trailers)).transpose()?;
                    return Ok(None);
                }
            },
            None => {
                self.ended = true;
                self.stream.finish()?
            }
        };
        Ok((!out.is_empty()).then(|| Frame::data(out.into())))
    }

    /// The next frame of the body, or none while the piece at hand has more to give.
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Fault>> {
        if self.stream.has_more() {
            let out = self.stream.step()?;
            return Poll::Ready(Ok((!out.is_empty()).then(|| Frame::data(out.into()))));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else { return Poll::Pending };
        self.pause = None;
        Poll::Ready(self.advance(frame))
    }

    fn idle(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if !self.stream.holds {
            return Poll::Pending;
        }
        let after = self.stream.search.with.limits.idle_flush;
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(after)));
        if pause.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.pause = None;
        match self.stream.flush() {
            Ok(out) if out.is_empty() => Poll::Pending,
            Ok(out) => Poll::Ready(Some(Ok(Frame::data(out.into())))),
            Err(refusal) => Poll::Ready(Some(Err(refusal.into()))),
        }
    }
}

impl HttpBody for Searched {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        let mut steps = 0;
        while !this.ended {
            if steps == TURN {
                // Much went in and nothing comes out: the others on this thread have their turn.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            steps += 1;
            match this.next(cx) {
                Poll::Pending => return this.idle(cx),
                Poll::Ready(Ok(None)) => {}
                Poll::Ready(Ok(Some(out))) => return Poll::Ready(Some(Ok(out))),
                Poll::Ready(Err(fault)) => {
                    this.ended = true;
                    this.trailers = None;
                    return Poll::Ready(Some(Err(fault)));
                }
            }
        }
        Poll::Ready(this.trailers.take().map(Ok))
    }
}

/// Decoding goes on for this many steps at a time.
const TURN: usize = (1 << 20) / STEP;

/// The search through one body: decode, take apart, scan, encode.
pub(super) struct Stream {
    search: Search,
    through: Through,
    /// None where the body has no coding.
    coded: Option<Coded>,
    /// For what is taken apart.
    memory: Lease,
    sent: u64,
    holds: bool,
}

impl Stream {
    pub(super) fn new(search: Search, codings: &Codings, reading: Reading) -> Self {
        let coded = Coded::new(&search, codings);
        let through = Through::new(Arc::clone(&search.with.rules), reading);
        let memory = search.with.memory.lease();
        Self { search, through, coded, memory, sent: 0, holds: false }
    }

    pub(super) fn push(&mut self, piece: Bytes) -> Result<Vec<u8>, Refusal> {
        if let Some(coded) = &mut self.coded {
            coded.take(piece);
            return self.step();
        }
        let out = self.scan(&piece)?;
        self.emit(out)
    }

    /// Whether a unit has begun and is not whole.
    pub(super) fn is_within(&self) -> bool {
        self.through.is_within()
    }

    fn has_more(&self) -> bool {
        self.coded.as_ref().is_some_and(Coded::has_more)
    }

    /// Decodes a step of the piece at hand.
    fn step(&mut self) -> Result<Vec<u8>, Refusal> {
        let Some(coded) = &mut self.coded else { return Ok(Vec::new()) };
        match coded.decode(&self.search) {
            Ok(plain) => {
                let out = self.scan(&plain)?;
                self.emit(out)
            }
            Err(refusal) => Err(self.cut(refusal)),
        }
    }

    pub(super) fn finish(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        if let Some(coded) = &mut self.coded {
            let plain = match coded.last() {
                Ok(plain) => plain,
                Err(refusal) => return Err(self.cut(refusal)),
            };
            out = self.scan(&plain)?;
        }
        if let Err(why) = self.through.finish(&mut out) {
            return Err(self.cut(self.search.unreadable(why)));
        }
        if self.goes_as_it_is() {
            out.clear();
        }
        let mut out = self.emit(out)?;
        if let Some(coded) = &mut self.coded {
            coded.finish(&mut out);
        }
        self.holds = false;
        Ok(out)
    }

    /// Lets go of what is held back because the sender pauses.
    fn flush(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        self.through.flush(&mut out);
        if self.goes_as_it_is() {
            out.clear();
        }
        self.holds = false;
        let mut out = self.emit(out)?;
        if let Some(coded) = &mut self.coded {
            coded.flush(&mut out);
        }
        Ok(out)
    }

    fn scan(&mut self, plain: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::with_capacity(plain.len());
        if plain.is_empty() {
            return Ok(out);
        }
        if let Err(why) = self.through.push(plain, &mut out) {
            return Err(self.cut(self.search.unreadable(why)));
        }
        let held = self.through.memory();
        if held > FREE && !self.memory.cover(held) {
            let retry_after_s = self.search.with.limits.retry_after_s;
            return Err(self.cut(Refusal::Overloaded { retry_after_s }));
        }
        self.holds = true;
        if self.goes_as_it_is() {
            out.clear();
            out.extend_from_slice(plain);
        }
        Ok(out)
    }

    /// An order is never edited. The gate holds all of it until its end is judged, so no byte has to wait here.
    fn goes_as_it_is(&self) -> bool {
        self.search.on_find == OnFind::RefuseOrder
    }

    /// Judges what was found so far before anything of this step leaves.
    fn emit(&mut self, out: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let mut findings = self.through.take_findings();
        if self.goes_as_it_is() {
            findings.retain(|finding| !self.search.is_meant(finding));
        }
        if let Err(refusal) = self.search.judge(Place::Body, &findings) {
            return Err(self.cut(refusal));
        }
        self.search.told.dropped(self.through.take_dropped());
        let out = match &mut self.coded {
            None => out,
            Some(coded) => match coded.encode(&out) {
                Ok(out) => out,
                Err(refusal) => return Err(self.cut(refusal)),
            },
        };
        self.sent = self.sent.saturating_add(out.len() as u64);
        Ok(out)
    }

    /// Tells how much has left of a body that goes no further.
    fn cut(&self, refusal: Refusal) -> Refusal {
        self.search.with.witness.cut(&self.search.exchange, self.sent);
        refusal
    }

    fn trailers(&self, mut trailers: http::HeaderMap) -> Result<Frame<Bytes>, Refusal> {
        self.search.headers(Place::Trailer, &mut trailers)?;
        Ok(Frame::trailers(trailers))
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("sent", &self.sent).finish_non_exhaustive()
    }
}

/// What every body may hold without anybody counting it.
const FREE: usize = 128 * 1024;
