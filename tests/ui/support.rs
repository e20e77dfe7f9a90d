//! A window over a library of its own in a temporary folder, with photos made here.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use image::{Rgb, RgbImage};
use sightline_app::gui::adapter_finding;
use sightline_app::gui::app::App;
use sightline_app::gui::preferences::Preferences;
use sightline_app::gui::state::State;
use sightline_app::gui::theme;
use sightline_core::engine::{Engine, Precision, Settings, Severity};
use tempfile::TempDir;

/// A model in a debug build on a busy machine takes a while; a window that never gets there fails all the same.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether there is an adapter to draw with; says so, or fails where nothing may be skipped.
pub fn can_draw() -> bool {
    let finding = adapter_finding();
    if finding.severity == Severity::Good {
        return true;
    }
    let may_skip = std::env::var_os("SIGHTLINE_NO_SKIP").is_none_or(|value| value != "1");
    assert!(may_skip, "no graphics adapter, and SIGHTLINE_NO_SKIP=1: {}", finding.text);
    println!("skipped: {}", finding.text);
    false
}

/// A window, and what it stands on.
pub struct Window {
    /// The window itself.
    pub harness: Harness<'static, Option<App>>,
    woken: Receiver<()>,
    folder: TempDir,
}

impl Window {
    /// A window over a new library, 1280 × 800 points.
    pub fn new() -> Self {
        Self::sized(1280.0, 800.0)
    }

    /// A window of this size over a new library.
    pub fn sized(width: f32, height: f32) -> Self {
        Self::over(TempDir::new().unwrap(), None, [width, height])
    }

    /// A window over a new library with this model of the person's own.
    pub fn with_model(model: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let id = sightline_core::engine::add_model(&folder.path().join("library"), model).unwrap();
        Self::over(folder, Some(id), [1280.0, 800.0])
    }

    fn over(folder: TempDir, model: Option<String>, size: [f32; 2]) -> Self {
        let library = folder.path().join("library");
        let settings = Settings { library: library.clone(), model, precision: Precision::Auto };
        let engine = Engine::open(settings).unwrap();
        let preferences = Preferences::of(&library);
        let (sender, woken) = sync_channel(1);
        let setup = move |ctx: &egui::Context| {
            theme::install(ctx);
            // Full: the test has not looked yet since it was last woken.
            ctx.set_request_repaint_callback(move |_| sender.try_send(()).unwrap_or_default());
        };
        let mut opened = Some((engine, preferences));
        let harness = Harness::builder().with_size(size).with_context_setup(setup).build_ui_state(
            move |ui, app: &mut Option<App>| {
                if let Some((engine, preferences)) = opened.take() {
                    *app = Some(App::new(ui.ctx(), engine, preferences).unwrap());
                }
                let app = app.as_mut().unwrap();
                app.apply_all(ui.ctx());
                app.draw(ui);
            },
            None,
        );
        Self { harness, woken, folder }
    }

    /// A window over a library of one red, one green and one blue photo.
    pub fn indexed() -> Self {
        let mut window = Self::new();
        let folder = window.folder_of("Colors", &COLORS);
        window.index(&folder);
        window
    }

    /// What the window remembers.
    pub fn state(&self) -> &State {
        self.app().state()
    }

    /// The program.
    pub fn app(&self) -> &App {
        self.harness.state().as_ref().unwrap()
    }

    /// A folder beside the library, with these files in it.
    pub fn folder_of(&self, name: &str, files: &[(&str, [u8; 3])]) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs_err::create_dir_all(&folder).unwrap();
        files.iter().for_each(|(name, color)| write_photo(&folder.join(name), *color));
        folder
    }

    /// The place in the answer of the photo with this file name.
    #[track_caller]
    pub fn photo(&self, name: &str) -> usize {
        let answer = &self.state().answer;
        let is_it = |photo: &usize| answer.entry(*photo).is_some_and(|entry| entry.path.ends_with(name));
        (0..answer.hits.len()).find(is_it).unwrap()
    }

    /// Frame after frame until `is_done`, waiting for work in between.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, is_done: impl Fn(&State) -> bool) {
        let started = Instant::now();
        while !is_done(self.state()) {
            assert!(started.elapsed() < PATIENCE, "still waiting until {what}; error: {:?}", self.state().error);
            self.harness.step();
            self.woken.recv_timeout(Duration::from_millis(50)).ok();
        }
        self.harness.run_steps(2);
    }

    /// Adds a folder and waits until it is indexed.
    #[track_caller]
    pub fn index(&mut self, folder: &Path) {
        self.app().send(sightline_app::gui::command::Command::AddFolder(folder.to_owned()));
        self.harness.step();
        self.wait_until("the folder is indexed", |state| state.indexing.is_none() && state.last_indexing.is_some());
        let count = self.app().engine().snapshot().entries.len();
        self.wait_until("its photos are shown", |state| {
            !state.is_searching && state.library.photos == count && state.answer.hits.len() == count
        });
    }
}

/// A photo of one color with a lighter half, so that it is not empty.
fn write_photo(path: &Path, color: [u8; 3]) {
    let pixel = |x: u32, _| Rgb(color.map(|channel| if x < 48 { channel } else { channel.saturating_add(60) }));
    RgbImage::from_fn(96, 64, pixel).save(path).unwrap();
}

/// Red, green, blue.
pub const COLORS: [(&str, [u8; 3]); 3] =
    [("red.png", [190, 20, 20]), ("green.png", [20, 160, 30]), ("blue.png", [20, 30, 190])];
