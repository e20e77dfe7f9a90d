//! The transformer that image and text towers share: pre-norm attention and MLP. In: a residual stream. Out: the stream
//! after each block. Must never know pixels or words.

use candle_core::{D, Tensor};
use candle_nn::{LayerNorm, Module};

use super::ops::{Activation, activate, add_bias, add_branch, attention};
use super::weights::Scope;
use crate::error::{Error, Result};

/// The shape of a transformer.
#[derive(Debug, Clone)]
pub(super) struct Size {
    pub width: usize,
    pub depth: usize,
    pub heads: usize,
    /// Width of the MLP.
    pub inner: usize,
    pub mlp: MlpKind,
    pub epsilon: f64,
    /// Whether each branch is multiplied by a learnt vector.
    pub has_layer_scale: bool,
    pub has_qkv_bias: bool,
    pub is_causal: bool,
}

/// What an MLP does between its products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MlpKind {
    Plain(Activation),
    /// silu(a) ⊙ b, with a and b the halves of the first product (Shazeer 2020).
    SwiGlu,
}

/// The blocks, in order.
pub(super) struct Transformer {
    blocks: Vec<Block>,
    size: Size,
}

struct Block {
    before_attention: LayerNorm,
    qkv: Affine,
    out: Affine,
    before_mlp: LayerNorm,
    up: Affine,
    down: Affine,
}

/// A product with a weight [outputs, inputs] and a bias that is added in the pass that comes next anyway.
struct Affine {
    weight: Tensor,
    bias: Tensor,
}

impl Transformer {
    /// Takes `0`, `1`, … below `blocks`.
    pub fn load(size: Size, blocks: &Scope<'_>) -> Result<Self> {
        if size.heads == 0 || !size.width.is_multiple_of(size.heads) || size.depth == 0 {
            return Err(Error::bad_request(
                format!("{} heads cannot share a width of {} in {} blocks", size.heads, size.width, size.depth),
                "the configuration is damaged, download the model again",
            ));
        }
        let blocks: Result<Vec<Block>> = (0..size.depth).map(|at| Block::load(&size, &blocks.at(at))).collect();
        Ok(Self { blocks: blocks?, size })
    }

    /// The stream `[n, tokens, width]` after the last block; `seen` gets it after each. `stream` itself is used up.
    pub fn forward(&self, stream: Tensor, mut seen: impl FnMut(&Tensor) -> Result<()>) -> Result<Tensor> {
        for block in &self.blocks {
            block.forward(&stream, &self.size)?;
            seen(&stream)?;
        }
        Ok(stream)
    }
}

impl Transformer {
    /// The stream `[n, tokens, width]` after the last block, in which no token looks at another: each takes its own value
    /// (MaskCLIP, Zhou et al. 2022; with the residual and the MLP kept, as in CLIP-DINOiser, Wysoczańska et al. 2024). So
    /// every token stays in its place and comes into the space of the embedding. `stream` itself is used up.
    pub fn forward_values(&self, stream: Tensor) -> Result<Tensor> {
        let (last, before) = match self.blocks.split_last() {
            Some(parts) => parts,
            None => return Ok(stream),
        };
        for block in before {
            block.forward(&stream, &self.size)?;
        }
        last.take_values(&stream, &self.size)?;
        last.think(&stream, &self.size)?;
        Ok(stream)
    }
}

/// So much of the depth has a second path (AnomalyCLIP, Zhou et al. 2024: the last 19 of 24 blocks).
const VALUE_PATH: f64 = 19.0 / 24.0;

impl Transformer {
    /// The second path `[n, tokens, width]` of a stream, which is used up: in the later blocks tokens look for their like
    /// among the values alone, without MLP (CLIP Surgery, Li et al. 2023; AnomalyCLIP, section 3.2). Its tokens stay about
    /// their own place, where those of the last block are about the whole picture.
    pub fn forward_value_path(&self, stream: Tensor) -> Result<Tensor> {
        let first = self.blocks.len() - (VALUE_PATH * self.blocks.len() as f64).round() as usize;
        let (before, after) = self.blocks.split_at(first);
        for block in before {
            block.forward(&stream, &self.size)?;
        }
        // A copy: both are added to in place.
        let path = stream.copy()?;
        for block in after {
            block.add_values(&path, &stream, &self.size)?;
            block.forward(&stream, &self.size)?;
        }
        Ok(path)
    }
}

impl Block {
    fn add_values(&self, path: &Tensor, stream: &Tensor, size: &Size) -> Result<()> {
        let qkv = self.qkv.product(&self.before_attention.forward(stream)?)?;
        add_bias(&qkv, &self.qkv.bias)?;
        let values = qkv.narrow(D::Minus1, 2 * size.width, size.width)?;
        let mixed = attention(&Tensor::cat(&[&values; 3], D::Minus1)?, size.heads, false)?;
        add_branch(path, &self.out.product(&mixed)?, &self.out.bias)?;
        Ok(())
    }

