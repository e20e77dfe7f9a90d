//! The large view: one photo, whole or closer, with a strip of its neighbours. A box that is drawn on it is searched by.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{
    CentralPanel, ColorImage, Frame, Key, Margin, Rect, Response, Sense, TextureHandle, TextureOptions, Ui, Vec2, vec2,
};

pub use self::canvas::Canvas;
use self::region::DrawnRegion;
use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::{Chip, Loaded, Page, Picture, Zoom};
use crate::gui::theme::{self, font, size, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{icons, state, text, widgets};

mod canvas;
mod region;
mod strip;
mod why;

/// See the module.
#[derive(Default)]
pub struct Viewer {
    /// The file and whether all its pixels are on the graphics card.
    texture: Option<(PathBuf, Detail, TextureHandle)>,
    /// The frame of a picture that moves, on the graphics card.
    frame: Option<(Arc<ColorImage>, TextureHandle)>,
    /// How far the photo is moved from the middle, in points.
    moved: Vec2,
    /// The box on it.
    region: DrawnRegion,
}

/// How many of a photo's pixels are on the graphics card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// As many as the window shows of all of it.
    Reduced,
    /// All.
    Full,
}

/// The longer side of a texture that every graphics card of the last decade takes; what is larger does not move.
const MOST_TEXELS: usize = 8192;

/// A turn of the wheel by so many points comes closer by a factor of e.
const WHEEL_POINTS: f32 = 240.0;

impl Panel for Viewer {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let shown = cx.state.viewer.as_ref().zip(cx.state.selection.cursor()).filter(|_| cx.state.page == Page::Photos);
        let Some((viewer, index)) = shown else {
            (self.texture, self.frame) = (None, None);
            self.region.clear();
            return;
        };
        if cx.state.empty().is_some() {
            return;
        }
        let frame = Frame::new().fill(theme::tokens(ui).background).inner_margin(Margin::same(space::M as i8));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            bar_ui(cx, viewer, index, ui);
            keys(cx, viewer.zoom, index, ui);
            let size = ui.available_size() - vec2(0.0, strip::HEIGHT);
            let (room, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
            let label = tr_with("Large view of {}", &[&text::name(&viewer.path)]);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &label));
            if response.double_clicked() {
                cx.send(Command::ZoomTo(other(viewer.zoom)));
            }
            self.picture_ui(cx, (viewer, index), &response, ui);
            strip::strip_ui(cx, index, Rect::from_min_max(room.left_bottom(), ui.max_rect().max), ui);
        });
    }
}

impl Viewer {
    fn picture_ui(&mut self, cx: &Cx<'_>, (viewer, index): (&state::Viewer, usize), response: &Response, ui: &mut Ui) {
        let room = response.rect;
        match &viewer.picture {
            Loaded::Ready(picture) => {
                let still = self.texture(viewer, picture, ui.ctx());
                let texture = self.frame(viewer, ui.ctx()).unwrap_or(still);
                let canvas = self.canvas(viewer, picture, room, ui.ctx().pixels_per_point());
                ui.painter().with_clip_rect(room).add(canvas.mesh(texture));
                why::why_ui(&viewer.why, &canvas, room, ui);
                self.pointer(cx, viewer.zoom, (&canvas, response), ui);
                self.region.ui(cx, &viewer.path, (&canvas, room), ui);
            }
            Loaded::Waiting => waiting_ui(cx, (viewer, index), room, ui),
            Loaded::Failed(reason) => widgets::picture_failed(reason, room, ui),
        }
    }

    fn canvas(&mut self, viewer: &state::Viewer, picture: &Picture, room: Rect, pixels_per_point: f32) -> Canvas {
        let pixels = vec2(picture.size.0 as f32, picture.size.1 as f32);
        let canvas = Canvas::new(room, pixels, pixels_per_point, (viewer.zoom, viewer.turns, self.moved));
        self.moved = canvas.moved();
        canvas
    }

    /// The wheel comes closer. Dragging draws a box on a whole photo, with shift on any; else it moves the photo.
    fn pointer(&mut self, cx: &Cx<'_>, zoom: Zoom, (canvas, response): (&Canvas, &Response), ui: &Ui) {
        let is_drawing = zoom == Zoom::Fit || ui.input(|input| input.modifiers.shift);
        if is_drawing {
            self.region.drag(response, canvas, ui);
        } else {
            self.moved += response.drag_delta();
        }
        if response.clicked() {
            self.region.clear();
        }
        let Some(pointer) = response.hover_pos() else { return };
        let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = (wheel / WHEEL_POINTS).exp() * pinch;
        if (factor - 1.0).abs() > 1e-4 {
            let (zoom, moved) = canvas.closer(zoom, factor, pointer);
            self.moved = moved;
            cx.send(Command::ZoomTo(zoom));
        }
    }

    /// What a picture that moves shows now.
    fn frame(&mut self, viewer: &state::Viewer, ctx: &egui::Context) -> Option<egui::TextureId> {
        let shown = viewer.motion.as_ref().map(|motion| &motion.frame);
        let Some(shown) = shown.filter(|frame| *frame.size.iter().max().unwrap_or(&0) <= MOST_TEXELS) else {
            self.frame = None;
            return None;
        };
        match &mut self.frame {
            Some((known, _)) if Arc::ptr_eq(known, shown) => {}
            Some((known, texture)) => {
                texture.set(Arc::clone(shown), TextureOptions::LINEAR);
                *known = Arc::clone(shown);
            }
            None => {
                let texture = ctx.load_texture("frame", Arc::clone(shown), TextureOptions::LINEAR);
                self.frame = Some((Arc::clone(shown), texture));
            }
        }
        self.frame.as_ref().map(|(_, texture)| texture.id())
    }

