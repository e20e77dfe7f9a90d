//! Words as people type them against names as files and tags have them. In: text of any case. Out: whether it fits.
//! Knows nothing of photos or vectors.

use std::path::Path;

/// Is `part` in `text`, whatever the case? Allocates only where one of them is not ASCII.
pub(super) fn contains(text: &str, part: &str) -> bool {
    if !text.is_ascii() || !part.is_ascii() {
        return text.to_lowercase().contains(&part.to_lowercase());
    }
    let Some((first, rest)) = part.as_bytes().split_first() else { return true };
    let starts_here = |(at, byte): (usize, &u8)| {
        // One comparison settles most places; reading a million names is worth that.
        byte.eq_ignore_ascii_case(first)
            && text.as_bytes()[at + 1..].get(..rest.len()).is_some_and(|found| found.eq_ignore_ascii_case(rest))
    };
    text.as_bytes().iter().enumerate().any(starts_here)
}

/// Are they the same, whatever the case?
pub(super) fn equals(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() { a.eq_ignore_ascii_case(b) } else { a.to_lowercase() == b.to_lowercase() }
}

/// What a file's name is sorted by: in any case, and numbers by their value. Each number stands as its length and its
/// digits, so that bytes compare as numbers do.
pub(super) fn name_key(path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let mut key = Vec::with_capacity(name.len() + 2);
    let runs = name.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    for run in runs {
        if run[0].is_ascii_digit() {
            let zeros = run.iter().take_while(|digit| **digit == b'0').count();
            let digits = &run[zeros..];
            // Between '0' and '9', where a digit stood: numbers keep their place among letters and signs.
            key.push(b'0');
            key.push(digits.len().min(255) as u8);
            key.extend(digits);
        } else {
            key.extend(run);
        }
    }
    key
}

/// What was typed, ready to be compared with many names.
pub(super) struct Exact<'a> {
    text: &'a str,
    words: Vec<&'a str>,
}

impl<'a> Exact<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: text.trim(), words: words(text).collect() }
    }

    /// Is it the file's name, with or without its extension, or are all its words whole words of the name?
    pub(super) fn is_name_of(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
        self.fits(stem) || equals(&name, self.text)
    }

    /// Is it one of the tags?
    pub(super) fn is_among(&self, tags: &[String]) -> bool {
        tags.iter().any(|tag| equals(tag, self.text))
    }

    fn fits(&self, stem: &str) -> bool {
        let has_all_words = || self.words.iter().all(|word| has_word(stem, word));
        equals(stem, self.text) || (!self.words.is_empty() && has_all_words())
    }
}

fn has_word(stem: &str, word: &str) -> bool {
    // A cheap look first: nearly all names hold no word of the query at all.
    contains(stem, word) && words(stem).any(|candidate| equals(candidate, word))
}

/// Letters and digits that stand together: "IMG_1234 (2)" has three.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, file: &str, expected: bool) {
        assert_eq!(Exact::new(query).is_name_of(Path::new(file)), expected, "{query:?} and {file:?}");
    }

    #[test]
    fn a_stem_or_a_full_name_is_exact_in_any_case() {
        check("img_1234", "/photos/IMG_1234.JPG", true);
        check("IMG_1234.jpg", "/photos/IMG_1234.JPG", true);
        check("ÉTÉ", "/photos/été.png", true);
    }

    #[test]
    fn all_words_of_the_query_must_be_whole_words_of_the_name() {
        check("dog snow", "/photos/snow-dog (2).jpg", true);
        check("dog snow", "/photos/dog.jpg", false);
        check("dog", "/photos/dogma.jpg", false);
        check("dog", "/photos/dog1.jpg", false);
    }

    #[test]
    fn the_folder_and_the_extension_are_no_words_of_the_name() {
        check("photos", "/photos/a.jpg", false);
        check("jpg", "/photos/a.jpg", false);
    }

    #[test]
    fn words_of_any_script_count() {
        check("крепость", "/photos/Крепость_1.jpg", true);
        check("富士山", "/photos/富士山.jpg", true);
    }

    #[test]
    fn signs_alone_are_not_in_every_name() {
        check("?!", "/photos/a.jpg", false);
        check("?!", "/photos/?!.jpg", true);
    }

    #[test]
    fn names_sort_as_people_count() {
        let mut names = ["b1.jpg", "IMG_10.jpg", "a.jpg", "img_9.jpg", "IMG_009b.jpg", "Ä.jpg"];
        names.sort_by_key(|name| name_key(Path::new(name)));
        assert_eq!(names, ["a.jpg", "b1.jpg", "img_9.jpg", "IMG_009b.jpg", "IMG_10.jpg", "Ä.jpg"]);
    }

    #[test]
    fn a_tag_is_exact_as_a_whole() {
        let tags = ["Family trip".to_owned()];
        assert!(Exact::new(" family TRIP ").is_among(&tags));
        assert!(!Exact::new("family").is_among(&tags));
    }

    #[test]
    fn a_part_is_found_in_any_case_and_script() {
        assert!(contains("Canon EOS 5D", "eos"));
        assert!(contains("FÜßE", "füß"));
        assert!(contains("anything", ""));
        assert!(!contains("a", "ab"));
    }
}
