//! Sightline's tests across crates, in one binary.

mod cli;
mod hub;
mod ingest;
mod tidy;
