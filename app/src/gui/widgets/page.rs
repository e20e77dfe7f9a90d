//! A page that says why there is nothing to see, and what to do.

use egui::{RichText, Ui, vec2};

use crate::gui::theme::{self, font, size, space};

/// Draws an icon, a heading and a sentence in the middle of what is left, and below them what `actions` adds.
pub fn page(ui: &mut Ui, icon: &str, heading: &str, sentence: &str, actions: impl FnOnce(&mut Ui)) {
    let tokens = theme::tokens(ui);
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((height * 0.42 - 110.0).max(space::L));
        ui.label(RichText::new(icon).font(font::large_icon()).color(tokens.accent));
        ui.add_space(space::S);
        ui.label(RichText::new(heading).font(font::page()).color(tokens.text));
        let width = size::SENTENCE.min(ui.available_width());
        ui.allocate_ui(vec2(width, 0.0), |ui| {
            let words = RichText::new(sentence).font(font::body()).color(tokens.muted);
            ui.vertical_centered(|ui| ui.add(egui::Label::new(words).wrap()));
        });
        ui.add_space(space::L);
        ui.spacing_mut().item_spacing = vec2(space::M, space::M);
        actions(ui);
    });
}
