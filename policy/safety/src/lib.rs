//! The safety lattice: what tightens, what loosens, and who must agree.
