//! Whether a language has words for all of the window, read off the sources: every text that a person may see is in
//! its table, and nothing else is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sightline_core::engine;

use super::*;

/// A model folder of the tests of parity.
const TINY_MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/parity/fixtures/checkpoints/dinov2_hf");

/// What is read on the terminal when there is no window, or in the log, and is English there.
const OUTSIDE_THE_WINDOW: [&str; 3] = ["adapter.rs", "mod.rs", "textures.rs"];

/// What looks like words and is none: a name, and what an attribute calls.
const NO_WORDS: [&str; 2] = ["Sightline", "Option::is_none"];

/// What is the same in every language.
const UNITS: [&str; 5] = ["kB", "mm", "ms", "px", "s"];

/// A text of the sources.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Literal {
    text: String,
    place: Place,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Given to a translation.
    Call,
    /// In a table, which is translated where it is drawn.
    Constant,
    Elsewhere,
}

#[test]
fn values_take_the_place_of_braces() {
    assert_eq!(filled("{} of {} photos", &["3", "20"]), "3 of 20 photos");
    assert_eq!(filled("no photos", &["3"]), "no photos");
}

#[test]
fn what_a_language_lacks_is_english() {
    speak(Language::German);
    let found = [tr("Undo"), tr("no such words")];
    speak(Language::English);
    assert_eq!(found, ["Rückgängig", "no such words"]);
}

#[test]
fn german_keeps_every_brace_and_says_nothing_twice() {
    let braces = |text: &str| text.matches("{}").count();
    let mut seen = BTreeSet::new();
    for (english, german) in german::entries() {
        assert_eq!(braces(english), braces(german), "{english}");
        assert!(!german.is_empty() && seen.insert(english), "{english}");
    }
}

#[test]
fn every_text_of_the_window_is_translated() {
    let is_forgotten = |literal: &Literal| is_words(&literal.text) && literal.place == Place::Elsewhere;
    let forgotten: BTreeSet<Literal> = window().into_iter().filter(is_forgotten).collect();
    assert!(forgotten.is_empty(), "{forgotten:#?}");
}

#[test]
fn every_text_of_the_window_is_in_german() {
    let is_seen = |literal: &Literal| is_words(&literal.text) || literal.place == Place::Call;
    let literals = window().into_iter().filter(is_seen);
    let texts: BTreeSet<String> = literals.map(|literal| literal.text).chain(phases()).chain(models()).collect();
    assert!(texts.len() > 300, "only {} texts were found", texts.len());
    let lacking: Vec<&String> = texts.iter().filter(|text| german::of(text).is_none()).collect();
    assert!(lacking.is_empty(), "{lacking:#?}");
}

#[test]
fn nothing_in_german_is_left_over() {
    let texts = window().into_iter().map(|literal| literal.text);
    let used: BTreeSet<String> = texts.chain(phases()).chain(models()).collect();
    let unused: Vec<&str> =
        german::entries().map(|(english, _)| english).filter(|text| !used.contains(*text)).collect();
    assert!(unused.is_empty(), "{unused:#?}");
}

/// Every text in the sources of the window, without its tests.
fn window() -> Vec<Literal> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/gui"));
    let is_window = |path: &PathBuf| {
        let path = path.strip_prefix(root).unwrap();
        let is_outside = OUTSIDE_THE_WINDOW.iter().any(|file| path == Path::new(file));
        !is_outside && !path.starts_with("translate") && !path.ends_with("translate.rs") && !path.ends_with("tests.rs")
    };
    let files = sources(root).into_iter().filter(is_window);
    files.flat_map(|file| literals(&fs_err::read_to_string(file).unwrap())).collect()
}

/// What the engine says it is doing: the window shows these words.
fn phases() -> Vec<String> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src"));
    let mut phases = Vec::new();
    for file in sources(root) {
        let code = fs_err::read_to_string(file).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        let called = code.split(".phase(\"").skip(1).filter_map(|rest| rest.split('"').next());
        phases.extend(called.map(str::to_owned));
    }
    assert!(!phases.is_empty(), "no phase in {}", root.display());
    phases
}

