//! Buttons with an icon, words, or both.

use egui::{Button, Response, RichText, Stroke, Ui, vec2};

use crate::gui::theme::{self, font, size};

/// How much a button asks for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The one thing to do here.
    Primary,
    /// One of several things.
    Quiet,
    /// Belongs to the line it stands in.
    Plain,
}

/// A button with words, and an icon before them if there is one.
pub fn button(ui: &mut Ui, kind: Kind, icon: &str, label: &str) -> Response {
    let tokens = theme::tokens(ui);
    let (text, fill, stroke) = match kind {
        Kind::Primary => (tokens.on_accent, tokens.accent, Stroke::NONE),
        Kind::Quiet => (tokens.text, tokens.raised, Stroke::new(1.0, tokens.line)),
        Kind::Plain => (tokens.muted, egui::Color32::TRANSPARENT, Stroke::NONE),
    };
    let words = RichText::new(label).font(font::button()).color(text);
    let button = match icon {
        "" => Button::new(words),
        icon => Button::new((RichText::new(icon).font(font::icon()).color(text), words)),
    };
    let button = button.fill(fill).stroke(stroke).min_size(vec2(0.0, size::CONTROL));
    let response = ui.add(button);
    name(&response, label);
    response
}

/// A button with nothing but an icon; `label` is its tooltip and what screen readers say.
pub fn icon_button(ui: &mut Ui, icon: &str, label: &str, is_on: bool) -> Response {
    let tokens = theme::tokens(ui);
    let (text, fill) = match is_on {
        true => (tokens.text, tokens.accent_soft),
        false => (tokens.muted, egui::Color32::TRANSPARENT),
    };
    let icon = RichText::new(icon).font(font::icon()).color(text);
    let button = Button::new(icon).fill(fill).stroke(Stroke::NONE).min_size(vec2(size::CONTROL, size::CONTROL));
    let response = ui.add(button);
    name(&response, label);
    response.on_hover_text(label)
}

/// What tests and screen readers find it by: its words, without the icon.
fn name(response: &Response, label: &str) {
    let is_enabled = response.enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, is_enabled, label));
}
