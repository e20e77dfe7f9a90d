//! German.

/// English, and what it is in German.
pub const WORDS: &[(&str, &str)] = &[];
