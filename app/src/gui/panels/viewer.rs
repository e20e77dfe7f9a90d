//! The large view: one photo, whole or pixel by pixel.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{CentralPanel, Frame, Key, Margin, Rect, Sense, TextureHandle, TextureOptions, Ui, Vec2, pos2, vec2};

use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::{Loaded, Page, Picture, Zoom};
use crate::gui::theme::{self, font, size, space};
use crate::gui::{icons, state, text, widgets};

/// See the module.
#[derive(Default)]
pub struct Viewer {
    /// The file and the size that are on the graphics card.
    texture: Option<(PathBuf, Zoom, TextureHandle)>,
    /// How far the photo is moved from the middle, in points.
    moved: Vec2,
}

impl Panel for Viewer {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let shown = cx.state.viewer.as_ref().zip(cx.state.selection).filter(|_| cx.state.page == Page::Photos);
        let Some((viewer, index)) = shown else {
            self.texture = None;
            return;
        };
        if cx.state.empty().is_some() {
            return;
        }
        let frame = Frame::new().fill(theme::tokens(ui).background).inner_margin(Margin::same(space::M as i8));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            bar_ui(cx, viewer, index, ui);
            keys(cx, viewer.zoom, index, ui);
            let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
            let name = text::name(&viewer.path);
            response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, format!("Large view of {name}")));
            if response.double_clicked() {
                cx.send(Command::ZoomTo(other(viewer.zoom)));
            }
            self.moved = if viewer.zoom == Zoom::Fit { Vec2::ZERO } else { self.moved + response.drag_delta() };
            self.picture_ui(cx, (viewer, index), rect, ui);
        });
    }
}

impl Viewer {
    fn picture_ui(&mut self, cx: &Cx<'_>, (viewer, index): (&state::Viewer, usize), rect: Rect, ui: &Ui) {
        match &viewer.picture {
            Loaded::Ready(picture) => {
                let scale = ui.ctx().pixels_per_point();
                let pixels = vec2(picture.size.0 as f32, picture.size.1 as f32);
                let texture = self.texture(&viewer.path, viewer.zoom, picture, ui.ctx());
                let shown = match viewer.zoom {
                    Zoom::Fit => fitted(pixels / scale, rect),
                    Zoom::Actual => self.actual(pixels / scale, rect),
                };
                ui.painter().with_clip_rect(rect).image(texture, shown, UNIT, egui::Color32::WHITE);
            }
            Loaded::Waiting => waiting_ui(cx, index, rect, ui),
            Loaded::Failed(reason) => {
                let tokens = theme::tokens(ui);
                let words = format!("{}\n\n{reason}", icons::IMAGE_BROKEN);
                let mut job = egui::text::LayoutJob::simple(words, font::body(), tokens.muted, rect.width() * 0.7);
                job.halign = egui::Align::Center;
                let galley = ui.painter().layout_job(job);
                ui.painter().galley(rect.center() - vec2(0.0, galley.size().y / 2.0), galley, tokens.muted);
            }
        }
    }

    /// The photo at one pixel for one, moved as far as it was dragged and no farther than its edges.
    fn actual(&mut self, size: Vec2, rect: Rect) -> Rect {
        let room = ((size - rect.size()) / 2.0).max(Vec2::ZERO);
        self.moved = self.moved.clamp(-room, room);
        Rect::from_center_size(rect.center() + self.moved, size)
    }

    fn texture(&mut self, path: &PathBuf, zoom: Zoom, picture: &Arc<Picture>, ctx: &egui::Context) -> egui::TextureId {
        match &self.texture {
            Some((shown, size, texture)) if shown == path && *size == zoom => return texture.id(),
            Some((shown, ..)) if shown != path => self.moved = Vec2::ZERO,
            _ => {}
        }
        let image = if zoom == Zoom::Fit { picture.fit.clone() } else { picture.full.clone() };
        let texture = ctx.load_texture("large", image, TextureOptions::LINEAR);
        let id = texture.id();
        self.texture = Some((path.clone(), zoom, texture));
        id
    }
}

