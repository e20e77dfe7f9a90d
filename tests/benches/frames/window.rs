//! The window as the benches drive it. In: a library, commands, events. Out: how long its frames took.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use eframe::egui_wgpu::RendererOptions;
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use sightline_app::gui::app::App;
use sightline_app::gui::graphics;
use sightline_app::gui::preferences::Preferences;
use sightline_app::gui::theme;
use sightline_core::engine::{Engine, Precision, Settings};

pub const SIZE: [f32; 2] = [1280.0, 800.0];

pub type Window = Harness<'static, Option<App>>;

/// A window over the library.
pub fn open(library: PathBuf) -> Window {
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

/// What it shows.
pub fn app(window: &Window) -> &App {
    window.state().as_ref().unwrap()
}

/// How long a frame took: up to what is handed to the adapter, and with drawing.
pub type Times = (Duration, Duration);

/// One frame.
pub fn frame<State>(window: &mut Harness<'_, State>) -> Times {
    let started = Instant::now();
    window.step();
    let ours = started.elapsed();
    window.render().unwrap();
    (ours, started.elapsed())
}

/// Frames until that is so, and how long it took.
pub fn wait_until(window: &mut Window, what: &str, is_done: impl Fn(&App) -> bool) -> Duration {
    let started = Instant::now();
    while !is_done(app(window)) {
        assert!(started.elapsed() < Duration::from_secs(300), "still waiting until {what}");
        frame(window);
    }
    started.elapsed()
}

/// Prints percentiles of frames.
pub fn report(what: &str, frames: &[Times]) {
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
pub fn report_memory(after: &str) {
    let Ok(status) = fs_err::read_to_string("/proc/self/status") else { return };
    let megabytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1000)
    };
    if let (Some(now), Some(most)) = (megabytes("VmRSS:"), megabytes("VmHWM:")) {
        println!("memory after {after}: {now} MB, at most {most} MB so far");
    }
}
