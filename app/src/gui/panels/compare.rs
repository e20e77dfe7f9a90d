//! Two to four photos side by side, looked at equally close and at the same place.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{CentralPanel, Frame, Key, Margin, Rect, RichText, Sense, TextureHandle, TextureOptions, Ui, Vec2, vec2};

use super::viewer::Canvas;
use super::{Cx, Panel};
use crate::gui::command::Command;
use crate::gui::state::{Compared, Loaded, Page, Picture, Zoom};
use crate::gui::theme::{self, font, size, space};
use crate::gui::translate::tr;
use crate::gui::{icons, text, widgets};

/// See the module.
#[derive(Default)]
pub struct Compare {
    zoom: Zoom,
    moved: Vec2,
    textures: Vec<(PathBuf, TextureHandle)>,
}

impl Panel for Compare {
    fn ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let Some(compared) = cx.state.compared.as_ref().filter(|_| cx.state.page == Page::Photos) else {
            *self = Self::default();
            return;
        };
        let frame = Frame::new().fill(theme::tokens(ui).background).inner_margin(Margin::same(space::M as i8));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            self.bar_ui(cx, ui);
            let room = ui.available_rect_before_wrap();
            let columns = if compared.len() == 4 { 2 } else { compared.len() };
            let rows = compared.len().div_ceil(columns);
            let cell = (room.size() - vec2(space::S * (columns - 1) as f32, space::S * (rows - 1) as f32))
                / vec2(columns as f32, rows as f32);
            for (i, one) in compared.iter().enumerate() {
                let place = vec2((i % columns) as f32, (i / columns) as f32) * (cell + Vec2::splat(space::S));
                self.one_ui(one, Rect::from_min_size(room.min + place, cell), ui);
            }
        });
    }
}

impl Compare {
    fn bar_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.set_height(size::CONTROL);
            if widgets::button(ui, widgets::Kind::Plain, icons::ARROW_LEFT, tr("Back")).clicked() {
                cx.send(Command::Compare(false));
            }
            let words = tr("Side by side: zoom and place are the same for all");
            ui.label(RichText::new(words).font(font::small()).color(theme::tokens(ui).muted));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| self.zoom_ui(cx, ui));
        });
    }

    fn zoom_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let (other, label) = match self.zoom {
            Zoom::Fit => (Zoom::ACTUAL, "1:1"),
            Zoom::Times(_) => (Zoom::Fit, tr("Fit")),
        };
        let is_asked = widgets::button(ui, widgets::Kind::Plain, "", label).clicked();
        let by_key = !super::is_typing(cx, ui) && ui.input(|input| input.key_pressed(Key::Z));
        if is_asked || by_key {
            (self.zoom, self.moved) = (other, Vec2::ZERO);
        }
    }

    fn one_ui(&mut self, one: &Compared, rect: Rect, ui: &mut Ui) {
        let tokens = theme::tokens(ui);
        let caption = rect.with_min_y(rect.bottom() - 18.0);
        let room = rect.with_max_y(caption.top());
        let response = ui.interact(room, ui.scope_id().with(&one.path), Sense::click_and_drag());
        let name = text::name(&one.path);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
        ui.painter().text(caption.center(), egui::Align2::CENTER_CENTER, name, font::small(), tokens.muted);
        match &one.picture {
            Loaded::Ready(picture) => self.picture_ui(&one.path, picture, (room, &response), ui),
            Loaded::Waiting => {
                let place = Rect::from_center_size(room.center(), Vec2::splat(24.0));
                ui.scope_builder(egui::UiBuilder::new().max_rect(place), widgets::spinner);
            }
            Loaded::Failed(reason) => {
                ui.put(room, egui::Label::new(RichText::new(reason).font(font::small()).color(tokens.muted)).wrap());
            }
        }
    }

    fn picture_ui(&mut self, path: &PathBuf, picture: &Picture, (room, response): (Rect, &egui::Response), ui: &Ui) {
        let texture = self.texture(path, picture, ui.ctx());
        let pixels = vec2(picture.size.0 as f32, picture.size.1 as f32);
        let canvas = Canvas::new(room, pixels, ui.ctx().pixels_per_point(), (self.zoom, 0, self.moved));
        ui.painter().with_clip_rect(room).add(canvas.mesh(texture));
        if self.zoom != Zoom::Fit {
            self.moved += response.drag_delta();
        }
        let Some(pointer) = response.hover_pos() else { return };
        let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = (wheel / 240.0).exp() * pinch;
        if (factor - 1.0).abs() > 1e-4 {
            (self.zoom, self.moved) = canvas.closer(self.zoom, factor, pointer);
        }
    }

    fn texture(&mut self, path: &PathBuf, picture: &Picture, ctx: &egui::Context) -> egui::TextureId {
        if let Some((_, texture)) = self.textures.iter().find(|(shown, _)| shown == path) {
            return texture.id();
        }
        let texture = ctx.load_texture("compared", Arc::clone(&picture.full), TextureOptions::LINEAR);
        let id = texture.id();
        self.textures.push((path.clone(), texture));
        id
    }
}
