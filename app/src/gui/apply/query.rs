//! The query: its chips, its filter, its order, and the answers to it.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::Result;
use sightline_core::engine::SearchReport;
use sightline_core::search::Filter;

use super::failed;
use crate::gui::state::{Answer, Chip, Edit, Page, Picked, Query, Selection, Sign, State, sections};
use crate::gui::task::{Pace, Task};

/// Changes the query, remembers how to undo that, and searches. Nothing happens where nothing changes.
pub fn change(state: &mut State, change: impl FnOnce(&mut Query)) -> Vec<Task> {
    let before = state.query.clone();
    change(&mut state.query);
    if state.query == before {
        return Vec::new();
    }
    state.history.push(Edit::Query(Box::new(before)));
    changed(state, Pace::Now)
}

/// Words are being typed. All letters of one word are one step to undo.
pub fn type_words(state: &mut State, words: String) -> Vec<Task> {
    if state.query.draft == words {
        return Vec::new();
    }
    if state.query.draft.is_empty() {
        state.history.push(Edit::Query(Box::new(state.query.clone())));
    }
    state.query.draft = words;
    // Looking at everything again needs no patience: no further letter is coming.
    let pace = if state.query.is_browsing() { Pace::Now } else { Pace::WhenTypingPauses };
    changed(state, pace)
}

/// The query is another one: photos are shown, and searched for.
pub fn changed(state: &mut State, pace: Pace) -> Vec<Task> {
    state.page = Page::Photos;
    state.viewer = None;
    state.compared = None;
    state.error = None;
    search(state, pace)
}

/// What was typed becomes a chip, so that another can be typed.
pub fn keep_draft(state: &mut State) -> Vec<Task> {
    change(state, |query| {
        if let Some(chip) = Chip::typed(&query.draft) {
            query.chips.push(chip);
            query.draft.clear();
        }
    })
}

/// Photos like this chip, and nothing else counts.
pub fn search_by(state: &mut State, chip: Chip) -> Vec<Task> {
    change(state, |query| *query = Query { chips: vec![chip], ..query.without_terms() })
}

/// One more chip.
pub fn add_chip(state: &mut State, chip: Chip) -> Vec<Task> {
    change(state, |query| {
        query.chips.extend(Chip::typed(&std::mem::take(&mut query.draft)));
        query.chips.push(chip);
    })
}

/// Changes the chip at this place, if it is there still.
pub fn change_chip(state: &mut State, place: usize, edit: impl FnOnce(&mut Chip)) -> Vec<Task> {
    change(state, |query| {
        if let Some(chip) = query.chips.get_mut(place) {
            edit(chip);
        }
    })
}

/// Takes a chip out.
pub fn remove_chip(state: &mut State, place: usize) -> Vec<Task> {
    change(state, |query| {
        if place < query.chips.len() {
            query.chips.remove(place);
        }
    })
}

/// Puts a chip where another one is.
pub fn move_chip(state: &mut State, from: usize, to: usize) -> Vec<Task> {
    let count = state.query.chips.len();
    if from >= count || to >= count {
        return Vec::new();
    }
    change(state, |query| {
        let chip = query.chips.remove(from);
        query.chips.insert(to, chip);
    })
}

/// Wanted becomes unwanted, and the other way round.
pub fn flip(chip: &mut Chip) {
    chip.sign = if chip.sign == Sign::Like { Sign::Not } else { Sign::Like };
}

/// Only photos in this folder, or in all.
pub fn show_folder(state: &mut State, folder: Option<PathBuf>) -> Vec<Task> {
    state.is_sidebar_open = false;
    state.page = Page::Photos;
    state.viewer = None;
    change(state, |query| query.filter.folders = folder.into_iter().collect())
}

/// Every photo, of all folders.
pub fn show_all(state: &mut State) -> Vec<Task> {
    state.is_sidebar_open = false;
    state.page = Page::Photos;
    state.viewer = None;
    change(state, |query| {
        query.album = None;
        query.picked = None;
        query.filter = Filter::default();
    })
}

/// Only these photos.
pub fn show_picked(state: &mut State, picked: Picked) -> Vec<Task> {
    state.page = Page::Photos;
    change(state, |query| *query = Query { picked: Some(picked), sort: query.sort, ..Query::default() })
}

/// Only photos of this album, or of none in particular.
pub fn show_album(state: &mut State, album: Option<String>) -> Vec<Task> {
    state.is_sidebar_open = false;
    state.page = Page::Photos;
    state.viewer = None;
    change(state, |query| query.album = album)
}

/// Asks for what the query says.
pub fn search(state: &mut State, pace: Pace) -> Vec<Task> {
    state.newest_search += 1;
    state.is_searching = true;
    let album = state.query.album.as_deref().map(|name| state.library.album(name));
    let photos = album.map(|album| album.map(|album| album.photos.iter().copied().collect()).unwrap_or_default());
    let request = state.query.request(photos.map(Arc::new));
    vec![Task::Search { number: state.newest_search, request, pace }]
}

/// An answer to anything but the newest search comes too late.
pub fn answered(state: &mut State, number: u64, result: Result<SearchReport>) -> Vec<Task> {
    if number != state.newest_search {
        return Vec::new();
    }
    state.is_searching = false;
    match result {
        Ok(report) => {
            show(state, number, report);
            Vec::new()
        }
        Err(error) => failed(state, &error),
    }
}

fn show(state: &mut State, number: u64, report: SearchReport) {
    let chosen: Vec<_> =
        state.selection.photos().into_iter().filter_map(|i| Some(state.answer.entry(i)?.hash)).collect();
    let cursor = state.selected().map(|entry| entry.hash);
    let is_same_query = state.answer.query == state.query;
    state.answer = Answer {
        sections: sections(&report.hits, &state.query, &report.snapshot),
        query: state.query.clone(),
        number,
        snapshot: Some(report.snapshot),
        hits: report.hits,
        notes: report.notes,
        milliseconds: report.milliseconds,
    };
    let kept = cursor.filter(|_| is_same_query).and_then(|hash| state.answer.position(&hash));
    let first = (!state.answer.hits.is_empty()).then_some(0);
    state.selection = Selection::one(kept.or(first));
    if kept.is_some() && chosen.len() > 1 {
        state.selection.add(state.answer.positions(&chosen));
    }
    if kept.is_none() {
        state.viewer = None;
    }
}
