//! The window's program. `logic` applies what was asked for and found, `ui` draws; nothing else changes the state.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use image::RgbImage;
use sightline_core::engine::Engine;
use sightline_core::index::Entry;
use sightline_core::media::{self, Limits};

use super::apply::apply;
use super::command::Command;
use super::finding::Finding;
use super::panels::{Cx, Panel, all_panels};
use super::preferences::{Place, Preferences};
use super::state::{Appearance, State};
use super::system::System;
use super::task::Task;
use super::textures::{Source, Textures};
use super::work::{Wakes, Work};
use super::{theme, translate};

/// A progress bar moves so often.
const SOON: Duration = Duration::from_millis(100);

/// The longer side of a part's thumbnail in pixels.
const PART_THUMBNAIL: u32 = 256;

/// The window's program.
pub struct App {
    state: State,
    work: Work,
    panels: Vec<Box<dyn Panel>>,
    textures: RefCell<Textures>,
    large_textures: RefCell<Textures>,
    part_textures: RefCell<Textures<PathBuf>>,
    commands: RefCell<Vec<Command>>,
    system: Option<System>,
    place: Option<Place>,
}

impl App {
    /// A window over a library. Starts to load the model and to look for changes in the added folders.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(ctx: &egui::Context, engine: Engine, preferences: Preferences) -> sightline_core::Result<Self> {
        theme::install(ctx);
        ctx.set_zoom_factor(preferences.place.unwrap_or_default().zoom);
        let wakes = wakes(ctx);
        let textures = Textures::new(&thumbnails_of(&engine, Engine::thumbnail), &wakes.now)?;
        let large_textures = Textures::new(&thumbnails_of(&engine, Engine::large_thumbnail), &wakes.now)?;
        let part_textures = Textures::new(&thumbnails_of_files(), &wakes.now)?;
        let (look, place) = (preferences.look, preferences.place);
        let mut state = State {
            appearance: look.appearance,
            language: look.language,
            shapes: look.shapes,
            calm: look.calm,
            ..State::default()
        };
        state.inspection.operator.clone_from(&preferences.operator);
        state.row_height = look.row_height.filter(|height| height.is_finite()).unwrap_or(state.row_height);
        state.suggested_folder = super::preferences::pictures_folder();
        state.model.name = engine.model_id().to_owned();
        state.model.precision = engine.precision();
        state.notices = engine.notices().iter().map(|notice| super::text::sentence(notice)).collect();
        let folders = engine.folders();
        let mut app = Self {
            state,
            work: Work::new(engine, wakes, preferences),
            panels: all_panels(),
            textures: RefCell::new(textures),
            large_textures: RefCell::new(large_textures),
            part_textures: RefCell::new(part_textures),
            commands: RefCell::new(Vec::new()),
            system: None,
            place,
        };
        app.work.start(Task::LoadModel);
        if !folders.is_empty() {
            app.commands.borrow_mut().push(Command::RefreshFolders);
        }
        Ok(app)
    }

    /// Follows what the system says of movement. Tests do not: they look the same on every machine.
    pub fn listen_to_system(&mut self, ctx: &egui::Context) {
        self.system = Some(System::listen(wakes(ctx).now));
    }

    /// What is remembered.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The library that the window shows.
    pub fn engine(&self) -> &Engine {
        self.work.engine()
    }

    /// Asks for something, as a panel does.
    pub fn send(&self, command: Command) {
        self.commands.borrow_mut().push(command);
    }

    /// Whether work goes on that will change the window.
    pub fn is_busy(&self) -> bool {
        let thumbnails = [&self.textures, &self.large_textures].iter().any(|textures| textures.borrow().is_busy());
        self.work.is_busy() || thumbnails || !self.commands.borrow().is_empty()
    }

    /// Applies what was asked for in the last frame and what work has found since.
    pub fn apply_all(&mut self, ctx: &egui::Context) {
        let asked = std::mem::take(&mut *self.commands.borrow_mut());
        asked.into_iter().for_each(|command| self.apply_one(ctx, command));
        // Only now: work that was stopped just before must not be heard of again.
        self.work.poll().into_iter().for_each(|command| self.apply_one(ctx, command));
        let heard = self.system.as_mut().and_then(System::poll);
        heard.into_iter().for_each(|finding| self.apply_one(ctx, Command::Found(finding)));
        if let Some(due) = self.work.due_in() {
            ctx.request_repaint_after(due);
        }
        set_theme(ctx, self.state.appearance);
        theme::set_motion(ctx, !self.state.is_calm());
        translate::speak(self.state.language);
        self.textures.borrow_mut().update(ctx);
        self.large_textures.borrow_mut().update(ctx);
        self.part_textures.borrow_mut().update(ctx);
    }

    fn apply_one(&mut self, ctx: &egui::Context, command: Command) {
        if matches!(command, Command::Found(Finding::Library(_))) {
            self.textures.borrow_mut().try_again();
            self.large_textures.borrow_mut().try_again();
        }
        for task in apply(&mut self.state, command) {
            match task {
                Task::CopyText(text) => ctx.copy_text(text),
                Task::CopyPixels(pixels) => ctx.copy_image(pixels),
                task => self.work.start(task),
            }
        }
    }

    /// Draws all panels.
    pub fn draw(&mut self, ui: &mut egui::Ui) {
        let Self { panels, state, textures, large_textures, part_textures, commands, .. } = self;
        let cx = Cx { state, textures, large_textures, part_textures, commands };
        for panel in panels {
            panel.ui(&cx, ui);
        }
        if !commands.borrow().is_empty() {
            ui.ctx().request_repaint();
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        self.apply_all(ctx);
        let zoom = ctx.zoom_factor();
        self.place = ctx.input(|input| Place::of(input.viewport(), zoom, self.place)).or(self.place);
    }

    fn on_exit(&mut self) {
        self.work.remember_place(self.place);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        theme::of(visuals.dark_mode).background.to_normalized_gamma_f32()
    }
}

fn wakes(ctx: &egui::Context) -> Wakes {
    let (now, soon) = (ctx.clone(), ctx.clone());
    Wakes { now: Arc::new(move || now.request_repaint()), soon: Arc::new(move || soon.request_repaint_after(SOON)) }
}

fn thumbnails_of(engine: &Engine, made: fn(&Engine, &Entry) -> sightline_core::Result<RgbImage>) -> Source {
    let engine = engine.clone();
    Arc::new(move |entry| {
        let thumbnail = made(&engine, entry)?;
        Ok((thumbnail.width(), thumbnail.height(), thumbnail.into_raw()))
    })
}

/// Parts are in no library: their thumbnails are made from their files, and kept nowhere.
fn thumbnails_of_files() -> Source<PathBuf> {
    Arc::new(|path| {
        let picture = media::decode(path, &Limits::default())?.picture;
        let thumbnail = media::thumbnail(&picture, PART_THUMBNAIL);
        Ok((thumbnail.width(), thumbnail.height(), thumbnail.into_raw()))
    })
}

fn set_theme(ctx: &egui::Context, appearance: Appearance) {
    let wanted = match appearance {
        Appearance::System => egui::ThemePreference::System,
        Appearance::Dark => egui::ThemePreference::Dark,
        Appearance::Light => egui::ThemePreference::Light,
    };
    if ctx.options(|options| options.theme_preference) != wanted {
        ctx.set_theme(wanted);
        // The frame under way is drawn in the old one still.
        ctx.request_repaint();
    }
}
