//! What the window draws on the graphics card by itself. In: the card. Out: whether it can be drawn on.

use eframe::egui_wgpu::RenderState;

use super::{heatmap, points};

/// Prepares a window's graphics card. Without this neither heatmaps nor the map's points are drawn.
pub fn install(ctx: &egui::Context, render_state: &RenderState) {
    heatmap::install(render_state);
    points::install(render_state);
    ctx.data_mut(|data| data.insert_temp(installed(), true));
}

/// Whether they would be drawn.
pub fn is_installed(ctx: &egui::Context) -> bool {
    ctx.data(|data| data.get_temp(installed()).unwrap_or_default())
}

fn installed() -> egui::Id {
    egui::Id::unique("graphics-installed")
}
