//! The colours of the map and the scores they stand for: fixed for the product, whatever part is shown.

use egui::epaint::{Mesh, Vertex, WHITE_UV};
use egui::{Align2, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};

use crate::gui::colour_table::{Table, colour};
use crate::gui::text;
use crate::gui::theme::{self, font, space};
use crate::gui::translate::{tr, tr_with};

/// The bar's width and height; numbers stand at its ends.
const BAR: (f32, f32) = (110.0, 10.0);
const NUMBER: f32 = 34.0;
const STEPS: usize = 32;

/// The legend. From `floor` on the map is seen.
pub fn legend_ui(table: Table, scale: [f32; 2], floor: f32, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(BAR.0 + 2.0 * NUMBER, 26.0), Sense::hover());
    let bar = Rect::from_center_size(rect.center(), BAR.into());
    let painter = ui.painter();
    painter.rect_filled(bar, 0, tokens.raised);
    painter.add(Shape::mesh(gradient(table, bar)));
    let place = ((floor - scale[0]) / (scale[1] - scale[0]).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
    let x = bar.left() + place * bar.width();
    painter.vline(x, bar.expand(3.0).y_range(), Stroke::new(1.5, tokens.text));
    let low = pos2(bar.left() - space::XS, bar.center().y);
    let high = pos2(bar.right() + space::XS, bar.center().y);
    let number = |score: f32| text::decimal(score, 2);
    painter.text(low, Align2::RIGHT_CENTER, number(scale[0]), font::caption(), tokens.muted);
    painter.text(high, Align2::LEFT_CENTER, number(scale[1]), font::caption(), tokens.muted);
    let label = tr_with("Colours from {} to {}", &[&number(scale[0]), &number(scale[1])]);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &label));
    response.on_hover_text(tr(
        "The same score has the same colour on every part of this product; no good part gets into the upper half.",
    ));
}

fn gradient(table: Table, bar: Rect) -> Mesh {
    let mut mesh = Mesh::default();
    for step in 0..=STEPS {
        let place = step as f32 / STEPS as f32;
        let [r, g, b, a] = colour(table, place).to_srgba_unmultiplied();
        let color = egui::Color32::from_rgba_unmultiplied(r, g, b, a);
        let x = bar.left() + place * bar.width();
        for y in [bar.top(), bar.bottom()] {
            mesh.vertices.push(Vertex { pos: pos2(x, y), uv: WHITE_UV, color });
        }
        if step > 0 {
            let last = 2 * step as u32;
            mesh.add_triangle(last - 2, last - 1, last);
            mesh.add_triangle(last - 1, last, last + 1);
        }
    }
    mesh
}
