//! The points of the map, drawn for real.

use std::sync::Arc;

use eframe::egui_wgpu::RendererOptions;
use egui::{Color32, Rect, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use image::Rgba;
use sightline_app::gui::graphics;
use sightline_app::gui::points::{PointsLook, shape};
use sightline_core::search::PhotoMap;

use crate::support::can_draw;

const COLOR: Color32 = Color32::from_rgb(250, 120, 10);

/// A map of these places over 200 × 100 points, its middle at (1, 2), 20 points of the screen for one of its own.
fn drawn(places: Vec<[f32; 2]>) -> image::RgbaImage {
    let map = Arc::new(PhotoMap { rows: (0..places.len() as u32).collect(), places });
    let look = PointsLook { middle: vec2(1.0, 2.0), unit: 20.0, side: 8.0, color: COLOR };
    let render_state = create_render_state(default_wgpu_setup(), RendererOptions::PREDICTABLE);
    let card = render_state.clone();
    let mut harness = Harness::builder()
        .with_size([220.0, 120.0])
        .renderer(WgpuTestRenderer::from_render_state(render_state))
        .with_context_setup(move |ctx| graphics::install(ctx, &card))
        .build_ui(move |ui| {
            assert!(graphics::is_installed(ui.ctx()));
            let room = Rect::from_min_size(pos2(10.0, 10.0), vec2(200.0, 100.0));
            ui.painter().add(shape(&map, look, room));
        });
    harness.render().unwrap()
}

#[test]
fn points_lie_where_the_map_says_and_nowhere_else() {
    if !can_draw() {
        return;
    }
    // The middle, 20 to the right, 40 up, and one in the window but beyond the room.
    let picture = drawn(vec![[1.0, 2.0], [2.0, 2.0], [1.0, 4.0], [6.2, 2.0]]);
    let is_point = |pixel: &Rgba<u8>| pixel.0[0].abs_diff(250) < 3 && pixel.0[1].abs_diff(120) < 3;
    for (x, y) in [(110, 60), (130, 60), (110, 20)] {
        assert!(is_point(picture.get_pixel(x, y)), "{x}, {y}: {:?}", picture.get_pixel(x, y));
    }
    // Discs of 8 pixels: all of 6 pixels' width is of the colour, the rim partly, the corners not at all.
    let all = picture.pixels().filter(|pixel| is_point(pixel)).count();
    assert!((3 * 24..3 * 40).contains(&all), "{all} pixels");
    assert_eq!(picture.get_pixel(106, 56), picture.get_pixel(60, 60), "a corner");
}
