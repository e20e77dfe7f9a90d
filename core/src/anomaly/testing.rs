//! What the tests of this room share. In: shapes and seeds. Out: features that are always the same, and encoders whose
//! features are known.

use image::RgbImage;

use super::patches::{Patches, scale_to_unit};
use crate::error::Result;
use crate::models::{Encoder, ModelIdentity, PatchFeatures, Preprocessing, UnitVector};

/// Numbers between −1 and 1 that look random and are always the same.
pub fn noise(seed: u64) -> impl Iterator<Item = f32> {
    // Knuth's linear congruential generator (MMIX).
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed + 1), next).skip(3).map(|x| (x >> 40) as f32 / (1 << 23) as f32 - 1.0)
}

/// Features of one layer.
pub fn part(part: usize, (rows, columns, dim): (usize, usize, usize), values: Vec<f32>) -> Patches {
    assert_eq!(values.len(), rows * columns * dim);
    Patches::from(PatchFeatures { layers: 1, rows, columns, dim, values }).of_part(part, 0)
}

/// Unit features that look random.
pub fn unit_noise(number: usize, shape: (usize, usize, usize), seed: u64) -> Patches {
    let mut values: Vec<f32> = noise(seed).take(shape.0 * shape.1 * shape.2).collect();
    values.chunks_exact_mut(shape.2).for_each(scale_to_unit);
    part(number, shape, values)
}

/// An encoder whose features are means of colours over 8 × 8 pixels, and their products: a patch knows only itself. It cannot
/// look at what is thinner than a pixel.
pub struct FakeEncoder;

/// Pixels a side of its patches.
pub const FAKE_PATCH: u32 = 8;

impl Encoder for FakeEncoder {
    fn identity(&self) -> &ModelIdentity {
        static IDENTITY: std::sync::LazyLock<ModelIdentity> =
            std::sync::LazyLock::new(|| ModelIdentity { id: "fake".into(), digest: "0".into() });
        &IDENTITY
    }

    fn preprocessing(&self) -> &Preprocessing {
        unreachable!("only patches are asked of it")
    }

    fn dim(&self) -> usize {
        4
    }

    fn prepare(&self, picture: &RgbImage) -> Result<RgbImage> {
        Ok(image::imageops::thumbnail(picture, 2, 2))
    }

    fn embed_pictures(&self, prepared: &[RgbImage]) -> Result<Vec<UnitVector>> {
        let vector = |picture: &RgbImage| picture.iter().map(|value| f32::from(*value) + 1.0).collect();
        Ok(prepared.iter().filter_map(|picture| UnitVector::normalised(vector(picture))).collect())
    }

    fn embed_texts(&self, _: &[&str]) -> Result<Vec<UnitVector>> {
        Err(crate::Error::NoTextTower { model: "fake".into() })
    }

    fn tokenizer(&self) -> Option<&crate::models::TextTokenizer> {
        None
    }

    fn patch_features(&self, picture: &RgbImage, size: Option<usize>) -> Result<PatchFeatures> {
        let longer = picture.width().max(picture.height());
        let scale = size.map_or(1.0, |size| size as f32 / longer as f32);
        let side = |pixels: u32| ((pixels as f32 * scale / FAKE_PATCH as f32).round() as u32).max(1);
        let (columns, rows) = (side(picture.width()), side(picture.height()));
        if scale * (picture.width().min(picture.height()) as f32) < 1.0 {
            return Err(crate::Error::bad_request("too thin a picture", "give a wider one"));
        }
        let small = image::imageops::thumbnail(picture, columns, rows);
        let feature = |pixel: &image::Rgb<u8>| {
            let [r, g, b] = pixel.0.map(|value| f32::from(value) / 255.0);
            [r, g, b, 0.5]
        };
        let values = small.pixels().flat_map(feature).collect();
        Ok(PatchFeatures { layers: 1, rows: rows as usize, columns: columns as usize, dim: 4, values })
    }
}
