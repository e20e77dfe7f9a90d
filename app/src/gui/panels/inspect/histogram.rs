//! How often scores occur, with two thresholds that are dragged: all parts are judged again while they move.

use egui::{Align2, CursorIcon, Rect, Sense, Stroke, Ui, pos2, vec2};
use sightline_core::anomaly::{Calibration, Verdict};

use crate::gui::inspect_command::InspectCommand;
use crate::gui::panels::Cx;
use crate::gui::state::{Histogram, Limit, SCORE_BINS};
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{tr, tr_with};
use crate::gui::{text, widgets};

/// The height of the bars, of the good parts' marks under them, and of the numbers.
const BARS: f32 = 84.0;
const GOOD: f32 = 10.0;
const NUMBERS: f32 = 30.0;
/// A threshold is taken hold of this far from it.
const GRIP: f32 = 12.0;

/// The histogram.
pub fn histogram_ui(cx: &Cx<'_>, ui: &mut Ui) {
    let inspection = &cx.state.inspection;
    let Some(calibration) = &inspection.calibration else { return };
    let histogram = &inspection.parts.histogram;
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, BARS + GOOD + NUMBERS), Sense::hover());
    let label = tr_with("Scores of {}", &[&text::parts(inspection.parts.rows.len())]);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &label));
    let bars = rect.with_max_y(rect.top() + BARS);
    bars_ui(histogram, calibration, bars, ui);
    good_ui(histogram, calibration, bars, ui);
    let numbers = rect.with_min_y(bars.bottom() + GOOD);
    let tokens = theme::tokens(ui);
    let end = |at: egui::Pos2, align, score| {
        ui.painter().text(at, align, text::decimal(score, 2), font::caption(), tokens.muted);
    };
    let line = numbers.bottom() - 7.0;
    end(pos2(rect.left(), line), Align2::LEFT_CENTER, histogram.ends[0]);
    end(pos2(rect.right(), line), Align2::RIGHT_CENTER, histogram.ends[1]);
    if let Some(fail) = calibration.fail {
        threshold_ui(cx, (Limit::Fail, fail.score), (histogram, bars, numbers), ui);
    }
    threshold_ui(cx, (Limit::Review, calibration.review.score), (histogram, bars, numbers), ui);
    numbers_ui(calibration, histogram, (bars, numbers), ui);
}

/// Parts, in the colour of the verdict that the middle of their bin has. The root of their number: one bad part among ten
/// thousand good ones is still seen.
fn bars_ui(histogram: &Histogram, calibration: &Calibration, room: Rect, ui: &Ui) {
    let tokens = theme::tokens(ui);
    let painter = ui.painter();
    painter.hline(room.x_range(), room.bottom(), Stroke::new(1.0, tokens.line));
    let fullest = histogram.parts.iter().copied().max().unwrap_or(0).max(1) as f32;
    let step = room.width() / SCORE_BINS as f32;
    for (bin, count) in histogram.parts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let middle = histogram.score((bin as f32 + 0.5) / SCORE_BINS as f32);
        let color = widgets::verdict_color(Verdict::of(middle, calibration), tokens);
        let height = (*count as f32 / fullest).sqrt() * room.height();
        let left = room.left() + bin as f32 * step;
        let bar = Rect::from_min_max(
            pos2(left + 0.5, room.bottom() - height.max(2.0)),
            pos2(left + step - 0.5, room.bottom()),
        );
        painter.rect_filled(bar, 1, color);
    }
}

/// A mark for every good part that the thresholds come from.
fn good_ui(histogram: &Histogram, calibration: &Calibration, bars: Rect, ui: &Ui) {
    let tokens = theme::tokens(ui);
    for part in &calibration.ok {
        let x = bars.left() + histogram.place(part.score) * bars.width();
        ui.painter().vline(x, bars.bottom() + 2.0..=bars.bottom() + GOOD - 1.0, Stroke::new(1.5, tokens.pass));
    }
}

fn threshold_ui(
    cx: &Cx<'_>,
    (limit, score): (Limit, f32),
    (histogram, bars, numbers): (&Histogram, Rect, Rect),
    ui: &mut Ui,
) {
    let tokens = theme::tokens(ui);
    let (label, verdict) = match limit {
        Limit::Review => (tr("Threshold of review"), Verdict::Review),
        Limit::Fail => (tr("Threshold of failing"), Verdict::Fail),
    };
    let x = bars.left() + histogram.place(score) * bars.width();
    let grip = Rect::from_x_y_ranges(x - GRIP / 2.0..=x + GRIP / 2.0, bars.top()..=numbers.top() + 14.0);
    let response = ui.interact(grip, ui.scope_id().with(label), Sense::drag());
    response.widget_info(|| egui::WidgetInfo::slider(true, f64::from(score), label));
    let is_held = response.hovered() || response.dragged();
    let color = widgets::verdict_color(verdict, tokens);
    let stroke = Stroke::new(if is_held { 2.5 } else { 1.5 }, tokens.text);
    ui.painter().vline(x, bars.top()..=bars.bottom() + GOOD, stroke);
    ui.painter().circle(pos2(x, bars.top() + 4.0), 5.0, color, Stroke::new(1.5, tokens.text));
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        let place = (pointer.x - bars.left()) / bars.width();
        cx.inspect(InspectCommand::MoveThreshold(limit, histogram.score(place)));
    }
    if response.drag_stopped() {
        cx.inspect(InspectCommand::KeepThresholds);
    }
    response
        .on_hover_cursor(CursorIcon::ResizeHorizontal)
        .on_hover_text(tr("Drag: all parts are judged again at once"));
}

/// The numbers of both thresholds: that of review ends at its own, that of failing begins at its own; where both are near,
/// or near an end, they make room for one another.
fn numbers_ui(calibration: &Calibration, histogram: &Histogram, (bars, numbers): (Rect, Rect), ui: &Ui) {
    let tokens = theme::tokens(ui);
    let laid_out = |name: &str, score: f32| {
        let words = format!("{name} {}", text::decimal(score, 3));
        let galley = ui.painter().layout_no_wrap(words, font::caption(), tokens.text);
        (galley, bars.left() + histogram.place(score) * bars.width())
    };
    let (review, review_at) = laid_out(tr("review"), calibration.review.score);
    let fail = calibration.fail.map(|fail| laid_out(tr("fail"), fail.score));
    let fail_width = fail.as_ref().map_or(0.0, |(galley, _)| galley.size().x + space::S);
    let (review_width, gap) = (review.size().x, space::XS / 2.0);
    let rightmost = bars.right() - review_width - fail_width;
    let left = (review_at - gap - review_width).min(rightmost).max(bars.left());
    ui.painter().galley(pos2(left, numbers.top()), review, tokens.text);
    if let Some((galley, at)) = fail {
        let right_of_review = left + review_width + space::S;
        let left = (at + gap).min(bars.right() - galley.size().x).max(right_of_review);
        ui.painter().galley(pos2(left, numbers.top()), galley, tokens.text);
    }
}
