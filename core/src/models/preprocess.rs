//! Pictures as a model wants to see them. In: the checkpoint's own preprocessing file and 8-bit RGB pictures. Out: pictures
//! of the model's input size, and the normalised tensor. Must never assume a number: a missing one is an error that names
//! the key and the file.

use std::path::Path;

use candle_core::{Device, Tensor};
use fast_image_resize as fir;
use image::RgbImage;
use serde_json::Value;

use super::keys::Keys;
use crate::error::{Error, Result};
use crate::media::resized;

/// Raised when the same checkpoint would give other pixels, so that vectors of before and after are kept apart.
/// 2: large JPEGs are decoded at a part of their size ([`Preprocessing::enough`]).
pub(super) const PREPROCESS_REVISION: u32 = 2;

/// The default of every processor of transformers that does not name `rescale_factor`: bytes to 0 … 1.
const BYTE_SCALE: f64 = 1.0 / 255.0;

/// How the sides of the resized picture follow from those of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// The picture keeps its size.
    Keep,
    /// The shorter side becomes this many pixels; the longer one keeps the proportions.
    Shortest(u32),
    /// The longer side becomes that of the input; the shorter one keeps the proportions and is padded.
    Longest,
    /// Both sides become those of the input, whatever the proportions.
    Squash,
}

/// The convolution with which pictures are resized. All widen with the scale, as Pillow's do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Nearest,
    Box,
    Bilinear,
    Hamming,
    Bicubic,
    Lanczos,
}

/// How the first row and column of the crop are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CropOffset {
    /// transformers: (side - crop) / 2, cut off.
    Floor,
    /// torchvision, which open_clip uses: Python's `round`, half to even.
    HalfToEven,
}

/// How pictures become a model's input, as its checkpoint says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessing {
    /// Width and height of the input in pixels.
    width: u32,
    height: u32,
    resize: Resize,
    filter: Filter,
    offset: CropOffset,
    /// What surrounds a picture that is smaller than the input.
    fill: u8,
    /// Each channel's value for each byte: (byte × rescale_factor - mean) / std.
    levels: Box<[[f32; 256]; 3]>,
}

impl Preprocessing {
    /// Reads transformers' `preprocessor_config.json`.
    ///
    /// # Errors
    /// Names the key that is missing or makes no sense, and `path`.
    pub fn from_hf(config: &Value, path: &Path) -> Result<Self> {
        let config = Keys { config, path };
        let crop =
            config.flag("do_center_crop", config.has("crop_size")).then(|| config.sides("crop_size")).transpose()?;
        let is_resized = config.flag("do_resize", true);
        let (resize, input) = match config.edge("size") {
            _ if !is_resized => (Resize::Keep, crop),
            Some(edge) => (Resize::Shortest(config.bounded("size", edge)?), crop),
            None => (Resize::Squash, Some(config.sides("size")?)),
        };
        let Some((width, height)) = input else {
            return Err(config.wrong("crop_size", "without it the pictures would keep different sizes"));
        };
        let filter = if is_resized { hf_filter(&config)? } else { Filter::Nearest };
        let scale =
            if config.flag("do_rescale", true) { config.number("rescale_factor").unwrap_or(BYTE_SCALE) } else { 1.0 };
        let (mean, std) = match config.flag("do_normalize", true) {
            true => (config.channels("image_mean")?, config.channels("image_std")?),
            false => ([0.0; 3], [1.0; 3]),
        };
        let levels = levels(scale, mean, std);
        Ok(Self { width, height, resize, filter, offset: CropOffset::Floor, fill: 0, levels })
    }

    /// Reads `preprocess_cfg` of open_clip; where it names no size, that of the vision tower is used, as open_clip does.
    ///
    /// # Errors
    /// Names the key that is missing or makes no sense, and `path`.
    pub fn from_open_clip(config: &Value, image_size: (u32, u32), path: &Path) -> Result<Self> {
        let config = Keys { config, path };
        let (width, height) = if config.has("size") { config.sides("size")? } else { image_size };
        let shorter = width.min(height);
        // Both have a documented default in open_clip's PreprocessCfg, which older files rely on.
        let resize = match config.text("resize_mode").unwrap_or("shortest") {
            "shortest" => Resize::Shortest(config.bounded("size", shorter)?),
            "longest" => Resize::Longest,
            "squash" => Resize::Squash,
            other => return Err(config.wrong("resize_mode", format!("{other:?} is unknown"))),
        };
        let filter = match config.text("interpolation").unwrap_or("bicubic") {
            "bicubic" | "random" => Filter::Bicubic,
            "bilinear" => Filter::Bilinear,
            other => return Err(config.wrong("interpolation", format!("{other:?} is unknown"))),
        };
        let fill = config.number("fill_color").unwrap_or(0.0) as u8;
        let levels = levels(BYTE_SCALE, config.channels("mean")?, config.channels("std")?);
        Ok(Self { width, height, resize, filter, offset: CropOffset::HalfToEven, fill, levels })
    }

