//! The place of the part that is looked at, and the place of the nearest good part that it was compared with, both close.

use std::path::Path;

use egui::{Align2, Rect, RichText, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

use super::canvas::LargeView;
use super::pixels::Detail;
use crate::gui::panels::Cx;
use crate::gui::state::{Loaded, Nearest, Picture};
use crate::gui::theme::{self, font, radius, space};
use crate::gui::translate::{tr, tr_with};

/// A crop shows this share of the picture's longer side.
const SHARE: f32 = 0.2;
/// Height of a crop.
const HEIGHT: f32 = 104.0;

/// Both crops: of the place under the pointer, or of the worst one.
pub fn compared_ui(cx: &Cx<'_>, canvas: &mut LargeView, ui: &mut Ui) {
    let Some(large) = &cx.state.inspection.large else { return };
    let tokens = theme::tokens(ui);
    ui.label(RichText::new(tr("Compared with")).font(font::heading()).color(tokens.text));
    let (Loaded::Ready(picture), Some(nearest)) = (&large.picture, &large.nearest) else {
        let words = if large.map_error.is_some() { "" } else { tr("Looking for the nearest good part …") };
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT + 20.0), Sense::hover());
        ui.painter().text(rect.left_top(), Align2::LEFT_TOP, words, font::small(), tokens.muted);
        return;
    };
    let place = canvas.pointed.unwrap_or(nearest.worst_place());
    let width = (ui.available_width() - space::S) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        crop_ui(canvas, (&large.path, picture), Some(place), (width, tr("this part")), ui);
        let number = (nearest.part + 1).to_string();
        let caption = tr_with("good part {}", &[&number]);
        crop_ui(canvas, (&nearest.path, &nearest.picture), there(nearest, place), (width, &caption), ui);
    });
}

fn there(nearest: &Nearest, [x, y]: [f32; 2]) -> Option<[f32; 2]> {
    nearest.place(x, y)
}

fn crop_ui(
    canvas: &mut LargeView,
    (path, picture): (&Path, &Picture),
    place: Option<[f32; 2]>,
    (width, caption): (f32, &str),
    ui: &mut Ui,
) {
    let tokens = theme::tokens(ui);
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = space::XS;
        let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, caption));
        match place {
            Some([x, y]) => {
                let texture = canvas.pixels.texture(path, picture, Detail::Reduced, ui.ctx());
                let uv = crop(vec2(picture.size.0 as f32, picture.size.1 as f32), (x, y), rect.size());
                let shape = egui::epaint::RectShape::filled(rect, radius::S, egui::Color32::WHITE);
                ui.painter().add(Shape::from(shape.with_texture(texture, uv)));
                let middle = Rect::from_center_size(rect.center(), Vec2::splat(18.0));
                ui.painter().rect_stroke(middle, 2, Stroke::new(1.5, theme::REGION), StrokeKind::Outside);
            }
            None => {
                ui.painter().rect_filled(rect, radius::S, tokens.raised);
                let words = tr("another good part");
                ui.painter().text(rect.center(), Align2::CENTER_CENTER, words, font::caption(), tokens.muted);
            }
        }
        ui.label(RichText::new(caption).font(font::caption()).color(tokens.muted));
    });
}

/// What of a picture is shown round a place, in fractions of its sides; it stays within the picture.
fn crop(picture: Vec2, (x, y): (f32, f32), room: Vec2) -> Rect {
    let side = (SHARE * picture.max_elem()).max(1.0);
    let size = vec2(side, side * room.y / room.x).min(picture) / picture.max(Vec2::splat(1.0));
    let half = size / 2.0;
    let middle = pos2(x.clamp(half.x, 1.0 - half.x), y.clamp(half.y, 1.0 - half.y));
    Rect::from_center_size(middle, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_stays_within_the_picture_and_keeps_the_shape_of_its_room() {
        let uv = crop(vec2(1000.0, 500.0), (0.0, 1.0), vec2(100.0, 50.0));
        assert!((uv.min - pos2(0.0, 0.8)).length() < 1e-5 && (uv.max - pos2(0.2, 1.0)).length() < 1e-5, "{uv}");
        let all = crop(vec2(4.0, 4.0), (0.5, 0.5), vec2(10.0, 1000.0));
        assert!(all.height() <= 1.0 && all.width() <= 1.0, "{all}");
    }
}
