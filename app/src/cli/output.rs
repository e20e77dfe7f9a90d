//! Where a command's words go: stdout for answers, stderr for everything else. The only file that prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{IsTerminal as _, Write as _};

use anyhow::Result;
use serde::Serialize;
use sightline_core::Problem;

/// How many problem files are named before the rest is only counted.
const PROBLEMS_SHOWN: usize = 20;

/// How a command speaks.
pub struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    /// `json`: one document instead of text. `quiet`: no progress and no notes.
    pub fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// The answer: `document` as JSON, or the lines of `text`.
    ///
    /// # Errors
    /// A document that JSON cannot hold.
    pub fn answer(&self, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let answer = if self.json { serde_json::to_string_pretty(document)? } else { text() };
        let answer = answer.trim_end();
        if !answer.is_empty() {
            // A closed pipe (`| head`) is no error of ours.
            writeln!(std::io::stdout(), "{answer}").ok();
        }
        Ok(())
    }

    /// One line of JSON of a stream of answers, whole as soon as it is there.
    ///
    /// # Errors
    /// A document that JSON cannot hold, or a reader that has gone: then there is nobody to answer.
    pub fn line(&self, document: &impl Serialize) -> sightline_core::Result<()> {
        let line = serde_json::to_string(document).map_err(std::io::Error::other)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}")?;
        Ok(out.flush()?)
    }

    /// Something the person should know that is no part of the answer.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Files that could not be used; JSON carries them in the document instead.
    pub fn problems(&self, problems: &[Problem]) {
        if self.json || self.quiet || problems.is_empty() {
            return;
        }
        for problem in problems.iter().take(PROBLEMS_SHOWN) {
            eprintln!("  {}: {}", problem.path.display(), problem.reason);
        }
        if let Some(more) = problems.len().checked_sub(PROBLEMS_SHOWN).filter(|more| *more > 0) {
            eprintln!("  and {more} more; --json lists them all");
        }
    }

    /// Why the command is not done, in one line.
    pub fn error(&self, error: &anyhow::Error) {
        eprintln!("sightline: {}", format!("{error:#}").replace('\n', " "));
    }

    /// Whether a progress bar makes sense.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }
}
