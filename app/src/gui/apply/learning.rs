//! A tag that is learnt from the photos that have it: suggestions, and what the person says of them.

use std::sync::Arc;

use sightline_core::Result;
use sightline_core::engine::{LearnReport, LearnRequest, Made};
use sightline_core::index::ContentHash;

use super::failed;
use crate::gui::command::{Direction, Judgement};
use crate::gui::state::{Learning, Page, State};
use crate::gui::task::Task;
use crate::gui::translate::tr;

/// So many suggestions are shown at once.
const SUGGESTIONS: usize = 60;

/// Suggests photos for a tag.
pub fn learn(state: &mut State, tag: String) -> Vec<Task> {
    state.page = Page::Learn;
    state.viewer = None;
    let is_same = state.learning.as_ref().is_some_and(|learning| learning.tag == tag);
    if !is_same {
        state.learning = Some(Learning { tag, rejected: Vec::new(), report: None, is_waiting: false });
    }
    ask(state)
}

/// Asks for suggestions from all photos that have the tag now.
pub fn ask(state: &mut State) -> Vec<Task> {
    let Some(learning) = state.learning.as_mut() else { return Vec::new() };
    let entries = state.library.snapshot.iter().flat_map(|snapshot| &snapshot.entries);
    let has_tag = entries.filter(|entry| entry.tags.contains(&learning.tag));
    let mut confirmed: Vec<ContentHash> = has_tag.map(|entry| entry.hash).collect();
    confirmed.sort_unstable();
    confirmed.dedup();
    learning.is_waiting = true;
    let (tag, rejected) = (learning.tag.clone(), learning.rejected.clone());
    vec![Task::Learn(LearnRequest { tag, confirmed, rejected, limit: SUGGESTIONS })]
}

/// Suggestions came, for the tag that is still asked about.
pub fn learnt(state: &mut State, tag: &str, result: Result<LearnReport>) -> Vec<Task> {
    let Some(learning) = state.learning.as_mut().filter(|learning| learning.tag == tag) else { return Vec::new() };
    learning.is_waiting = false;
    match result {
        Ok(report) => {
            learning.report = Some(Arc::new(report));
            Vec::new()
        }
        Err(error) => failed(state, &error),
    }
}

/// A suggested photo has the tag, or has it not. A tag is made, and can be undone; a refusal only teaches.
pub fn judge(state: &mut State, photo: ContentHash, judgement: Judgement) -> Vec<Task> {
    let Some(learning) = state.learning.as_mut() else { return Vec::new() };
    if judgement == Judgement::Rejected {
        learning.rejected.push(photo);
        return ask(state);
    }
    let mut entries = state.library.snapshot.iter().flat_map(|snapshot| &snapshot.entries);
    let Some(entry) = entries.find(|entry| entry.hash == photo) else { return Vec::new() };
    let mut marks = entry.marks();
    marks.tags.push(learning.tag.clone());
    marks.tags.sort();
    marks.tags.dedup();
    let name = tr("Tagged").to_owned();
    vec![Task::Make { things: vec![Made::Marks(photo, marks)], name, direction: Direction::Do }]
}
