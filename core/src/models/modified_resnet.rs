//! CLIP's ModifiedResNet (Radford et al. 2021, section 2.4): a stem of three convolutions, average pools before every
//! halving, attention in place of the last pool. In: pixels. Out: embeddings, and what the middle stages give for each
//! place. Must never know where its tensors come from; their names are OpenAI's, below one scope.

use candle_core::{D, Tensor};

use super::batch_norm::batch_norm;
use super::convolution::{After, Convolution, halved};
use super::dense::{Affine, Dense};
use super::depthwise::Map;
use super::ops::add_branch_relu;
use super::position::{Resampling, resampled};
use super::stages::{Lengths, joined};
use super::towers::ImageTower;
use super::weights::Scope;
use crate::error::{Error, Result};

/// A block gives four times the channels that it computes with.
const EXPANSION: usize = 4;
/// Pixels a side for one place of the last map.
const STRIDE: usize = 32;
/// The stages whose features are given for patches (the second and the third, as in PatchCore, Roth et al. 2022).
const PATCH_STAGES: std::ops::Range<usize> = 1..3;
/// Pixels a side for one place of the finest of them.
const PATCH: usize = 8;

/// The shape of a tower.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResNetConfig {
    /// Channels of the first stage's blocks; each stage has twice those of the one before.
    pub width: usize,
    /// Blocks of each stage.
    pub blocks: [usize; 4],
    /// Heads of the attention pool.
    pub heads: usize,
    /// Pixels a side that the attention pool's positions were learnt for.
    pub image_size: usize,
    /// Length of the embeddings.
    pub dim: usize,
}

/// A tower with its weights.
pub(super) struct ModifiedResNet {
    stem: [Convolution; 3],
    stages: Vec<Vec<Bottleneck>>,
    pool: AttentionPool,
}

impl ModifiedResNet {
    /// Takes the tensors below `scope`.
    pub fn load(config: ResNetConfig, scope: &Scope<'_>) -> Result<Self> {
        let ResNetConfig { width, blocks, .. } = config;
        let stem = |at: usize, shape, stride| {
            folded(&scope.at(format!("conv{at}")), &scope.at(format!("bn{at}")), shape, stride)
        };
        let stem = [
            stem(1, [width / 2, 3, 3, 3], 2)?,
            stem(2, [width / 2, width / 2, 3, 3], 1)?,
            stem(3, [width, width / 2, 3, 3], 1)?,
        ];
        let mut stages = Vec::with_capacity(blocks.len());
        let mut inputs = width;
        for (at, count) in blocks.into_iter().enumerate() {
            let (stage, width) = (scope.at(format!("layer{}", at + 1)), width << at);
            let mut loaded = Vec::new();
            for block in 0..count {
                loaded.push(Bottleneck::load(inputs, width, at > 0 && block == 0, &stage.at(block))?);
                inputs = EXPANSION * width;
            }
            stages.push(loaded);
        }
        Ok(Self { stem, stages, pool: AttentionPool::load(inputs, &config, &scope.at("attnpool"))? })
    }

    /// What the pool gets: a place for every 32 × 32 pixels.
    fn last_map(&self, pixels: &Tensor) -> Result<Map> {
        let mut map = self.stem(pixels, STRIDE)?;
        for block in self.stages.iter().flatten() {
            map = block.forward(map)?;
        }
        Ok(map)
    }

    /// What the stem gives: a quarter of the rows and columns.
    fn stem(&self, pixels: &Tensor, multiple: usize) -> Result<Map> {
        let (_, _, height, width) = pixels.dims4()?;
        if height % multiple != 0 || width % multiple != 0 || height * width == 0 {
            let what = format!("{width} × {height} pixels are no multiple of {multiple}");
            return Err(Error::bad_request(what, "prepare the picture first"));
        }
        let features = pixels.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
        let mut map = Map { features, rows: height, columns: width };
        for convolution in &self.stem {
            map = convolution.forward(&map, After::Relu)?;
        }
        Ok(halved(&map)?)
    }

