//! Rows of the sidebar: an icon, words, and a number at the right.

use egui::{Align, Layout, Response, RichText, Sense, Ui, pos2, vec2};

use crate::gui::theme::{self, font, radius, size, space};

/// What a row of the sidebar shows.
pub struct Row<'a> {
    /// Before the words.
    pub icon: &'a str,
    /// What it is called.
    pub label: &'a str,
    /// At the right.
    pub trailing: &'a str,
    /// Whether it is the one that is shown.
    pub is_chosen: bool,
}

/// A row that can be clicked.
pub fn row(ui: &mut Ui, row: &Row<'_>) -> Response {
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::CONTROL), Sense::click());
    let fill = match (row.is_chosen, response.hovered() || response.has_focus()) {
        (true, _) => tokens.accent_soft,
        (false, true) => tokens.raised,
        (false, false) => egui::Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, radius::M, fill);
    let (icon, text) = if row.is_chosen { (tokens.text, tokens.text) } else { (tokens.muted, tokens.text) };
    let painter = ui.painter();
    let middle = rect.center().y;
    painter.text(pos2(rect.left() + space::M, middle), egui::Align2::LEFT_CENTER, row.icon, font::icon(), icon);
    let right = pos2(rect.right() - space::M, middle);
    let number = painter.text(right, egui::Align2::RIGHT_CENTER, row.trailing, font::caption(), tokens.muted);
    let left = rect.left() + space::M + 24.0;
    let words = truncated(ui, row.label, text, number.left() - space::XS - left);
    painter.galley(pos2(left, (middle - words.size().y / 2.0).round()), words, text);
    let is_chosen = row.is_chosen;
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_chosen, row.label));
    response
}

/// One line of this width at most. Painted, not a label: the row itself is what screen readers name.
fn truncated(ui: &Ui, words: &str, color: egui::Color32, width: f32) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(words.to_owned(), font::body(), color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    ui.painter().layout_job(job)
}

/// The name of a group of rows.
pub fn group_heading(ui: &mut Ui, name: &str, at_the_right: impl FnOnce(&mut Ui)) {
    let muted = theme::tokens(ui).muted;
    ui.horizontal(|ui| {
        ui.add_space(space::M);
        ui.label(RichText::new(name).font(font::group()).color(muted));
        ui.with_layout(Layout::right_to_left(Align::Center), at_the_right);
    });
}

/// A name of this width at the left of what it names.
pub fn caption(ui: &mut Ui, name: &str, width: f32) {
    let muted = theme::tokens(ui).muted;
    ui.allocate_ui_with_layout(vec2(width, 16.0), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(egui::Label::new(RichText::new(name).font(font::small()).color(muted)).truncate());
    });
}
