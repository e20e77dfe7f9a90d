//! The window's words in the language of the person. English is the key and the fallback; every other language is one
//! table. What numbers and names go into stands in braces: "{} photos".

use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

mod german;

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

/// The one that the window speaks: one window, one language.
static SPOKEN: AtomicU8 = AtomicU8::new(0);

/// Speaks this language from the next frame on.
pub fn speak(language: Language) {
    SPOKEN.store(u8::from(language == Language::German), Ordering::Relaxed);
}

/// The language that is spoken.
pub fn spoken() -> Language {
    if SPOKEN.load(Ordering::Relaxed) == 0 { Language::English } else { Language::German }
}

/// English words in the language that is spoken; English where its table lacks them.
pub fn tr(english: &'static str) -> &'static str {
    translated(spoken(), english)
}

/// [`tr`], with `values` in place of the braces, in their order.
pub fn tr_with(english: &'static str, values: &[&str]) -> String {
    filled(tr(english), values)
}

fn translated(language: Language, english: &'static str) -> &'static str {
    match language {
        Language::English => english,
        Language::German => german::WORDS.iter().find(|(key, _)| *key == english).map_or(english, |(_, german)| german),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_place_of_braces() {
        assert_eq!(filled("{} of {} photos", &["3", "20"]), "3 of 20 photos");
        assert_eq!(filled("no photos", &["3"]), "no photos");
    }

    #[test]
    fn german_keeps_every_brace_and_says_nothing_twice() {
        let braces = |text: &str| text.matches("{}").count();
        for (english, german) in german::WORDS {
            assert_eq!(braces(english), braces(german), "{english}");
            assert_eq!(german::WORDS.iter().filter(|(key, _)| key == english).count(), 1, "{english}");
        }
    }

    #[test]
    fn what_a_language_lacks_is_english() {
        assert_eq!(translated(Language::German, "no such words"), "no such words");
    }
}
