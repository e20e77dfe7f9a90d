//! The one Vision Transformer, of CLIP, OpenCLIP and DINOv2. In: pixels of any size in whole patches. Out: embeddings, and
//! what each block gives for each patch. Must never know which family it serves: its configuration says all.
//!
//! Canonical tensors: `patch.weight`, `patch.bias`, `class`, `registers`, `positions`, `ln_pre`, `blocks.N.…`, `ln_post`,
//! `projection`.

use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};
use candle_nn::{LayerNorm, Linear, Module};

use super::dense::Dense;
use super::on_card::OnCard;
use super::ops::patch_rows;
use super::position::{Resampling, resampled};
use super::towers::{ImageTower, pictures_of};
use super::transformer::{Size, Transformer};
use super::weights::Scope;
use crate::error::{Error, Result};

/// Windows of a few patches that are computed at once.
const WINDOW_BATCH: usize = 256;

/// The shape of a Vision Transformer.
#[derive(Debug, Clone)]
pub(super) struct VitConfig {
    pub size: Size,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Rows and columns of patches that the position table was learnt for.
    pub grid: (usize, usize),
    pub has_patch_bias: bool,
    /// Tokens beside the class token that belong to no patch.
    pub registers: usize,
    /// Whether the position table begins with a row for the class token.
    pub has_class_position: bool,
    pub has_ln_pre: bool,
    /// Length of the embedding, if it is a projection of the class token.
    pub projection: Option<usize>,
    pub resampling: Resampling,
    /// Whether the last block's patches are given after the final norm.
    pub normalises_patches: bool,
}

/// A Vision Transformer with its weights.
pub(super) struct Vit {
    config: VitConfig,
    patch: Dense,
    /// The class token and the registers, `[1, 1 + registers, width]`, each with its position added.
    prefix: Tensor,
    /// The row of the class token in the position table.
    class_position: Option<Tensor>,
    /// `[rows * columns, width]` of the grid that was learnt.
    positions: Tensor,
    /// The positions of the grid that was asked for last.
    resampled: Mutex<Option<((usize, usize), Tensor)>>,
    ln_pre: Option<LayerNorm>,
    transformer: Transformer,
    /// The same on a graphics card, once it was moved there.
    on_card: Option<OnCard>,
    ln_post: LayerNorm,
    projection: Option<Linear>,
}

impl Vit {
    /// Takes the canonical tensors below `scope`.
    pub fn load(config: VitConfig, scope: &Scope<'_>) -> Result<Self> {
        let (width, patch, epsilon) = (config.size.width, config.patch, config.size.epsilon);
        let patches = config.grid.0 * config.grid.1;
        let table_len = patches + usize::from(config.has_class_position);
        let table = scope.get("positions", &[table_len, width])?;
        let class_position = config.has_class_position.then(|| table.narrow(0, 0, 1)).transpose()?;
        let norm = |name: &str| scope.at(name).layer_norm(width, epsilon);
        let project = |dim| scope.at("projection").projection(width, dim);
        Ok(Self {
            patch: Dense::of_patches(&scope.at("patch"), patch, width, config.has_patch_bias)?,
            prefix: prefix(scope, &config, class_position.as_ref())?,
            class_position,
            positions: table.narrow(0, table_len - patches, patches)?.contiguous()?,
            resampled: Mutex::default(),
            ln_pre: config.has_ln_pre.then(|| norm("ln_pre")).transpose()?,
            transformer: Transformer::load(config.size.clone(), &scope.at("blocks"))?,
            on_card: None,
            ln_post: norm("ln_post")?,
            projection: config.projection.map(project).transpose()?,
            config,
        })
    }

    /// The tokens that the first block reads: `[n, 1 + registers + patches, width]`.
    fn tokens(&self, pixels: &Tensor) -> Result<Tensor> {
        let (n, _, height, width) = pixels.dims4()?;
        let (rows, columns) = self.grid_of(height, width)?;
        let patches = self.patch.forward(&patch_rows(pixels, self.config.patch)?)?;
        let patches = patches.reshape((n, rows * columns, ()))?.broadcast_add(&self.positions_of(rows, columns)?)?;
        let prefix = self.prefix.broadcast_as((n, self.prefix.dim(1)?, self.config.size.width))?;
        let tokens = Tensor::cat(&[&prefix, &patches], 1)?;
        Ok(match &self.ln_pre {
            Some(norm) => norm.forward(&tokens)?,
            None => tokens,
        })
    }

    /// The class token's embeddings, of a stream `[n, tokens, width]` that is used up.
    fn embed_tokens(&self, tokens: Tensor) -> Result<Tensor> {
        let first = match &self.on_card {
            Some(transformer) => transformer.forward(&tokens)?.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?,
            None => self.transformer.forward_first(tokens)?,
        };
        let class = self.ln_post.forward(&first)?;
        Ok(match &self.projection {
            Some(projection) => projection.forward(&class)?,
            None => class,
        })
    }

