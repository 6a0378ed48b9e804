//! Policy as written, as checked, and what it decides.
