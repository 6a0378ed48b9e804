//! The tower layers a request passes.
