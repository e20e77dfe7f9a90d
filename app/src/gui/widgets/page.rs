//! A page that says why there is nothing to see, and what to do.

use egui::{RichText, Ui, vec2};

use crate::gui::theme::{self, font, space};

/// Draws an icon, a heading and a sentence in the middle of what is left, and below them what `actions` adds.
pub fn page(ui: &mut Ui, icon: &str, heading: &str, sentence: &str, actions: impl FnOnce(&mut Ui)) {
    let tokens = theme::tokens(ui);
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((height * 0.42 - 110.0).max(space::L));
        ui.label(RichText::new(icon).font(font::large_icon()).color(tokens.accent));
        ui.add_space(space::S);
        ui.label(RichText::new(heading).font(font::page()).color(tokens.text));
        ui.set_max_width(460.0_f32.min(ui.available_width()));
        ui.label(RichText::new(sentence).font(font::body()).color(tokens.muted));
        ui.add_space(space::L);
        ui.spacing_mut().item_spacing = vec2(space::M, space::M);
        actions(ui);
    });
}
