//! Sightline's two faces over `sightline-core`: the command line and the window.

pub mod cli;
pub mod gui;