/// What the engine's list says of models, one that was added among them.
fn models() -> Vec<String> {
    let library = tempfile::tempdir().unwrap();
    engine::add_model(library.path(), Path::new(TINY_MODEL)).unwrap();
    let rows = engine::model_rows(library.path()).unwrap();
    assert!(rows.iter().any(|row| row.state == engine::ModelState::Added));
    rows.into_iter().flat_map(|row| [row.good_at, row.licence]).filter(|text| is_sentence(text)).collect()
}

/// Whether this is more than the name of a licence.
fn is_sentence(text: &str) -> bool {
    text.contains(' ') && !text.contains(" OR ")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| match path.is_dir() {
        true => sources(&path),
        false => Vec::from_iter(path.extension().is_some_and(|ending| ending == "rs").then_some(path)),
    });
    found.collect()
}

/// Whether a person may read this: a word beside something else, or one with a capital. What is filled in is none.
fn is_words(text: &str) -> bool {
    let mut fixed = String::new();
    for (i, part) in text.split('{').enumerate() {
        fixed.push_str(if i == 0 { part } else { part.split_once('}').map_or("", |(_, after)| after) });
    }
    let words = fixed.split(|letter: char| !letter.is_alphabetic()).filter(|word| !UNITS.contains(word));
    let has_word = words.filter(|word| word.contains(char::is_lowercase)).count() > 0;
    let is_label = fixed.contains(char::is_whitespace) || fixed.starts_with(char::is_uppercase);
    has_word && is_label && !NO_WORDS.contains(&text)
}

/// The texts of a file, from its first line to its tests.
fn literals(source: &str) -> Vec<Literal> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        at += match rest.as_bytes() {
            [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'\'', b'"', b'\'', ..] => 3,
            [b'"', ..] => {
                let (text, length) = unquoted(rest);
                found.push(Literal { text, place: place(code[..at].trim_end()) });
                length
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    found
}

/// Where a text stands that comes after this code.
fn place(before: &str) -> Place {
    // Not `write_str(`.
    let is_name = |before: &str| !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    let is_call = |call: &&str| before.strip_suffix(*call).is_some_and(is_name);
    let is_constant = before.rsplit_once("const ").is_some_and(|(_, since)| !since.contains(";\n"));
    match () {
        () if ["tr(", "tr_with("].iter().any(is_call) => Place::Call,
        () if is_constant => Place::Constant,
        () => Place::Elsewhere,
    }
}

/// The text in quotes that `code` begins with, and how many bytes it takes with its quotes.
fn unquoted(code: &str) -> (String, usize) {
    let mut text = String::new();
    let mut letters = code.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (text, at + 1),
            '\\' => match letters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                // A line that goes on in the next one, without the spaces there.
                Some((_, '\n')) => while letters.next_if(|(_, letter)| letter.is_whitespace()).is_some() {},
                Some((_, other)) => text.push(other),
                None => break,
            },
            _ => text.push(letter),
        }
    }
    panic!("a text without an end: {code}");
}

#[test]
fn texts_are_found_as_the_compiler_reads_them() {
    let source = "// \"no\"\nlet a = tr(\"One\"); b('\"', tr_with(\n    \"{} of \\\n     two\\n\\\"three\\\"\", c), write_str(\"four\"));\n\
                  const A: [&str; 1] = [\"five\"];\nlet b = \"six\";\n#[cfg(test)] \"seven\"";
    let expected = [
        ("One", Place::Call),
        ("{} of two\n\"three\"", Place::Call),
        ("four", Place::Elsewhere),
        ("five", Place::Constant),
        ("six", Place::Elsewhere),
    ];
    assert_eq!(literals(source), expected.map(|(text, place)| Literal { text: text.to_owned(), place }));
}

#[test]
fn words_are_told_from_names_and_patterns() {
    for text in ["Undo", "all folders", "{} photos", "{} of {count}", "1 to 10 MB", "photos: {}"] {
        assert!(is_words(text), "{text}");
    }
    for text in [
        "status",
        "{} × {}, {}",
        "{name}: {reason}",
        "kB",
        "{side} px",
        "{} MB",
        "F5",
        "window.json",
        "{} …",
        "/home/me/Pictures",
    ] {
        assert!(!is_words(text), "{text}");
    }
}
