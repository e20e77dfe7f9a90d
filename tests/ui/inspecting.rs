//! The inspection page: good parts in, parts judged, thresholds dragged, decisions made and taken back.

use std::path::PathBuf;

use egui::{Key, vec2};
use egui_kittest::kittest::Queryable;
use image::{Rgb, RgbImage};
use sightline_app::gui::command::Command;
use sightline_app::gui::inspect_command::{InspectCommand, InspectErrand, ProductChange};
use sightline_app::gui::state::{Loaded, Page, Ruling, State, Wanted};
use sightline_core::anomaly::Verdict;
use sightline_core::anomaly::product::Role;
use sightline_core::index::{ContentHash, Decision};

use crate::support::Window;

/// A plate with a pattern and a little noise; a defective one has a dark scratch.
fn write_plate(path: &std::path::Path, seed: u32, is_scratched: bool) {
    let noise = |x: u32, y: u32| (x.wrapping_mul(31) ^ y.wrapping_mul(17) ^ seed.wrapping_mul(97)) % 9;
    let pixel = |x: u32, y: u32| {
        let is_scratch = is_scratched && (70..110).contains(&x) && (40..64).contains(&y);
        let is_hole = (x % 40 < 12) && (y % 40 < 12);
        let level = match (is_scratch, is_hole) {
            (true, _) => 20,
            (false, true) => 90,
            (false, false) => 170,
        };
        let level = (level + noise(x, y)) as u8;
        if is_scratch { Rgb([200, 20, 160]) } else { Rgb([level, level, level]) }
    };
    RgbImage::from_fn(160, 120, pixel).save(path).unwrap();
}

fn plates(window: &Window, name: &str, count: u32, scratched: &[u32]) -> PathBuf {
    let folder = window.folder_of(name, &[]);
    for i in 0..count {
        write_plate(&folder.join(format!("plate{i}.png")), i + 7 * name.len() as u32, scratched.contains(&i));
    }
    folder
}

fn send(window: &mut Window, command: InspectCommand) {
    window.app().send(Command::Inspect(command));
    window.harness.run_steps(2);
}

fn is_taught(state: &State) -> bool {
    state.inspection.inspector.is_some() && !state.inspection.is_learning()
}

/// A window that has learnt four good plates and judged four others, of which one is scratched.
fn judged() -> Window {
    let mut window = Window::new();
    let good = plates(&window, "plates", 4, &[]);
    window.app().send(Command::OpenPage(Page::Inspect));
    window.harness.run_steps(2);
    window.harness.get_by_label("Bring four pictures of good parts");
    send(&mut window, InspectCommand::Drop(vec![good]));
    window.wait_until("the good parts are learnt", is_taught);
    window.harness.get_by_label("Now choose the parts to judge");
    let parts = plates(&window, "parts", 4, &[2]);
    fs_err::write(parts.join("broken.png"), "no picture").unwrap();
    send(&mut window, InspectCommand::Bring(Wanted::PartFolder, vec![parts]));
    window.wait_until("all parts are judged", |state| {
        state.inspection.run.is_none() && state.inspection.parts.rows.len() == 4
    });
    window
}

fn verdict_of(window: &Window, name: &str) -> Verdict {
    let parts = &window.state().inspection.parts;
    parts.rows.iter().find(|part| part.path.ends_with(name)).unwrap().verdict
}

#[test]
fn good_parts_are_learnt_and_others_judged_worst_first() {
    let mut window = judged();
    let inspection = &window.state().inspection;
    assert_eq!(inspection.product.as_ref().unwrap().name(), "plates");
    let parts = &inspection.parts;
    assert!(parts.rows[parts.shown[0] as usize].path.ends_with("plate2.png"), "the scratched one is worst");
    assert_ne!(parts.rows[parts.shown[0] as usize].verdict, Verdict::Pass);
    assert_eq!(parts.problems.len(), 1, "the broken file is listed and the run went on");
    window.wait_until("the worst part is shown with its map and the nearest good one", |state| {
        let large = state.inspection.large.as_ref();
        large.is_some_and(|large| {
            matches!(large.picture, Loaded::Ready(_)) && large.map.is_some() && large.nearest.is_some()
        })
    });
    window.harness.get_by_role_and_label(egui::Role::Image, "Part plate2.png");
    assert!(window.harness.query_all_by_label_contains("1 unreadable").next().is_some());
    window.harness.get_by_label("Compared with");
}

