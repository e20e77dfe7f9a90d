//! What says that something goes on: a thin bar that says how far it is, and a mark where nobody knows.

use egui::{Color32, Response, RichText, Sense, Ui, Vec2};

use crate::gui::theme::{self, font};

/// A mark that turns while something is waited for; dots where nothing moves by itself.
pub fn spinner(ui: &mut Ui) -> Response {
    if theme::moves(ui) {
        return ui.spinner();
    }
    let muted = theme::tokens(ui).muted;
    ui.label(RichText::new("…").font(font::title()).color(muted))
}

/// A bar filled to `fraction`; where that is not known, a piece of it wanders, or lies in the middle where nothing moves by
/// itself.
pub fn progress_bar(ui: &mut Ui, label: &str, fraction: Option<f32>, color: Color32, size: Vec2) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let tokens = theme::tokens(ui);
    let radius = rect.height() / 2.0;
    ui.painter().rect_filled(rect, radius, tokens.line);
    let mut filled = rect;
    match fraction {
        Some(fraction) => filled.set_width((rect.width() * fraction.clamp(0.0, 1.0)).max(rect.height())),
        None => {
            let place = if theme::moves(ui) { wandering(ui) } else { 0.5 };
            filled.set_width(rect.width() * 0.3);
            filled = filled.translate(egui::vec2(rect.width() * 0.7 * place, 0.0));
        }
    }
    ui.painter().rect_filled(filled, radius, color);
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, label);
        info.value = fraction.map(f64::from);
        info
    });
    response
}

/// Forth and back between 0 and 1.
fn wandering(ui: &Ui) -> f32 {
    ui.ctx().request_repaint_after(std::time::Duration::from_millis(33));
    let time = ui.input(|input| input.time);
    0.5 - 0.5 * (time * 2.0).cos() as f32
}
