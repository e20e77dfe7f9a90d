//! What each command makes of the state, and which work follows.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::gui::command::{Direction, LookChange, MarkEdit};
use crate::gui::finding::LibraryRead;
use crate::gui::player::PlayTask;
use crate::gui::state::tests::{entry, hit};
use crate::gui::state::{BINS, Loaded, Picture, Sign};
use sightline_core::engine::{Album, IndexReport, Made, SearchReport};
use sightline_core::index::{FolderRecord, Marks, Snapshot, Vectors};
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

fn read(folders: Vec<FolderRecord>) -> LibraryRead {
    LibraryRead {
        folders,
        albums: Vec::new(),
        searches: Vec::new(),
        problems: Vec::new(),
        tags: Vec::new(),
        favourites: 0,
    }
}

/// A state that shows these photos, the first of them chosen.
fn showing(paths: &[&str]) -> State {
    let mut state = State::default();
    found(&mut state, Finding::Library(snapshot(paths)));
    let number = state.newest_search;
    found(&mut state, Finding::Answer(number, Ok(report(paths))));
    state
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
    assert_eq!(state.selection.cursor(), Some(0));
    found(&mut state, Finding::Library(snapshot(&["/a.jpg", "/b.jpg"])));
    found(&mut state, Finding::Answer(2, Ok(report(&["/a.jpg", "/b.jpg"]))));
    assert_eq!(state.selection.cursor(), Some(1));
}

