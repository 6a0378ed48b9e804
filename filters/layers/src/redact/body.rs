use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use sekisho_codec::gzip::{Decoder, Encoder};
use sekisho_policy::Refusal;
use sekisho_scan::{Scanner, Shape};
use tokio::time::Sleep;

use super::coding::{Coding, GZIP_LEVEL, sniff};
use super::kept::Kept;
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
                Ok(data) => self.stream.push(&data)?,
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
        while !this.ended {
            let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
                return this.idle(cx);
            };
            this.pause = None;
            match this.advance(frame) {
                Ok(None) => {}
                Ok(Some(out)) => return Poll::Ready(Some(Ok(out))),
                Err(fault) => {
                    this.ended = true;
                    this.trailers = None;
                    return Poll::Ready(Some(Err(fault)));
                }
            }
        }
        Poll::Ready(this.trailers.take().map(Ok))
    }
}

/// The search through one body: decode, scan, encode.
pub(super) struct Stream {
    search: Search,
    shape: Option<Shape>,
    scanner: Option<Scanner>,
    decoder: Option<Decoder>,
    encoder: Option<Encoder>,
    /// Instead of an encoder, where the bytes must not change.
    kept: Option<Kept>,
    sent: u64,
    holds: bool,
}

impl Stream {
    pub(super) fn new(search: Search, coding: Coding, shape: Option<Shape>) -> Self {
        let gzip = coding == Coding::Gzip;
        let signed = search.on_find == OnFind::RefuseSigned;
        Self {
            shape,
            scanner: None,
            decoder: gzip.then(|| Decoder::new(search.with.limits.decoded)),
            encoder: (gzip && !signed).then(|| Encoder::new(GZIP_LEVEL)),
            kept: (gzip && signed).then(Kept::default),
            search,
            sent: 0,
            holds: false,
        }
    }

    fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut decoded = Vec::new();
        let plain = match &mut self.decoder {
            None => piece,
            Some(decoder) => {
                decoder.push(piece, &mut decoded).map_err(|_why| Refusal::Undecodable)?;
                &decoded
            }
        };
        self.keep(piece, plain)
            .inspect_err(|_refusal| self.search.with.witness.cut(&self.search.exchange, self.sent))?;
        let out = self.scan(plain);
        self.emit(out)
    }

    /// Keeps a piece that goes on as it came: what is said beside its content goes with it.
    fn keep(&mut self, piece: &[u8], plain: &[u8]) -> Result<(), Refusal> {
        let (Some(kept), Some(decoder)) = (&mut self.kept, &mut self.decoder) else { return Ok(()) };
        if self.search.is_clean(Place::Body, &decoder.take_asides())? {
            return kept.push(piece, plain);
        }
        Err(Refusal::SignedBody)
    }

    fn finish(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        if let Some(decoder) = self.decoder.take() {
            let mut decoded = Vec::new();
            decoder.finish(&mut decoded).map_err(|_why| Refusal::Undecodable)?;
            if let Some(kept) = &mut self.kept {
                kept.push(b"", &decoded)?;
            }
            out = self.scan(&decoded);
        }
        if let Some(scanner) = &mut self.scanner {
            scanner.finish(&mut out);
        }
        let mut out = self.emit(out)?;
        if let Some(encoder) = self.encoder.take() {
            encoder.finish(&mut out);
        }
        self.holds = false;
        Ok(out)
    }

    /// Lets go of what is held back because the sender pauses.
    fn flush(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        if let Some(scanner) = &mut self.scanner {
            scanner.flush_idle(&mut out);
        }
        self.holds = false;
        self.emit(out)
    }

    fn scan(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(plain.len());
        if plain.is_empty() {
            return out;
        }
        let shape = *self.shape.get_or_insert_with(|| sniff(plain));
        let rules = &self.search.with.rules;
        self.scanner.get_or_insert_with(|| Scanner::new(rules.clone(), shape)).push(plain, &mut out);
        self.holds = true;
        out
    }

    /// Judges what was found so far before anything of this step leaves.
    fn emit(&mut self, out: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let findings = self.scanner.as_mut().map(Scanner::take_findings).unwrap_or_default();
        if let Err(refusal) = self.search.judge(Place::Body, &findings) {
            self.search.with.witness.cut(&self.search.exchange, self.sent);
            return Err(refusal);
        }
        let in_head = self.decoder.as_ref().is_some_and(Decoder::in_head);
        let out = match (&mut self.encoder, &mut self.kept) {
            (None, None) => out,
            (None, Some(kept)) => kept.release(&out, in_head)?,
            (Some(encoder), _) => {
                let mut coded = Vec::new();
                encoder.push(&out, &mut coded);
                coded
            }
        };
        self.sent = self.sent.saturating_add(out.len() as u64);
        Ok(out)
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
