//! How long a frame of the window takes over a large library: while it is scrolled, while words are typed, both while a
//! folder is being indexed, and while the map is moved. In: a number of photos. Out: percentiles, the time to the first
//! photos, to the map and to the duplicates, the memory.
//!
//! `cargo bench --workspace --bench frames` takes 100,000 photos in the system's temporary folder (about 400 MB). A frame
//! is all of it: what work has found is applied, the window is laid out and tessellated, and a graphics adapter (in
//! software, where there is no other) draws 1280 × 800 pixels, which are read back.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::egui_wgpu::RendererOptions;
use egui::{Event, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use image::{Rgb, RgbImage};
use sightline_app::gui::app::App;
use sightline_app::gui::command::{Command, Errand};
use sightline_app::gui::graphics;
use sightline_app::gui::preferences::Preferences;
use sightline_app::gui::state::Page;
use sightline_app::gui::theme;
use sightline_core::Result;
use sightline_core::engine::{Engine, Precision, Settings};
use sightline_core::index::{ContentHash, FileRecord, FolderRecord, Indexed, PhotoRecord, Store};
use sightline_core::jobs::Ticker;
use sightline_core::library::scan;
use sightline_core::media::is_picture_path;
use sightline_core::models::{self, UnitVector};

const FRAMES: usize = 300;
const SIZE: [f32; 2] = [1280.0, 800.0];

type Window = Harness<'static, Option<App>>;

/// `n` small JPEGs, no two alike, 500 a folder.
fn draw(folder: &Path, n: usize) -> Result<()> {
    let scenes: Vec<Vec<u8>> = (0..50).map(scene).collect();
    for number in 0..n {
        let month = folder.join(format!("{:04}", number / 500));
        if number % 500 == 0 {
            fs_err::create_dir_all(&month)?;
        }
        // What follows the end of a JPEG is not looked at, and makes another content of it.
        let content = [&scenes[number % scenes.len()][..], &number.to_le_bytes()].concat();
        fs_err::write(month.join(format!("IMG_{number:06}.jpg")), content)?;
    }
    Ok(())
}

fn scene(number: u32) -> Vec<u8> {
    let pixel =
        |x: u32, y: u32| Rgb([(x + 5 * number) as u8, (2 * y + number) as u8, ((x * y) / 40 + 9 * number) as u8]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(240, 160, pixel).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// Records the files of a folder as if they had been indexed, with vectors by chance.
fn record(library: &Path, folder: &Path) -> Result<()> {
    let model = models::load(&models::starter())?;
    let (identity, dim) = (model.identity().clone(), model.dim());
    let store = Store::open(library)?.store;
    let added = FolderRecord::new(folder.to_owned());
    store.add_folder(&added)?;
    let mut state = 7_u64;
    let mut chance = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let found = scan(&[added], is_picture_path, &Ticker::silent())?.found;
    for (batch, files) in found.chunks(64).enumerate() {
        let indexed: Vec<Indexed> = files
            .iter()
            .enumerate()
            .map(|(at, found)| {
                let hash = ContentHash::of(&fs_err::read(&found.path).unwrap());
                let taken = Some(1_600_000_000 + 3_600 * (64 * batch + at) as i64);
                let (format, camera) = ("jpeg".to_owned(), Some("FUJIFILM X-T30".to_owned()));
                let (lens, exposure, position) = (None, Default::default(), None);
                let photo = PhotoRecord { width: 240, height: 160, format, taken, camera, lens, exposure, position };
                let vector = UnitVector::normalised((0..dim).map(|_| chance()).collect());
                let path = found.path.clone();
                let file = FileRecord {
                    path,
                    size: found.size,
                    modified_ns: found.modified_ns,
                    hash: Some(hash),
                    problem: None,
                };
                Indexed { file, photo: Some(photo), vector }
            })
            .collect();
        store.record(&identity, &indexed)?;
    }
    store.flush()
}

fn open(library: PathBuf) -> Window {
    let settings = Settings { library: library.clone(), model: None, precision: Precision::Auto };
    let mut opened = Some((Engine::open(settings).unwrap(), Preferences::of(&library)));
    let render_state = create_render_state(default_wgpu_setup(), RendererOptions::default());
    let card = render_state.clone();
    let setup = move |ctx: &egui::Context| {
        theme::install(ctx);
        graphics::install(ctx, &card);
    };
    let renderer = WgpuTestRenderer::from_render_state(render_state);
    Harness::builder().with_size(SIZE).with_context_setup(setup).renderer(renderer).build_ui_state(
        move |ui, app: &mut Option<App>| {
            if let Some((engine, preferences)) = opened.take() {
                *app = Some(App::new(ui.ctx(), engine, preferences).unwrap());
            }
            let app = app.as_mut().unwrap();
            app.apply_all(ui.ctx());
            app.draw(ui);
        },
        None,
    )
}

fn app(window: &Window) -> &App {
    window.state().as_ref().unwrap()
}

/// How long a frame took: up to what is handed to the adapter, and with drawing.
type Times = (Duration, Duration);

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

/// One frame.
fn frame<State>(window: &mut Harness<'_, State>) -> Times {
    let started = Instant::now();
    window.step();
    let ours = started.elapsed();
    window.render().unwrap();
    (ours, started.elapsed())
}

fn wait_until(window: &mut Window, what: &str, is_done: impl Fn(&App) -> bool) -> Duration {
    let started = Instant::now();
    while !is_done(app(window)) {
        assert!(started.elapsed() < Duration::from_secs(300), "still waiting until {what}");
        frame(window);
    }
    started.elapsed()
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

fn report(what: &str, frames: &[Times]) {
    let (ours, all): (Vec<Duration>, Vec<Duration>) = frames.iter().copied().unzip();
    println!("{what}");
    println!("    applied and laid out  {}", percentiles(ours));
    println!("    with drawing          {}", percentiles(all));
}

fn percentiles(mut frames: Vec<Duration>) -> String {
    frames.sort_unstable();
    let at = |share: f64| frames[((frames.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let [median, p95, p99, most] = [0.5, 0.95, 0.99, 1.0].map(at);
    format!("median {median:5.1} ms, p95 {p95:5.1} ms, p99 {p99:5.1} ms, most {most:5.1} ms")
}

/// What this process has in memory, the model and a software adapter included, and its most so far, where the system says
/// so.
fn report_memory(after: &str) {
    let Ok(status) = fs_err::read_to_string("/proc/self/status") else { return };
    let megabytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1000)
    };
    if let (Some(now), Some(most)) = (megabytes("VmRSS:"), megabytes("VmHWM:")) {
        println!("memory after {after}: {now} MB, at most {most} MB so far");
    }
}

fn main() -> Result<()> {
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    let n = if is_measuring { 100_000 } else { 300 };
    report("an empty window", &filled(0));
    report("a window filled once", &filled(1));
    report("a window filled twice", &filled(2));
    let home = tempfile::tempdir()?;
    let (photos, library, more) = (home.path().join("photos"), home.path().join("library"), home.path().join("more"));
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
