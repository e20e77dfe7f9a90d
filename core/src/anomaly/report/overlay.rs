//! The map over the picture. In: both, regions, the product's fixed colour scale. Out: a picture. No contrast is stretched:
//! the same score has the same colour on every part.

use image::{Rgb, RgbImage, imageops};

use super::colours::inferno;
use super::{OVERLAY_SIDE, fitting};
use crate::anomaly::region::Region;
use crate::anomaly::score_map::ScoreMap;

/// How much of the picture the highest colours hide.
const OPACITY: f32 = 0.6;
/// Outlines are drawn in this colour, which the table does not have.
const OUTLINE: Rgb<u8> = Rgb([64, 224, 255]);

/// The picture, at most 1600 pixels a side, with its map in colours and the outlines of its regions.
pub fn overlay(picture: &RgbImage, map: &ScoreMap, regions: &[Region], colours: [f32; 2]) -> RgbImage {
    let (width, height) = fitting(picture.dimensions(), OVERLAY_SIDE);
    let mut drawn = match (width, height) == picture.dimensions() {
        true => picture.clone(),
        false => imageops::thumbnail(picture, width, height),
    };
    let scale = f64::from(width) / f64::from(picture.width().max(1));
    for (x, y, pixel) in drawn.enumerate_pixels_mut() {
        let from = |at: u32, to: u32, of: u32| (u64::from(at) * u64::from(of) / u64::from(to)) as usize;
        let at = from(y, height, map.height) * map.width as usize + from(x, width, map.width);
        let place = (map.values[at] - colours[0]) / (colours[1] - colours[0]).max(f32::MIN_POSITIVE);
        let share = OPACITY * ((place - 0.2) / 0.3).clamp(0.0, 1.0);
        let colour = inferno(place);
        for (value, colour) in pixel.0.iter_mut().zip(colour) {
            *value = (f32::from(*value) * (1.0 - share) + f32::from(colour) * share).round() as u8;
        }
    }
    for region in regions {
        outline(&mut drawn, region, scale);
    }
    drawn
}

/// Draws the edges of an outline, all of which run along rows or columns.
fn outline(drawn: &mut RgbImage, region: &Region, scale: f64) {
    let thick = (drawn.width().max(drawn.height()) / 500).max(1);
    let place = |at: [u32; 2]| at.map(|at| (f64::from(at) * scale).round() as u32);
    let next = region.outline.iter().cycle().skip(1);
    for (from, to) in region.outline.iter().zip(next) {
        let ([x1, y1], [x2, y2]) = (place(*from), place(*to));
        let (right, bottom) = (x1.max(x2) + thick, y1.max(y2) + thick);
        for y in y1.min(y2)..bottom.min(drawn.height()) {
            for x in x1.min(x2)..right.min(drawn.width()) {
                drawn.put_pixel(x, y, OUTLINE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_scores_leave_the_picture_as_it_is_and_high_ones_do_not() {
        let picture = RgbImage::from_pixel(4, 2, Rgb([100; 3]));
        let map = ScoreMap { width: 4, height: 2, values: vec![0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 9.0, 9.0], scale: 1.0 };
        let drawn = overlay(&picture, &map, &[], [0.0, 9.0]);
        assert_eq!(drawn.get_pixel(0, 0), &Rgb([100; 3]));
        assert!(drawn.get_pixel(3, 1).0[0] > 180);
    }

    #[test]
    fn an_outline_beyond_the_border_is_cut_off() {
        let picture = RgbImage::new(4, 4);
        let map = ScoreMap { width: 1, height: 1, values: vec![0.0], scale: 4.0 };
        let region = Region {
            x: 0,
            y: 0,
            width: 4,
            height: 4,
            area: 16.0,
            peak: 1.0,
            mean: 1.0,
            outline: vec![[0, 0], [4, 0], [4, 4], [0, 4]],
        };
        let drawn = overlay(&picture, &map, &[region], [0.0, 1.0]);
        assert_eq!((drawn.get_pixel(0, 0), drawn.get_pixel(2, 2)), (&OUTLINE, &Rgb([0; 3])));
    }
}
