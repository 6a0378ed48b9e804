//! What is compressed within a message, and how much all of it may become.

use std::cell::Cell;

use super::{FramingError, Place, Step, Texts};
use crate::coding::{Budget, Coding, CodingError, DENSE, Decoders};

/// Unpacks what is compressed within the units of one body. Many small ones together become no more than one large one may: the ratio
/// of the budget holds for all that has gone by.
#[derive(Debug)]
pub(super) struct Unpacker {
    budget: Budget,
    /// Most bytes that one may become.
    most: usize,
    /// How many bytes of the body have gone by, and how many were decoded from them.
    taken: u64,
    given: u64,
    /// How many were decoded from the unit at hand, however often it is gone through.
    unit: Cell<u64>,
}

/// Something that was compressed.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) plain: Vec<u8>,
    decoders: Decoders,
    /// What stood beside it in the clear is not to go on.
    pub(super) beside: bool,
}

impl Unpacker {
    pub(super) const fn new(budget: Budget, most: usize) -> Self {
        Self { budget, most, taken: 0, given: 0, unit: Cell::new(0) }
    }

    /// Unpacks the one thing that is compressed in a unit. What it says beside its content is told as a text.
    pub(super) fn unpack(&self, coding: Coding, coded: &[u8], texts: &mut dyn Texts) -> Result<Unpacked, FramingError> {
        let taken = self.taken.saturating_add(coded.len() as u64);
        let allowed = taken.saturating_mul(self.budget.ratio.into()).max(DENSE).saturating_sub(self.given);
        let output = self.budget.output.min(self.most as u64).min(allowed);
        let budget = Budget { output, block: self.budget.block.max(self.most), ..self.budget };
        let mut decoders = Decoders::new(&[coding], budget);
        let (mut input, mut plain) = (coded, Vec::new());
        while decoders.step(&mut input, &mut plain).map_err(unreadable)? {}
        decoders.finish(&mut plain).map_err(unreadable)?;
        self.unit.set(plain.len() as u64);
        let asides = decoders.take_asides();
        let told = !asides.is_empty();
        let beside = told && texts.text(&Place { path: &BESIDE, fixed: false }, &asides).is_some();
        Ok(Unpacked { plain, decoders, beside })
    }

    /// The unit has gone by.
    pub(super) fn pass(&mut self, unit: &[u8]) {
        self.taken = self.taken.saturating_add(unit.len() as u64);
        self.given = self.given.saturating_add(self.unit.take());
    }
}

impl Unpacked {
    /// Encodes what stands there instead as it was encoded, with nothing beside it.
    pub(super) fn pack(&self, plain: &[u8]) -> Vec<u8> {
        let (mut encoders, mut coded) = (self.decoders.encoders(), Vec::new());
        encoders.push(plain, &mut coded);
        encoders.finish(&mut coded);
        coded
    }
}

const fn unreadable(why: CodingError) -> FramingError {
    match why {
        CodingError::TooLarge | CodingError::TooDense => FramingError::TooLarge,
        CodingError::Malformed | CodingError::Truncated => FramingError::Malformed,
        CodingError::TooManyMembers | CodingError::WindowTooLarge => FramingError::Malformed,
    }
}

const BESIDE: [Step<'static>; 1] = [Step::Field("beside")];
