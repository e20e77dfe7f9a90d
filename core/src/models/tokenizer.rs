//! Text as a model reads it. In: tokenizer.json and a text. Out: token ids with their end, and what of the text the model
//! cannot read. Must never know what the ids mean to a tower.

use std::ops::Range;
use std::path::Path;

use tokenizers::{Encoding, Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy};

use crate::error::{Error, Result};

/// No query is longer; more would only be cut off, after much work.
const MAX_BYTES: usize = 1 << 13;

/// How texts of different lengths become rows of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// Every row is as long as the context: towers that pool the last token.
    ToContext,
    /// Rows keep their length; towers that look no further than the end of the text.
    None,
}

/// Reads texts for one model.
pub struct TextTokenizer {
    inner: Tokenizer,
    context: usize,
    padding: Padding,
    pad_id: u32,
    unknown_id: Option<u32>,
}

/// One text as a model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenized {
    /// The ids, with those of the start and the end of the text, and padding where the model wants it.
    pub ids: Vec<u32>,
    /// How many of them are not padding.
    pub length: usize,
    /// Whether the text was longer than the model reads; its end is then left out.
    pub is_truncated: bool,
    /// The words with a character that the model has no token for, in order.
    pub unread: Vec<String>,
}

impl TextTokenizer {
    /// Reads tokenizer.json. `context` is the most ids that the text tower takes, special ones included.
    ///
    /// # Errors
    /// A file that is no tokenizer.
    pub fn from_json(json: &[u8], context: usize, path: &Path) -> Result<Self> {
        let refused = |error: tokenizers::Error| {
            Error::bad_file(path, format!("the tokenizer cannot be read ({error})"), "download the model again")
        };
        Self::new(Tokenizer::from_bytes(json).map_err(refused)?, context, path)
    }

    /// Takes a tokenizer that was put together from other files.
    ///
    /// # Errors
    /// A context with no room for a text.
    pub(super) fn new(mut inner: Tokenizer, context: usize, path: &Path) -> Result<Self> {
        let refused = |error: tokenizers::Error| {
            Error::bad_file(
                path,
                format!("texts of {context} tokens are impossible ({error})"),
                "download the model again",
            )
        };
        inner.with_padding(None);
        inner.with_truncation(Some(truncation(context))).map_err(refused)?;
        let unknown = ["<unk>", "[UNK]"].iter().find_map(|token| inner.token_to_id(token));
        Ok(Self { inner, context, padding: Padding::None, pad_id: 0, unknown_id: unknown })
    }

    /// Pads every row to the context with `pad_id`.
    pub(super) fn padded(self, pad_id: u32) -> Self {
        Self { padding: Padding::ToContext, pad_id, ..self }
    }

    /// The most ids that the text tower takes.
    pub fn context(&self) -> usize {
        self.context
    }

    /// The id of a token ("[PAD]"), if there is one of that text.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Tokenises one text.
    ///
    /// # Errors
    /// A text that the tokenizer refuses.
    pub fn tokenize(&self, text: &str) -> Result<Tokenized> {
        let text_read = within(text, MAX_BYTES);
        let (encoding, mut unread) = self.encode(text_read)?;
        let is_truncated = text_read.len() < text.len() || !encoding.get_overflowing().is_empty();
        let mut ids = encoding.get_ids().to_vec();
        let length = ids.len();
        if self.padding == Padding::ToContext {
            ids.resize(self.context, self.pad_id);
        }
        unread.extend(self.broken(&encoding));
        Ok(Tokenized { ids, length, is_truncated, unread: words(text_read, unread) })
    }

    /// Encodes a text; characters that the vocabulary has no bytes for become spaces, and are returned.
    fn encode(&self, text: &str) -> Result<(Encoding, Vec<Range<usize>>)> {
        let refused = |error: tokenizers::Error| {
            Error::bad_request(format!("the text cannot be read ({error})"), "write it in other words")
        };
        if let Ok(encoding) = self.inner.encode(text, true) {
            return Ok((encoding, Vec::new()));
        }
        let (mut rest, mut unread) = (String::with_capacity(text.len()), Vec::new());
        for (at, character) in text.char_indices() {
            if self.inner.encode(character.to_string(), false).is_ok() {
                rest.push(character);
            } else {
                unread.push(at..at + character.len_utf8());
                rest.extend(std::iter::repeat_n(' ', character.len_utf8()));
            }
        }
        Ok((self.inner.encode(rest, true).map_err(refused)?, unread))
    }