    /// What the stages give that patches are compared by.
    fn patch_stages(&self, pixels: &Tensor) -> Result<Vec<Map>> {
        let mut map = self.stem(pixels, PATCH)?;
        let mut kept = Vec::with_capacity(PATCH_STAGES.len());
        for (at, stage) in self.stages.iter().enumerate().take(PATCH_STAGES.end) {
            for block in stage {
                map = block.forward(map)?;
            }
            if PATCH_STAGES.contains(&at) {
                // The next stage begins with its own copy, so this one stays as it is.
                kept.push(Map { features: map.features.clone(), ..map });
            }
        }
        Ok(kept)
    }
}

impl ImageTower for ModifiedResNet {
    fn dim(&self) -> usize {
        self.pool.dim
    }

    fn embed(&self, pixels: &Tensor) -> Result<Tensor> {
        self.pool.forward(&self.last_map(pixels)?)
    }

    fn dense_patch_size(&self) -> Option<usize> {
        Some(STRIDE)
    }

    fn dense(&self, pixels: &Tensor) -> Result<Tensor> {
        self.pool.values(&self.last_map(pixels)?)
    }

    fn patch_size(&self) -> Option<usize> {
        Some(PATCH)
    }

    fn patches(&self, pixels: &Tensor) -> Result<Vec<Tensor>> {
        Ok(vec![joined(&self.patch_stages(pixels)?, Lengths::One)?])
    }

    fn unscaled_patches(&self, pixels: &Tensor) -> Result<Vec<Tensor>> {
        Ok(vec![joined(&self.patch_stages(pixels)?, Lengths::Kept)?])
    }

    fn whole_multiple(&self) -> usize {
        STRIDE / PATCH
    }

    fn word_patches(&self, pixels: &Tensor) -> Result<Option<Tensor>> {
        let mut map = self.stem(pixels, STRIDE)?;
        for block in self.stages.iter().flatten() {
            map = block.forward(map)?;
        }
        Ok(Some(self.pool.each(&map)?))
    }

    fn positions(&self, rows: usize, columns: usize) -> Result<Option<Tensor>> {
        self.pool.positions_of(rows, columns).map(Some)
    }
}

/// Narrow, look around, widen; and what came in is added.
struct Bottleneck {
    narrow: Convolution,
    around: Convolution,
    /// Without its bias, which is added with the skip.
    widen: Convolution,
    bias: Tensor,
    is_halving: bool,
    skip: Option<Convolution>,
}

impl Bottleneck {
    fn load(inputs: usize, width: usize, is_halving: bool, scope: &Scope<'_>) -> Result<Self> {
        let outputs = EXPANSION * width;
        let (kernel, bias) = kernel(&scope.at("conv3"), &scope.at("bn3"), [outputs, width, 1, 1])?;
        let skip = scope.at("downsample");
        let skip = || folded(&skip.at(0), &skip.at(1), [outputs, inputs, 1, 1], 1);
        Ok(Self {
            narrow: folded(&scope.at("conv1"), &scope.at("bn1"), [width, inputs, 1, 1], 1)?,
            around: folded(&scope.at("conv2"), &scope.at("bn2"), [width, width, 3, 3], 1)?,
            widen: Convolution::new(&kernel, &bias.zeros_like()?, 1)?,
            bias,
            is_halving,
            skip: (is_halving || inputs != outputs).then(skip).transpose()?,
        })
    }

    fn forward(&self, map: Map) -> Result<Map> {
        let branch = self.around.forward(&self.narrow.forward(&map, After::Relu)?, After::Relu)?;
        let branch = if self.is_halving { halved(&branch)? } else { branch };
        let branch = self.widen.forward(&branch, After::Nothing)?;
        let stream = match &self.skip {
            Some(skip) if self.is_halving => skip.forward(&halved(&map)?, After::Nothing)?,
            Some(skip) => skip.forward(&map, After::Nothing)?,
            None => map,
        };
        add_branch_relu(&stream.features, &branch.features, &self.bias)?;
        Ok(stream)
    }
}

/// The mean of all places asks all places.
///
/// There is one query: taking it to the places through the keys' weights, and what it looked at through the values' after it
/// is added up, costs a part of a key and a value for every place (a seventeenth over 7 × 7 places). The keys' bias would add
/// the same to every place's score, which changes nothing.
struct AttentionPool {
    query: Dense,
    /// `[heads, depth, width]`
    key: Tensor,
    /// `[heads, width, depth]`
    value: Tensor,
    /// `[width]`
    value_bias: Tensor,
    /// The same values for every place.
    values: Dense,
    out: Dense,
    /// `[1 + side * side, width]`, the row of the mean first.
    positions: Tensor,
    side: usize,
    dim: usize,
}