    fn grid_of(&self, height: usize, width: usize) -> Result<(usize, usize)> {
        let patch = self.config.patch;
        if height < patch || width < patch || !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            return Err(Error::bad_request(
                format!("{width} × {height} pixels are no whole patches of {patch}"),
                "prepare the picture first",
            ));
        }
        Ok((height / patch, width / patch))
    }

    fn positions_of(&self, rows: usize, columns: usize) -> Result<Tensor> {
        if (rows, columns) == self.config.grid {
            return Ok(self.positions.clone());
        }
        let mut last = self.resampled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((grid, positions)) = &*last
            && *grid == (rows, columns)
        {
            return Ok(positions.clone());
        }
        let positions = resampled(&self.positions, self.config.grid, (rows, columns), self.config.resampling)?;
        *last = Some(((rows, columns), positions.clone()));
        Ok(positions)
    }
}

/// The class token and the registers, as they stand before the patches.
fn prefix(scope: &Scope<'_>, config: &VitConfig, class_position: Option<&Tensor>) -> Result<Tensor> {
    let width = config.size.width;
    let mut class = scope.get("class", &[width])?.reshape((1, width))?;
    if let Some(position) = class_position {
        class = (class + position)?;
    }
    if config.registers > 0 {
        class = Tensor::cat(&[class, scope.get("registers", &[config.registers, width])?], 0)?;
    }
    Ok(class.unsqueeze(0)?)
}

impl ImageTower for Vit {
    fn dim(&self) -> usize {
        self.config.projection.unwrap_or(self.config.size.width)
    }

    fn quantise(&mut self) -> Result<()> {
        self.transformer.quantise()
    }

    fn compute_on(&mut self, device: &Device) -> Result<()> {
        self.on_card = Some(OnCard::new(&self.transformer, device)?);
        Ok(())
    }

    fn together(&self, (width, height): (u32, u32)) -> Option<usize> {
        let patches = (width as usize / self.config.patch) * (height as usize / self.config.patch);
        self.on_card.is_none().then(|| pictures_of(1 + self.config.registers + patches))
    }

    fn embed(&self, pixels: &Tensor) -> Result<Tensor> {
        self.embed_tokens(self.tokens(pixels)?)
    }

    fn patch_size(&self) -> Option<usize> {
        Some(self.config.patch)
    }

    fn patches(&self, pixels: &Tensor) -> Result<Vec<Tensor>> {
        let tokens = self.tokens(pixels)?;
        let prefix = 1 + self.config.registers;
        let count = tokens.dim(1)? - prefix;
        let mut blocks = Vec::with_capacity(self.config.size.depth);
        self.transformer.forward(tokens, |stream| {
            blocks.push(stream.narrow(1, prefix, count)?.force_contiguous()?);
            Ok(())
        })?;
        if let Some(last) = blocks.last_mut().filter(|_| self.config.normalises_patches) {
            *last = self.ln_post.forward(last)?;
        }
        Ok(blocks)
    }

    fn dense_patch_size(&self) -> Option<usize> {
        Some(self.config.patch)
    }

    fn dense(&self, pixels: &Tensor) -> Result<Tensor> {
        let stream = self.transformer.forward_values(self.tokens(pixels)?)?;
        let prefix = 1 + self.config.registers;
        let patches = stream.narrow(1, prefix, stream.dim(1)? - prefix)?.force_contiguous()?;
        let patches = self.ln_post.forward(&patches)?;
        Ok(match &self.projection {
            Some(projection) => projection.forward(&patches)?,
            None => patches,
        })
    }

    fn word_patches(&self, pixels: &Tensor) -> Result<Option<Tensor>> {
        let Some(projection) = &self.projection else { return Ok(None) };
        let path = self.transformer.forward_value_path(self.tokens(pixels)?)?;
        let prefix = 1 + self.config.registers;
        let patches = path.narrow(1, prefix, path.dim(1)? - prefix)?.contiguous()?;
        Ok(Some(projection.forward(&self.ln_post.forward(&patches)?)?))
    }

    fn embed_windows(&self, pixels: &Tensor, windows: &[Vec<u32>]) -> Result<Option<Tensor>> {
        // What stands before the first block is made of each token by itself, so tokens can be left out there.
        let tokens = self.tokens(pixels)?.squeeze(0)?;
        let prefix = 1 + self.config.registers;
        let mut embeddings = Vec::new();
        for batch in windows.chunks(WINDOW_BATCH) {
            let chosen =
                |window: &Vec<u32>| (0..prefix as u32).chain(window.iter().map(|at| at + prefix as u32)).collect();
            let rows: Vec<Vec<u32>> = batch.iter().map(chosen).collect();
            let count = rows.first().map_or(0, Vec::len);
            let rows = Tensor::from_vec(rows.concat(), batch.len() * count, tokens.device())?;
            let stream = tokens.index_select(&rows, 0)?.reshape((batch.len(), count, ()))?;
            embeddings.push(self.embed_tokens(stream)?);
        }
        Ok((!embeddings.is_empty()).then(|| Tensor::cat(&embeddings, 0)).transpose()?)
    }

    fn positions(&self, rows: usize, columns: usize) -> Result<Option<Tensor>> {
        let patches = self.positions_of(rows, columns)?;
        Ok(Some(match &self.class_position {
            Some(class) => Tensor::cat(&[class, &patches], 0)?,
            None => patches,
        }))
    }
}