    /// Reads `pretrained_cfg` of timm: resize to `input_size / crop_pct`, then crop.
    ///
    /// # Errors
    /// Names the key that is missing or makes no sense, and `path`.
    pub fn from_timm(config: &Value, path: &Path) -> Result<Self> {
        let config = Keys { config, path };
        let &[_, height, width] = config.list("input_size").as_slice() else {
            return Err(config.wrong("input_size", "three numbers are wanted: channels, height, width"));
        };
        let (width, height) = (config.side("input_size", width)?, config.side("input_size", height)?);
        let crop_pct = config.number("crop_pct").filter(|part| *part > 0.0);
        let crop_pct = crop_pct.ok_or_else(|| config.wrong("crop_pct", "a part of the picture is wanted"))?;
        // timm.data.transforms_factory, transforms_imagenet_eval: floor(side / crop_pct).
        let edge = (f64::from(width.min(height)) / crop_pct).floor();
        let resize = match config.text("crop_mode").unwrap_or("center") {
            "center" => Resize::Shortest(config.side("crop_pct", edge)?),
            "squash" => Resize::Squash,
            other => return Err(config.wrong("crop_mode", format!("{other:?} is unknown"))),
        };
        let filter = match config.text("interpolation") {
            Some("bicubic") => Filter::Bicubic,
            Some("bilinear") => Filter::Bilinear,
            other => return Err(config.wrong("interpolation", format!("{other:?} is unknown"))),
        };
        let levels = levels(BYTE_SCALE, config.channels("mean")?, config.channels("std")?);
        Ok(Self { width, height, resize, filter, offset: CropOffset::HalfToEven, fill: 0, levels })
    }

    /// Width and height of the model's input in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// How pictures of other proportions are brought to the input's size.
    pub fn resize(&self) -> Resize {
        self.resize
    }

    /// So many pixels of the shorter side are enough: twice what is left of them, which keeps a cosine of 0.995 and more with
    /// the vector of the whole picture (tests/it/starter.rs). `None` where every pixel counts.
    pub fn enough(&self) -> Option<u32> {
        match self.resize {
            Resize::Keep => None,
            Resize::Shortest(edge) => Some(edge.saturating_mul(2)),
            Resize::Longest | Resize::Squash => Some(self.width.max(self.height).saturating_mul(2)),
        }
    }

    /// The picture at the model's input size. Only what the crop keeps is computed, so that no proportions cost memory.
    ///
    /// # Errors
    /// A picture without pixels.
    pub fn prepare(&self, picture: &RgbImage) -> Result<RgbImage> {
        let (width, height) = proportions(picture)?;
        let (wide, high) = self.resized(width, height);
        let across = Window::centred(wide, self.width, self.offset);
        let down = Window::centred(high, self.height, self.offset);
        let part = resized_part(picture, self.filter, [(wide, &across), (high, &down)])?;
        if part.dimensions() == (self.width, self.height) {
            return Ok(part);
        }
        let mut canvas = RgbImage::from_pixel(self.width, self.height, image::Rgb([self.fill; 3]));
        image::imageops::replace(&mut canvas, &part, i64::from(across.padding), i64::from(down.padding));
        Ok(canvas)
    }

    /// The whole picture squeezed to these sides with the model's own filter.
    ///
    /// # Errors
    /// A picture without pixels.
    pub(super) fn squeezed(&self, picture: &RgbImage, width: u32, height: u32) -> Result<RgbImage> {
        proportions(picture)?;
        let whole = |side| Window { start: 0, len: side, padding: 0 };
        let sides = [(u64::from(width), &whole(width)), (u64::from(height), &whole(height))];
        resized_part(picture, self.filter, sides)
    }

