//! The transformer that image and text towers share: pre-norm attention and MLP. In: a residual stream. Out: the stream
//! after each block. Must never know pixels or words.

use candle_core::{D, DType, Tensor};
use candle_nn::{LayerNorm, Module};
use rayon::prelude::*;

use super::attention::{attend, attention, attention_of_first};
use super::dense::{Affine, Dense};
use super::ops::Activation;
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

/// One block: attention and an MLP, each behind its norm.
pub(super) struct Block {
    pub before_attention: LayerNorm,
    pub qkv: Dense,
    pub out: Dense,
    pub before_mlp: LayerNorm,
    pub up: Dense,
    pub down: Dense,
}

/// Where the products of a block are written, one block after the other: made anew for each, it would be cleared each time,
/// by one core while the others wait.
struct Room {
    /// `[n, tokens, 3 * width]`
    qkv: Tensor,
    /// `[n, tokens, width]`
    mixed: Tensor,
    /// `[n, tokens, inner]`, twice as wide for an MLP with a gate.
    inner: Tensor,
}

impl Room {
    fn new(stream: &Tensor, size: &Size) -> Result<Self> {
        let (n, tokens, width) = stream.dims3()?;
        let zeros = |width: usize| Tensor::zeros((n, tokens, width), DType::F32, stream.device());
        Ok(Self { qkv: zeros(3 * width)?, mixed: zeros(width)?, inner: zeros(size.up_width())? })
    }
}

impl Size {
    /// What the MLP's first product gives.
    fn up_width(&self) -> usize {
        if self.mlp == MlpKind::SwiGlu { 2 * self.inner } else { self.inner }
    }
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
        // Reading the weights and laying them out takes most of the time that a model takes to load.
        let depths = (0..size.depth).into_par_iter();
        let blocks: Result<Vec<Block>> = depths.map(|at| Block::load(&size, &blocks.at(at))).collect();
        Ok(Self { blocks: blocks?, size })
    }

    /// Computes the products of all blocks in 8 bits from now on; attention and norms stay as they are.
    pub fn quantise(&mut self) -> Result<()> {
        for Block { qkv, out, up, down, .. } in &mut self.blocks {
            for product in [qkv, out, up, down] {
                product.quantise()?;
            }
        }
        Ok(())
    }

    /// Its blocks, and their shape: to be computed elsewhere.
    pub fn parts(&self) -> (&[Block], &Size) {
        (&self.blocks, &self.size)
    }

    /// The stream `[n, tokens, width]` after the last block; `seen` gets it after each. `stream` itself is used up.
    pub fn forward(&self, stream: Tensor, mut seen: impl FnMut(&Tensor) -> Result<()>) -> Result<Tensor> {
        let room = Room::new(&stream, &self.size)?;
        for block in &self.blocks {
            block.forward(&stream, &self.size, &room)?;
            seen(&stream)?;
        }
        Ok(stream)
    }
}

impl Transformer {
    /// The first token `[n, width]` after the last block, in which the others need not think: nobody asks them any more.
    /// `stream` itself is used up.
    pub fn forward_first(&self, stream: Tensor) -> Result<Tensor> {
        let Some((last, before)) = self.blocks.split_last() else { return Ok(stream.narrow(1, 0, 1)?.squeeze(1)?) };
        let room = Room::new(&stream, &self.size)?;
        for block in before {
            block.forward(&stream, &self.size, &room)?;
        }
        last.qkv.write(&room.qkv, &last.before_attention.forward(&stream)?, None)?;
        let first = stream.narrow(1, 0, 1)?.force_contiguous()?;
        last.out.add_to(&first, &attention_of_first(&room.qkv, self.size.heads)?)?;
        last.think(&first, &self.size, &Room::new(&first, &self.size)?)?;
        Ok(first.squeeze(1)?)
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
        let room = Room::new(&stream, &self.size)?;
        for block in before {
            block.forward(&stream, &self.size, &room)?;
        }
        last.take_values(&stream, &self.size)?;
        last.think(&stream, &self.size, &room)?;
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
        let room = Room::new(&stream, &self.size)?;
        for block in before {
            block.forward(&stream, &self.size, &room)?;
        }
        // A copy: both are added to in place.
        let path = stream.copy()?;
        for block in after {
            block.add_values(&path, &stream, &self.size)?;
            block.forward(&stream, &self.size, &room)?;
        }
        Ok(path)
    }
}

impl Block {
    fn add_values(&self, path: &Tensor, stream: &Tensor, size: &Size) -> Result<()> {
        let qkv = self.qkv.forward(&self.before_attention.forward(stream)?)?;
        let values = qkv.narrow(D::Minus1, 2 * size.width, size.width)?;
        let mixed = attention(&Tensor::cat(&[&values; 3], D::Minus1)?, size.heads, false)?;
        self.out.add_to(path, &mixed)?;
        Ok(())
    }

    fn load(size: &Size, block: &Scope<'_>) -> Result<Self> {
        let &Size { width, inner, epsilon, .. } = size;
        let branch = |name: &str, inputs: usize, scale: &str| -> Result<Dense> {
            if !size.has_layer_scale {
                return Dense::load(&block.at(name), inputs, width);
            }
            let plain = Affine::load(&block.at(name), inputs, width, &[])?;
            Ok(plain.scaled(&block.get(scale, &[width])?)?.dense()?)
        };
        Ok(Self {
            before_attention: block.at("ln_1").layer_norm(width, epsilon)?,
            qkv: qkv(block, width, size.has_qkv_bias)?,
            out: branch("out", width, "scale_1")?,
            before_mlp: block.at("ln_2").layer_norm(width, epsilon)?,
            up: Dense::load(&block.at("up"), width, size.up_width())?,
            down: branch("down", inner, "scale_2")?,
        })
    }

    fn forward(&self, stream: &Tensor, size: &Size, room: &Room) -> Result<()> {
        self.qkv.write(&room.qkv, &self.before_attention.forward(stream)?, None)?;
        attend(&room.mixed, &room.qkv, size.heads, size.is_causal)?;
        self.out.add_to(stream, &room.mixed)?;
        self.think(stream, size, room)
    }

    /// In place of attention: each token's own value.
    fn take_values(&self, stream: &Tensor, size: &Size) -> Result<()> {
        let qkv = self.qkv.forward(&self.before_attention.forward(stream)?)?;
        let values = qkv.narrow(D::Minus1, 2 * size.width, size.width)?.contiguous()?;
        self.out.add_to(stream, &values)?;
        Ok(())
    }

    /// The MLP and its residual.
    fn think(&self, stream: &Tensor, size: &Size, room: &Room) -> Result<()> {
        let x = self.before_mlp.forward(stream)?;
        match size.mlp {
            MlpKind::Plain(activation) => {
                self.up.write(&room.inner, &x, Some(activation))?;
                self.down.add_to(stream, &room.inner)?;
            }
            MlpKind::SwiGlu => {
                self.up.write(&room.inner, &x, None)?;
                let halves = room.inner.chunk(2, D::Minus1)?;
                self.down.add_to(stream, &(halves[0].silu()? * &halves[1])?.contiguous()?)?;
            }
        }
        Ok(())
    }
}

/// The product for queries, keys and values at once, from one tensor (`qkv`) or from three (`q`, `k`, `v`).
fn qkv(block: &Scope<'_>, width: usize, has_bias: bool) -> Result<Dense> {
    if block.has("qkv.weight") {
        return Dense::load_joined(&[block.at("qkv")], width, 3 * width, has_bias);
    }
    Dense::load_joined(&["q", "k", "v"].map(|part| block.at(part)), width, width, has_bias)
}