const UNIT: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1.0, 1.0) };

/// As large as the room allows, but not so large that a small photo turns to blocks.
fn fitted(size: Vec2, room: Rect) -> Rect {
    let factor = (room.width() / size.x).min(room.height() / size.y).min(2.0);
    Rect::from_center_size(room.center(), size * factor)
}

/// The thumbnail, as large as the photo will be: it is there at once.
fn waiting_ui(cx: &Cx<'_>, index: usize, rect: Rect, ui: &Ui) {
    let Some(entry) = cx.state.answer.entry(index) else { return };
    let pixels = vec2(entry.photo.width as f32, entry.photo.height as f32);
    let shown = fitted(pixels / ui.ctx().pixels_per_point(), rect);
    widgets::paint_thumbnail(ui.painter(), theme::tokens(ui), &cx.thumbnail(entry), shown, pixels);
}

fn bar_ui(cx: &Cx<'_>, viewer: &state::Viewer, index: usize, ui: &mut Ui) {
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), size::CONTROL),
        egui::Layout::left_to_right(egui::Align::Center),
        |ui| {
            if widgets::button(ui, widgets::Kind::Plain, icons::ARROW_LEFT, "Back").clicked() {
                cx.send(Command::CloseViewer);
            }
            if widgets::icon_button(ui, icons::CARET_LEFT, "Previous photo", false).clicked() {
                step(cx, index, false);
            }
            if widgets::icon_button(ui, icons::CARET_RIGHT, "Next photo", false).clicked() {
                step(cx, index, true);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| tools_ui(cx, viewer, index, ui));
        },
    );
    ui.add_space(space::S);
}

/// From right to left: similar, the two sizes, then the name with the room that is left.
fn tools_ui(cx: &Cx<'_>, viewer: &state::Viewer, index: usize, ui: &mut Ui) {
    if widgets::icon_button(ui, icons::SPARKLE, "Find photos similar to this one", false).clicked() {
        cx.send(Command::SearchPicture(viewer.path.clone()));
    }
    let is_actual = viewer.zoom == Zoom::Actual;
    if widgets::button(ui, widgets::Kind::Plain, "", if is_actual { "Fit" } else { "1:1" }).clicked() {
        cx.send(Command::ZoomTo(other(viewer.zoom)));
    }
    let tokens = theme::tokens(ui);
    let hit = cx.state.answer.hits.get(index).filter(|hit| !hit.cosines.is_empty());
    let score = hit.map(|hit| format!(" · {:.2}", hit.score)).unwrap_or_default();
    let place =
        format!("{} of {}{score}", text::count(index as u64 + 1), text::count(cx.state.answer.hits.len() as u64));
    ui.label(egui::RichText::new(place).font(font::small()).color(tokens.muted));
    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
        let name = egui::RichText::new(text::name(&viewer.path)).font(font::heading()).color(tokens.text);
        ui.add(egui::Label::new(name).truncate());
    });
}

fn keys(cx: &Cx<'_>, zoom: Zoom, index: usize, ui: &Ui) {
    if super::is_typing(cx, ui) {
        return;
    }
    let pressed = |keys: &[Key]| ui.input(|input| keys.iter().any(|key| input.key_pressed(*key)));
    match () {
        () if pressed(&[Key::ArrowRight, Key::ArrowDown, Key::PageDown, Key::Space]) => step(cx, index, true),
        () if pressed(&[Key::ArrowLeft, Key::ArrowUp, Key::PageUp]) => step(cx, index, false),
        () if pressed(&[Key::Num1, Key::Z, Key::Enter]) => cx.send(Command::ZoomTo(other(zoom))),
        () => {}
    }
}

fn step(cx: &Cx<'_>, index: usize, is_forward: bool) {
    let target = if is_forward { index + 1 } else { index.saturating_sub(1) };
    if target < cx.state.answer.hits.len() && target != index {
        cx.send(Command::Select(target));
    }
}

fn other(zoom: Zoom) -> Zoom {
    if zoom == Zoom::Fit { Zoom::Actual } else { Zoom::Fit }
}
