use super::decoder::Decoder;
use super::encoder::Encoder;
use super::{Budget, Coding, CodingError};

/// Decodes a body with codings laid over each other.
#[derive(Debug)]
pub struct Decoders {
    /// The outermost first.
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    decoder: Decoder,
    /// What the layer before has decoded, taken up to `at`.
    pending: Vec<u8>,
    at: usize,
}

impl Decoders {
    /// For `codings` in the order they were applied, which is the order of `Content-Encoding`. Each has the whole `budget`, but only the
    /// innermost may be a snappy block, which comes out in one piece.
    #[must_use]
    pub fn new(codings: &[Coding], budget: Budget) -> Self {
        let layer = |(depth, coding): (usize, &Coding)| {
            let block = if depth == 0 { budget.block } else { 0 };
            Layer { decoder: Decoder::new(*coding, Budget { block, ..budget }), pending: Vec::new(), at: 0 }
        };
        Self { layers: codings.iter().enumerate().rev().map(layer).collect() }
    }

    /// As [`Decoder::step`].
    ///
    /// # Errors
    ///
    /// [`CodingError`] of the layer that failed.
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, CodingError> {
        step(&mut self.layers, input, out)
    }

    /// As [`Decoder::finish`], once [`step`](Self::step) has said false.
    ///
    /// # Errors
    ///
    /// [`CodingError`] of the layer that failed.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CodingError> {
        let Some((inner, outer)) = self.layers.split_last_mut() else { return Ok(()) };
        for layer in outer {
            layer.decoder.finish(&mut Vec::new())?;
        }
        inner.decoder.finish(out)
    }

    /// As [`Decoder::take_asides`], of all layers.
    pub fn take_asides(&mut self) -> Vec<u8> {
        self.layers.iter_mut().flat_map(|layer| layer.decoder.take_asides()).collect()
    }

    /// As [`Decoder::is_aside`], of any layer.
    #[must_use]
    pub fn is_aside(&self) -> bool {
        self.layers.iter().any(|layer| layer.decoder.is_aside())
    }

    /// As [`Decoder::memory`], of all layers.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.layers.iter().map(|layer| layer.decoder.memory().saturating_add(layer.pending.capacity())).sum()
    }

    /// Encoders that lay the same codings over what was decoded.
    #[must_use]
    pub fn encoders(&self) -> Encoders {
        Encoders { layers: self.layers.iter().rev().map(|layer| layer.decoder.encoder()).collect() }
    }
}

/// The innermost layer first: what is decoded is taken on before more is decoded.
fn step(layers: &mut [Layer], input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, CodingError> {
    let Some((inner, outer)) = layers.split_last_mut() else { return Ok(false) };
    if outer.is_empty() {
        return inner.decoder.step(input, out);
    }
    let mut pending = inner.pending.get(inner.at..).unwrap_or_default();
    let stepped = inner.decoder.step(&mut pending, out)?;
    inner.at = inner.pending.len() - pending.len();
    if stepped {
        return Ok(true);
    }
    inner.pending.clear();
    inner.at = 0;
    step(outer, input, &mut inner.pending)
}

/// Encodes a body with codings laid over each other.
#[derive(Debug)]
pub struct Encoders {
    /// The innermost first.
    layers: Vec<Encoder>,
}

impl Encoders {
    /// As [`Encoder::push`].
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.through(piece, out, Encoder::push);
    }

    /// As [`Encoder::flush`].
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.through(&[], out, |encoder, piece, out| {
            encoder.push(piece, out);
            encoder.flush(out);
        });
    }

    fn through(&mut self, piece: &[u8], out: &mut Vec<u8>, each: fn(&mut Encoder, &[u8], &mut Vec<u8>)) {
        let mut piece = piece.to_vec();
        for layer in &mut self.layers {
            let mut next = Vec::new();
            each(layer, &piece, &mut next);
            piece = next;
        }
        out.append(&mut piece);
    }

    /// As [`Encoder::finish`].
    pub fn finish(self, out: &mut Vec<u8>) {
        let mut piece = Vec::new();
        for mut layer in self.layers {
            let mut next = Vec::new();
            layer.push(&piece, &mut next);
            layer.finish(&mut next);
            piece = next;
        }
        out.append(&mut piece);
    }

    /// As [`Encoder::memory`], of all layers.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.layers.iter().map(Encoder::memory).sum()
    }
}
