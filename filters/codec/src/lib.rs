//! Content codings and field readers, bounded.
