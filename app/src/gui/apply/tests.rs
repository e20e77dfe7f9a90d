//! What each command makes of the state, and which work follows.

use super::*;
use crate::gui::state::tests::{entry, hit};
use sightline_core::index::Vectors;
use sightline_core::models::ModelIdentity;
use sightline_core::search::Why;

fn snapshot(paths: &[&str]) -> Arc<Snapshot> {
    let identity = ModelIdentity { id: "toy".to_owned(), digest: "0".to_owned() };
    let entries = paths.iter().map(|path| entry(path)).collect();
    Arc::new(Snapshot { entries, vectors: Arc::new(Vectors::empty(identity, 1)), entries_of_row: Vec::new() })
}

fn report(paths: &[&str]) -> SearchReport {
    let hits = (0..paths.len() as u32).map(|i| hit(i, Why::Semantic, None)).collect();
    SearchReport { snapshot: snapshot(paths), hits, notes: Vec::new(), milliseconds: 1.0 }
}

fn found(state: &mut State, finding: Finding) -> Vec<Task> {
    apply(state, Command::Found(finding))
}

/// The kinds of tasks, in short.
fn kinds(tasks: &[Task]) -> Vec<String> {
    tasks.iter().map(|task| format!("{task:?}").split([' ', '(', '{']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_letter_is_a_new_search_that_waits_for_a_pause() {
    let mut state = State::default();
    for (text, expected) in [("d", 1), ("do", 2), ("dog", 3)] {
        let tasks = apply(&mut state, Command::SearchText(text.to_owned()));
        let [Task::Search { number, pace, .. }] = &tasks[..] else { panic!("{tasks:?}") };
        assert_eq!((*number, *pace), (expected, Pace::WhenTypingPauses));
    }
}

#[test]
fn the_same_words_again_are_no_new_search() {
    let mut state = State::default();
    apply(&mut state, Command::SearchText("dog".to_owned()));
    assert!(apply(&mut state, Command::SearchText("dog".to_owned())).is_empty());
}

#[test]
fn an_answer_to_an_older_search_is_dropped() {
    let mut state = State::default();
    apply(&mut state, Command::SearchText("d".to_owned()));
    apply(&mut state, Command::SearchText("dog".to_owned()));
    found(&mut state, Finding::Answer(1, Ok(report(&["/stale.jpg"]))));
    assert!(state.answer.hits.is_empty() && state.is_searching);
    found(&mut state, Finding::Answer(2, Ok(report(&["/right.jpg"]))));
    assert_eq!((state.answer.hits.len(), state.is_searching), (1, false));
}

#[test]
fn the_chosen_photo_stays_chosen_when_the_library_grows() {
    let mut state = State::default();
    found(&mut state, Finding::Library(snapshot(&["/b.jpg"])));
    found(&mut state, Finding::Answer(1, Ok(report(&["/b.jpg"]))));
    assert_eq!(state.selection, Some(0));
    found(&mut state, Finding::Library(snapshot(&["/a.jpg", "/b.jpg"])));
    found(&mut state, Finding::Answer(2, Ok(report(&["/a.jpg", "/b.jpg"]))));
    assert_eq!(state.selection, Some(1));
}

#[test]
fn another_query_chooses_its_first_photo() {
    let mut state = State::default();
    found(&mut state, Finding::Library(snapshot(&[])));
    found(&mut state, Finding::Answer(1, Ok(report(&["/a.jpg", "/b.jpg"]))));
    apply(&mut state, Command::Select(1));
    apply(&mut state, Command::SearchText("dog".to_owned()));
    found(&mut state, Finding::Answer(2, Ok(report(&["/a.jpg", "/b.jpg"]))));
    assert_eq!(state.selection, Some(0));
}

#[test]
fn folders_are_indexed_one_after_the_other() {
    let mut state = State::default();
    assert_eq!(kinds(&apply(&mut state, Command::AddFolder("/a".into()))), ["Index"]);
    assert_eq!(kinds(&apply(&mut state, Command::AddFolder("/b".into()))), [""; 0]);
    assert_eq!(kinds(&found(&mut state, Finding::Indexed(Ok(IndexReport::default())))), ["ReadLibrary", "Index"]);
    assert_eq!(kinds(&found(&mut state, Finding::Indexed(Ok(IndexReport::default())))), ["ReadLibrary"]);
    assert!(state.indexing.is_none());
}

#[test]
fn a_change_while_indexing_is_looked_at_once_afterwards() {
    let mut state = State::default();
    apply(&mut state, Command::AddFolder("/a".into()));
    assert_eq!(kinds(&found(&mut state, Finding::FoldersChanged)), [""; 0]);
    assert_eq!(kinds(&found(&mut state, Finding::FoldersChanged)), [""; 0]);
    let tasks = found(&mut state, Finding::Indexed(Ok(IndexReport::default())));
    assert!(matches!(&tasks[..], [Task::ReadLibrary, Task::Index(folders)] if folders.is_empty()), "{tasks:?}");
    assert_eq!(kinds(&found(&mut state, Finding::Indexed(Ok(IndexReport::default())))), ["ReadLibrary"]);
}

#[test]
fn a_change_while_indexing_waits_for_the_added_folders_and_not_for_what_was_stopped() {
    let mut state = State::default();
    apply(&mut state, Command::AddFolder("/a".into()));
    apply(&mut state, Command::AddFolder("/b".into()));
    found(&mut state, Finding::FoldersChanged);
    found(&mut state, Finding::Indexed(Ok(IndexReport::default())));
    assert!(state.is_look_due, "only the folder that waited is looked at");
    apply(&mut state, Command::StopIndexing);
    found(&mut state, Finding::FoldersChanged);
    assert_eq!(kinds(&found(&mut state, Finding::Indexed(Err(Error::Cancelled)))), ["ReadLibrary"]);
}

#[test]
fn the_folders_are_watched_anew_only_when_others_are_there() {
    let mut state = State::default();
    let folder = |path: &str, is_offline| FolderRecord { is_offline, ..FolderRecord::new(path.into()) };
    let mut check = |folders: Vec<FolderRecord>, expected: &[&str]| {
        assert_eq!(kinds(&found(&mut state, Finding::LibraryRead(Ok((folders, Vec::new()))))), expected);
    };
    check(Vec::new(), &[]);
    check(vec![folder("/a", false)], &["Watch"]);
    check(vec![folder("/a", false)], &[]);
    check(vec![folder("/a", true)], &["Watch"]);
    check(vec![folder("/a", false), folder("/b", false)], &["Watch"]);
    check(Vec::new(), &["Watch"]);
}

#[test]
fn stopping_ends_the_queue_too_and_is_no_error() {
    let mut state = State::default();
    apply(&mut state, Command::AddFolder("/a".into()));
    apply(&mut state, Command::AddFolder("/b".into()));
    assert_eq!(kinds(&apply(&mut state, Command::StopIndexing)), ["StopIndexing"]);
    assert_eq!(kinds(&found(&mut state, Finding::Indexed(Err(Error::Cancelled)))), ["ReadLibrary"]);
    assert_eq!(state.error, None);
}

#[test]
fn an_error_is_a_sentence() {
    let mut state = State::default();
    found(&mut state, Finding::Failed(Error::bad_request("the disk is full", "free some space")));
    assert_eq!(state.error.as_deref(), Some("The disk is full; free some space."));
}

#[test]
fn without_a_dialog_the_path_is_asked_for() {
    let mut state = State::default();
    found(&mut state, Finding::FolderChosen(Choice::NoDialog));
    assert!(state.is_path_asked);
    apply(&mut state, Command::AddFolder("/a".into()));
    assert!(!state.is_path_asked);
}

#[test]
fn a_dropped_folder_is_added_and_a_dropped_picture_is_searched_by() {
    let mut state = State::default();
    let dropped = Finding::Dropped { folders: vec!["/a".into()], files: vec!["/b.jpg".into()] };
    assert_eq!(kinds(&found(&mut state, dropped)), ["Index"]);
    let dropped = Finding::Dropped { folders: Vec::new(), files: vec!["/b.jpg".into()] };
    assert_eq!(kinds(&found(&mut state, dropped)), ["Search"]);
    assert_eq!(state.query.picture, Some("/b.jpg".into()));
}

#[test]
fn the_large_view_takes_only_the_picture_that_it_shows() {
    let mut state = State::default();
    found(&mut state, Finding::Library(snapshot(&[])));
    found(&mut state, Finding::Answer(1, Ok(report(&["/a.jpg", "/b.jpg"]))));
    apply(&mut state, Command::OpenViewer(0));
    assert_eq!(kinds(&apply(&mut state, Command::Select(1))), ["LoadPicture"]);
    found(&mut state, Finding::Picture("/a.jpg".into(), Err(Error::Cancelled)));
    assert!(state.viewer.as_ref().is_some_and(|viewer| matches!(viewer.picture, Loaded::Waiting)));
}