    /// Prepared pictures, all of one size, as normalised numbers: `[n, 3, height, width]`, f32.
    ///
    /// # Errors
    /// Pictures of different sizes.
    pub fn pixels(&self, prepared: &[RgbImage]) -> Result<Tensor> {
        let (width, height) = prepared.first().map_or((self.width, self.height), RgbImage::dimensions);
        if prepared.iter().any(|picture| picture.dimensions() != (width, height)) {
            return Err(Error::bad_request("pictures of different sizes cannot be read at once", "prepare them first"));
        }
        let area = width as usize * height as usize;
        let mut numbers = vec![0.0; prepared.len() * 3 * area];
        for (picture, numbers) in prepared.iter().zip(numbers.chunks_exact_mut((3 * area).max(1))) {
            self.normalise(picture, numbers, area);
        }
        Ok(Tensor::from_vec(numbers, (prepared.len(), 3, height as usize, width as usize), &Device::Cpu)?)
    }

    fn normalise(&self, picture: &RgbImage, numbers: &mut [f32], area: usize) {
        let bytes = picture.as_raw();
        for (channel, plane) in numbers.chunks_exact_mut(area.max(1)).enumerate() {
            let levels = &self.levels[channel];
            for (number, pixel) in plane.iter_mut().zip(bytes.chunks_exact(3)) {
                *number = levels[usize::from(pixel[channel])];
            }
        }
    }

    /// The sides of the picture after resizing, before cropping; far too large ones are only numbers here.
    fn resized(&self, width: u32, height: u32) -> (u64, u64) {
        let (w, h) = (u64::from(width), u64::from(height));
        match self.resize {
            Resize::Keep => (w, h),
            Resize::Squash => (u64::from(self.width), u64::from(self.height)),
            // transformers (`get_resize_output_image_size`) and torchvision both cut int(edge * long / short) off.
            Resize::Shortest(edge) if w <= h => (u64::from(edge), u64::from(edge) * h / w),
            Resize::Shortest(edge) => (u64::from(edge) * w / h, u64::from(edge)),
            Resize::Longest => self.longest(f64::from(width), f64::from(height)),
        }
    }

    /// open_clip's `ResizeKeepRatio` with longest = 1: each side divided by the larger ratio, rounded half to even.
    fn longest(&self, width: f64, height: f64) -> (u64, u64) {
        let ratio = (width / f64::from(self.width)).max(height / f64::from(self.height));
        let side = |side: f64| ((side / ratio).round_ties_even() as u64).max(1);
        (side(width), side(height))
    }
}

/// What of one resized side is kept, and where it goes.
struct Window {
    /// The first pixel of the resized side that is kept.
    start: u64,
    /// How many are kept.
    len: u32,
    /// How many pixels of the input lie before them.
    padding: u32,
}

impl Window {
    fn centred(side: u64, crop: u32, offset: CropOffset) -> Self {
        let wide = u64::from(crop);
        if side <= wide {
            return Self { start: 0, len: side as u32, padding: ((wide - side) / 2) as u32 };
        }
        let start = match offset {
            CropOffset::Floor => (side - wide) / 2,
            CropOffset::HalfToEven => ((side - wide) as f64 / 2.0).round_ties_even() as u64,
        };
        Self { start, len: crop, padding: 0 }
    }

    /// The kept part in pixels of the picture: where it begins and how long it is.
    fn source(&self, resized: u64, side: u32) -> (f64, f64) {
        // Multiplied first: a whole side must come out as it is.
        let source = |at: f64| at * f64::from(side) / resized as f64;
        (source(self.start as f64), source(f64::from(self.len)))
    }
}

/// The windows (across, down) of the resized picture, in the order of passes that Pillow 13 takes: what lies beyond 0 … 255
/// is cut off after each of both, so their order shows. (Given both at once, fast_image_resize always goes down first; and
/// version 6.1 reads outside its buffer where a crop begins exactly at a zero of the filter.)
fn resized_part(picture: &RgbImage, filter: Filter, windows: [(u64, &Window); 2]) -> Result<RgbImage> {
    let [(wide, across), (high, down)] = windows;
    let (left, width) = across.source(wide, picture.width());
    let (top, height) = down.source(high, picture.height());
    let size = (across.len, down.len);
    if goes_down_first(picture.dimensions(), (wide, high)) {
        let (first, columns) = reached(left, width, across.len, picture.width());
        let band = cropped(picture, filter, (columns as u32, down.len), [first, top, columns, height])?;
        return cropped(&band, filter, size, [left - first, 0.0, width, f64::from(down.len)]);
    }
    let (first, rows) = reached(top, height, down.len, picture.height());
    let band = cropped(picture, filter, (across.len, rows as u32), [left, first, width, rows])?;
    cropped(&band, filter, size, [0.0, top - first, f64::from(across.len), height])
}