impl AttentionPool {
    fn load(width: usize, config: &ResNetConfig, scope: &Scope<'_>) -> Result<Self> {
        let (side, by_head) = (config.image_size / STRIDE, (config.heads, width / config.heads, width));
        let value = Affine::load(&scope.at("v_proj"), width, width, &[])?;
        Ok(Self {
            query: Dense::load(&scope.at("q_proj"), width, width)?,
            key: Affine::load(&scope.at("k_proj"), width, width, &[])?.weight.reshape(by_head)?,
            values: value.dense()?,
            value: value.weight.reshape(by_head)?.transpose(1, 2)?,
            value_bias: value.bias,
            out: Dense::load(&scope.at("c_proj"), width, config.dim)?,
            positions: scope.get("positional_embedding", &[1 + side * side, width])?,
            side,
            dim: config.dim,
        })
    }

    fn positions_of(&self, rows: usize, columns: usize) -> Result<Tensor> {
        if (rows, columns) == (self.side, self.side) {
            return Ok(self.positions.clone());
        }
        let places = self.positions.narrow(0, 1, self.side * self.side)?.contiguous()?;
        let places = resampled(&places, (self.side, self.side), (rows, columns), Resampling::Plain)?;
        Ok(Tensor::cat(&[&self.positions.narrow(0, 0, 1)?, &places], 0)?)
    }

    /// What the pool would give if each place were all that it looks at (MaskCLIP, Zhou et al. 2022, section 3.2).
    fn each(&self, map: &Map) -> Result<Tensor> {
        let places = self.positions_of(map.rows, map.columns)?.narrow(0, 1, map.rows * map.columns)?;
        let tokens = map.features.broadcast_add(&places)?;
        Ok(self.out.forward(&self.values.forward(&tokens)?)?)
    }

    fn forward(&self, map: &Map) -> Result<Tensor> {
        let tokens = Tensor::cat(&[&map.features.mean_keepdim(1)?, &map.features], 1)?;
        let tokens = tokens.broadcast_add(&self.positions_of(map.rows, map.columns)?)?;
        let (n, _, width) = tokens.dims3()?;
        let (heads, depth, _) = self.key.dims3()?;
        let query = self.query.forward(&tokens.narrow(1, 0, 1)?.contiguous()?)?;
        let asked = swapped(&swapped(&query.reshape((n, heads, depth))?)?.matmul(&self.key)?)?;
        let scores = (asked.matmul(&tokens.t()?)? * (depth as f64).powf(-0.5))?;
        let seen = candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&tokens)?;
        let value = swapped(&swapped(&seen)?.matmul(&self.value)?)?.reshape((n, width))?;
        Ok(self.out.forward(&value.broadcast_add(&self.value_bias)?)?)
    }

    /// Each place as if it were asked alone: its value, without a position (MaskCLIP's head, Zhou et al. 2022, does the
    /// same): `[n, places, dim]`.
    fn values(&self, map: &Map) -> Result<Tensor> {
        Ok(self.out.forward(&self.values.forward(&map.features)?)?)
    }
}

/// `[n, heads, numbers]` for `[heads, n, numbers]`, and the other way round.
fn swapped(by_head: &Tensor) -> candle_core::Result<Tensor> {
    by_head.transpose(0, 1)?.contiguous()
}

/// A convolution's kernel and its batch norm as one kernel and a bias.
fn kernel(convolution: &Scope<'_>, norm: &Scope<'_>, shape: [usize; 4]) -> Result<(Tensor, Tensor)> {
    let (scale, shift) = batch_norm(norm, shape[0])?;
    let kernel = convolution.get("weight", &shape)?.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?;
    Ok((kernel, shift))
}

fn folded(convolution: &Scope<'_>, norm: &Scope<'_>, shape: [usize; 4], stride: usize) -> Result<Convolution> {
    let (kernel, bias) = kernel(convolution, norm, shape)?;
    Ok(Convolution::new(&kernel, &bias, stride)?)
}
