//! Vision Transformers of timm, whose checkpoints name an architecture instead of its sizes. In: tensors under canonical
//! names. Out: the sizes that their shapes tell. Must never guess what shapes cannot tell: the caller says that.

use super::ops::Activation;
use super::position::Resampling;
use super::transformer::{MlpKind, Size};
use super::vit::VitConfig;
use super::weights::{Weights, damaged};
use crate::error::Result;

/// Arguments of timm's VisionTransformer that the shapes tell, or that are read where they matter.
pub(super) const KNOWN_ARGUMENTS: &[&str] =
    &["img_size", "patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "dynamic_img_size", "num_classes"];

/// What shapes cannot tell.
pub(super) struct Guess {
    /// How many heads, if the checkpoint says it.
    pub heads: Option<usize>,
    /// Else the width of each, by the architecture's name.
    pub head_width: usize,
    pub epsilon: f64,
    pub projection: Option<usize>,
    pub normalises_patches: bool,
}

/// The configuration of the tower under `visual`.
///
/// # Errors
/// Tensors that are missing, or shapes that are of no Vision Transformer.
pub(super) fn vit_config(weights: &Weights, guess: Guess) -> Result<VitConfig> {
    let strange = || damaged(weights.path(), "the shapes are not those of a Vision Transformer");
    let &[width, 3, patch, _] = weights.known_shape("visual.patch.weight")? else { return Err(strange()) };
    let &[inner, _] = weights.known_shape("visual.blocks.0.up.weight")? else { return Err(strange()) };
    let registers =
        weights.shape("visual.registers").map_or(0, |shape| shape.iter().rev().nth(1).copied().unwrap_or(0));
    let rows = weights.known_shape("visual.positions")?.iter().rev().nth(1).copied().ok_or_else(strange)?;
    let (side, has_class_position) = square(rows).ok_or_else(strange)?;
    let depth = (0..).take_while(|at| weights.shape(&format!("visual.blocks.{at}.ln_1.weight")).is_some()).count();
    let size = Size {
        width,
        depth,
        heads: guess.heads.unwrap_or(width / guess.head_width.max(1)),
        inner,
        mlp: MlpKind::Plain(Activation::Gelu),
        epsilon: guess.epsilon,
        has_layer_scale: weights.shape("visual.blocks.0.scale_1").is_some(),
        has_qkv_bias: weights.shape("visual.blocks.0.qkv.bias").is_some(),
        is_causal: false,
    };
    Ok(VitConfig {
        size,
        patch,
        grid: (side, side),
        has_patch_bias: weights.shape("visual.patch.bias").is_some(),
        registers,
        has_class_position,
        has_ln_pre: weights.shape("visual.ln_pre.weight").is_some(),
        projection: guess.projection,
        // timm resizes while loading and antialiased; on the fly the plain form agrees with transformers'.
        resampling: Resampling::Plain,
        normalises_patches: guess.normalises_patches,
    })
}

/// The side of the grid, and whether one row more is for the class token.
fn square(rows: usize) -> Option<(usize, bool)> {
    let root = |count: usize| (count > 0 && count.isqrt().pow(2) == count).then(|| count.isqrt());
    // No number above 1 is a square and one more than a square.
    root(rows).map(|side| (side, false)).or_else(|| root(rows.checked_sub(1)?).map(|side| (side, true)))
}
