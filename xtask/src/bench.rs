//! `cargo xtask bench`: measurements of the built binary.

mod start;

pub(crate) use start::start;
