//! A picture as its method sees it: whole or in tiles, turned or changed. In: a picture. Out: features, and from which of
//! them each place of the picture's grid is scored. Knows no memory.

use image::{Rgb, RgbImage, imageops};

use super::background::foreground;
use super::methods::Method;
use super::patches::{Patches, raw};
use super::settings::Settings;
use super::tiling::{Span, Tiling, spans};
use crate::error::{Error, Result};
use crate::models::Encoder;

/// Who looks, and how.
#[derive(Clone, Copy)]
pub struct Eye<'a> {
    /// The model.
    pub encoder: &'a dyn Encoder,
    /// What of a picture is compared.
    pub method: &'static dyn Method,
    /// Sizes, layers, tiles.
    pub settings: &'a Settings,
}

/// What is seen of one picture: a tile, or all of it.
pub struct View {
    /// Its features.
    pub patches: Patches,
    /// The rows of the whole grid that are scored by this view.
    pub rows: std::ops::Range<usize>,
    /// The columns.
    pub columns: std::ops::Range<usize>,
}

/// The grid of a picture and the places of it that show the part.
pub struct Grid {
    /// Patches from top to bottom.
    pub rows: usize,
    /// Patches from left to right.
    pub columns: usize,
    /// Whether each place shows the part; empty where the background is not told apart.
    pub is_part: Vec<bool>,
}

/// Rotations that references are learnt in besides (AnomalyDINO, Damm et al. 2025, section 3.2).
pub const TURNS: [u16; 7] = [45, 90, 135, 180, 225, 270, 315];

impl Eye<'_> {
    /// Looks at a picture: `see` gets one view after the other, so that only one tile is held.
    ///
    /// # Errors
    /// A picture without pixels, a model without a grid, or what `see` fails with.
    pub fn look(&self, picture: &RgbImage, mut see: impl FnMut(View) -> Result<()>) -> Result<Grid> {
        if let Some(tiling) = self.settings.tiling
            && picture.width().max(picture.height()) > tiling.side_px
        {
            return self.look_at_tiles(picture, tiling, see);
        }
        let patches = self.method.see(self.encoder, picture, self.settings)?;
        let (rows, columns) = (patches.rows, patches.columns);
        see(View { patches, rows: 0..rows, columns: 0..columns })?;
        Ok(Grid { rows, columns, is_part: self.part(picture)? })
    }

    fn look_at_tiles(
        &self,
        picture: &RgbImage,
        tiling: Tiling,
        mut see: impl FnMut(View) -> Result<()>,
    ) -> Result<Grid> {
        let side = |pixels: u32| pixels.min(tiling.side_px);
        let (tile_width, tile_height) = (side(picture.width()), side(picture.height()));
        let tile = |left: u32, top: u32| -> Result<Patches> {
            let part = imageops::crop_imm(picture, left, top, tile_width, tile_height).to_image();
            self.method.see(self.encoder, &part, self.settings)
        };
        // The first tile says how many patches a tile has; it is looked at again in its turn.
        let first = tile(0, 0)?;
        let along = |pixels: u32, tile_pixels: u32, patches: usize| {
            let len = (f64::from(pixels) * patches as f64 / f64::from(tile_pixels)).round() as usize;
            (spans(len, patches, tiling.overlap), len, f64::from(tile_pixels) / patches as f64)
        };
        let (rows, row_count, row_px) = along(picture.height(), tile_height, first.rows);
        let (columns, column_count, column_px) = along(picture.width(), tile_width, first.columns);
        let start =
            |span: &Span, px: f64, tile: u32, whole: u32| ((span.start as f64 * px).round() as u32).min(whole - tile);
        for row in &rows {
            for column in &columns {
                let left = start(column, column_px, tile_width, picture.width());
                let top = start(row, row_px, tile_height, picture.height());
                let mut patches = tile(left, top)?;
                patches.offset = (row.start, column.start);
                see(View { patches, rows: row.taken.clone(), columns: column.taken.clone() })?;
            }
        }
        Ok(Grid { rows: row_count, columns: column_count, is_part: Vec::new() })
    }

    /// Which places show the part, where that is asked for.
    fn part(&self, picture: &RgbImage) -> Result<Vec<bool>> {
        if !self.settings.hides_background {
            return Ok(Vec::new());
        }
        let patches = raw(self.encoder, picture, self.settings, &[4])?;
        let last = patches
            .layers
            .checked_sub(1)
            .ok_or_else(|| Error::bad_request("the model has no layers", "choose another"))?;
        Ok(foreground(patches.layer(last), (patches.rows, patches.columns, patches.dim)))
    }
}

