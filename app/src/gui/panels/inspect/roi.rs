//! A region of interest, drawn by mouse: a click sets a corner, a double click or Enter closes the polygon. What is drawn
//! belongs to the product once the person says so.

use egui::{Color32, Event, Key, Pos2, Rect, Response, RichText, Shape, Stroke, Ui, pos2};
use sightline_core::anomaly::{Polygon, Roi};

use crate::gui::inspect_command::{InspectCommand, ProductChange};
use crate::gui::panels::Cx;
use crate::gui::panels::viewer::Canvas;
use crate::gui::state::State;
use crate::gui::theme::{self, font, space};
use crate::gui::translate::tr;
use crate::gui::{icons, widgets};

/// What is drawn.
#[derive(Default)]
pub struct DrawnRoi {
    /// The polygons as they are drawn; `None`: nothing is.
    roi: Option<Roi>,
    /// The corners of the one that is not closed yet.
    corners: Polygon,
    /// Whether the next one is left out.
    excludes: bool,
}

impl DrawnRoi {
    /// Whether it is drawn.
    pub fn is_open(&self) -> bool {
        self.roi.is_some()
    }

    /// Begins with the product's own, or ends without a change.
    pub fn toggle(&mut self, state: &State) {
        let own = state.inspection.product.as_ref().map(|product| product.version().settings.roi.clone());
        self.roi = if self.is_open() { None } else { own };
        self.corners.clear();
        self.excludes = false;
    }

    /// What can be done, while it is drawn.
    pub fn bar_ui(&mut self, cx: &Cx<'_>, ui: &mut Ui) {
        let Some(roi) = &mut self.roi else { return };
        let mut is_over = false;
        ui.horizontal_wrapped(|ui| {
            let tokens = theme::tokens(ui);
            let words = tr("Click corners round a place; double click or Enter closes it.");
            ui.label(RichText::new(words).font(font::small()).color(tokens.muted));
            ui.selectable_value(&mut self.excludes, false, tr("Look only here"));
            ui.selectable_value(&mut self.excludes, true, tr("Leave this out"));
            if widgets::button(ui, widgets::Kind::Plain, icons::TRASH, tr("Clear")).clicked() {
                *roi = Roi::default();
                self.corners.clear();
            }
            // Not in a scope of its own, which would not wrap into the next line.
            if widgets::button(ui, widgets::Kind::Primary, icons::CHECK, tr("Use it")).clicked() {
                cx.inspect(InspectCommand::Change(ProductChange::SetRoi(roi.clone())));
                is_over = !cx.state.inspection.is_changing;
            }
            is_over |= widgets::button(ui, widgets::Kind::Quiet, "", tr("Cancel")).clicked();
        });
        ui.add_space(space::XS);
        if is_over {
            (self.roi, self.corners) = (None, Vec::new());
        }
    }

    /// The polygons on a part; whether clicks are for them.
    pub fn ui(&mut self, cx: &Cx<'_>, (canvas, room): (&Canvas, Rect), response: &Response, ui: &Ui) -> bool {
        let own = cx.state.inspection.product.as_ref().map(|product| &product.version().settings.roi);
        let painter = ui.painter().with_clip_rect(room);
        let tokens = theme::tokens(ui);
        let on_screen = |corner: &[f32; 2]| canvas.point(pos2(corner[0], corner[1]));
        let line = |polygon: &Polygon, color: Color32| {
            let corners: Vec<_> = polygon.iter().map(on_screen).collect();
            painter.add(Shape::closed_line(corners.clone(), Stroke::new(3.0, Color32::from_black_alpha(110))));
            painter.add(Shape::closed_line(corners, Stroke::new(1.5, color)));
        };
        let shown = self.roi.as_ref().or(own);
        shown.iter().flat_map(|roi| &roi.include).for_each(|polygon| line(polygon, tokens.pass));
        shown.iter().flat_map(|roi| &roi.exclude).for_each(|polygon| line(polygon, tokens.review));
        if self.roi.is_none() {
            return false;
        }
        let pointer = response.hover_pos();
        let color = if self.excludes { tokens.review } else { tokens.pass };
        let open: Vec<_> =
            self.corners.iter().map(on_screen).chain(pointer.filter(|_| !self.corners.is_empty())).collect();
        painter.add(Shape::line(open.clone(), Stroke::new(2.0, color)));
        open.iter().for_each(|corner| {
            painter.circle_filled(*corner, 3.5, color);
        });
        self.pointer(canvas, response, ui);
        true
    }

    fn pointer(&mut self, canvas: &Canvas, response: &Response, ui: &Ui) {
        let is_closed = response.double_clicked() || ui.input(|input| input.key_pressed(Key::Enter));
        if is_closed {
            self.close();
        } else if let Some(at) = released_at(ui).filter(|_| response.clicked()) {
            let place = canvas.in_photo(at);
            self.corners.push([place.x, place.y]);
        }
    }

    /// The polygon is complete. A double click is two clicks: the second is no corner of its own.
    fn close(&mut self) {
        let corners = std::mem::take(&mut self.corners);
        let Some(roi) = self.roi.as_mut().filter(|_| corners.len() >= 3) else { return };
        let polygons = if self.excludes { &mut roi.exclude } else { &mut roi.include };
        polygons.push(corners);
    }
}

/// Where the button was let go of in this frame: the pointer may be elsewhere by its end.
fn released_at(ui: &Ui) -> Option<Pos2> {
    let of_event = |event: &Event| match event {
        Event::PointerButton { pos, pressed: false, .. } => Some(*pos),
        _ => None,
    };
    ui.input(|input| input.events.iter().rev().find_map(of_event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polygon_has_three_corners_at_least() {
        let mut drawn = DrawnRoi { roi: Some(Roi::default()), corners: vec![[0.0, 0.0], [1.0, 0.0]], excludes: false };
        drawn.close();
        assert!(drawn.roi.as_ref().unwrap().is_everything() && drawn.corners.is_empty());
        drawn.corners = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]];
        drawn.excludes = true;
        drawn.close();
        assert_eq!(drawn.roi.unwrap().exclude.len(), 1);
    }
}