#[test]
fn a_threshold_that_is_dragged_judges_all_parts_again() {
    let mut window = judged();
    let before = window.state().inspection.calibration.as_ref().unwrap().review.score;
    let grip = window.harness.get_by_label("Threshold of review").rect().center();
    let target = grip - vec2(600.0, 0.0);
    window.harness.hover_at(grip);
    window.harness.run_steps(1);
    window.harness.drag_at(grip);
    window.harness.run_steps(2);
    window.harness.hover_at(target);
    window.harness.run_steps(2);
    window.harness.drop_at(target);
    window.harness.run_steps(3);
    let after = window.state().inspection.calibration.as_ref().unwrap().review.score;
    assert!(after < before, "{after} is not less than {before}");
    assert_eq!(window.state().inspection.parts.counts[Verdict::Pass as usize], 0, "nothing passes any more");
    window.wait_until("the product keeps it", |state| {
        let kept = state.inspection.product.as_ref().and_then(|product| product.version().calibration.as_ref());
        kept.is_some_and(|kept| (kept.review.score - after).abs() < 1e-6)
    });
    send(&mut window, InspectCommand::ResetThresholds);
    assert_eq!(window.state().inspection.calibration.as_ref().unwrap().review.score, before);
}

#[test]
fn keys_accept_reject_and_take_back() {
    let mut window = judged();
    send(&mut window, InspectCommand::SetOperator("Anna".to_owned()));
    let chosen = |window: &Window| window.state().inspection.parts.chosen().unwrap().path.clone();
    let first = chosen(&window);
    window.harness.key_press(Key::A);
    window.harness.run_steps(3);
    let ruling = |window: &Window, path: &PathBuf| {
        let hash = ContentHash::of(&fs_err::read(path).unwrap());
        window.state().inspection.decisions.of(&hash).map(|decision| (decision.ruling, decision.operator.clone()))
    };
    assert_eq!(ruling(&window, &first), Some((Some(Ruling::Accepted), "Anna".to_owned())));
    let second = chosen(&window);
    assert_ne!(second, first, "the next part is shown");
    window.harness.key_press(Key::R);
    window.harness.run_steps(3);
    assert_eq!(window.state().inspection.decisions.counts(), (1, 1));
    window.harness.key_press(Key::U);
    window.harness.run_steps(3);
    assert_eq!((window.state().inspection.decisions.counts(), chosen(&window)), ((1, 0), second));
    let logged = |window: &Window| window.app().engine().reviews(Some("plates"));
    while logged(&window).len() < 3 {
        window.harness.step();
    }
    assert_eq!(logged(&window).last().map(|entry| entry.review.decision), Some(Decision::Undecided));
    window.harness.key_press(Key::H);
    window.harness.run_steps(2);
    assert!(!window.state().inspection.heat.is_shown);
}

#[test]
fn a_part_accepted_as_normal_makes_a_version_and_undo_goes_back() {
    let mut window = judged();
    let version = |window: &Window| window.state().inspection.product.as_ref().unwrap().version().number;
    let before = version(&window);
    let part = window.state().inspection.parts.chosen().unwrap().path.clone();
    send(&mut window, InspectCommand::Change(ProductChange::Add(vec![part], Role::Normal)));
    window.wait_until("it is learnt", |state| is_taught(state) && state.inspection.references() == 5);
    assert_eq!(version(&window), before + 1);
    window.harness.get_by_label("Judge again").click();
    window.wait_until("the parts are judged again", |state| {
        let inspection = &state.inspection;
        !inspection.is_outdated() && inspection.run.is_none() && inspection.parts.rows.len() == 4
    });
    assert_eq!(verdict_of(&window, "plate2.png"), Verdict::Pass, "what was learnt is good");
    send(&mut window, InspectCommand::Change(ProductChange::Undo));
    window.wait_until("the version is undone", |state| is_taught(state) && state.inspection.references() == 4);
    assert_eq!(version(&window), before);
}

