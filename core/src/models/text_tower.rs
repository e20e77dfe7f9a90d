//! The text tower of CLIP and OpenCLIP. In: rows of token ids, each with its end of text. Out: embeddings. Must never know
//! how words became ids.
//!
//! Canonical tensors: `tokens`, `positions`, `blocks.N.…`, `ln_final`, `projection`.

use candle_core::{Device, Tensor};
use candle_nn::{LayerNorm, Linear, Module};

use super::LearnedPrompts;
use super::towers::TextTower;
use super::transformer::{Size, Transformer};
use super::weights::Scope;
use crate::error::{Error, Result};

/// Where the embedding is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    /// At the largest id: OpenAI's rule, and that of transformers if eos_token_id is 2.
    LargestId,
    /// At the first id of this value; at the first token if there is none, as transformers' argmax over nothing found.
    First(u32),
}

/// The shape of a text tower.
#[derive(Debug, Clone)]
pub(super) struct TextConfig {
    pub size: Size,
    pub vocabulary: usize,
    /// The most ids of one text.
    pub context: usize,
    pub dim: usize,
    pub pooling: Pooling,
}

/// A text tower with its weights.
pub(super) struct CausalText {
    config: TextConfig,
    tokens: Tensor,
    positions: Tensor,
    transformer: Transformer,
    ln_final: LayerNorm,
    projection: Linear,
}

impl CausalText {
    /// Takes the canonical tensors below `scope`.
    pub fn load(config: TextConfig, scope: &Scope<'_>) -> Result<Self> {
        let width = config.size.width;
        Ok(Self {
            tokens: scope.get("tokens", &[config.vocabulary, width])?,
            positions: scope.get("positions", &[config.context, width])?,
            transformer: Transformer::load(config.size.clone(), &scope.at("blocks"))?,
            ln_final: scope.at("ln_final").layer_norm(width, config.size.epsilon)?,
            projection: scope.at("projection").projection(width, config.dim)?,
            config,
        })
    }

    /// Rows as long as the longest. What fills them comes after the end of the text, which therefore never sees it.
    fn ids(&self, rows: &[Vec<u32>]) -> Result<Tensor> {
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        let vocabulary = self.config.vocabulary;
        let is_known = |row: &Vec<u32>| !row.is_empty() && row.iter().all(|&id| (id as usize) < vocabulary);
        if longest > self.config.context || !rows.iter().all(is_known) {
            return Err(Error::bad_request(
                "the tokenizer makes ids that the text tower does not take",
                "it belongs to another model, download the model again",
            ));
        }
        let padded =
            |row: &Vec<u32>| row.iter().copied().chain(std::iter::repeat(0)).take(longest).collect::<Vec<u32>>();
        let ids: Vec<u32> = rows.iter().flat_map(padded).collect();
        Ok(Tensor::from_vec(ids, (rows.len(), longest), &Device::Cpu)?)
    }

    /// The embeddings at the ends of the rows' texts.
    fn pooled(&self, stream: &Tensor, rows: &[Vec<u32>]) -> Result<Tensor> {
        let (n, len, width) = stream.dims3()?;
        let ends: Vec<u32> = rows.iter().enumerate().map(|(at, row)| (at * len + self.end(row)) as u32).collect();
        let pooled = stream.reshape((n * len, width))?.index_select(&Tensor::new(ends, &Device::Cpu)?, 0)?;
        Ok(self.projection.forward(&self.ln_final.forward(&pooled)?)?)
    }

    /// Which token of the row holds the embedding.
    fn end(&self, row: &[u32]) -> usize {
        let found = match self.config.pooling {
            Pooling::LargestId => row.iter().max().and_then(|most| row.iter().position(|id| id == most)),
            Pooling::First(end) => row.iter().position(|&id| id == end),
        };
        found.unwrap_or(0)
    }
}

impl TextTower for CausalText {
    fn embed(&self, rows: &[Vec<u32>]) -> Result<Tensor> {
        let ids = self.ids(rows)?;
        let (n, len) = ids.dims2()?;
        let width = self.config.size.width;
        let tokens = self.tokens.index_select(&ids.flatten_all()?, 0)?.reshape((n, len, width))?;
        let stream = tokens.broadcast_add(&self.positions.narrow(0, 0, len)?)?;
        let stream = self.transformer.forward(stream, |_| Ok(()))?;
        self.pooled(&stream, rows)
    }

    fn embed_learned(&self, rows: &[Vec<u32>; 2], prompts: &LearnedPrompts) -> Result<Option<Tensor>> {
        let width = self.config.size.width;
        prompts.check_width(width)?;
        let ids = self.ids(rows)?;
        let (n, len) = ids.dims2()?;
        let most = prompts.deeper.iter().map(|vectors| vectors.dims()[0]).chain([prompts.vectors()]).max().unwrap_or(0);
        if most + 2 > len {
            let what = format!("{most} learnt vectors do not fit into texts of {len} tokens");
            return Err(Error::bad_file(&prompts.path, what, "choose the model that they were trained with"));
        }
        let tokens = self.tokens.index_select(&ids.flatten_all()?, 0)?.reshape((n, len, width))?;
        let contexts = Tensor::stack(&[&prompts.normal, &prompts.damaged], 0)?;
        tokens.slice_set(&contexts, 1, 1)?;
        let stream = tokens.broadcast_add(&self.positions.narrow(0, 0, len)?)?;
        // What overwrites the stream before a layer is set after the one before it; after the last there is none.
        let mut deeper = prompts.deeper.iter().take(self.config.size.depth - 1);
        let stream = self.transformer.forward(stream, |stream| {
            if let Some(vectors) = deeper.next() {
                stream.slice_set(&Tensor::stack(&[vectors, vectors], 0)?, 1, 1)?;
            }
            Ok(())
        })?;
        self.pooled(&stream, rows).map(Some)
    }
}
