//! Sightline's library: finds photos by meaning and defects by example. No GUI; prints nothing, asks nothing.
//!
//! Two pipelines, each in one direction:
//!
//! ```text
//! file → decoded image → tensor → embedding ─→ store → snapshot → search → hits
//!                           └→ patch features → memory → score map → verdict and regions
//! ```
//!
//! The modules below are in reading order; each uses only those before it.

pub mod error;
pub mod jobs;
pub mod media;
pub mod models;

pub mod index;

pub mod search;

pub mod anomaly;

pub mod library;

pub mod engine;

pub use error::{Error, Problem, Result};
