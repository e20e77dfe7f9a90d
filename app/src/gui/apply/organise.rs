//! What the person makes of photos: marks, albums, saved searches; and how any of it is undone.

use std::collections::BTreeSet;

use sightline_core::engine::Made;
use sightline_core::index::{ContentHash, Marks};

use super::query;
use super::{fail, failed};
use crate::gui::command::{Direction, MarkEdit};
use crate::gui::state::{Edit, SavedQuery, State};
use crate::gui::task::{Pace, Task};
use crate::gui::text;
use crate::gui::translate::{tr, tr_with};

/// Marks all chosen photos.
pub fn mark(state: &mut State, edit: &MarkEdit) -> Vec<Task> {
    let chosen = state.selection.photos();
    let entries = chosen.iter().filter_map(|photo| state.answer.entry(*photo));
    let mut seen = BTreeSet::new();
    let things: Vec<Made> = entries
        .filter(|entry| seen.insert(entry.hash))
        .filter_map(|entry| {
            let before = entry.marks();
            let now = edited(&before, edit);
            (now != before).then_some(Made::Marks(entry.hash, now))
        })
        .collect();
    make(things, edit.name().to_owned())
}

/// These marks after an edit.
fn edited(marks: &Marks, edit: &MarkEdit) -> Marks {
    let mut marks = marks.clone();
    match edit {
        MarkEdit::Favourite(is_favourite) => marks.is_favourite = *is_favourite,
        MarkEdit::Rate(stars) => marks.rating = *stars,
        MarkEdit::Note(note) => marks.note = note.trim().to_owned(),
        MarkEdit::AddTag(tag) => {
            let tag = tag.trim();
            let is_there = tag.is_empty() || marks.tags.iter().any(|known| known == tag);
            marks.tags.extend((!is_there).then(|| tag.to_owned()));
            marks.tags.sort();
        }
        MarkEdit::RemoveTag(tag) => marks.tags.retain(|known| known != tag),
    }
    marks
}

/// Asks for things to be made, unless there are none.
fn make(things: Vec<Made>, name: String) -> Vec<Task> {
    if things.is_empty() { Vec::new() } else { vec![Task::Make { things, name, direction: Direction::Do }] }
}

/// The photos that are chosen, each once.
fn chosen(state: &State) -> Vec<ContentHash> {
    let hashes = state.selection.photos().into_iter().filter_map(|photo| Some(state.answer.entry(photo)?.hash));
    hashes.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Puts the chosen photos into an album, which is made if it is not there.
pub fn add_to_album(state: &mut State, name: &str) -> Vec<Task> {
    let name = name.trim();
    if name.is_empty() {
        return fail(state, tr("an album needs a name; type one"));
    }
    let known = state.library.album(name).map(|album| album.photos.clone()).unwrap_or_default();
    let photos: BTreeSet<ContentHash> = known.into_iter().chain(chosen(state)).collect();
    make(vec![Made::Album(name.to_owned(), Some(photos.into_iter().collect()))], tr("Put into an album").to_owned())
}

/// Takes the chosen photos out of an album.
pub fn remove_from_album(state: &mut State, name: &str) -> Vec<Task> {
    let Some(album) = state.library.album(name) else { return Vec::new() };
    let gone = chosen(state);
    let photos = album.photos.iter().filter(|photo| !gone.contains(photo)).copied().collect();
    make(vec![Made::Album(name.to_owned(), Some(photos))], tr("Taken out of an album").to_owned())
}

/// Gives an album another name.
pub fn rename_album(state: &mut State, old: &str, new: &str) -> Vec<Task> {
    let new = new.trim();
    let Some(album) = state.library.album(old).filter(|_| old != new) else { return Vec::new() };
    if new.is_empty() || state.library.album(new).is_some() {
        return fail(state, tr("this name is taken or empty; choose another one"));
    }
    let photos = Some(album.photos.clone());
    let things = vec![Made::Album(old.to_owned(), None), Made::Album(new.to_owned(), photos)];
    make(things, tr("Album renamed").to_owned())
}

/// Deletes an album; its photos stay.
pub fn delete_album(state: &mut State, name: &str) -> Vec<Task> {
    let tasks = make(vec![Made::Album(name.to_owned(), None)], tr("Album deleted").to_owned());
    if state.query.album.as_deref() == Some(name) { [query::show_album(state, None), tasks].concat() } else { tasks }
}

/// Keeps the query under a name.
pub fn save_search(state: &mut State, name: &str) -> Vec<Task> {
    let name = name.trim();
    if name.is_empty() {
        return fail(state, tr("a saved search needs a name; type one"));
    }
    let Some(json) = SavedQuery::of(&state.query).to_json() else {
        let error = tr("a path of this search is no Unicode text and cannot be saved; rename the folder or the file");
        return fail(state, error);
    };
    make(vec![Made::Search(name.to_owned(), Some(json))], tr("Search saved").to_owned())
}

/// Searches again as it was saved.
pub fn open_search(state: &mut State, name: &str) -> Vec<Task> {
    let Some(search) = state.library.searches.iter().find(|search| search.name == name) else { return Vec::new() };
    match SavedQuery::from_json(&search.json) {
        Some(saved) => query::change(state, |query| *query = saved.into_query()),
        None => fail(state, tr("this search was saved by a newer Sightline; use that one")),
    }
}

/// Forgets a saved search.
pub fn delete_search(name: &str) -> Vec<Task> {
    make(vec![Made::Search(name.to_owned(), None)], tr("Search deleted").to_owned())
}

/// Something was made: what was before can be put back.
pub fn made(
    state: &mut State,
    (name, direction): (String, Direction),
    before: sightline_core::Result<Vec<Made>>,
) -> Vec<Task> {
    let things = match before {
        Ok(things) => things,
        Err(error) => return failed(state, &error),
    };
    state.done = Some(done_text(&name, &things, direction));
    remember(state, Edit::Made { things, name }, direction);
    // Albums may hold other photos now.
    let mut tasks = vec![Task::ReadLibrary];
    if state.query.album.is_some() {
        tasks.extend(query::search(state, Pace::Now));
    }
    tasks
}

fn done_text(name: &str, things: &[Made], direction: Direction) -> String {
    let photos = things.iter().filter(|thing| matches!(thing, Made::Marks(..))).count();
    let what = if photos > 0 { format!("{name}: {}", text::photos(photos)) } else { name.to_owned() };
    match direction {
        Direction::Undo => tr_with("Undone: {}", &[&what]),
        Direction::Do | Direction::Redo => what,
    }
}

/// Goes back one step.
pub fn undo(state: &mut State) -> Vec<Task> {
    let edit = state.history.undo();
    step(state, edit, Direction::Undo)
}

/// Does again what was undone.
pub fn redo(state: &mut State) -> Vec<Task> {
    let edit = state.history.redo();
    step(state, edit, Direction::Redo)
}

fn step(state: &mut State, edit: Option<Edit>, direction: Direction) -> Vec<Task> {
    match edit {
        Some(Edit::Query(other)) => {
            let now = std::mem::replace(&mut state.query, *other);
            remember(state, Edit::Query(Box::new(now)), direction);
            query::changed(state, Pace::Now)
        }
        Some(Edit::Made { things, name }) => vec![Task::Make { things, name, direction }],
        None => Vec::new(),
    }
}

/// Keeps what goes back to where this step began.
fn remember(state: &mut State, edit: Edit, direction: Direction) {
    match direction {
        Direction::Do => state.history.push(edit),
        Direction::Undo => state.history.push_future(edit),
        Direction::Redo => state.history.push_past(edit),
    }
}
