//! The transformer that image and text towers share: pre-norm attention and MLP. In: a residual stream. Out: the stream
//! after each block. Must never know pixels or words.

mod block;

use candle_core::Tensor;
use rayon::prelude::*;

use super::attention::Attention;
use super::ops::{Activation, in_place, in_place_of};
use super::weights::Scope;
use crate::error::{Error, Result};

pub(super) use block::Block;
use block::Room;

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

impl Size {
    /// What the MLP's first product gives.
    fn up_width(&self) -> usize {
        if self.mlp == MlpKind::SwiGlu { 2 * self.inner } else { self.inner }
    }

    fn attention(&self) -> Attention {
        Attention { heads: self.heads, is_causal: self.is_causal }
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
        let mut room = self.room(&stream)?;
        for block in &self.blocks {
            in_place(&stream, |stream| block.forward(stream, &self.size, &mut room))?;
            seen(&stream)?;
        }
        Ok(stream)
    }

    /// The first token `[n, width]` after the last block, in which the others need not think: nobody asks them any more.
    /// `stream` itself is used up.
    pub fn forward_first(&self, stream: Tensor) -> Result<Tensor> {
        let (last, mut room) = (self.last(), self.room(&stream)?);
        self.pass(self.blocks.len() - 1, &stream, &mut room)?;
        let first = stream.narrow(1, 0, 1)?.squeeze(1)?.force_contiguous()?;
        in_place_of(&first, &stream, |first, stream| last.forward_first(first, stream, &self.size, &mut room))?;
        Ok(first)
    }

    /// The stream `[n, tokens, width]` after the last block, in which no token looks at another: each takes its own value
    /// (MaskCLIP, Zhou et al. 2022; with the residual and the MLP kept, as in CLIP-DINOiser, Wysoczańska et al. 2024). So
    /// every token stays in its place and comes into the space of the embedding. `stream` itself is used up.
    pub fn forward_values(&self, stream: Tensor) -> Result<Tensor> {
        let (last, mut room) = (self.last(), self.room(&stream)?);
        self.pass(self.blocks.len() - 1, &stream, &mut room)?;
        in_place(&stream, |stream| last.forward_values(stream, &self.size, &mut room))?;
        Ok(stream)
    }

    /// Through the first `count` blocks, in place.
    fn pass(&self, count: usize, stream: &Tensor, room: &mut Room) -> Result<()> {
        Ok(in_place(stream, |stream| {
            self.blocks[..count].iter().for_each(|block| block.forward(stream, &self.size, room));
        })?)
    }

    fn room(&self, stream: &Tensor) -> Result<Room> {
        let (n, tokens, width) = stream.dims3()?;
        if width != self.size.width || n * tokens == 0 {
            return Err(Error::bad_request(
                format!("{:?} is no stream of {} numbers a token", stream.dims(), self.size.width),
                "the model is damaged, download it again",
            ));
        }
        Ok(Room::new([n, tokens, width], &self.size, self.last()))
    }

    /// [`Transformer::load`] refuses to make one without.
    fn last(&self) -> &Block {
        &self.blocks[self.blocks.len() - 1]
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
        let mut room = self.room(&stream)?;
        self.pass(first, &stream, &mut room)?;
        // A copy: both are added to in place.
        let path = stream.copy()?;
        for block in &self.blocks[first..] {
            in_place_of(&path, &stream, |path, stream| block.add_values(path, stream, &self.size, &mut room))?;
            in_place(&stream, |stream| block.forward(stream, &self.size, &mut room))?;
        }
        Ok(path)
    }
}
