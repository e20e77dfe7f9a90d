//! Luma and chroma → red, green, blue. In: the planes of one decoded frame and what they mean (ITU-T H.273). Out: 8-bit
//! RGB. Knows no file and no codec.

use image::RgbImage;

/// One plane of samples, rows of `stride` samples.
#[derive(Debug, Clone, Copy)]
pub(super) enum Samples<'a> {
    /// 8-bit.
    Eight(&'a [u8]),
    /// 10- or 12-bit.
    Sixteen(&'a [u16]),
}

impl Samples<'_> {
    fn at(&self, index: usize) -> i32 {
        match self {
            Self::Eight(samples) => samples.get(index).copied().map_or(0, i32::from),
            Self::Sixteen(samples) => samples.get(index).copied().map_or(0, i32::from),
        }
    }
}

/// A decoded frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub size: (u32, u32),
    pub luma: Samples<'a>,
    pub luma_stride: usize,
    /// Blue and red difference; none in a grey picture.
    pub chroma: Option<[Samples<'a>; 2]>,
    pub chroma_stride: usize,
    /// Binary logarithm of how many luma samples share one chroma sample, across and down.
    pub chroma_shift: (u32, u32),
    /// Bits of a sample: 8, 10 or 12.
    pub depth: u32,
    pub colors: Colors,
}

/// What the samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colors {
    /// Matrix coefficients, H.273 table 4.
    pub matrix: u32,
    /// Whether black is 0 and not 16.
    pub is_full_range: bool,
}

// Fixed point with 16 fractional bits.
const ONE: f64 = 65536.0;

/// The linear map of one frame.
struct Map {
    luma_scale: i64,
    luma_offset: i64,
    chroma_middle: i64,
    /// Red from Cr, green from Cb, green from Cr, blue from Cb.
    chroma: [i64; 4],
}

impl Frame<'_> {
    /// The picture.
    pub fn rgb(&self) -> RgbImage {
        let map = Map::new(self.colors, self.depth);
        let mut picture = RgbImage::new(self.size.0, self.size.1);
        for (row, pixels) in picture.rows_mut().enumerate() {
            let luma_row = row * self.luma_stride;
            let chroma_row = (row >> self.chroma_shift.1) * self.chroma_stride;
            for (column, pixel) in pixels.enumerate() {
                let luma = self.luma.at(luma_row + column);
                let Some([blue, red]) = &self.chroma else {
                    pixel.0 = map.rgb(luma, map.chroma_middle as i32, map.chroma_middle as i32);
                    continue;
                };
                let at = chroma_row + (column >> self.chroma_shift.0);
                let (blue, red) = (blue.at(at), red.at(at));
                pixel.0 = match self.colors.matrix {
                    // Identity: the planes are green, blue, red.
                    0 => [red, luma, blue].map(|sample| map.scaled(sample)),
                    8 => map.green_orange(luma, blue, red),
                    _ => map.rgb(luma, blue, red),
                };
            }
        }
        picture
    }
}

impl Map {
    fn new(colors: Colors, depth: u32) -> Self {
        let unit = f64::from(1u32 << (depth - 8));
        let most = f64::from((1u32 << depth) - 1);
        let (offset, luma_span, chroma_span) =
            if colors.is_full_range { (0.0, most, most) } else { (16.0 * unit, 219.0 * unit, 224.0 * unit) };
        // Weights of red and blue in luma: H.273 table 4.
        let (red, blue) = match colors.matrix {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 | 10 => (0.2627, 0.0593),
            _ => (0.299, 0.114),
        };
        let green = 1.0 - red - blue;
        let factors = [
            2.0 * (1.0 - red),
            -2.0 * (1.0 - blue) * blue / green,
            -2.0 * (1.0 - red) * red / green,
            2.0 * (1.0 - blue),
        ];
        Self {
            luma_scale: (255.0 / luma_span * ONE).round() as i64,
            luma_offset: offset as i64,
            chroma_middle: 1 << (depth - 1),
            chroma: factors.map(|factor| (factor * 255.0 / chroma_span * ONE).round() as i64),
        }
    }

    fn rgb(&self, luma: i32, blue: i32, red: i32) -> [u8; 3] {
        let luma = (i64::from(luma) - self.luma_offset) * self.luma_scale;
        let (blue, red) = (i64::from(blue) - self.chroma_middle, i64::from(red) - self.chroma_middle);
        let [red_red, green_blue, green_red, blue_blue] = self.chroma;
        [luma + red_red * red, luma + green_blue * blue + green_red * red, luma + blue_blue * blue].map(rounded)
    }

    fn scaled(&self, sample: i32) -> u8 {
        rounded((i64::from(sample) - self.luma_offset) * self.luma_scale)
    }

    /// YCgCo: H.273 equations 45 to 48.
    fn green_orange(&self, luma: i32, green: i32, orange: i32) -> [u8; 3] {
        let luma = i64::from(luma) - self.luma_offset;
        let (green, orange) = (i64::from(green) - self.chroma_middle, i64::from(orange) - self.chroma_middle);
        [luma - green + orange, luma + green, luma - green - orange].map(|sample| rounded(sample * self.luma_scale))
    }
}

fn rounded(fixed: i64) -> u8 {
    ((fixed + 32768) >> 16).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(matrix: u32, is_full_range: bool, samples: [u8; 3], expected: [u8; 3]) {
        let [luma, blue, red] = samples;
        let frame = Frame {
            size: (1, 1),
            luma: Samples::Eight(&[luma]),
            luma_stride: 1,
            chroma: Some([Samples::Eight(&[blue]), Samples::Eight(&[red])]),
            chroma_stride: 1,
            chroma_shift: (1, 1),
            depth: 8,
            colors: Colors { matrix, is_full_range },
        };
        assert_eq!(frame.rgb().as_raw(), &expected);
    }

    #[test]
    fn grey_stays_grey() {
        check(6, true, [77, 128, 128], [77; 3]);
        check(1, false, [16, 128, 128], [0; 3]);
        check(9, false, [235, 128, 128], [255; 3]);
    }

    #[test]
    fn primaries_come_back() {
        // JFIF's table: pure red is 76, 85, 255.
        check(6, true, [76, 85, 255], [254, 0, 0]);
        // BT.709, limited: pure blue is 32, 240, 118.
        check(1, false, [32, 240, 118], [1, 0, 255]);
    }

    #[test]
    fn identity_planes_are_green_blue_red() {
        check(0, true, [10, 20, 30], [30, 10, 20]);
    }

    #[test]
    fn ten_bits_are_scaled_to_eight() {
        let frame = Frame {
            size: (2, 1),
            luma: Samples::Sixteen(&[1023, 512]),
            luma_stride: 2,
            chroma: None,
            chroma_stride: 0,
            chroma_shift: (0, 0),
            depth: 10,
            colors: Colors { matrix: 6, is_full_range: true },
        };
        assert_eq!(frame.rgb().as_raw(), &[255, 255, 255, 128, 128, 128]);
    }
}
