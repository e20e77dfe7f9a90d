//! Why a photo matches: a cover that is bright where the query is, and how much each word counts.

use egui::epaint::{Mesh, Vertex, WHITE_UV};
use egui::{Color32, Frame, Id, Rect, RichText, Ui, pos2, vec2};
use sightline_core::engine::{Explanation, Grid};

use super::canvas::Canvas;
use crate::gui::state::Why;
use crate::gui::theme::{self, font, space};
use crate::gui::translate::tr;
use crate::gui::{text, widgets};

/// A place that is so much nearer to the words than to words that say nothing is covered most. With the built-in model the
/// best place of a photo reaches 0.1 for the name of what it shows in one of two, and for another name in one of ten
/// (tests/it/organise.rs).
const FULL: f32 = 0.12;
/// Where not even the best place is so much nearer, the cover shows nothing that an eye would find.
const FAINT: f32 = 0.02;
/// The cover hides at most so much of the photo.
const MOST_OPAQUE: f32 = 0.6;

/// Draws the reasons over the photo.
pub fn why_ui(why: &Why, canvas: &Canvas, room: Rect, ui: &Ui) {
    match why {
        Why::Unasked => {}
        Why::Waiting => card_ui(room, ui, |ui| {
            ui.horizontal(|ui| {
                widgets::spinner(ui);
                ui.label(RichText::new(tr("Looking where it is …")).font(font::small()));
            });
        }),
        Why::Ready(explanation) => {
            ui.painter().with_clip_rect(room).add(cover(&explanation.grid, canvas));
            card_ui(room, ui, |ui| words_ui(explanation, ui));
        }
        Why::Failed(reason) => card_ui(room, ui, |ui| {
            ui.add(egui::Label::new(RichText::new(reason).font(font::small())).wrap());
        }),
    }
}

fn card_ui(room: Rect, ui: &Ui, content: impl FnOnce(&mut Ui)) {
    let area = egui::Area::new(Id::unique("why")).fixed_pos(room.left_top() + vec2(space::M, space::M));
    area.order(egui::Order::Middle).show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).show(ui, |ui| {
            ui.set_max_width(240.0);
            content(ui);
        });
    });
}

fn words_ui(explanation: &Explanation, ui: &mut Ui) {
    let tokens = theme::tokens(ui);
    let best = explanation.grid.values.iter().copied().fold(f32::MIN, f32::max);
    let what = match best > FAINT {
        true => tr("Bright: more like the search than like anything"),
        false => tr("No place stands out: the photo as a whole is like the search"),
    };
    ui.label(RichText::new(what).font(font::caption()).color(tokens.muted));
    if explanation.words.len() < 2 {
        return;
    }
    ui.label(
        RichText::new(tr("What each word brings (cosine with it less without)"))
            .font(font::caption())
            .color(tokens.muted),
    );
    for word in &explanation.words {
        ui.horizontal(|ui| {
            widgets::caption(ui, &word.word, 90.0);
            let color = if word.share >= 0.0 { tokens.pass } else { tokens.fail };
            ui.label(RichText::new(text::signed(word.share, 3)).font(font::small()).color(color));
        });
    }
}

/// The grid over the photo, as the photo is turned; smooth between the places.
fn cover(grid: &Grid, canvas: &Canvas) -> Mesh {
    let mut mesh = Mesh::default();
    let (columns, rows) = (grid.columns, grid.rows);
    if columns == 0 || rows == 0 || grid.values.len() != columns * rows {
        return mesh;
    }
    // Corners at the middles of the places, and the edges as their nearest place is.
    for row in 0..rows + 2 {
        for column in 0..columns + 2 {
            let place = |at: usize, count: usize| ((at as f32 - 0.5) / count as f32).clamp(0.0, 1.0);
            let nearest = |at: usize, count: usize| at.saturating_sub(1).min(count - 1);
            let corner = pos2(place(column, columns), place(row, rows));
            let value = grid.values[nearest(row, rows) * columns + nearest(column, columns)];
            mesh.vertices.push(Vertex { pos: canvas.point(corner), uv: WHITE_UV, color: color(value) });
        }
    }
    let at = |row: usize, column: usize| (row * (columns + 2) + column) as u32;
    for row in 0..=rows {
        for column in 0..=columns {
            mesh.add_triangle(at(row, column), at(row, column + 1), at(row + 1, column + 1));
            mesh.add_triangle(at(row, column), at(row + 1, column + 1), at(row + 1, column));
        }
    }
    mesh
}

/// Nothing where the query is not; from blue over green to yellow where it is. One scale for all photos.
fn color(value: f32) -> Color32 {
    let share = (value / FULL).clamp(0.0, 1.0);
    let stops = [[68.0, 1.0, 84.0], [33.0, 145.0, 140.0], [253.0, 231.0, 37.0]];
    let position = share * 2.0;
    let first = (position as usize).min(1);
    let part = position - first as f32;
    let channel = |i: usize| (stops[first][i] + (stops[first + 1][i] - stops[first][i]) * part) as u8;
    let alpha = (share * MOST_OPAQUE * 255.0) as u8;
    Color32::from_rgba_unmultiplied(channel(0), channel(1), channel(2), alpha)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_are_not_like_the_query_are_left_as_they_are() {
        assert_eq!(color(-0.2).a(), 0);
        assert_eq!(color(0.0).a(), 0);
        assert!(color(FULL).a() > 150 && color(2.0 * FULL) == color(FULL));
    }
}
