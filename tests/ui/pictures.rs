//! Every screen in both themes, compared with the picture of it in `tests/ui/screens`. `UPDATE_SNAPSHOTS=1 cargo test
//! --workspace --test ui pictures::` draws them anew: look at each before it is committed. The pictures are drawn by the
//! software adapter of Linux; where there is another, only that something is drawn is looked at.

use std::time::{Duration, SystemTime};

use egui_kittest::SnapshotOptions;
use egui_kittest::kittest::Queryable;
use image::{Rgba, RgbaImage};
use sightline_app::gui::command::{AlbumEdit, Command, LookChange, MarkEdit};
use sightline_app::gui::state::{Appearance, Cover, Loaded, Page, Question, State};

use crate::support::{COLORS, Window, can_draw};

/// What stands before a time.
const TIMES: [&str; 3] = ["photos in ", "indexed in ", "looked in "];
/// No text with a time is wider than this.
const LONGEST_TIME: f32 = 200.0;
/// How wide the window is.
const WIDTH: f32 = 1000.0;
/// Numbers of a model differ in their last digit from processor to processor.
const PIXELS: usize = 60;

/// A window of which pictures are compared.
struct Album {
    window: Window,
    theme: &'static str,
    wrong: Vec<String>,
}

impl Album {
    fn new(appearance: Appearance, theme: &'static str) -> Self {
        let mut window = Window::sized(WIDTH, 640.0);
        window.app().send(Command::Look(LookChange::Appearance(appearance)));
        window.wait_until("folders are read", |state| state.library.folders.is_some());
        Self { window, theme, wrong: Vec::new() }
    }

    fn send(&mut self, command: Command) {
        self.window.app().send(command);
        self.window.harness.run_steps(2);
    }

    /// Until the line that tells what was done is gone.
    #[track_caller]
    fn rest(&mut self) {
        let is_told = |album: &Self| album.window.harness.query_by_label("Undo").is_some();
        let gone = (0..2000).any(|_| {
            self.window.harness.step();
            !is_told(self)
        });
        assert!(gone, "what was done is told for ever");
    }

    #[track_caller]
    fn wait_until(&mut self, what: &str, is_done: impl Fn(&State) -> bool) {
        self.window.wait_until(what, is_done);
    }

    /// Paints over what tells how long something took: it is never the same, nor as long.
    fn without_times(&self, picture: &mut RgbaImage) {
        for words in TIMES {
            for node in self.window.harness.query_all_by_label_contains(words) {
                let rect = node.rect();
                let is_right = rect.center().x > WIDTH / 2.0;
                let left = if is_right { rect.right() - LONGEST_TIME } else { rect.left() };
                let left = (left.max(0.0) as u32).min(picture.width());
                let (top, right) = (rect.top() as u32, (left + LONGEST_TIME as u32).min(picture.width()));
                let bottom = (rect.bottom() as u32).min(picture.height());
                let places = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
                places.for_each(|(x, y)| picture.put_pixel(x, y, Rgba([128, 128, 128, 255])));
            }
        }
    }

    /// Compares what the window shows now.
    fn check(&mut self, name: &str) {
        // Thumbnails arrive a moment later; what moves is where it will be after some frames.
        let mut frames = 0;
        while frames < 20 || (self.window.app().is_busy() && frames < 2000) {
            self.window.harness.step();
            std::thread::sleep(Duration::from_millis(5));
            frames += 1;
        }
        let mut picture = self.window.harness.render().unwrap();
        self.without_times(&mut picture);
        let colors: std::collections::BTreeSet<[u8; 4]> = picture.pixels().map(|pixel| pixel.0).collect();
        assert!(colors.len() > 30, "{name}: only {} colors", colors.len());
        if !cfg!(target_os = "linux") {
            return;
        }
        let options = SnapshotOptions::new()
            .output_path(concat!(env!("CARGO_MANIFEST_DIR"), "/ui/screens"))
            .max_failed_pixels(PIXELS);
        let name = format!("{name}-{}", self.theme);
        if let Err(error) = egui_kittest::try_image_snapshot_options(&picture, name, &options) {
            self.wrong.push(error.to_string());
        }
    }