/// Pillow 13 goes down first where that takes more than twice as many pixels off as going across does (measured).
fn goes_down_first((width, height): (u32, u32), (wide, high): (u64, u64)) -> bool {
    let (off_across, off_down) = (u64::from(width).saturating_sub(wide), u64::from(height).saturating_sub(high));
    off_down > 2 * off_across
}

/// The widest filter, Lanczos's, reaches this many pixels to both sides.
const REACH: f64 = 3.0;

/// The whole pixels of a side that its part, brought to `kept` pixels, is made of: where they begin, how many they are.
fn reached(start: f64, len: f64, kept: u32, side: u32) -> (f64, f64) {
    let reach = (REACH * (len / f64::from(kept)).max(1.0)).ceil() + 1.0;
    let first = (start - reach).floor().max(0.0);
    (first, (start + len + reach).ceil().min(f64::from(side)) - first)
}

/// The part [left, top, width, height] of a picture at another size.
fn cropped(picture: &RgbImage, filter: Filter, size: (u32, u32), part: [f64; 4]) -> Result<RgbImage> {
    let [left, top, width, height] = part;
    let (width, height) = (inside(left, width, picture.width()), inside(top, height, picture.height()));
    resized(picture, filter.algorithm(), size, [left, top, width, height])
}

/// A length from `start` that ends within `side`, which rounding may pass by a last bit.
fn inside(start: f64, len: f64, side: u32) -> f64 {
    let len = len.min(f64::from(side) - start);
    if start + len > f64::from(side) { len.next_down() } else { len }
}

impl Filter {
    fn algorithm(self) -> fir::ResizeAlg {
        let convolution = fir::ResizeAlg::Convolution;
        match self {
            Self::Nearest => fir::ResizeAlg::Nearest,
            Self::Box => convolution(fir::FilterType::Box),
            Self::Bilinear => convolution(fir::FilterType::Bilinear),
            Self::Hamming => convolution(fir::FilterType::Hamming),
            // Pillow's bicubic has a = -0.5, which is Catmull and Rom's.
            Self::Bicubic => convolution(fir::FilterType::CatmullRom),
            Self::Lanczos => convolution(fir::FilterType::Lanczos3),
        }
    }
}

/// Pillow's numbers for its filters.
fn hf_filter(config: &Keys<'_>) -> Result<Filter> {
    Ok(match config.number("resample").map(|number| number as i64) {
        Some(0) => Filter::Nearest,
        Some(1) => Filter::Lanczos,
        Some(2) => Filter::Bilinear,
        Some(3) => Filter::Bicubic,
        Some(4) => Filter::Box,
        Some(5) => Filter::Hamming,
        other => return Err(config.wrong("resample", format!("{other:?} is none of Pillow's filters"))),
    })
}

fn proportions(picture: &RgbImage) -> Result<(u32, u32)> {
    match picture.dimensions() {
        (0, _) | (_, 0) => Err(Error::bad_request("the picture has no pixels", "choose another one")),
        sides => Ok(sides),
    }
}

