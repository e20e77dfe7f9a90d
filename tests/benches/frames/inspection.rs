//! Frames of the inspection page: while a folder of parts is judged, and while a threshold is dragged over all of them.

use std::path::Path;

use sightline_app::gui::command::Command;
use sightline_app::gui::inspect_command::InspectCommand;
use sightline_app::gui::state::{Inspection, Limit, Page, Wanted};
use sightline_core::Result;
use sightline_core::engine::{DemoRequest, draw_demo};
use sightline_core::jobs::Ticker;

use super::FRAMES;
use super::window::{Times, Window, app, frame, report, report_memory, wait_until};

/// Learns four drawn plates and judges about `n` others, half of them defective.
pub fn report_inspection(window: &mut Window, plates: &Path, n: usize) -> Result<()> {
    let request = DemoRequest { references: 4, good: n / 2, defective: n / 16, ..DemoRequest::default() };
    draw_demo(plates, &request, &Ticker::silent())?;
    app(window).send(Command::OpenPage(Page::Inspect));
    bring(window, Wanted::GoodFolder, plates.join("train/good"));
    wait_until(window, "the good parts are learnt", |app| {
        let inspection = &app.state().inspection;
        inspection.inspector.is_some() && !inspection.is_learning()
    });
    bring(window, Wanted::PartFolder, plates.join("test"));
    wait_until(window, "parts are being judged", |app| app.state().inspection.parts.rows.len() > n / 10);
    report("looking at parts while others are judged", &stepped(window));
    let judged = inspection(window).parts.rows.len();
    let took = wait_until(window, "all parts are judged", |app| app.state().inspection.run.is_none());
    let (parts, more) = (inspection(window).parts.rows.len(), inspection(window).parts.rows.len() - judged);
    println!("    {parts} parts, the last {more} of them in {:.1} s, with frames drawn meanwhile", took.as_secs_f64());
    report("looking at parts", &stepped(window));
    report("dragging a threshold", &dragged(window));
    report_memory("inspection");
    Ok(())
}

fn inspection(window: &Window) -> &Inspection {
    &app(window).state().inspection
}

fn bring(window: &mut Window, wanted: Wanted, path: std::path::PathBuf) {
    app(window).send(Command::Inspect(InspectCommand::Bring(wanted, vec![path])));
    frame(window);
}

/// Goes down the list, a part every eighth frame.
fn stepped(window: &mut Window) -> Vec<Times> {
    let step = |at: usize, window: &mut Window| {
        if at.is_multiple_of(8) {
            app(window).send(Command::Inspect(InspectCommand::Step(1)));
        }
        frame(window)
    };
    (0..FRAMES).map(|at| step(at, window)).collect()
}

/// Moves the review threshold through all scores, a step a frame: all parts are judged again each time.
fn dragged(window: &mut Window) -> Vec<Times> {
    let scores = || inspection(window).parts.rows.iter().map(|part| part.score);
    let (least, most) = (scores().fold(f32::MAX, f32::min), scores().fold(f32::MIN, f32::max));
    let step = |at: usize, window: &mut Window| {
        let score = least + (most - least) * at as f32 / FRAMES as f32;
        app(window).send(Command::Inspect(InspectCommand::MoveThreshold(Limit::Review, score)));
        frame(window)
    };
    (0..FRAMES).map(|at| step(at, window)).collect()
}
