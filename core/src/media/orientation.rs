//! Which way is up. In: a picture as stored and the value of its orientation tag. Out: the upright picture. Knows no
//! format.

use image::RgbImage;
use image::imageops::{flip_horizontal_in_place, flip_vertical_in_place, rotate90, rotate180_in_place, rotate270};

/// How a stored picture has to be turned: Exif 2.32, tag 0x0112, values 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Upright,
    /// 2: mirrored left to right.
    Mirrored,
    /// 3: upside down.
    HalfTurn,
    /// 4: mirrored top to bottom.
    Flipped,
    /// 5: mirrored along the diagonal from top left to bottom right.
    Transposed,
    /// 6: to be turned a quarter clockwise.
    QuarterTurn,
    /// 7: mirrored along the other diagonal.
    Transversed,
    /// 8: to be turned a quarter anticlockwise.
    ThreeQuarterTurn,
}

impl Orientation {
    /// From the tag's value; anything else than 1 to 8 is taken as upright, as every viewer does.
    pub fn from_exif(value: u32) -> Self {
        match value {
            2 => Self::Mirrored,
            3 => Self::HalfTurn,
            4 => Self::Flipped,
            5 => Self::Transposed,
            6 => Self::QuarterTurn,
            7 => Self::Transversed,
            8 => Self::ThreeQuarterTurn,
            _ => Self::Upright,
        }
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        matches!(self, Self::Transposed | Self::QuarterTurn | Self::Transversed | Self::ThreeQuarterTurn)
    }

    /// The size of the upright picture.
    pub fn upright_size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.is_sideways() { (height, width) } else { (width, height) }
    }

    /// Turns the picture; only a quarter turn needs a second copy.
    pub(super) fn apply(self, mut picture: RgbImage) -> RgbImage {
        match self {
            Self::Upright => {}
            Self::Mirrored => flip_horizontal_in_place(&mut picture),
            Self::HalfTurn => rotate180_in_place(&mut picture),
            Self::Flipped => flip_vertical_in_place(&mut picture),
            Self::QuarterTurn => return rotate90(&picture),
            Self::ThreeQuarterTurn => return rotate270(&picture),
            Self::Transposed => {
                flip_vertical_in_place(&mut picture);
                return rotate90(&picture);
            }
            Self::Transversed => {
                flip_horizontal_in_place(&mut picture);
                return rotate90(&picture);
            }
        }
        picture
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns the picture `1 2 / 3 4 / 5 6` and compares its rows.
    #[track_caller]
    fn check(value: u32, expected: &[&[u8]]) {
        let stored = RgbImage::from_fn(2, 3, |x, y| image::Rgb([(1 + x + 2 * y) as u8; 3]));
        let turned = Orientation::from_exif(value).apply(stored);
        let rows: Vec<Vec<u8>> = turned.rows().map(|row| row.map(|pixel| pixel.0[0]).collect()).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn one_stays() {
        check(1, &[&[1, 2], &[3, 4], &[5, 6]]);
    }

    #[test]
    fn two_is_mirrored_left_to_right() {
        check(2, &[&[2, 1], &[4, 3], &[6, 5]]);
    }

    #[test]
    fn three_is_upside_down() {
        check(3, &[&[6, 5], &[4, 3], &[2, 1]]);
    }

    #[test]
    fn four_is_mirrored_top_to_bottom() {
        check(4, &[&[5, 6], &[3, 4], &[1, 2]]);
    }

    #[test]
    fn five_exchanges_rows_and_columns() {
        check(5, &[&[1, 3, 5], &[2, 4, 6]]);
    }

    #[test]
    fn six_turns_a_quarter_clockwise() {
        check(6, &[&[5, 3, 1], &[6, 4, 2]]);
    }

    #[test]
    fn seven_exchanges_along_the_other_diagonal() {
        check(7, &[&[6, 4, 2], &[5, 3, 1]]);
    }

    #[test]
    fn eight_turns_a_quarter_anticlockwise() {
        check(8, &[&[2, 4, 6], &[1, 3, 5]]);
    }

    #[test]
    fn an_unknown_value_is_upright() {
        check(77, &[&[1, 2], &[3, 4], &[5, 6]]);
    }
}
