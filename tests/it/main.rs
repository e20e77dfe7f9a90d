//! Tests across crates, one binary: every file below is a subject.

mod tidy;
