//! The photos beside the one that is shown large, as a film strip.

use egui::{CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, vec2};

use crate::gui::command::Command;
use crate::gui::panels::Cx;
use crate::gui::theme::{self, radius, space};
use crate::gui::{text, widgets};

/// The side of a photo in the strip.
const SIDE: f32 = 54.0;
/// The height of the strip.
pub const HEIGHT: f32 = SIDE + 2.0 * space::XS;

/// The strip with the photo `index` in its middle; only what is seen exists.
pub fn strip_ui(cx: &Cx<'_>, index: usize, rect: Rect, ui: &mut Ui) {
    let count = cx.state.answer.hits.len();
    let step = SIDE + space::XS;
    let beside = (rect.width() / step / 2.0).ceil() as usize;
    let tokens = theme::tokens(ui);
    for photo in index.saturating_sub(beside)..(index + beside + 1).min(count) {
        let Some(entry) = cx.state.answer.entry(photo) else { continue };
        let offset = (photo as f32 - index as f32) * step;
        let cell = Rect::from_center_size(rect.center() + vec2(offset, 0.0), vec2(SIDE, SIDE));
        if !rect.contains_rect(cell) {
            continue;
        }
        let response = ui.interact(cell, ui.scope_id().with(("strip", photo)), Sense::click());
        let picture = vec2(entry.photo.width as f32, entry.photo.height as f32);
        widgets::paint_thumbnail(ui.painter(), tokens, &cx.thumbnail(entry), cell, picture);
        if photo == index {
            let corner = CornerRadius::same(radius::S);
            ui.painter().rect_stroke(cell, corner, Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
        }
        let name = text::name(&entry.path);
        let is_shown = photo == index;
        let label = format!("{name} ({})", text::count(photo as u64 + 1));
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_shown, &label));
        if response.clicked() && !is_shown {
            cx.send(Command::Select(photo));
        }
    }
}
