//! How long a frame of the window takes over a large library: while it is scrolled, while words are typed, both while a
//! folder is being indexed, and while the map is moved. In: a number of photos. Out: percentiles, the time to the first
//! photos, to the map and to the duplicates, the memory.
//!
//! `cargo bench --workspace --bench frames -- inspection` judges 1,000 drawn parts instead.
//!
//! `cargo bench --workspace --bench frames` takes 100,000 photos in the system's temporary folder (about 400 MB). A frame
//! is all of it: what work has found is applied, the window is laid out and tessellated, and a graphics adapter (in
//! software, where there is no other) draws 1280 × 800 pixels, which are read back.

mod inspection;
mod library;
mod window;

use std::path::Path;
use std::time::Instant;

use eframe::egui_wgpu::RendererOptions;
use egui::{Event, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use sightline_app::gui::app::App;
use sightline_app::gui::command::{Command, Errand};
use sightline_app::gui::state::Page;
use sightline_core::Result;

use inspection::report_inspection;
use library::{draw, record};
use window::{SIZE, Times, Window, app, frame, open, report, report_memory, wait_until};

const FRAMES: usize = 300;

/// A window of that size that is filled with one colour so many times: what the adapter takes for itself.
fn filled(layers: u8) -> Vec<Times> {
    let renderer =
        WgpuTestRenderer::from_render_state(create_render_state(default_wgpu_setup(), RendererOptions::default()));
    let draw = move |ui: &mut egui::Ui| {
        for layer in 0..layers {
            ui.painter().rect_filled(ui.max_rect(), 0, egui::Color32::from_gray(layer));
        }
    };
    let mut window = Harness::builder().with_size(SIZE).renderer(renderer).build_ui(draw);
    (0..FRAMES).map(|_| frame(&mut window)).collect()
}

/// Scrolls down by the wheel, a step a frame.
fn scrolled(window: &mut Window) -> Vec<Times> {
    window.hover_at(pos2(640.0, 500.0));
    let (unit, modifiers, phase) = (MouseWheelUnit::Point, Modifiers::NONE, TouchPhase::Move);
    let source = MouseWheelSource::Unknown;
    let step = |window: &mut Window| {
        window.event(Event::MouseWheel { unit, delta: vec2(0.0, -180.0), modifiers, phase, source });
        frame(window)
    };
    (0..FRAMES).map(|_| step(window)).collect()
}

/// Types and deletes words, a letter every fourth frame.
fn typed(window: &mut Window) -> Vec<Times> {
    let words = "a dog in the snow";
    let step = |at: usize, window: &mut Window| {
        if at.is_multiple_of(4) {
            let length = (at / 4) % words.len() + 1;
            app(window).send(Command::SearchText(words[..length].to_owned()));
        }
        frame(window)
    };
    (0..FRAMES).map(|at| step(at, window)).collect()
}

/// Moves the map in a circle, a step a frame.
fn moved(window: &mut Window) -> Vec<Times> {
    let at = |step: usize| {
        let angle = step as f32 / FRAMES as f32 * std::f32::consts::TAU;
        pos2(700.0 + 150.0 * angle.cos(), 450.0 + 150.0 * angle.sin())
    };
    window.drag_at(at(0));
    let step = |step: usize, window: &mut Window| {
        window.hover_at(at(step));
        frame(window)
    };
    let frames = (1..=FRAMES).map(|number| step(number, window)).collect();
    window.drop_at(at(FRAMES));
    frames
}

/// The map and the duplicates of the whole library.
fn report_pages(window: &mut Window) {
    app(window).send(Command::OpenPage(Page::Map));
    frame(window);
    let mapped = wait_until(window, "the map is drawn", |app| app.state().map.report.is_some());
    println!("the first map after {:.1} s", mapped.as_secs_f64());
    report("moving the map while it is refined", &moved(window));
    app(window).send(Command::StopErrand(Errand::Map));
    frame(window);
    report("moving the map", &moved(window));
    report_memory("the map");
    app(window).send(Command::OpenPage(Page::Duplicates));
    frame(window);
    let found = wait_until(window, "duplicates were looked for", |app| app.state().duplicates.report.is_some());
    println!("duplicates after {:.1} s", found.as_secs_f64());
    report_memory("duplicates");
}

fn main() -> Result<()> {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let n = if given("--bench") { 100_000 } else { 300 };
    let home = tempfile::tempdir()?;
    if given("inspection") {
        return report_inspection(&mut open(home.path().join("library")), &home.path().join("plates"), n / 100);
    }
    report("an empty window", &filled(0));
    report("a window filled once", &filled(1));
    report("a window filled twice", &filled(2));
    report_library(home.path(), n)
}

/// Everything about a library of `n` photos, in this folder.
fn report_library(home: &Path, n: usize) -> Result<()> {
    let (photos, library, more) = (home.join("photos"), home.join("library"), home.join("more"));
    draw(&photos, n)?;
    draw(&more, n / 8)?;
    record(&library, &photos)?;
    let started = Instant::now();
    let mut window = open(library);
    let answered = |app: &App| app.state().answer.hits.len() == app.state().library.photos && !app.state().is_searching;
    wait_until(&mut window, "photos are shown", |app| app.state().library.photos == n && answered(app));
    println!("{n} photos; the first are shown after {:.2} s", started.elapsed().as_secs_f64());
    wait_until(&mut window, "the folder was looked at", |app| app.state().indexing.is_none());
    report_memory("opening");
    report("scrolling", &scrolled(&mut window));
    report("typing", &typed(&mut window));
    report_memory("scrolling and typing");
    report_pages(&mut window);
    app(&window).send(Command::OpenPage(Page::Photos));
    let started = Instant::now();
    app(&window).send(Command::SearchText("a red car".to_owned()));
    frame(&mut window);
    wait_until(&mut window, "the answer is there", |app| !app.state().is_searching);
    println!(
        "from the last letter to the answer: {:.0} ms, 150 of them waiting for another",
        started.elapsed().as_secs_f64() * 1e3
    );
    app(&window).send(Command::SearchText(String::new()));
    app(&window).send(Command::AddFolder(more));
    frame(&mut window);
    wait_until(&mut window, "indexing goes on", |app| {
        app.state().indexing.as_ref().is_some_and(|it| it.progress.done > 0)
    });
    report("scrolling while indexing", &scrolled(&mut window));
    report("typing while indexing", &typed(&mut window));
    if app(&window).state().indexing.is_none() {
        println!("    (indexing was over before the last of these frames)");
    }
    report_memory("indexing");
    Ok(())
}
