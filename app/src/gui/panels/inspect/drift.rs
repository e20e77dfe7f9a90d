//! Whether good parts still look as the references did: the moving average of the parts that passed, and the room it has.

use egui::{Rect, RichText, Sense, Shape, Stroke, Ui, pos2, vec2};

use crate::gui::panels::Cx;
use crate::gui::theme::{self, font};
use crate::gui::translate::tr;

const HEIGHT: f32 = 54.0;
/// Fewer parts that passed say nothing.
const FEWEST: usize = 3;

/// The chart, once there is something to show.
pub fn drift_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let inspection = &cx.state.inspection;
    let Some(inspector) = &inspection.inspector else { return };
    let points = &inspection.parts.drift;
    if points.len() < FEWEST {
        return;
    }
    let tokens = theme::tokens(ui);
    let drift = inspector.drift();
    ui.label(RichText::new(tr("Drift of good parts")).font(font::heading()).color(tokens.text));
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let label = tr("Moving average of the parts that passed");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, label));
    let (low, high) = (drift.usual - drift.room, drift.usual + drift.room);
    let ends = points.iter().fold((low, high), |(least, most), point| (least.min(*point), most.max(*point)));
    let span = (ends.1 - ends.0).max(f64::MIN_POSITIVE) * 1.1;
    let y = |value: f64| rect.bottom() - ((value - ends.0 + 0.05 * span) / span) as f32 * rect.height();
    let painter = ui.painter();
    painter.rect_filled(rect, theme::radius::S, tokens.raised);
    let usual = Rect::from_x_y_ranges(rect.x_range(), y(high)..=y(low));
    painter.rect_filled(usual, 0, tokens.pass.gamma_multiply(0.18));
    painter.hline(rect.x_range(), y(drift.usual), Stroke::new(1.0, tokens.pass));
    let step = rect.width() / (points.len() - 1).max(1) as f32;
    let line = points.iter().enumerate().map(|(i, point)| pos2(rect.left() + i as f32 * step, y(*point))).collect();
    painter.add(Shape::line(line, Stroke::new(1.5, tokens.text)));
    let is_far = points.last().is_some_and(|last| (*last < low || *last > high) && points.len() >= 10);
    let words = match is_far {
        true => tr("Outside of what is usual: check light, focus and position."),
        false => tr("Within what is usual for the good parts (the band)."),
    };
    ui.label(RichText::new(words).font(font::caption()).color(tokens.muted));
}
