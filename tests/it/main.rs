//! Sightline's tests across crates, in one binary. In: fixtures and folders of their own. Out: passed or not.

mod hub;
