//! The program's mark as pixels: a lens over a horizon. The sidebar draws the same with shapes.

use egui::IconData;

use super::theme::{DARK, Tokens};

const SIDE: u32 = 64;

/// The window's icon.
pub fn icon() -> IconData {
    let pixels = (0..SIDE * SIDE).flat_map(|i| pixel(i % SIDE, i / SIDE, &DARK));
    IconData { rgba: pixels.collect(), width: SIDE, height: SIDE }
}

fn pixel(x: u32, y: u32, tokens: &Tokens) -> [u8; 4] {
    let middle = SIDE as f32 / 2.0;
    let (right, down) = (x as f32 + 0.5 - middle, y as f32 + 0.5 - middle);
    // Half a pixel of softness at the edge.
    let alpha = (middle - 1.5 - right.hypot(down)).clamp(0.0, 1.0);
    let color = if down < 0.0 { tokens.accent } else { tokens.pass };
    [color.r(), color.g(), color.b(), (alpha * 255.0) as u8]
}
