//! The pages beside the photos: filters, map, duplicates, learnt tags, models, reasons; and what goes to the trash.

use egui::Key;
use egui_kittest::kittest::Queryable;
use sightline_app::gui::command::Command;
use sightline_app::gui::state::{Page, Why};
use sightline_core::engine::Precision;
use sightline_core::index::Marks;

use crate::support::{COLORS, Window};

#[test]
fn filters_narrow_the_photos_and_are_taken_away_one_by_one() {
    let mut window = Window::indexed();
    window.harness.get_by_label("Filters").click();
    window.wait_until("they are counted", |state| state.filters.facets.is_some());
    window.harness.get_by_label("Any size").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("Over 10 MB").click();
    window.wait_until("no photo is left", |state| !state.is_searching && state.answer.hits.is_empty());
    window.harness.get_by_label("Look at all photos").click();
    window.wait_until("all photos are shown", |state| !state.is_searching && state.answer.hits.len() == 3);
}

#[test]
fn the_map_has_every_photo_and_shows_those_that_are_picked() {
    let mut window = Window::indexed();
    window.harness.get_by_label("Map").click();
    window.wait_until("the map is drawn and refined", |state| {
        state.map.report.is_some() && state.map.progress.is_none() && state.map.live.is_none()
    });
    assert_eq!(window.state().map.report.as_ref().unwrap().map.places.len(), 3);
    window.harness.get_by_role_and_label(egui::Role::Image, "Map of the library");
}

#[test]
fn copies_are_found_and_go_to_the_trash_only_after_a_question() {
    let mut window = Window::indexed();
    let folder = window.folder_of("More", &[]);
    fs_err::copy(window.state().answer.entry(0).unwrap().path.clone(), folder.join("copy.png")).unwrap();
    window.app().send(Command::AddFolder(folder));
    window.harness.step();
    window.wait_until("the copy is indexed", |state| state.indexing.is_none() && state.library.photos == 4);
    window.harness.get_by_label("Duplicates").click();
    window.wait_until("the copy is found", |state| {
        state.duplicates.report.as_ref().is_some_and(|report| !report.groups.is_empty())
    });
    let chosen: Vec<_> = window.state().duplicates.chosen.iter().cloned().collect();
    assert_eq!(chosen.len(), 1, "one of the two same files may go");
    window.harness.get_by_label("Move 1 file to the trash …").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("Move 1 file to the trash?");
    window.harness.get_by_label("Keep them").click();
    window.harness.run_steps(3);
    assert!(window.state().question.is_none() && chosen[0].exists(), "nothing goes without the person's word");
}

#[test]
fn a_tag_is_learnt_and_a_suggestion_confirmed() {
    let mut window = Window::indexed();
    let photo = window.state().answer.entry(0).unwrap().hash;
    let marks = Marks { tags: vec!["wall".to_owned()], ..Marks::default() };
    let things = vec![sightline_core::engine::Made::Marks(photo, marks)];
    window.app().engine().make(things).unwrap();
    window.harness.run_steps(2);
    window.wait_until("the tag is there", |state| !state.library.tags.is_empty());
    window.app().send(Command::Learn("wall".to_owned()));
    window.harness.run_steps(2);
    window.wait_until("photos are suggested", |state| {
        state.learning.as_ref().is_some_and(|learning| learning.report.is_some() && !learning.is_waiting)
    });
    let count = window.state().learning.as_ref().unwrap().report.as_ref().unwrap().suggestions.len();
    assert_eq!(count, 2, "the two photos without the tag");
    window.harness.get_all_by_label_contains("has the tag").next().unwrap().click();
    window.wait_until("two photos have the tag", |state| state.library.tags == [("wall".to_owned(), 2)]);
}

#[test]
fn models_say_what_they_are_and_nothing_is_fetched_unasked() {
    let mut window = Window::indexed();
    window.harness.get_by_label("Models").click();
    window.wait_until("models are listed", |state| state.models.rows.is_some());
    window.harness.get_by_label("in use");
    assert!(window.state().models.download.is_none());
}

#[test]
fn the_large_view_says_where_and_why_a_photo_matches() {
    let mut window = Window::indexed();
    window.app().send(Command::SearchText("a red wall".to_owned()));
    window.harness.step();
    window.wait_until("the answer is there", |state| !state.is_searching);
    window.app().send(Command::OpenViewer(0));
    window.harness.run_steps(2);
    window.harness.key_press(Key::W);
    window.wait_until("the reasons are there", |state| {
        state.viewer.as_ref().is_some_and(|viewer| matches!(viewer.why, Why::Ready(_)))
    });
    window.harness.get_by_label("wall");
}

#[test]
fn a_missing_photo_is_explained() {
    let mut window = Window::indexed();
    window.app().send(Command::OpenPage(Page::Problems));
    window.app().send(Command::AskAbout("/no/such/photo.jpg".into()));
    window.harness.step();
    window.wait_until("the reason is there", |state| state.absence.is_some());
    let (_, reason) = window.state().absence.clone().unwrap();
    assert!(!reason.is_empty() && reason.ends_with('.'), "{reason}");
}

#[test]
fn eight_bits_are_tried_before_they_are_offered_and_can_be_left_again() {
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/fixtures/checkpoints/clip_hf_quickgelu");
    let mut window = Window::with_model(&model);
    let folder = window.folder_of("Colors", &COLORS);
    window.index(&folder);
    window.app().send(Command::OpenPage(Page::Models));
    window.wait_until("the models are read", |state| state.models.rows.is_some());
    assert!(window.harness.query_by_label("Compute in 8 bits").is_none());
    window.harness.get_by_label("Try 8 bits on your photos").click();
    window.wait_until("they were tried", |state| state.models.precisions.is_some() && state.models.comparing.is_none());
    assert_eq!(window.state().models.precisions.as_ref().unwrap().photos, 3);
    window.harness.get_by_label_contains("On 3 photos the vectors agree");
    window.harness.get_by_label("Compute in 8 bits").click();
    window.wait_until("all is computed anew", |state| {
        state.model.precision == Precision::Int8 && state.indexing.is_none() && state.library.waiting == 0
    });
    window.harness.get_by_label("Back to 32 bits").click();
    window.wait_until("it is as before", |state| state.model.precision == Precision::F32 && state.library.waiting == 0);
    window.harness.get_by_label("Try 8 bits on your photos");
}
