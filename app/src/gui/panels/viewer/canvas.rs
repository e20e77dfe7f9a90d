//! Where the large view draws its photo: how large, how far moved, how turned. Pure geometry.

use egui::{Color32, Mesh, Pos2, Rect, TextureId, Vec2, pos2, vec2};

use crate::gui::state::Zoom;

/// A photo is drawn at most so much larger than it is.
const LARGEST: f32 = 16.0;
/// A small photo is not blown up to blocks to fill the window.
const FITTED_AT_MOST: f32 = 2.0;

/// A photo's place on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Canvas {
    /// The room for it.
    room: Rect,
    /// Width and height of the photo as it is turned, in points at one pixel for one.
    size: Vec2,
    /// By how many quarters it is turned to the right.
    turns: u8,
    /// Where all of it is drawn, also what lies outside of the room.
    pub shown: Rect,
}

impl Canvas {
    /// A photo of `pixels` in `room`, its middle `moved` from the middle of the room, on a display of
    /// `pixels_per_point`.
    pub fn new(room: Rect, pixels: Vec2, pixels_per_point: f32, (zoom, turns, moved): (Zoom, u8, Vec2)) -> Self {
        let upright = pixels / pixels_per_point;
        let size = if turns % 2 == 0 { upright } else { vec2(upright.y, upright.x) };
        let mut canvas = Self { room, size, turns, shown: room };
        let scale = canvas.scale(zoom);
        let free = ((size * scale - room.size()) / 2.0).max(Vec2::ZERO);
        canvas.shown = Rect::from_center_size(room.center() + moved.clamp(-free, free), size * scale);
        canvas
    }

    /// How far the photo is really moved: never farther than its edges.
    pub fn moved(&self) -> Vec2 {
        self.shown.center() - self.room.center()
    }

    /// How many pixels of the display one pixel of the photo is.
    pub fn scale(&self, zoom: Zoom) -> f32 {
        match zoom {
            Zoom::Fit => self.fitted(),
            Zoom::Times(times) => times,
        }
    }

    fn fitted(&self) -> f32 {
        let factor = (self.room.size() / self.size.max(Vec2::splat(1e-3))).min_elem();
        factor.min(FITTED_AT_MOST)
    }

    /// `factor` times closer, with what is under `pointer` staying there: the new zoom and how far the photo is moved.
    pub fn closer(&self, zoom: Zoom, factor: f32, pointer: Pos2) -> (Zoom, Vec2) {
        let before = self.scale(zoom);
        let after = (before * factor).min(LARGEST.max(self.fitted()));
        if after <= self.fitted() {
            return (Zoom::Fit, Vec2::ZERO);
        }
        let center = pointer + (self.shown.center() - pointer) * (after / before);
        (Zoom::Times(after), center - self.room.center())
    }

    /// The place in the photo, in fractions of its sides as it is in the file, of a place on the screen.
    pub fn in_photo(&self, place: Pos2) -> Pos2 {
        let turned = (place - self.shown.min) / self.shown.size();
        unturned(turned.clamp(Vec2::ZERO, Vec2::splat(1.0)), self.turns)
    }

    /// The rectangle on the screen of two opposite corners in the photo.
    pub fn on_screen(&self, corners: [Pos2; 2]) -> Rect {
        Rect::from_two_pos(self.point(corners[0]), self.point(corners[1]))
    }

    /// The place on the screen of a place in the photo.
    pub fn point(&self, in_photo: Pos2) -> Pos2 {
        // Turning on to a whole turn undoes what was turned.
        self.shown.min + unturned(in_photo.to_vec2(), 4 - self.turns % 4).to_vec2() * self.shown.size()
    }

    /// The photo, turned.
    pub fn mesh(&self, texture: TextureId) -> Mesh {
        let mut mesh = Mesh::with_texture(texture);
        let corners = [vec2(0.0, 0.0), vec2(1.0, 0.0), vec2(1.0, 1.0), vec2(0.0, 1.0)];
        for corner in corners {
            let pos = self.shown.min + corner * self.shown.size();
            mesh.vertices.push(egui::epaint::Vertex { pos, uv: unturned(corner, self.turns), color: Color32::WHITE });
        }
        mesh.add_triangle(0, 1, 2);
        mesh.add_triangle(0, 2, 3);
        mesh
    }
}

/// The place in the upright picture of a place in one that is turned by so many quarters to the right.
fn unturned(place: Vec2, turns: u8) -> Pos2 {
    match turns % 4 {
        1 => pos2(place.y, 1.0 - place.x),
        2 => pos2(1.0 - place.x, 1.0 - place.y),
        3 => pos2(1.0 - place.y, place.x),
        _ => place.to_pos2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(400.0, 200.0) };

    fn canvas(zoom: Zoom, turns: u8) -> Canvas {
        Canvas::new(ROOM, vec2(800.0, 800.0), 1.0, (zoom, turns, Vec2::ZERO))
    }

    #[test]
    fn all_of_a_large_photo_fits_and_a_small_one_is_not_blown_up() {
        assert_eq!(canvas(Zoom::Fit, 0).shown.size(), vec2(200.0, 200.0));
        let small = Canvas::new(ROOM, vec2(10.0, 10.0), 1.0, (Zoom::Fit, 0, Vec2::ZERO));
        assert_eq!(small.shown.size(), vec2(20.0, 20.0));
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let pointer = pos2(150.0, 40.0);
        let before = canvas(Zoom::ACTUAL, 0);
        let (zoom, moved) = before.closer(Zoom::ACTUAL, 2.0, pointer);
        let after = Canvas::new(ROOM, vec2(800.0, 800.0), 1.0, (zoom, 0, moved));
        assert!(before.in_photo(pointer).distance(after.in_photo(pointer)) < 1e-4);
        assert_eq!(after.shown.width(), 1600.0);
    }

    #[test]
    fn farther_than_all_of_it_is_all_of_it() {
        assert_eq!(canvas(Zoom::ACTUAL, 0).closer(Zoom::ACTUAL, 0.1, pos2(0.0, 0.0)), (Zoom::Fit, Vec2::ZERO));
    }

    #[test]
    fn a_photo_is_not_moved_beyond_its_edges() {
        let far = Canvas::new(ROOM, vec2(800.0, 800.0), 1.0, (Zoom::ACTUAL, 0, vec2(9e9, -9e9)));
        assert_eq!(far.moved(), vec2(200.0, -300.0));
    }

    #[test]
    fn places_go_to_the_photo_and_back_however_it_is_turned() {
        let corners = [pos2(0.25, 0.125), pos2(0.5, 0.75)];
        for turns in 0..4 {
            let canvas = canvas(Zoom::Fit, turns);
            let there = canvas.on_screen(corners);
            let back = Rect::from_two_pos(canvas.in_photo(there.min), canvas.in_photo(there.max));
            assert!(
                (back.min - corners[0]).length() < 1e-5 && (back.max - corners[1]).length() < 1e-5,
                "{turns}: {back:?}"
            );
        }
    }

    #[test]
    fn a_quarter_to_the_right_brings_the_lower_left_to_the_upper_left() {
        let canvas = canvas(Zoom::Fit, 1);
        assert_eq!(canvas.in_photo(canvas.shown.min), pos2(0.0, 1.0));
    }
}