#[test]
fn one_good_part_promises_nothing_and_says_so() {
    let mut window = Window::new();
    let good = plates(&window, "lids", 1, &[]);
    send(&mut window, InspectCommand::Bring(Wanted::GoodFolder, vec![good]));
    window.wait_until("it is learnt", is_taught);
    window.harness.run_steps(2);
    assert!(window.harness.query_all_by_label_contains("Uncalibrated").next().is_some());
    assert!(window.state().inspection.calibration.as_ref().unwrap().fail.is_none());
}

#[test]
fn a_folder_without_pictures_is_an_error_that_says_what_to_do() {
    let mut window = Window::new();
    let empty = window.folder_of("empty", &[]);
    send(&mut window, InspectCommand::Bring(Wanted::GoodFolder, vec![empty]));
    window.wait_until("the error is there", |state| state.error.is_some());
    assert!(window.state().error.as_ref().unwrap().contains("choose pictures of good parts"));
    window.harness.get_by_label("Bring four pictures of good parts");
}

#[test]
fn a_product_is_exported_imported_and_opened_again() {
    let mut window = judged();
    let target = window.folder_of("out", &[]);
    send(&mut window, InspectCommand::Bring(Wanted::ExportFolder, vec![target.clone()]));
    window.wait_until("it is written", |state| state.inspection.writing.is_none() && state.done.is_some());
    send(&mut window, InspectCommand::BeginProduct);
    window.wait_until("the products are listed", |state| state.inspection.products.is_some());
    window.harness.run_steps(2);
    window.harness.get_by_label("plates");
    send(&mut window, InspectCommand::Bring(Wanted::ProductFile, vec![target.join("plates.zip")]));
    window.wait_until("it is learnt", is_taught);
    assert_eq!(window.state().inspection.references(), 4);
}

/// Waits until so many decisions are in the audit log.
fn wait_for_log(window: &mut Window, count: usize) {
    while window.app().engine().reviews(None).len() < count {
        window.harness.step();
    }
}

#[test]
fn what_was_decided_about_a_part_comes_back_with_the_same_content_under_any_name() {
    let mut window = judged();
    send(&mut window, InspectCommand::SetOperator("Anna".to_owned()));
    let worst = window.state().inspection.parts.chosen().unwrap().path.clone();
    window.harness.key_press(Key::R);
    window.harness.run_steps(3);
    wait_for_log(&mut window, 1);
    let again = window.folder_of("again", &[]);
    fs_err::copy(&worst, again.join("renamed.png")).unwrap();
    write_plate(&again.join(worst.file_name().unwrap()), 900, false);
    send(&mut window, InspectCommand::OpenProduct("plates".to_owned()));
    window.wait_until("it is learnt", is_taught);
    assert_eq!(window.state().inspection.decisions.counts(), (0, 0));
    send(&mut window, InspectCommand::Bring(Wanted::PartFolder, vec![again]));
    window.wait_until("both parts are judged", |state| {
        state.inspection.run.is_none() && state.inspection.parts.rows.len() == 2
    });
    let inspection = &window.state().inspection;
    let said = |name: &str| {
        let part = inspection.parts.rows.iter().find(|part| part.path.ends_with(name)).unwrap();
        inspection.decisions.of(&part.hash.unwrap()).map(|decision| (decision.ruling, decision.operator.as_str()))
    };
    assert_eq!(said("renamed.png"), Some((Some(Ruling::Rejected), "Anna")));
    assert_eq!(said("plate2.png"), None, "another content under the old name");
    window.harness.get_by_label_contains("Rejected · ");
}