fn levels(scale: f64, mean: [f64; 3], std: [f64; 3]) -> Box<[[f32; 256]; 3]> {
    let level = |channel: usize, byte: usize| ((byte as f64 * scale - mean[channel]) / std[channel]) as f32;
    Box::new(std::array::from_fn(|channel| std::array::from_fn(|byte| level(channel, byte))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn clip(edge: u32, crop: u32) -> Value {
        json!({"size": {"shortest_edge": edge}, "crop_size": {"height": crop, "width": crop}, "resample": 3,
            "image_mean": [0.0, 0.0, 0.0], "image_std": [1.0, 1.0, 1.0]})
    }

    fn read(config: &Value) -> Result<Preprocessing> {
        Preprocessing::from_hf(config, Path::new("preprocessor_config.json"))
    }

    #[track_caller]
    fn check(config: &Value, picture: (u32, u32), expected: (u32, u32)) {
        let prepared = read(config).unwrap().prepare(&RgbImage::new(picture.0, picture.1)).unwrap();
        assert_eq!(prepared.dimensions(), expected);
    }

    #[track_caller]
    fn check_refused(config: &Value, expected: &str) {
        let message = read(config).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("preprocessor_config.json"), "{message}");
    }

    #[test]
    fn any_proportions_give_the_input_size_without_wild_memory() {
        check(&clip(224, 224), (640, 480), (224, 224));
        check(&clip(224, 224), (1, 60_000), (224, 224));
        check(&clip(224, 224), (60_000, 1), (224, 224));
        check(&clip(224, 224), (1, 1), (224, 224));
        check(&clip(16, 32), (5, 7), (32, 32));
    }

    #[test]
    fn files_of_2021_say_sizes_as_plain_numbers() {
        let mut config = clip(0, 0);
        config["size"] = json!(40);
        config["crop_size"] = json!(32);
        assert_eq!(read(&config).unwrap().resize(), Resize::Shortest(40));
        assert_eq!(read(&config).unwrap().size(), (32, 32));
    }

    #[test]
    fn height_and_width_squash() {
        let mut config = clip(1, 1);
        config["size"] = json!({"height": 20, "width": 30});
        config["do_center_crop"] = json!(false);
        check(&config, (100, 7), (30, 20));
    }

    #[test]
    fn a_missing_number_is_named_and_never_assumed() {
        for key in ["image_mean", "image_std", "size", "crop_size", "resample"] {
            let mut config = clip(32, 32);
            config.as_object_mut().unwrap().remove(key);
            check_refused(&config, key);
        }
        check_refused(&clip(5_000_000, 32), "size");
        check_refused(&json!([]), "size");
        check_refused(&json!({"size": {"shortest_edge": -3}, "crop_size": 3}), "size");
    }

    #[test]
    fn a_picture_without_pixels_is_refused() {
        assert!(read(&clip(8, 8)).unwrap().prepare(&RgbImage::new(0, 3)).is_err());
    }

    #[test]
    fn a_small_picture_is_padded_with_black_around_the_middle() {
        let mut config = clip(1, 4);
        config["do_resize"] = json!(false);
        let white = RgbImage::from_pixel(2, 2, image::Rgb([255; 3]));
        let prepared = read(&config).unwrap().prepare(&white).unwrap();
        let row: Vec<u8> = (0..4).map(|x| prepared.get_pixel(x, 1).0[0]).collect();
        assert_eq!((row, prepared.get_pixel(0, 0).0[0]), (vec![0, 255, 255, 0], 0));
    }

    proptest! {
        #[test]
        fn a_flat_picture_stays_flat(width in 1_u32..90, height in 1_u32..90, byte: u8) {
            let flat = RgbImage::from_pixel(width, height, image::Rgb([byte; 3]));
            let prepared = read(&clip(24, 24)).unwrap().prepare(&flat).unwrap();
            prop_assert!(prepared.as_raw().iter().all(|&found| found == byte));
        }

        #[test]
        fn pixels_follow_the_formula(byte: u8) {
            let mut config = clip(1, 1);
            config["image_mean"] = json!([0.5, 0.25, 0.0]);
            config["image_std"] = json!([0.5, 0.25, 2.0]);
            let pixels = read(&config).unwrap().pixels(&[RgbImage::from_pixel(1, 1, image::Rgb([byte; 3]))]).unwrap();
            let x = f32::from(byte) / 255.0;
            let found: Vec<f32> = pixels.flatten_all().unwrap().to_vec1().unwrap();
            let expected = [(x - 0.5) / 0.5, (x - 0.25) / 0.25, x / 2.0];
            prop_assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }

    #[test]
    fn sides_of_any_length_are_squeezed_to_any_other() {
        let preprocessing = Preprocessing::from_hf(&clip(7, 7), Path::new("preprocessor_config.json")).unwrap();
        for side in (1..1200).step_by(3) {
            let picture = RgbImage::new(side, 3);
            for target in [7, 224, 448, 449] {
                let squeezed = preprocessing.squeezed(&picture, target, 2);
                assert_eq!(squeezed.unwrap().dimensions(), (target, 2), "from {side}");
            }
            let picture = RgbImage::new(3, side);
            assert_eq!(preprocessing.prepare(&picture).unwrap().dimensions(), (7, 7), "from {side}");
        }
    }
}
