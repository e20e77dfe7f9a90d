//! Sightline's tests across crates, in one binary. Each module is one promise of the README.

mod bad_inputs;
mod cli;
mod desktop;
mod home;
mod hub;
mod ingest;
mod inspect;
mod inspection_parity;
mod media;
mod organise;
mod parity;
mod parity_families;
mod precision;
mod starter;
mod tidy;
mod window;
