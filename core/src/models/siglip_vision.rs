//! SigLIP's picture tower: patches without a class token, and a head that asks all of them with one learnt question. In:
//! pixels of any size in whole patches. Out: embeddings, and what each block gives for each patch.
//!
//! Written here because candle-transformers' tower resamples positions to another grid by their nearest neighbour, where
//! the reference does it bicubically, and does not give out what its blocks make. Canonical tensors: `patch`, `positions`,
//! `blocks.N.…`, `ln_post`, and those of the head below a scope of its own.

use candle_core::Tensor;
use candle_nn::ops::softmax_last_dim;
use candle_nn::{LayerNorm, Module};

use super::dense::Dense;
use super::ops::{Activation, patch_rows};
use super::position::{Resampling, resampled};
use super::towers::{ImageTower, pictures_of};
use super::transformer::{Size, Transformer};
use super::weights::Scope;
use crate::error::{Error, Result};

/// The shape of a tower.
pub(super) struct SiglipVisionConfig {
    pub size: Size,
    pub activation: Activation,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Rows and columns of patches that the position table was learnt for.
    pub side: usize,
}

/// A tower with its weights.
pub(super) struct SiglipVision {
    config: SiglipVisionConfig,
    patch: Dense,
    positions: Tensor,
    transformer: Transformer,
    ln_post: LayerNorm,
    head: Head,
}

impl SiglipVision {
    /// Takes the canonical tensors below `scope`, and those of the head below `head`.
    pub fn load(config: SiglipVisionConfig, scope: &Scope<'_>, head: &Scope<'_>) -> Result<Self> {
        let (width, patch) = (config.size.width, config.patch);
        Ok(Self {
            patch: Dense::of_patches(&scope.at("patch"), patch, width, true)?,
            positions: scope.get("positions", &[config.side * config.side, width])?,
            transformer: Transformer::load(config.size.clone(), &scope.at("blocks"))?,
            ln_post: scope.at("ln_post").layer_norm(width, config.size.epsilon)?,
            head: Head::load(&config, head)?,
            config,
        })
    }

    fn tokens(&self, pixels: &Tensor) -> Result<Tensor> {
        let (n, _, height, width) = pixels.dims4()?;
        let patch = self.config.patch;
        if height < patch || width < patch || height % patch != 0 || width % patch != 0 {
            let what = format!("{width} × {height} pixels are no whole patches of {patch}");
            return Err(Error::bad_request(what, "prepare the picture first"));
        }
        let (rows, columns) = (height / patch, width / patch);
        let tokens = self.patch.forward(&patch_rows(pixels, patch)?)?;
        let tokens = tokens.reshape((n, rows * columns, ()))?;
        Ok(tokens.broadcast_add(&self.positions_of(rows, columns)?)?)
    }

    fn positions_of(&self, rows: usize, columns: usize) -> Result<Tensor> {
        let learnt = (self.config.side, self.config.side);
        match (rows, columns) == learnt {
            true => Ok(self.positions.clone()),
            // modeling_siglip.py, interpolate_pos_encoding: bicubic, align_corners=False.
            false => resampled(&self.positions, learnt, (rows, columns), Resampling::Plain),
        }
    }
}

impl ImageTower for SiglipVision {
    fn dim(&self) -> usize {
        self.config.size.width
    }

    fn quantise(&mut self) -> Result<()> {
        self.transformer.quantise()
    }

    fn together(&self, (width, height): (u32, u32)) -> Option<usize> {
        Some(pictures_of((width as usize / self.config.patch) * (height as usize / self.config.patch)))
    }

    fn embed(&self, pixels: &Tensor) -> Result<Tensor> {
        let stream = self.transformer.forward(self.tokens(pixels)?, |_| Ok(()))?;
        self.head.forward(&self.ln_post.forward(&stream)?, self.config.activation)
    }

    fn patch_size(&self) -> Option<usize> {
        Some(self.config.patch)
    }

    fn patches(&self, pixels: &Tensor) -> Result<Vec<Tensor>> {
        let mut blocks = Vec::with_capacity(self.config.size.depth);
        self.transformer.forward(self.tokens(pixels)?, |stream| {
            // The next block works in place: what this one gave is copied.
            blocks.push(stream.copy()?);
            Ok(())
        })?;
        Ok(blocks)
    }

    fn positions(&self, rows: usize, columns: usize) -> Result<Option<Tensor>> {
        self.positions_of(rows, columns).map(Some)
    }
}

/// Attention of one learnt question to all tokens, then an MLP.
struct Head {
    /// The question after its own projection and divided by √width of a head: `[1, heads, 1, width / heads]`.
    question: Tensor,
    key: Dense,
    value: Dense,
    out: Dense,
    norm: LayerNorm,
    up: Dense,
    down: Dense,
}

impl Head {
    fn load(config: &SiglipVisionConfig, head: &Scope<'_>) -> Result<Self> {
        let &Size { width, inner, heads, epsilon, .. } = &config.size;
        let attention = head.at("attention");
        let weight = attention.get("in_proj_weight", &[3 * width, width])?;
        let bias = attention.get("in_proj_bias", &[3 * width])?;
        let part = |at: usize| -> Result<Dense> {
            let part = |of: &Tensor| of.narrow(0, at * width, width)?.contiguous();
            Ok(Dense::new(&part(&weight)?, &part(&bias)?)?)
        };
        let question = part(0)?.forward(&head.get("probe", &[1, width])?)?;
        let question = (question / ((width / heads) as f64).sqrt())?.reshape((1, heads, 1, width / heads))?;
        Ok(Self {
            question,
            key: part(1)?,
            value: part(2)?,
            out: Dense::load(&attention.at("out_proj"), width, width)?,
            norm: head.at("layernorm").layer_norm(width, epsilon)?,
            up: Dense::load(&head.at("up"), width, inner)?,
            down: Dense::load(&head.at("down"), inner, width)?,
        })
    }

    fn forward(&self, tokens: &Tensor, activation: Activation) -> Result<Tensor> {
        let (n, count, width) = tokens.dims3()?;
        let (_, heads, _, each) = self.question.dims4()?;
        let by_head = |product: &Dense| -> Result<Tensor> {
            Ok(product.forward(tokens)?.reshape((n, count, heads, each))?.transpose(1, 2)?.contiguous()?)
        };
        let question = self.question.broadcast_as((n, heads, 1, each))?.contiguous()?;
        let shares = softmax_last_dim(&question.matmul(&by_head(&self.key)?.t()?)?)?;
        let answer = shares.matmul(&by_head(&self.value)?)?.reshape((n, width))?;
        let answer = self.out.forward(&answer)?;
        let inner = self.up.activated(&self.norm.forward(&answer)?, activation)?;
        Ok((answer + self.down.forward(&inner)?)?)
    }
}
