//! The outer border of one region. In: its pixels. Out: the corners of its outline. Knows no scores.

use image::GrayImage;

/// The outline of the first component from the top left, as corners of pixels, clockwise: it runs along the edges of pixels,
/// so that a single pixel has four corners, and turns at every corner it names.
pub(super) fn outline(mask: &GrayImage) -> Vec<[u32; 2]> {
    let is_set = |x: i64, y: i64| {
        x >= 0
            && y >= 0
            && x < i64::from(mask.width())
            && y < i64::from(mask.height())
            && mask.get_pixel(x as u32, y as u32).0[0] > 0
    };
    let Some(seed) = mask.pixels().position(|pixel| pixel.0[0] > 0) else { return Vec::new() };
    let start = ((seed % mask.width() as usize) as i64, (seed / mask.width() as usize) as i64);
    let (mut at, mut heading) = (start, 0_usize);
    let mut corners = Vec::new();
    loop {
        // The pixels ahead to the left and to the right of the corner that is reached.
        let (ahead_left, ahead_right) = AHEAD[heading];
        let turned = if is_set(at.0 + ahead_left.0, at.1 + ahead_left.1) {
            // Diagonal neighbours belong together, so the outline keeps to the left.
            (heading + 3) % 4
        } else if is_set(at.0 + ahead_right.0, at.1 + ahead_right.1) {
            heading
        } else {
            (heading + 1) % 4
        };
        if turned != heading || corners.is_empty() {
            corners.push([at.0 as u32, at.1 as u32]);
        }
        heading = turned;
        at = (at.0 + STEP[heading].0, at.1 + STEP[heading].1);
        if at == start && (is_done(heading) || corners.len() > 4 * mask.len()) {
            return corners;
        }
    }
}

/// Right, down, left, up.
const STEP: [(i64, i64); 4] = [(1, 0), (0, 1), (-1, 0), (0, -1)];
/// For each heading the pixels to the left and to the right of the next edge, from the corner.
const AHEAD: [((i64, i64), (i64, i64)); 4] =
    [((0, -1), (0, 0)), ((0, 0), (-1, 0)), ((-1, 0), (-1, -1)), ((-1, -1), (0, -1))];

/// The start is the top left corner of the topmost pixel: the outline comes back to it from below, and only once.
fn is_done(heading: usize) -> bool {
    heading == 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[&str], expected: &[[u32; 2]]) {
        let mask = GrayImage::from_fn(rows[0].len() as u32, rows.len() as u32, |x, y| {
            image::Luma([if rows[y as usize].as_bytes()[x as usize] == b'#' { 255 } else { 0 }])
        });
        assert_eq!(outline(&mask), expected);
    }

    #[test]
    fn the_outline_runs_round_the_pixels() {
        check(&["#"], &[[0, 0], [1, 0], [1, 1], [0, 1]]);
        check(&["..", "##"], &[[0, 1], [2, 1], [2, 2], [0, 2]]);
        check(&["#.", "##"], &[[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [0, 2]]);
        check(&[".."], &[]);
    }

    #[test]
    fn pixels_that_touch_at_a_corner_have_one_outline() {
        check(&["#.", ".#"], &[[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [1, 2], [1, 1], [0, 1]]);
        check(&[".#", "#."], &[[1, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2], [0, 1], [1, 1]]);
    }

    #[test]
    fn a_hole_is_not_outlined() {
        check(&["###", "#.#", "###"], &[[0, 0], [3, 0], [3, 3], [0, 3]]);
    }
}
