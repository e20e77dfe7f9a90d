//! A transformer on a graphics card. In: the stream before its first block, in plain memory. Out: the same as
//! [`Transformer`] gives, computed by candle's own products there. Must never know pixels or words.
//!
//! On the processor these are the same sums as ours, only slower: that is how they are tested.

use candle_core::{D, Device, Tensor};
use candle_nn::{LayerNorm, Linear, Module, ops};

use super::norm::Norm;
use super::ops::Activation;
use super::transformer::{Block, MlpKind, Size, Transformer};
use crate::error::Result;

/// Blocks, as they lie on the card.
pub(super) struct OnCard {
    device: Device,
    blocks: Vec<CardBlock>,
    size: Size,
}

struct CardBlock {
    before_attention: LayerNorm,
    qkv: Linear,
    out: Linear,
    before_mlp: LayerNorm,
    up: Linear,
    down: Linear,
}

impl OnCard {
    /// Copies the weights of a transformer there, layer scale folded in as it is.
    pub fn new(transformer: &Transformer, device: &Device) -> Result<Self> {
        let (blocks, size) = transformer.parts();
        let blocks: Result<Vec<CardBlock>> =
            blocks.iter().map(|block| CardBlock::new(block, size.epsilon, device)).collect();
        Ok(Self { device: device.clone(), blocks: blocks?, size: size.clone() })
    }

    /// The stream `[n, tokens, width]` after the last block, back in plain memory.
    pub fn forward(&self, stream: &Tensor) -> Result<Tensor> {
        let mut stream = stream.to_device(&self.device)?;
        for block in &self.blocks {
            stream = block.forward(&stream, &self.size)?;
        }
        Ok(stream.to_device(&Device::Cpu)?)
    }
}

impl CardBlock {
    fn new(block: &Block, epsilon: f64, device: &Device) -> Result<Self> {
        let norm = |norm: &Norm| -> Result<LayerNorm> {
            let [scale, shift] = [&norm.scale, &norm.shift].map(|numbers| Tensor::new(numbers.as_slice(), device));
            Ok(LayerNorm::new(scale?, shift?, epsilon))
        };
        let linear = |dense: &super::dense::Dense| -> Result<Linear> {
            let plain = dense.plain()?;
            Ok(Linear::new(plain.weight.to_device(device)?, Some(plain.bias.to_device(device)?)))
        };
        Ok(Self {
            before_attention: norm(&block.before_attention)?,
            qkv: linear(&block.qkv)?,
            out: linear(&block.out)?,
            before_mlp: norm(&block.before_mlp)?,
            up: linear(&block.up)?,
            down: linear(&block.down)?,
        })
    }

    fn forward(&self, stream: &Tensor, size: &Size) -> Result<Tensor> {
        let qkv = self.qkv.forward(&self.before_attention.forward(stream)?)?;
        let stream = (stream + self.out.forward(&attention(&qkv, size.heads)?)?)?;
        let inner = self.up.forward(&self.before_mlp.forward(&stream)?)?;
        let inner = match size.mlp {
            MlpKind::Plain(Activation::QuickGelu) => (&inner * ops::sigmoid(&(&inner * 1.702)?)?)?,
            MlpKind::Plain(Activation::Gelu) => inner.gelu_erf()?,
            MlpKind::Plain(Activation::GeluTanh) => inner.gelu()?,
            MlpKind::SwiGlu => ops::swiglu(&inner)?,
        };
        Ok((stream + self.down.forward(&inner)?)?)
    }
}

/// Of `[n, tokens, 3 * width]` → `[n, tokens, width]`: every token sees all.
fn attention(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, tokens, triple) = qkv.dims3()?;
    let depth = triple / 3 / heads;
    // [3, n, heads, tokens, depth]
    let qkv = qkv.reshape((n, tokens, 3, heads, depth))?.permute((2, 0, 3, 1, 4))?;
    let part = |at: usize| qkv.get(at)?.contiguous();
    let scores = (part(0)?.matmul(&part(1)?.t()?)? * (depth as f64).powf(-0.5))?;
    let mixed = ops::softmax(&scores, D::Minus1)?.matmul(&part(2)?)?;
    Ok(mixed.transpose(1, 2)?.reshape((n, tokens, heads * depth))?)
}
