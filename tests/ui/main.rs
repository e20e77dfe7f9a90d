//! The window, driven without a display: every panel is asked by label, and the main screens are drawn once.

mod first_run;
mod inspecting;
mod organising;
mod pages;
mod pictures;
mod points;
mod searching;
mod support;
mod trouble;
mod viewing;
mod watching;
