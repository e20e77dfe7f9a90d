//! From words or a picture to photos.

use egui_kittest::kittest::Queryable;
use sightline_app::gui::command::Command;
use sightline_app::gui::state::{ModelStatus, State};

use crate::support::Window;

fn is_answered(state: &State, text: &str) -> bool {
    !state.is_searching && state.answer.query.draft == text
}

#[test]
fn typed_words_find_photos_with_scores_and_escape_shows_all_again() {
    let mut window = Window::indexed();
    window.harness.get_by_label("Search").click();
    window.harness.run_steps(2);
    window.harness.get_by_label("Search").type_text("something red");
    window.harness.run_steps(2);
    window.wait_until("the answer is there", |state| is_answered(state, "something red"));
    let answer = &window.state().answer;
    assert_eq!(answer.hits.len(), 3);
    assert!(answer.hits.iter().all(|hit| hit.cosines.len() == 1 && hit.score > 0.0), "every hit has its cosine");
    window.harness.get_by_label_contains("3 photos in ");
    window.harness.get_by_label("How it matches");
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_steps(2);
    window.harness.key_press(egui::Key::Escape);
    window.wait_until("everything is shown again", |state| is_answered(state, ""));
    assert!(window.harness.query_by_label("How it matches").is_none());
}

#[test]
fn a_file_name_is_found_before_anything_else() {
    let mut window = Window::indexed();
    window.app().send(Command::SearchText("blue".to_owned()));
    window.harness.step();
    window.wait_until("the answer is there", |state| is_answered(state, "blue"));
    let answer = &window.state().answer;
    assert!(answer.entry(0).unwrap().path.ends_with("blue.png"));
    assert_eq!(answer.sections[0].name.as_deref(), Some("Name or tag"));
}

#[test]
fn a_photo_is_nearest_to_itself() {
    let mut window = Window::indexed();
    let green = window.photo("green.png");
    window.app().send(Command::Select(green));
    window.harness.run_steps(3);
    window.harness.get_by_label("Find similar").click();
    window.harness.run_steps(2);
    window.wait_until("the answer is there", |state| !state.is_searching && !state.answer.query.chips.is_empty());
    let answer = &window.state().answer;
    assert!(answer.entry(0).unwrap().path.ends_with("green.png"));
    assert!(answer.hits[0].score > 0.99, "{}", answer.hits[0].score);
    window.harness.get_by_label("Remove like green.png").click();
    window.wait_until("everything is shown again", |state| !state.is_searching && state.answer.query.is_browsing());
}

#[test]
fn only_the_answer_to_the_newest_words_is_shown() {
    let mut window = Window::indexed();
    for text in ["r", "re", "red", "a red picture"] {
        window.app().send(Command::SearchText(text.to_owned()));
        window.harness.step();
    }
    window.wait_until("the answer is there", |state| !state.is_searching);
    assert_eq!(window.state().answer.query.draft, "a red picture");
    assert_eq!(window.state().answer.number, window.state().newest_search);
    assert_eq!(window.state().model.status, ModelStatus::Ready);
}

#[test]
fn a_folder_without_matches_says_that_photos_are_filtered_out() {
    let mut window = Window::indexed();
    window.app().send(Command::ShowFolder(Some("/nowhere".into())));
    window.harness.step();
    window.wait_until("the answer is there", |state| !state.is_searching && state.answer.hits.is_empty());
    window.harness.get_by_label("All photos are filtered out");
    window.harness.get_by_label("Look at all photos").click();
    window.wait_until("photos are shown", |state| state.answer.hits.len() == 3);
}

#[test]
fn words_become_chips_with_enter_and_a_negative_one_counts_against() {
    let mut window = Window::indexed();
    window.harness.get_by_label("Search").click();
    window.harness.run_steps(2);
    for words in ["something red", "-a blue wall"] {
        window.harness.get_by_label("Search").type_text(words);
        window.harness.run_steps(2);
        window.harness.key_press(egui::Key::Enter);
        window.harness.run_steps(3);
    }
    window.wait_until("the answer is there", |state| !state.is_searching && state.answer.query.chips.len() == 2);
    window.harness.get_by_label("like: something red");
    window.harness.get_by_label("not: a blue wall").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("Mute").click();
    window.wait_until("the answer is there", |state| !state.is_searching && state.answer.query.chips[1].is_muted);
    window.harness.get_by_label("Remove a blue wall").click();
    window.wait_until("one chip is left", |state| !state.is_searching && state.answer.query.chips.len() == 1);
}
