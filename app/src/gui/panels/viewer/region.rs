//! A box that is drawn on the large view, and what can be searched by it.

use std::path::Path;

use egui::{Pos2, Rect, Response, Stroke, StrokeKind, Ui, pos2, vec2};
use sightline_core::engine::Region;

use super::canvas::Canvas;
use crate::gui::command::Command;
use crate::gui::panels::Cx;
use crate::gui::state::Chip;
use crate::gui::theme::{self, radius, size, space};
use crate::gui::translate::tr;
use crate::gui::{icons, widgets};

/// A box of fewer points a side is a slip of the hand.
const LEAST: f32 = 8.0;

/// The box, as two opposite corners in fractions of the photo.
#[derive(Default)]
pub struct DrawnRegion {
    corners: Option<[Pos2; 2]>,
    is_drawing: bool,
}

impl DrawnRegion {
    /// Forgets it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Follows the pointer while it is dragged.
    pub fn drag(&mut self, response: &Response, canvas: &Canvas, ui: &Ui) {
        let Some(now) = response.interact_pointer_pos() else { return };
        if response.drag_started() {
            let start = ui.input(|input| input.pointer.press_origin()).unwrap_or(now);
            self.corners = Some([canvas.in_photo(start); 2]);
            self.is_drawing = true;
        }
        if let Some([_, end]) = self.corners.as_mut().filter(|_| self.is_drawing) {
            *end = canvas.in_photo(now);
        }
        if response.drag_stopped() {
            self.is_drawing = false;
            let drawn = self.corners.map(|corners| canvas.on_screen(corners).size().min_elem());
            if drawn.is_some_and(|least| least < LEAST) {
                self.clear();
            }
        }
    }

    /// Draws the box, and once it is finished what can be done with it.
    pub fn ui(&mut self, cx: &Cx<'_>, path: &Path, (canvas, room): (&Canvas, Rect), ui: &mut Ui) {
        let Some(corners) = self.corners else { return };
        let frame = canvas.on_screen(corners);
        let tokens = theme::tokens(ui);
        let painter = ui.painter().with_clip_rect(room);
        painter.rect_stroke(frame, radius::S, Stroke::new(3.0, theme::BADGE), StrokeKind::Middle);
        painter.rect_stroke(frame, radius::S, Stroke::new(1.5, tokens.accent), StrokeKind::Middle);
        if self.is_drawing {
            return;
        }
        let Some(region) = region(corners) else { return };
        // Under the box, or in its lower edge where there is no room under it.
        let top = (frame.bottom() + space::S).min(room.bottom() - size::CONTROL - 2.0 * space::S);
        let left = frame.left().clamp(room.left(), (room.right() - 330.0).max(room.left()));
        let id = ui.scope_id().with("region");
        let area = egui::Area::new(id).fixed_pos(pos2(left, top)).order(egui::Order::Foreground);
        area.show(ui.ctx(), |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| ui.horizontal(|ui| self.buttons_ui(cx, (path, region), ui)))
        });
    }

    fn buttons_ui(&mut self, cx: &Cx<'_>, (path, region): (&Path, Region), ui: &mut Ui) {
        ui.set_min_size(vec2(0.0, size::CONTROL));
        let chip = || Chip::region(path.to_owned(), region);
        if widgets::button(ui, widgets::Kind::Primary, icons::CROP, tr("Search by this part")).clicked() {
            cx.send(Command::SearchBy(chip()));
        }
        if widgets::button(ui, widgets::Kind::Quiet, icons::PLUS, tr("Add to the search")).clicked() {
            cx.send(Command::AddChip(chip()));
        }
        if widgets::icon_button(ui, icons::X, tr("Forget the box"), false).clicked() {
            self.clear();
        }
    }
}

fn region(corners: [Pos2; 2]) -> Option<Region> {
    let rect = Rect::from_two_pos(corners[0], corners[1]);
    Region::new(rect.left(), rect.top(), rect.width(), rect.height()).ok()
}
