//! German: English, and what it is in German, part by part of the window.

use std::collections::HashMap;
use std::sync::LazyLock;

mod inspect;
mod library;
mod models;
mod pages;
mod photos;
mod search;

/// English and German.
type Words = &'static [(&'static str, &'static str)];

/// Every part of the window.
const PARTS: &[Words] = &[search::WORDS, photos::WORDS, pages::WORDS, library::WORDS, models::WORDS, inspect::WORDS];

/// Looked up once a label and frame.
static BY_ENGLISH: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| entries().collect());

/// The German of these English words, if there is any.
pub fn of(english: &str) -> Option<&'static str> {
    BY_ENGLISH.get(english).copied()
}

/// All of them.
pub fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    PARTS.iter().copied().flatten().copied()
}