    fn texture(&mut self, viewer: &state::Viewer, picture: &Arc<Picture>, ctx: &egui::Context) -> egui::TextureId {
        let detail = if viewer.zoom == Zoom::Fit { Detail::Reduced } else { Detail::Full };
        match &self.texture {
            Some((shown, known, texture)) if *shown == viewer.path && *known == detail => return texture.id(),
            Some((shown, ..)) if *shown != viewer.path => {
                self.moved = Vec2::ZERO;
                self.region.clear();
            }
            _ => {}
        }
        let image = if detail == Detail::Reduced { &picture.fit } else { &picture.full };
        let texture = ctx.load_texture("large", Arc::clone(image), TextureOptions::LINEAR);
        let id = texture.id();
        self.texture = Some((viewer.path.clone(), detail, texture));
        id
    }
}

/// The thumbnail, as large as the photo will be: it is there at once.
fn waiting_ui(cx: &Cx<'_>, (viewer, index): (&state::Viewer, usize), room: Rect, ui: &Ui) {
    let Some(entry) = cx.state.answer.entry(index) else { return };
    let pixels = vec2(entry.photo.width as f32, entry.photo.height as f32);
    let scale = ui.ctx().pixels_per_point();
    let canvas = Canvas::new(room, pixels, scale, (Zoom::Fit, viewer.turns, Vec2::ZERO));
    let thumbnail = cx.thumbnail_for(entry, canvas.shown.size(), ui.ctx());
    widgets::paint_thumbnail(ui.painter(), theme::tokens(ui), &thumbnail, canvas.shown, pixels);
}

fn bar_ui(cx: &Cx<'_>, viewer: &state::Viewer, index: usize, ui: &mut Ui) {
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), size::CONTROL),
        egui::Layout::left_to_right(egui::Align::Center),
        |ui| {
            if widgets::button(ui, widgets::Kind::Plain, icons::ARROW_LEFT, tr("Back")).clicked() {
                cx.send(Command::CloseViewer);
            }
            if widgets::icon_button(ui, icons::CARET_LEFT, tr("Previous photo"), false).clicked() {
                step(cx, index, false);
            }
            if widgets::icon_button(ui, icons::CARET_RIGHT, tr("Next photo"), false).clicked() {
                step(cx, index, true);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| tools_ui(cx, viewer, index, ui));
        },
    );
    ui.add_space(space::S);
}

/// From right to left: similar, turn, the two sizes, then the name with the room that is left.
fn tools_ui(cx: &Cx<'_>, viewer: &state::Viewer, index: usize, ui: &mut Ui) {
    if widgets::icon_button(ui, icons::SPARKLE, tr("Find photos similar to this one"), false).clicked() {
        cx.send(Command::SearchBy(Chip::picture(viewer.path.clone())));
    }
    if widgets::icon_button(ui, icons::TURN, tr("Turn the view; the photo stays as it is"), false).clicked() {
        cx.send(Command::Turn);
    }
    if let Some(motion) = &viewer.motion {
        let (icon, label) =
            if motion.is_paused { (icons::PLAY, tr("Let it move")) } else { (icons::PAUSE, tr("Let it stand still")) };
        if widgets::icon_button(ui, icon, label, false).clicked() {
            cx.send(Command::Play(motion.is_paused));
        }
    }
    let has_terms = !cx.state.query.is_browsing();
    let is_explaining = cx.state.is_explaining && has_terms;
    if has_terms && widgets::icon_button(ui, icons::HEAT, tr("Why this photo matches"), is_explaining).clicked() {
        cx.send(Command::Explain(!is_explaining));
    }
    let is_whole = viewer.zoom == Zoom::Fit;
    if widgets::button(ui, widgets::Kind::Plain, "", if is_whole { "1:1" } else { tr("Fit") }).clicked() {
        cx.send(Command::ZoomTo(other(viewer.zoom)));
    }
    let tokens = theme::tokens(ui);
    let hit = cx.state.answer.hits.get(index).filter(|hit| !hit.cosines.is_empty());
    let score = hit.map(|hit| format!(" · {}", text::decimal(hit.score, 2))).unwrap_or_default();
    let place = format!("{}{score}", text::part(index as u64 + 1, cx.state.answer.hits.len() as u64));
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
        () if pressed(&[Key::ArrowRight, Key::ArrowDown, Key::PageDown]) => step(cx, index, true),
        () if pressed(&[Key::ArrowLeft, Key::ArrowUp, Key::PageUp]) => step(cx, index, false),
        () if pressed(&[Key::Z]) && ui.input(|input| input.modifiers.is_none()) => {
            cx.send(Command::ZoomTo(other(zoom)))
        }
        () if pressed(&[Key::W]) => cx.send(Command::Explain(!cx.state.is_explaining)),
        () if pressed(&[Key::P]) => {
            let is_paused = cx.state.viewer.as_ref().and_then(|viewer| viewer.motion.as_ref()).map(|it| it.is_paused);
            cx.send(Command::Play(is_paused.unwrap_or(false)));
        }
        () if pressed(&[Key::R]) => cx.send(Command::Turn),
        () if pressed(&[Key::Space, Key::Enter]) => cx.send(Command::CloseViewer),
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
    if zoom == Zoom::Fit { Zoom::ACTUAL } else { Zoom::Fit }
}
