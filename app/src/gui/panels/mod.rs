//! The parts of the window. Each draws the state and sends commands; none changes anything.

use std::cell::RefCell;
use std::path::PathBuf;

use sightline_core::engine::THUMBNAIL;
use sightline_core::index::Entry;

use super::command::Command;
use super::inspect_command::InspectCommand;
use super::state::{Page, State};
use super::textures::{Textures, Thumbnail};
use super::theme::{self, font, size, space};

mod chips;
mod compare;
mod cover;
mod details;
mod duplicates;
mod empty;
mod filters;
mod grid;
mod inspect;
mod jobs;
mod keys;
mod last_indexing;
mod learn;
mod map;
mod marks_editor;
mod messages;
mod models;
mod path_entry;
mod photo_menu;
mod precision;
mod problems;
mod question;
mod results;
mod save_search;
mod search_bar;
mod sidebar;
mod sidebar_made;
mod status_bar;
mod viewer;

/// A thumbnail that is drawn so much larger than it is looks blurred.
const BLURRED: f32 = 1.2;

/// What a panel sees, and where it sends what the person wants.
pub struct Cx<'a> {
    /// What is remembered.
    pub state: &'a State,
    /// The thumbnails.
    pub textures: &'a RefCell<Textures>,
    /// Larger thumbnails, for cells that the others would be blurred in.
    pub large_textures: &'a RefCell<Textures>,
    /// The thumbnails of files that are in no library.
    pub part_textures: &'a RefCell<Textures<PathBuf>>,
    /// What was asked for in this frame.
    pub commands: &'a RefCell<Vec<Command>>,
}

impl Cx<'_> {
    /// Asks for something. It is done before the next frame.
    pub fn send(&self, command: Command) {
        self.commands.borrow_mut().push(command);
    }

    /// The thumbnail of a photo on the screen.
    pub fn thumbnail(&self, entry: &Entry) -> Thumbnail {
        self.textures.borrow_mut().get(entry)
    }

    /// The same, sharp in a rectangle of this size in points: a larger one, once it is there.
    pub fn thumbnail_for(&self, entry: &Entry, size: egui::Vec2, ctx: &egui::Context) -> Thumbnail {
        let usual = self.thumbnail(entry);
        let is_large = size.max_elem() * ctx.pixels_per_point() > BLURRED * THUMBNAIL as f32;
        let photo = &entry.photo;
        if !is_large || photo.width.max(photo.height) <= THUMBNAIL {
            return usual;
        }
        match self.large_textures.borrow_mut().get(entry) {
            Thumbnail::Ready(texture) => Thumbnail::Ready(texture),
            _ => usual,
        }
    }

    /// The thumbnail of any file on the screen.
    pub fn file_thumbnail(&self, file: &PathBuf) -> Thumbnail {
        self.part_textures.borrow_mut().get(file)
    }

    /// Asks for something of the inspection page.
    pub fn inspect(&self, command: InspectCommand) {
        self.send(Command::Inspect(command));
    }
}

/// A part of the window. It may own what is its alone: a half-typed text, a scroll position.
pub trait Panel {
    /// Draws it into what earlier panels have left of the window.
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut egui::Ui);
}

/// A page in the middle of the window; nothing while another one is shown.
fn page_ui(cx: &Cx<'_>, page: Page, ui: &mut egui::Ui, content: impl FnOnce(&mut egui::Ui)) {
    if cx.state.page != page {
        return;
    }
    let fill = theme::tokens(ui).background;
    let frame = egui::Frame::new().fill(fill).inner_margin(egui::Margin::same(space::L as i8));
    egui::CentralPanel::default().frame(frame).show(ui, content);
}

/// A column in the middle, not wider than can be read. What scrolls is wider than it: the wheel works beside it too.
fn column_ui(ui: &mut egui::Ui, content: impl FnOnce(&mut egui::Ui)) {
    let beside = ((ui.available_width() - size::COLUMN) / 2.0).max(0.0);
    let column = ui.available_rect_before_wrap().shrink2(egui::vec2(beside, 0.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(column), content);
}

fn title_ui(title: &str, ui: &mut egui::Ui) {
    let text = theme::tokens(ui).text;
    ui.label(egui::RichText::new(title).font(font::title()).color(text));
}

/// Every panel, from the edges of the window to its middle, and last what lies over it. A new panel is one file and one
/// line here.
pub fn all_panels() -> Vec<Box<dyn Panel>> {
    vec![
        Box::new(keys::Keys),
        Box::new(status_bar::StatusBar),
        Box::new(sidebar::Sidebar),
        Box::new(search_bar::SearchBar::default()),
        Box::new(messages::Messages),
        Box::new(details::Details::default()),
        Box::new(filters::Filters::default()),
        Box::new(results::Results),
        Box::new(map::Map::default()),
        Box::new(duplicates::Duplicates),
        Box::new(learn::Learn),
        Box::new(inspect::Inspect::default()),
        Box::new(models::Models),
        Box::new(jobs::Jobs),
        Box::new(compare::Compare::default()),
        Box::new(problems::Problems),
        Box::new(viewer::Viewer::default()),
        Box::new(empty::EmptyPage),
        Box::new(grid::Grid::default()),
        Box::new(path_entry::PathEntry::default()),
        Box::new(question::Questions::default()),
        Box::new(cover::Covers::default()),
    ]
}

/// The field for words in the search bar.
fn search_field() -> egui::Id {
    egui::Id::unique("search-text")
}

/// Whether keys are letters of a text now: the key that ends typing is none of the grid's.
fn is_typing(cx: &Cx<'_>, ui: &egui::Ui) -> bool {
    let had_focus = ui.memory(|memory| memory.had_focus_last_frame(search_field()));
    had_focus || ui.ctx().text_edit_focused() || cx.state.is_path_asked || cx.state.is_covered()
}

/// Whether the middle of the window shows photos as a grid.
fn is_grid_shown(state: &State) -> bool {
    state.page == super::state::Page::Photos
        && state.viewer.is_none()
        && state.compared.is_none()
        && state.empty().is_none()
}