#[test]
fn another_query_chooses_its_first_photo() {
    let mut state = State::default();
    found(&mut state, Finding::Library(snapshot(&[])));
    found(&mut state, Finding::Answer(1, Ok(report(&["/a.jpg", "/b.jpg"]))));
    apply(&mut state, Command::Select(1));
    apply(&mut state, Command::SearchText("dog".to_owned()));
    found(&mut state, Finding::Answer(2, Ok(report(&["/a.jpg", "/b.jpg"]))));
    assert_eq!(state.selection.cursor(), Some(0));
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
        assert_eq!(kinds(&found(&mut state, Finding::LibraryRead(Ok(read(folders))))), expected);
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
    assert_eq!(state.query.chips, [Chip::picture("/b.jpg".into())]);
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

#[test]
fn ten_thousand_dropped_files_are_eight_chips_and_a_word_about_it() {
    let mut state = State::default();
    let files = (0..10_000).map(|i| format!("/{i}.jpg").into()).collect();
    found(&mut state, Finding::Dropped { folders: Vec::new(), files });
    assert_eq!(state.query.chips.len(), 8);
    assert!(state.notices[0].starts_with("10,000 files were dropped"), "{:?}", state.notices);
}

#[test]
fn typed_words_become_a_chip_and_the_next_ones_are_beside_it() {
    let mut state = State::default();
    apply(&mut state, Command::SearchText("a dog".to_owned()));
    apply(&mut state, Command::KeepDraft);
    let tasks = apply(&mut state, Command::SearchText("-people".to_owned()));
    let [Task::Search { request, .. }] = &tasks[..] else { panic!("{tasks:?}") };
    assert_eq!(request.chips.iter().map(|chip| chip.weight).collect::<Vec<_>>(), [1.0, -1.0]);
    assert_eq!(state.query.term_names(), ["a dog", "not people"]);
}

#[test]
fn chips_are_weighed_muted_turned_round_moved_and_removed() {
    let mut state = State::default();
    for words in ["a", "b"] {
        apply(&mut state, Command::AddChip(Chip::typed(words).unwrap()));
    }
    apply(&mut state, Command::Chip(0, ChipEdit::Weigh(0.5)));
    apply(&mut state, Command::Chip(0, ChipEdit::Flip));
    apply(&mut state, Command::Chip(0, ChipEdit::Mute));
    let chip = &state.query.chips[0];
    assert_eq!((chip.weight, chip.sign, chip.is_muted), (0.5, Sign::Not, true));
    apply(&mut state, Command::Chip(0, ChipEdit::MoveTo(1)));
    assert_eq!(state.query.chips[0].name(), "b");
    apply(&mut state, Command::Chip(0, ChipEdit::Remove));
    assert_eq!(state.query.chips.len(), 1);
    assert!(apply(&mut state, Command::Chip(7, ChipEdit::Remove)).is_empty(), "a chip that is gone");
}

#[test]
fn edits_of_the_query_are_undone_and_redone() {
    let mut state = State::default();
    apply(&mut state, Command::SearchText("d".to_owned()));
    apply(&mut state, Command::SearchText("dog".to_owned()));
    apply(&mut state, Command::SearchBy(Chip::picture("/a.jpg".into())));
    assert_eq!(kinds(&apply(&mut state, Command::Undo)), ["Search"]);
    assert_eq!(state.query.draft, "dog");
    apply(&mut state, Command::Undo);
    assert!(state.query.is_browsing(), "all letters of a word are one step");
    apply(&mut state, Command::Redo);
    apply(&mut state, Command::Redo);
    assert_eq!(state.query.chips, [Chip::picture("/a.jpg".into())]);
    assert!(apply(&mut state, Command::Redo).is_empty());
}

#[test]
fn marks_are_made_for_every_chosen_photo_and_can_be_undone() {
    let mut state = showing(&["/a.jpg", "/b.jpg", "/c.jpg"]);
    apply(&mut state, Command::SelectTo(1));
    let tasks = apply(&mut state, Command::Mark(MarkEdit::AddTag(" snow ".to_owned())));
    let [Task::Make { things, name, direction: Direction::Do }] = &tasks[..] else { panic!("{tasks:?}") };
    let snow = Marks { tags: vec!["snow".to_owned()], ..Marks::default() };
    let hash = |photo: usize| state.answer.entry(photo).unwrap().hash;
    assert_eq!(*things, [Made::Marks(hash(0), snow.clone()), Made::Marks(hash(1), snow)]);
    let before = vec![Made::Marks(hash(0), Marks::default())];
    found(&mut state, Finding::Made(name.clone(), Direction::Do, Ok(before.clone())));
    let tasks = apply(&mut state, Command::Undo);
    assert!(matches!(&tasks[..], [Task::Make { things, direction: Direction::Undo, .. }] if *things == before));
}

#[test]
fn a_mark_that_is_there_already_is_no_work() {
    let mut state = showing(&["/a.jpg"]);
    assert!(apply(&mut state, Command::Mark(MarkEdit::Favourite(false))).is_empty());
    assert!(apply(&mut state, Command::Mark(MarkEdit::AddTag("  ".to_owned()))).is_empty());
}

#[test]
fn an_album_shows_only_its_photos_and_takes_the_chosen_ones() {
    let mut state = showing(&["/a.jpg", "/b.jpg"]);
    let hash = |state: &State, photo: usize| state.answer.entry(photo).unwrap().hash;
    let album = Album { name: "Snow".to_owned(), photos: vec![hash(&state, 1)] };
    found(&mut state, Finding::LibraryRead(Ok(LibraryRead { albums: vec![album], ..read(Vec::new()) })));
    let tasks = apply(&mut state, Command::Album("Snow".to_owned(), AlbumEdit::Add));
    let both = vec![hash(&state, 0), hash(&state, 1)];
    assert!(
        matches!(&tasks[..], [Task::Make { things, .. }] if *things == [Made::Album("Snow".to_owned(), Some(both))])
    );
    let tasks = apply(&mut state, Command::ShowAlbum(Some("Snow".to_owned())));
    let [Task::Search { request, .. }] = &tasks[..] else { panic!("{tasks:?}") };
    assert_eq!(request.filter.photos.iter().map(|photos| photos.len()).collect::<Vec<_>>(), [1]);
}

#[test]
fn names_that_are_taken_or_empty_are_refused() {
    let mut state = showing(&["/a.jpg"]);
    let albums = ["Old", "New"].map(|name| Album { name: name.to_owned(), photos: Vec::new() }).to_vec();
    found(&mut state, Finding::LibraryRead(Ok(LibraryRead { albums, ..read(Vec::new()) })));
    for name in ["New", " "] {
        assert!(apply(&mut state, Command::Album("Old".to_owned(), AlbumEdit::Rename(name.to_owned()))).is_empty());
        assert!(state.error.take().is_some());
    }
    assert!(apply(&mut state, Command::SaveSearch(" ".to_owned())).is_empty() && state.error.is_some());
}

#[test]
fn a_saved_search_comes_back_with_its_chips() {
    let mut state = State::default();
    apply(&mut state, Command::AddChip(Chip::typed("-people").unwrap()));
    let tasks = apply(&mut state, Command::SaveSearch("Empty".to_owned()));
    let [Task::Make { things, .. }] = &tasks[..] else { panic!("{tasks:?}") };
    let [Made::Search(name, Some(json))] = &things[..] else { panic!("{things:?}") };
    let search = sightline_core::index::SavedSearch { name: name.clone(), json: json.clone() };
    found(&mut state, Finding::LibraryRead(Ok(LibraryRead { searches: vec![search], ..read(Vec::new()) })));
    apply(&mut state, Command::ClearQuery);
    apply(&mut state, Command::OpenSearch("Empty".to_owned()));
    assert_eq!(state.query.term_names(), ["not people"]);
}

#[test]
fn the_chosen_photos_stay_chosen_when_the_library_grows() {
    let mut state = showing(&["/b.jpg", "/c.jpg"]);
    apply(&mut state, Command::SelectAll);
    found(&mut state, Finding::Library(snapshot(&["/a.jpg", "/b.jpg", "/c.jpg"])));
    let number = state.newest_search;
    found(&mut state, Finding::Answer(number, Ok(report(&["/a.jpg", "/b.jpg", "/c.jpg"]))));
    assert_eq!(state.selection.photos(), [1, 2]);
}

fn picture() -> Picture {
    let image = || Arc::new(egui::ColorImage::filled([1, 1], egui::Color32::BLACK));
    Picture { fit: image(), full: image(), size: (1, 1), histogram: Box::new([[0.0; BINS]; 3]) }
}

#[test]
fn a_picture_that_moves_plays_until_it_is_left() {
    let mut state = showing(&["/a.gif", "/b.jpg"]);
    apply(&mut state, Command::OpenViewer(0));
    let tasks = found(&mut state, Finding::Picture("/a.gif".into(), Ok(picture())));
    assert_eq!(kinds(&tasks), ["Play"]);
    let frame = || Arc::new(egui::ColorImage::filled([1, 1], egui::Color32::BLACK));
    assert!(found(&mut state, Finding::Frame("/a.gif".into(), frame())).is_empty());
    assert!(matches!(&apply(&mut state, Command::Play(false))[..], [Task::Play(PlayTask::Pause(true))]));
    assert!(state.viewer.as_ref().unwrap().motion.as_ref().unwrap().is_paused);
    apply(&mut state, Command::Select(1));
    assert!(found(&mut state, Finding::Picture("/b.jpg".into(), Ok(picture()))).is_empty());
    let tasks = found(&mut state, Finding::Frame("/a.gif".into(), frame()));
    assert!(matches!(&tasks[..], [Task::Play(PlayTask::Stop)]), "{tasks:?}");
}

#[test]
fn where_nothing_moves_by_itself_a_picture_waits_to_be_told() {
    let mut state = showing(&["/a.gif"]);
    assert_eq!(kinds(&apply(&mut state, Command::Look(LookChange::Calm(Some(true))))), ["Remember"]);
    apply(&mut state, Command::OpenViewer(0));
    let tasks = found(&mut state, Finding::Picture("/a.gif".into(), Ok(picture())));
    assert!(matches!(&tasks[..], [Task::Play(PlayTask::Begin { is_paused: true, .. })]), "{tasks:?}");
}

#[test]
fn another_language_names_days_and_bands_anew() {
    let mut state = showing(&["/a.gif"]);
    assert_eq!(
        kinds(&apply(&mut state, Command::Look(LookChange::Language(Language::German)))),
        ["Search", "Remember"]
    );
}

#[test]
fn the_system_says_whether_things_move_until_the_person_does() {
    let mut state = showing(&["/a.gif"]);
    found(&mut state, Finding::SystemIsCalm(true));
    assert!(state.is_calm());
    apply(&mut state, Command::Look(LookChange::Calm(Some(false))));
    assert!(!state.is_calm());
    found(&mut state, Finding::SystemIsCalm(true));
    assert!(!state.is_calm());
    apply(&mut state, Command::Look(LookChange::Calm(None)));
    assert!(state.is_calm());
}

#[test]
fn what_plays_stands_still_when_calm_is_wished() {
    let mut state = showing(&["/a.gif"]);
    apply(&mut state, Command::OpenViewer(0));
    found(&mut state, Finding::Picture("/a.gif".into(), Ok(picture())));
    let frame = Arc::new(egui::ColorImage::filled([1, 1], egui::Color32::BLACK));
    found(&mut state, Finding::Frame("/a.gif".into(), frame));
    let tasks = found(&mut state, Finding::SystemIsCalm(true));
    assert!(matches!(&tasks[..], [Task::Play(PlayTask::Pause(true))]), "{tasks:?}");
    assert!(found(&mut state, Finding::SystemIsCalm(true)).is_empty());
}

#[test]
fn a_missing_file_is_chosen_and_asked_about() {
    let mut state = showing(&["/a.jpg"]);
    assert_eq!(kinds(&apply(&mut state, Command::ChooseMissing)), ["ChooseMissing"]);
    let tasks = found(&mut state, Finding::MissingChosen(Choice::Path("/b.jpg".into())));
    assert!(matches!(&tasks[..], [Task::WhyAbsent(path)] if path == Path::new("/b.jpg")), "{tasks:?}");
    assert!(found(&mut state, Finding::MissingChosen(Choice::Nothing)).is_empty());
    assert!(state.error.is_none());
    found(&mut state, Finding::MissingChosen(Choice::NoDialog));
    assert!(state.error.is_some());
}
