//! The window: draws the library and asks it. In: the engine's settings. Out: nothing, once the window is closed.
//!
//! `ui()` of the panels draws the [`state::State`] and sends [`command::Command`]s; [`apply::apply`] alone changes the
//! state and names [`task::Task`]s; [`work::Work`] does them away from the frame and finds new commands.

use anyhow::{Context, anyhow};
use egui::ViewportBuilder;
use sightline_core::engine::{Engine, Settings};

mod adapter;
pub mod app;
pub mod apply;
pub mod colour_table;
pub mod command;
mod dialogs;
pub mod finding;
pub mod graphics;
mod heatmap;
pub mod icons;
pub mod inspect_command;
mod inspect_work;
mod layout;
pub mod long_work;
mod making;
mod mark;
mod outside;
pub mod panels;
mod picture;
mod pictures;
pub mod player;
pub mod points;
pub mod preferences;
mod products;
pub mod state;
mod system;
pub mod task;
pub mod text;
mod textures;
pub mod theme;
pub mod translate;
mod watching;
mod widgets;
pub mod work;

pub use adapter::adapter_finding;
use app::App;
use preferences::{Place, Preferences};

/// Opens the window over a library and stays until it is closed.
///
/// # Errors
/// A library that cannot be opened; no display; no graphics adapter.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    let preferences = Preferences::of(&settings.library);
    let place = preferences.place.unwrap_or_default();
    let engine = Engine::open(settings)?;
    let viewport = ViewportBuilder::default()
        .with_title("Sightline")
        .with_app_id("sightline")
        .with_icon(mark::icon())
        .with_inner_size(place.size)
        .with_maximized(place.is_maximized)
        .with_min_inner_size(Place::LEAST)
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, renderer: eframe::Renderer::Wgpu, ..Default::default() };
    let create = |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        if let Some(render_state) = &cc.wgpu_render_state {
            graphics::install(&cc.egui_ctx, render_state);
        }
        let mut app = App::new(&cc.egui_ctx, engine, preferences)?;
        app.listen_to_system(&cc.egui_ctx);
        Ok(Box::new(app))
    };
    eframe::run_native("sightline", options, Box::new(create)).map_err(explained).context("the window cannot open")
}

/// Says what is missing, and that everything can be done without a window.
fn explained(error: eframe::Error) -> anyhow::Error {
    let instead = "use the command line: `sightline index FOLDER` and `sightline search TEXT`";
    // What winit says names lines of its own source: for the log, not for people.
    tracing::info!("eframe: {error}");
    match error {
        eframe::Error::Wgpu(error) => anyhow!(
            "no graphics adapter could be used ({error}); install a Vulkan or OpenGL driver (Mesa's software driver \
             is enough), or {instead}"
        ),
        eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => {
            anyhow!("there is no display that can be used; set DISPLAY or WAYLAND_DISPLAY, or {instead}")
        }
        error => anyhow!("{error}; {instead}"),
    }
}
