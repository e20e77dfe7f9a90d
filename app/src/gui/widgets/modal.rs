//! What lies over the window.

use egui::{Frame, Margin, Ui};

use crate::gui::theme::space;

/// The frame of a window over the window.
pub fn modal_frame(ui: &Ui) -> Frame {
    Frame::popup(ui.style()).inner_margin(Margin::same(space::L as i8 + 4))
}
