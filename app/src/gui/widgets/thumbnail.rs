//! A thumbnail that fills a rectangle, or what stands in for it.

use egui::{Color32, Painter, Rect, Shape, TextureId, Ui, Vec2, pos2, vec2};

use crate::gui::icons;
use crate::gui::textures::Thumbnail;
use crate::gui::theme::{self, Tokens, font, radius};

/// Draws a photo so that it fills `rect`, or its name's place while it is not there.
pub fn paint_thumbnail(painter: &Painter, tokens: &Tokens, thumbnail: &Thumbnail, rect: Rect, picture: Vec2) {
    match thumbnail {
        Thumbnail::Ready(texture) => {
            painter.add(cover(*texture, rect, picture));
        }
        Thumbnail::Waiting => {
            painter.rect_filled(rect, radius::S, tokens.raised);
        }
        Thumbnail::Failed(_) => {
            painter.rect_filled(rect, radius::S, tokens.raised);
            painter.text(rect.center(), egui::Align2::CENTER_CENTER, icons::IMAGE_BROKEN, font::page(), tokens.faint);
        }
    }
}

/// How large a thumbnail is, or the shape that most photos have while it is not there.
pub fn thumbnail_size(ctx: &egui::Context, thumbnail: &Thumbnail) -> Vec2 {
    let known = match thumbnail {
        Thumbnail::Ready(texture) => ctx.tex_manager().read().meta(*texture).map(|meta| meta.size),
        _ => None,
    };
    known.map_or(vec2(3.0, 2.0), |[width, height]| vec2(width as f32, height as f32))
}

/// A texture that fills `rect` with rounded corners; what does not fit is cut off evenly on both sides.
fn cover(texture: TextureId, rect: Rect, picture: Vec2) -> Shape {
    let shape = |size: Vec2| size.x.max(1.0) / size.y.max(1.0);
    let ratio = shape(rect.size()) / shape(picture);
    let shown = if ratio < 1.0 { vec2(ratio, 1.0) } else { vec2(1.0, 1.0 / ratio) };
    let uv = Rect::from_center_size(pos2(0.5, 0.5), shown);
    Shape::from(egui::epaint::RectShape::filled(rect, radius::S, Color32::WHITE).with_texture(texture, uv))
}

/// Why a large picture cannot be shown, in the middle of its room.
pub fn picture_failed(reason: &str, room: Rect, ui: &Ui) {
    let tokens = theme::tokens(ui);
    let words = format!("{}\n\n{reason}", icons::IMAGE_BROKEN);
    let mut job = egui::text::LayoutJob::simple(words, font::body(), tokens.muted, room.width() * 0.7);
    job.halign = egui::Align::Center;
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(room.center() - vec2(0.0, galley.size().y / 2.0), galley, tokens.muted);
}
