//! A verdict: an icon, a word and a colour, never a colour alone.

use egui::{Align2, Color32, Rect, Response, Sense, Ui, pos2, vec2};
use sightline_core::anomaly::Verdict;

use crate::gui::icons;
use crate::gui::theme::{self, Tokens, font, radius, space};
use crate::gui::translate::tr;

/// Its word.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => tr("Pass"),
        Verdict::Review => tr("Review"),
        Verdict::Fail => tr("Fail"),
    }
}

/// Its icon.
fn verdict_icon(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => icons::PASS,
        Verdict::Review => icons::REVIEW,
        Verdict::Fail => icons::FAIL,
    }
}

/// Its colour.
pub fn verdict_color(verdict: Verdict, tokens: &Tokens) -> Color32 {
    match verdict {
        Verdict::Pass => tokens.pass,
        Verdict::Review => tokens.review,
        Verdict::Fail => tokens.fail,
    }
}

/// A small sign with a verdict, whose right edge is at `right`; gives its place.
pub fn paint_verdict(ui: &Ui, verdict: Verdict, right: egui::Pos2) -> Rect {
    let tokens = theme::tokens(ui);
    let color = verdict_color(verdict, tokens);
    let painter = ui.painter();
    let words = painter.layout_no_wrap(verdict_name(verdict).to_owned(), font::group(), tokens.text);
    let icon = painter.layout_no_wrap(verdict_icon(verdict).to_owned(), font::body(), color);
    let size = vec2(words.size().x + icon.size().x + space::XS + 2.0 * space::S, 20.0);
    let rect = Rect::from_min_size(pos2(right.x - size.x, right.y - size.y / 2.0), size);
    painter.rect_filled(rect, radius::S, color.gamma_multiply(0.22));
    let middle = rect.left_center() + vec2(space::S, 0.0);
    painter.galley(middle - vec2(0.0, icon.size().y / 2.0), icon.clone(), color);
    let left = middle + vec2(icon.size().x + space::XS, -words.size().y / 2.0);
    painter.galley(left, words, tokens.text);
    rect
}

/// A button that shows only parts of a verdict: its icon, a count.
pub fn verdict_filter(ui: &mut Ui, verdict: Option<Verdict>, count: &str, is_chosen: bool) -> Response {
    let tokens = theme::tokens(ui);
    let (icon, name, color) = match verdict {
        Some(verdict) => (verdict_icon(verdict), verdict_name(verdict), verdict_color(verdict, tokens)),
        None => ("", tr("All parts"), tokens.text),
    };
    let shown = if icon.is_empty() { tr("All").to_owned() } else { count.to_owned() };
    let painter = ui.painter().clone();
    let words = painter.layout_no_wrap(shown, font::small(), tokens.text);
    let icon_width = if icon.is_empty() { 0.0 } else { 18.0 };
    let (rect, response) =
        ui.allocate_exact_size(vec2(words.size().x + icon_width + 2.0 * space::S, 26.0), Sense::click());
    let fill = match (is_chosen, response.hovered() || response.has_focus()) {
        (true, _) => tokens.accent_soft,
        (false, true) => tokens.hovered,
        (false, false) => tokens.raised,
    };
    painter.rect_filled(rect, radius::M, fill);
    painter.text(rect.left_center() + vec2(space::S, 0.0), Align2::LEFT_CENTER, icon, font::field(), color);
    let at = pos2(rect.right() - space::S - words.size().x, rect.center().y - words.size().y / 2.0);
    painter.galley(at, words, tokens.text);
    let label = format!("{name}: {count}");
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_chosen, &label));
    response.on_hover_text(label)
}