/// The picture turned about its middle on the same canvas, its border reflected (reflect-101).
pub fn turned(picture: &RgbImage, degrees: u16) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (sine, cosine) = f64::from(degrees).to_radians().sin_cos();
    let middle = (f64::from(width - 1) / 2.0, f64::from(height - 1) / 2.0);
    RgbImage::from_fn(width, height, |x, y| {
        let (across, down) = (f64::from(x) - middle.0, f64::from(y) - middle.1);
        sampled(picture, middle.0 + cosine * across - sine * down, middle.1 + sine * across + cosine * down)
    })
}

/// Copies of a picture as a camera could have taken it a moment later: another light, another place, a softer focus.
pub fn changed(picture: &RgbImage) -> Vec<RgbImage> {
    let light = |factor: f64| {
        let mut copy = picture.clone();
        copy.iter_mut().for_each(|value| *value = (f64::from(*value) * factor).round().min(255.0) as u8);
        copy
    };
    let moved = |share: f64| {
        let (across, down) = (share * f64::from(picture.width()), share * f64::from(picture.height()));
        RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
            sampled(picture, f64::from(x) + across, f64::from(y) + down)
        })
    };
    vec![light(0.93), light(1.07), moved(0.013), moved(-0.017), imageops::blur(picture, 0.8)]
}

/// The colour between four pixels; beyond the border as reflected.
fn sampled(picture: &RgbImage, x: f64, y: f64) -> Rgb<u8> {
    let at =
        |x: f64, y: f64| *picture.get_pixel(mirrored(x as i64, picture.width()), mirrored(y as i64, picture.height()));
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (x - left, y - top);
    let corners = [at(left, top), at(left + 1.0, top), at(left, top + 1.0), at(left + 1.0, top + 1.0)];
    let shares = [(1.0 - across) * (1.0 - down), across * (1.0 - down), (1.0 - across) * down, across * down];
    let channel = |channel: usize| {
        corners.iter().zip(shares).map(|(corner, share)| share * f64::from(corner.0[channel])).sum::<f64>()
    };
    Rgb([0, 1, 2].map(|at| channel(at).round() as u8))
}

/// d c b | a b c d | c b a
fn mirrored(at: i64, len: u32) -> u32 {
    let last = i64::from(len) - 1;
    if last == 0 {
        return 0;
    }
    let at = at.rem_euclid(2 * last);
    if at <= last { at as u32 } else { (2 * last - at) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_turned_all_the_way_is_itself() {
        let picture = RgbImage::from_fn(9, 7, |x, y| Rgb([x as u8 * 20, y as u8 * 30, 5]));
        let half = turned(&turned(&picture, 180), 180);
        assert_eq!(half, picture);
        assert_eq!(turned(&picture, 180).get_pixel(0, 0), picture.get_pixel(8, 6));
    }

    #[test]
    fn the_border_is_reflected() {
        let found: Vec<u32> = (-3..7).map(|at| mirrored(at, 4)).collect();
        assert_eq!(found, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(mirrored(-5, 1), 0);
    }

    #[test]
    fn changed_copies_keep_the_size_of_the_smallest_picture() {
        for copy in changed(&RgbImage::from_pixel(1, 2, Rgb([200; 3]))) {
            assert_eq!(copy.dimensions(), (1, 2));
        }
        assert_eq!(turned(&RgbImage::new(1, 1), 45).dimensions(), (1, 1));
    }
}