    /// The characters that became an unknown token, or bytes: several tokens for one character.
    fn broken(&self, encoding: &Encoding) -> Vec<Range<usize>> {
        let tokens = encoding.get_offsets().iter().zip(encoding.get_ids()).zip(encoding.get_special_tokens_mask());
        let real = tokens.filter(|(_, special)| **special == 0).map(|((&(from, to), &id), _)| (from..to, id));
        let (mut broken, mut last) = (Vec::new(), 0..0);
        for (range, id) in real {
            let is_piece_of_character = !range.is_empty() && range.start < last.end;
            if is_piece_of_character || Some(id) == self.unknown_id || self.is_byte(id) {
                broken.push(range.clone());
            }
            last = range;
        }
        broken
    }

    /// SentencePiece's tokens for single bytes ("<0xE4>").
    fn is_byte(&self, id: u32) -> bool {
        let token = self.inner.id_to_token(id);
        token.is_some_and(|token| token.len() == 6 && token.starts_with("<0x") && token.ends_with('>'))
    }
}

/// The words of `text` that one of the ranges touches, each once, in order.
fn words(text: &str, ranges: Vec<Range<usize>>) -> Vec<String> {
    let touches = |from: usize, to: usize| ranges.iter().any(|range| range.start < to && from < range.end);
    let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    let mut words: Vec<&str> = text.split_whitespace().collect();
    words.retain(|word| touches(start(word), start(word) + word.len()));
    words.into_iter().map(str::to_owned).collect()
}

fn truncation(max_length: usize) -> TruncationParams {
    let (strategy, direction) = (TruncationStrategy::LongestFirst, TruncationDirection::Right);
    TruncationParams { direction, max_length, strategy, stride: 0 }
}

/// The longest beginning of at most `len` bytes that ends between characters.
fn within(text: &str, len: usize) -> &str {
    let end = (0..=len.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTER: &[u8] = include_bytes!("../../../assets/starter/tokenizer.json");

    fn starter(context: usize) -> TextTokenizer {
        TextTokenizer::from_json(STARTER, context, Path::new("tokenizer.json")).unwrap()
    }

    #[track_caller]
    fn check_unread(text: &str, expected: &[&str]) {
        assert_eq!(starter(77).tokenize(text).unwrap().unread, expected);
    }

    #[test]
    fn a_text_begins_and_ends_as_the_tower_was_taught() {
        let tokenized = starter(77).tokenize("a dog in the snow").unwrap();
        assert_eq!((tokenized.ids.first(), tokenized.ids.last()), (Some(&12286), Some(&12287)));
        assert!(!tokenized.is_truncated);
        assert_eq!(tokenized.length, tokenized.ids.len());
    }

    #[test]
    fn an_overlong_text_keeps_its_end_of_text() {
        let tokenized = starter(8).tokenize(&"dog ".repeat(100_000)).unwrap();
        assert_eq!((tokenized.ids.len(), tokenized.ids.last()), (8, Some(&12287)));
        assert!(tokenized.is_truncated);
    }

    #[test]
    fn an_empty_text_is_only_its_start_and_end() {
        assert_eq!(starter(77).tokenize("").unwrap().ids, [12286, 12287]);
    }

    #[test]
    fn padding_fills_the_context_after_the_end() {
        let tokenized = starter(6).padded(7).tokenize("").unwrap();
        assert_eq!((tokenized.ids, tokenized.length), (vec![12286, 12287, 7, 7, 7, 7], 2));
    }

    #[test]
    fn what_the_model_cannot_read_is_named() {
        check_unread("a dog in the snow", &[]);
        check_unread("a dog 狗 in the 雪地, running", &["狗", "雪地,"]);
        check_unread("", &[]);
    }

    #[test]
    fn a_word_without_tokens_leaves_the_others_readable() {
        let (alone, beside) = (starter(77).tokenize("a dog").unwrap(), starter(77).tokenize("a dog 狗").unwrap());
        // The bytes of the character stand between the words and the end, and are named.
        assert_eq!((&beside.ids[..3], beside.ids.last()), (&alone.ids[..3], alone.ids.last()));
        assert_eq!((alone.unread, beside.unread), (Vec::new(), vec!["狗".to_owned()]));
    }

    #[test]
    fn garbage_is_refused_with_the_file_named() {
        let error = TextTokenizer::from_json(b"{\"version\": 3}", 77, Path::new("tokenizer.json")).err().unwrap();
        assert!(error.to_string().contains("tokenizer.json"), "{error}");
    }
}
