//! Sightline's tests across crates, in one binary.

mod cli;
mod hub;
mod parity_families;
mod tidy;
