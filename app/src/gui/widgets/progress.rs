//! A thin bar that says how far something is.

use egui::{Color32, Response, Sense, Ui, Vec2};

use crate::gui::theme;

/// A bar filled to `fraction`; where that is not known, a piece of it wanders.
pub fn progress_bar(ui: &mut Ui, label: &str, fraction: Option<f32>, color: Color32, size: Vec2) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let tokens = theme::tokens(ui);
    let radius = rect.height() / 2.0;
    ui.painter().rect_filled(rect, radius, tokens.line);
    let mut filled = rect;
    match fraction {
        Some(fraction) => filled.set_width((rect.width() * fraction.clamp(0.0, 1.0)).max(rect.height())),
        None => {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(33));
            let time = ui.input(|input| input.time);
            let place = 0.5 - 0.5 * (time * 2.0).cos() as f32;
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
