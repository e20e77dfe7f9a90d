//! Tests across crates, one binary. Each module is one promise of the README.

mod bad_inputs;
mod media;