#[test]
fn a_cameras_folder_is_watched_until_it_is_stopped() {
    let mut window = judged();
    let camera = window.folder_of("camera", &[]);
    write_plate(&camera.join("first.png"), 500, false);
    send(&mut window, InspectCommand::Bring(Wanted::CameraFolder, vec![camera.clone()]));
    window.wait_until("the first picture is judged", |state| state.inspection.parts.rows.len() == 1);
    assert!(window.state().inspection.run.is_some(), "it goes on");
    assert!(window.harness.query_all_by_label("Watching the folder").next().is_some());
    write_plate(&camera.join("second.png"), 501, true);
    window.wait_until("the second one as well", |state| state.inspection.parts.rows.len() == 2);
    let worst = |window: &Window| {
        let parts = &window.state().inspection.parts;
        parts.rows[parts.shown[0] as usize].path.file_name().unwrap().to_owned()
    };
    assert_eq!(worst(&window), "second.png");
    write_plate(&camera.join("second.png"), 502, false);
    write_plate(&camera.join("first.png"), 503, true);
    window.wait_until("both are judged again", |state| {
        let parts = &state.inspection.parts;
        parts.rows.len() == 2 && parts.rows[parts.shown[0] as usize].path.ends_with("first.png")
    });
    send(&mut window, InspectCommand::Stop(InspectErrand::Run));
    window.harness.run_steps(2);
    assert!(window.state().inspection.run.is_none());
}

#[test]
fn the_decisions_are_written_as_a_table() {
    let mut window = judged();
    window.harness.key_press(Key::A);
    window.harness.run_steps(3);
    wait_for_log(&mut window, 1);
    let target = window.folder_of("out", &[]);
    send(&mut window, InspectCommand::Bring(Wanted::AuditFolder, vec![target.clone()]));
    window.wait_until("it is written", |state| state.inspection.writing.is_none() && state.done.is_some());
    let table = fs_err::read_to_string(target.join("plates decisions.csv")).unwrap();
    assert!(table.starts_with("number,time,product") && table.contains(",accepted,"), "{table}");
}

fn primary_button(pos: egui::Pos2, pressed: bool) -> egui::Event {
    let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
    egui::Event::PointerButton { pos, button, pressed, modifiers }
}

#[test]
fn a_place_is_drawn_by_mouse_and_only_it_is_looked_at() {
    let mut window = judged();
    window.wait_until("the worst part is shown", |state| {
        state.inspection.large.as_ref().is_some_and(|large| large.map.is_some())
    });
    window.harness.get_by_label("Region of interest").click();
    window.harness.run_steps(3);
    let part = window.harness.get_by_role_and_label(egui::Role::Image, "Part plate2.png").rect();
    let button = window.harness.get_by_label("Use it").rect();
    assert!(button.right() <= part.right() + 1.0, "{button:?} is hidden beside {part:?}");
    let corner = |x: f32, y: f32| part.center() + vec2(x, y) * part.size();
    for at in [corner(-0.1, -0.1), corner(0.1, -0.1), corner(0.0, 0.1)] {
        window.harness.hover_at(at);
        window.harness.run_steps(1);
        window.harness.event(primary_button(at, true));
        window.harness.event(primary_button(at, false));
        // The pointer has gone on by the end of the frame that lets the button go.
        window.harness.hover_at(part.center());
        // Longer than a double click takes.
        window.harness.run_steps(30);
    }
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(2);
    window.harness.get_by_label("Use it").click();
    window.wait_until("the product looks only there", |state| {
        let product = state.inspection.product.as_ref();
        is_taught(state) && product.is_some_and(|product| product.version().settings.roi.include.len() == 1)
    });
    let product = window.state().inspection.product.as_ref().unwrap();
    let drawn = &product.version().settings.roi.include[0];
    assert!(drawn.len() == 3 && drawn[0][0] < drawn[1][0] && drawn[2][1] > drawn[0][1], "{drawn:?}");
}
