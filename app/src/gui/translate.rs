//! The window's words in the language of the person. English is the key and the fallback; every other language is one
//! table. What numbers and names go into stands in braces: "{} photos".

use std::cell::Cell;

use serde::{Deserialize, Serialize};

mod german;
#[cfg(test)]
mod tests;

/// A language of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

/// Every language, in menu order, each in its own words.
pub const LANGUAGES: &[(Language, &str)] = &[(Language::English, "English"), (Language::German, "Deutsch")];

thread_local! {
    // One thread draws a window, and tests draw several windows at once. Work beside it is told: see `work.rs`.
    static SPOKEN: Cell<Language> = const { Cell::new(Language::English) };
}

/// Speaks this language on this thread from now on.
pub fn speak(language: Language) {
    SPOKEN.set(language);
}

/// The language that is spoken on this thread.
pub fn spoken() -> Language {
    SPOKEN.get()
}

/// English words in the language that is spoken; English where its table lacks them.
pub fn tr(english: &'static str) -> &'static str {
    tr_data(english)
}

/// [`tr`], of words that the engine gives as data: what its list says of a model.
pub fn tr_data(english: &str) -> &str {
    match spoken() {
        Language::English => english,
        Language::German => german::of(english).unwrap_or(english),
    }
}

/// [`tr`], with `values` in place of the braces, in their order.
pub fn tr_with(english: &'static str, values: &[&str]) -> String {
    filled(tr(english), values)
}

fn filled(pattern: &str, values: &[&str]) -> String {
    let mut parts = pattern.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (i, part) in parts.enumerate() {
        filled.push_str(values.get(i).copied().unwrap_or_default());
        filled.push_str(part);
    }
    filled
}