    fn load(size: &Size, block: &Scope<'_>) -> Result<Self> {
        let &Size { width, inner, epsilon, .. } = size;
        let up_width = if size.mlp == MlpKind::SwiGlu { 2 * inner } else { inner };
        let (out, down) =
            (Affine::load(&block.at("out"), width, width)?, Affine::load(&block.at("down"), inner, width)?);
        let scaled = |affine: Affine, name: &str| match size.has_layer_scale {
            true => affine.scaled(&block.get(name, &[width])?),
            false => Ok(affine),
        };
        Ok(Self {
            before_attention: block.at("ln_1").layer_norm(width, epsilon)?,
            qkv: qkv(block, width, size.has_qkv_bias)?,
            out: scaled(out, "scale_1")?,
            before_mlp: block.at("ln_2").layer_norm(width, epsilon)?,
            up: Affine::load(&block.at("up"), width, up_width)?,
            down: scaled(down, "scale_2")?,
        })
    }

    fn forward(&self, stream: &Tensor, size: &Size) -> Result<()> {
        let qkv = self.qkv.product(&self.before_attention.forward(stream)?)?;
        add_bias(&qkv, &self.qkv.bias)?;
        let mixed = attention(&qkv, size.heads, size.is_causal)?;
        add_branch(stream, &self.out.product(&mixed)?, &self.out.bias)?;
        self.think(stream, size)
    }

    /// In place of attention: each token's own value.
    fn take_values(&self, stream: &Tensor, size: &Size) -> Result<()> {
        let part = |of: &Tensor| of.narrow(0, 2 * size.width, size.width);
        let value = Affine { weight: part(&self.qkv.weight)?, bias: part(&self.qkv.bias)? };
        let values = value.product(&self.before_attention.forward(stream)?)?;
        add_bias(&values, &value.bias)?;
        add_branch(stream, &self.out.product(&values)?, &self.out.bias)?;
        Ok(())
    }

    /// The MLP and its residual.
    fn think(&self, stream: &Tensor, size: &Size) -> Result<()> {
        let up = self.up.product(&self.before_mlp.forward(stream)?)?;
        let inner = match size.mlp {
            MlpKind::Plain(activation) => {
                activate(&up, &self.up.bias, activation)?;
                up
            }
            MlpKind::SwiGlu => {
                add_bias(&up, &self.up.bias)?;
                let halves = up.chunk(2, D::Minus1)?;
                (halves[0].silu()? * &halves[1])?.contiguous()?
            }
        };
        add_branch(stream, &self.down.product(&inner)?, &self.down.bias)?;
        Ok(())
    }
}

impl Affine {
    fn load(scope: &Scope<'_>, inputs: usize, outputs: usize) -> Result<Self> {
        Ok(Self { weight: scope.get("weight", &[outputs, inputs])?, bias: scope.get("bias", &[outputs])? })
    }

    /// Multiplies each output by its number, once and for all: layer scale (Touvron et al. 2021) costs nothing later.
    fn scaled(self, scale: &Tensor) -> Result<Self> {
        let weight = self.weight.broadcast_mul(&scale.reshape(((), 1))?)?;
        Ok(Self { weight, bias: (self.bias * scale)? })
    }

    /// The product without the bias: [n, tokens, inputs] → [n, tokens, outputs].
    fn product(&self, x: &Tensor) -> Result<Tensor> {
        let (n, tokens, inputs) = x.dims3()?;
        Ok(x.reshape((n * tokens, inputs))?.matmul(&self.weight.t()?)?.reshape((n, tokens, ()))?)
    }
}

/// The product for queries, keys and values at once, from one tensor (`qkv`) or from three (`q`, `k`, `v`).
fn qkv(block: &Scope<'_>, width: usize, has_bias: bool) -> Result<Affine> {
    let is_fused = block.has("qkv.weight");
    let weight = match is_fused {
        true => block.get("qkv.weight", &[3 * width, width])?,
        false => joined(block, "weight", &[width, width])?,
    };
    let bias = match (has_bias, is_fused) {
        (true, true) => block.get("qkv.bias", &[3 * width])?,
        (true, false) => joined(block, "bias", &[width])?,
        (false, _) => Tensor::zeros(3 * width, weight.dtype(), weight.device())?,
    };
    Ok(Affine { weight, bias })
}

fn joined(block: &Scope<'_>, kind: &str, shape: &[usize]) -> Result<Tensor> {
    let part = |name: &str| block.get(&format!("{name}.{kind}"), shape);
    Ok(Tensor::cat(&[part("q")?, part("k")?, part("v")?], 0)?)
}