    #[track_caller]
    fn close(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

/// The colours in a folder, taken on one day.
fn photos(album: &Album) -> std::path::PathBuf {
    let folder = album.window.folder_of("Photos/Colors", &COLORS);
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_272_000);
    for (name, _) in COLORS {
        let file = std::fs::File::options().write(true).open(folder.join(name)).unwrap();
        file.set_modified(then).unwrap();
    }
    folder
}

fn is_answered(state: &State) -> bool {
    !state.is_searching && !state.answer.hits.is_empty()
}

fn browsing(album: &mut Album) {
    album.check("first-run");
    let folder = photos(album);
    album.window.index(&folder);
    album.send(Command::SelectAll);
    album.send(Command::Mark(MarkEdit::Favourite(true)));
    album.wait_until("they are favourites", |state| state.library.favourites == 3);
    album.send(Command::Album("Summer".to_owned(), AlbumEdit::Add));
    album.wait_until("the album is there", |state| !state.library.albums.is_empty() && state.library.favourites == 3);
    album.rest();
    album.check("grid");
    album.send(Command::Select(0));
    album.check("details");
    album.send(Command::OpenFilters(true));
    album.wait_until("they are counted", |state| state.filters.facets.is_some());
    album.check("filters");
    album.send(Command::OpenFilters(false));
    album.send(Command::SearchText("something green".to_owned()));
    album.send(Command::KeepDraft);
    album.send(Command::SearchText("-blue".to_owned()));
    album.wait_until("it is found", is_answered);
    album.check("search");
    album.send(Command::OpenViewer(0));
    album.wait_until("the picture is decoded", |state| {
        state.viewer.as_ref().is_some_and(|viewer| matches!(viewer.picture, Loaded::Ready(_)))
    });
    album.check("viewer");
    album.send(Command::CloseViewer);
    album.send(Command::SelectAll);
    album.send(Command::Compare(true));
    album.wait_until("the pictures are decoded", |state| {
        let mut compared = state.compared.iter().flatten();
        state.compared.is_some() && compared.all(|one| matches!(one.picture, Loaded::Ready(_)))
    });
    album.check("compare");
    album.send(Command::Compare(false));
}

fn pages(album: &mut Album) {
    album.send(Command::OpenPage(Page::Map));
    album.wait_until("the map is drawn", |state| {
        state.map.report.is_some() && state.map.progress.is_none() && state.map.live.is_none()
    });
    album.check("map");
    album.send(Command::OpenPage(Page::Duplicates));
    album.wait_until("duplicates are looked for", |state| state.duplicates.report.is_some());
    album.check("duplicates");
    for (page, name) in [(Page::Jobs, "jobs"), (Page::Problems, "problems"), (Page::Inspect, "inspect")] {
        album.send(Command::OpenPage(page));
        album.check(name);
    }
    album.send(Command::OpenPage(Page::Photos));
    album.send(Command::Cover(Some(Cover::Keys)));
    album.check("keys");
    album.send(Command::Cover(Some(Cover::Palette)));
    album.check("palette");
    album.send(Command::Cover(None));
    album.send(Command::Ask(Some(Question::Trash(vec!["/photos/one.jpg".into(), "/photos/two.jpg".into()]))));
    album.check("question");
    album.send(Command::Ask(None));
    album.send(Command::AddFolder("/no/such/folder".into()));
    album.wait_until("it is refused", |state| state.error.is_some());
    album.check("error");
}

#[test]
fn every_screen_is_as_its_picture_in_both_themes() {
    if !can_draw() {
        return;
    }
    for (appearance, theme) in [(Appearance::Dark, "dark"), (Appearance::Light, "light")] {
        let mut album = Album::new(appearance, theme);
        browsing(&mut album);
        pages(&mut album);
        album.close();
    }
}
