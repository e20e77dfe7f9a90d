//! What a family builds and what every encoder does alike. In: towers that map tensors to tensors. Out: an [`Encoder`].
//! Must never know a family.

use candle_core::{Device, Tensor};
use image::RgbImage;
use rayon::prelude::*;

use super::awake::awake;
use super::preprocess::Preprocessing;
use super::tokenizer::TextTokenizer;
use super::{Encoder, LearnedPrompts, ModelIdentity, PatchFeatures, UnitVector, WordFeatures, unit_rows};
use crate::error::{Error, Result};

/// The image side of a model.
pub trait ImageTower: Send + Sync {
    /// The length of its embeddings.
    fn dim(&self) -> usize;

    /// Computes the large products in 8 bits from now on, and keeps their weights so.
    ///
    /// # Errors
    /// A tower for which this brings nothing.
    fn quantise(&mut self) -> Result<()> {
        Err(Error::bad_request("this model is computed in 32 bits only", "leave the precision as it is"))
    }

    /// Computes its embeddings on this device from now on, in 32 bits.
    ///
    /// # Errors
    /// A tower that is computed on the processor alone, or a card without room for it.
    fn compute_on(&mut self, _device: &Device) -> Result<()> {
        Err(Error::bad_request("this model is computed on the processor alone", "choose a CLIP or DINOv2 model"))
    }

    /// How many pictures of this width and height in pixels one core computes fastest at once; `None` on a card, which
    /// computes all at once.
    fn together(&self, _size: (u32, u32)) -> Option<usize> {
        Some(2)
    }

    /// Embeddings `[n, dim]`, not yet of length 1, of pixels `[n, 3, height, width]`.
    ///
    /// # Errors
    /// Pixels of a size that the tower does not take.
    fn embed(&self, pixels: &Tensor) -> Result<Tensor>;

    /// Width and height of one patch in pixels; `None` if the tower has no grid of features.
    fn patch_size(&self) -> Option<usize> {
        None
    }

    /// What each block (or stage) gives for each patch: `[n, rows * columns, dim]` a block, of pixels whose sides are
    /// multiples of the patch size.
    ///
    /// # Errors
    /// A tower without a grid of features, or pixels of a size that it does not take.
    fn patches(&self, _pixels: &Tensor) -> Result<Vec<Tensor>> {
        Err(Error::bad_request("this model has no patch features", "choose a CLIP or DINOv2 model"))
    }

    /// As [`ImageTower::patches`], with the lengths that the tower gives: of a convolutional tower too, whose stages are
    /// scaled there before they are joined.
    ///
    /// # Errors
    /// As [`ImageTower::patches`].
    fn unscaled_patches(&self, pixels: &Tensor) -> Result<Vec<Tensor>> {
        self.patches(pixels)
    }

    /// Width and height of one place of [`ImageTower::dense`] in pixels; `None` if the tower has no such places.
    fn dense_patch_size(&self) -> Option<usize> {
        None
    }

    /// What each place of a picture is by itself, in the space of the embeddings and not yet of length 1:
    /// `[n, rows * columns, dim]`, of pixels whose sides are multiples of [`ImageTower::dense_patch_size`].
    ///
    /// # Errors
    /// A tower without such places, or pixels of a size that it does not take.
    fn dense(&self, _pixels: &Tensor) -> Result<Tensor> {
        Err(Error::bad_request(NO_DENSE, DENSE_REMEDY))
    }

    /// Rows and columns of patches must be multiples of this for [`ImageTower::embed`].
    fn whole_multiple(&self) -> usize {
        1
    }

    /// One vector a patch in the space of [`ImageTower::embed`], `[n, rows * columns, dim]`, not yet of length 1; `None`
    /// where that space is not for patches.
    ///
    /// # Errors
    /// Pixels of a size that the tower does not take.
    fn word_patches(&self, _pixels: &Tensor) -> Result<Option<Tensor>> {
        Ok(None)
    }

    /// What [`ImageTower::embed`] would give if only some patches were there: `[windows, dim]` of one picture, for windows
    /// of equally many patches each; `None` where patches cannot be left out.
    ///
    /// # Errors
    /// Pixels of a size that the tower does not take.
    fn embed_windows(&self, _pixels: &Tensor, _windows: &[Vec<u32>]) -> Result<Option<Tensor>> {
        Ok(None)
    }

    /// The position vectors `[tokens, width]` for a grid of patches, class token included; `None` without such a table.
    ///
    /// # Errors
    /// An empty grid.
    fn positions(&self, _rows: usize, _columns: usize) -> Result<Option<Tensor>> {
        Ok(None)
    }
}

/// The text side of a model.
pub trait TextTower: Send + Sync {
    /// Embeddings `[n, dim]`, not yet of length 1, of rows of ids as the model's tokenizer makes them.
    ///
    /// # Errors
    /// Ids that the tower does not know, or more than it takes.
    fn embed(&self, rows: &[Vec<u32>]) -> Result<Tensor>;

    /// As [`TextTower::embed`] for two rows, a good object's and a damaged one's, in which learnt vectors stand in place of
    /// the tokens after the first; `None` where the tower has no such input.
    ///
    /// # Errors
    /// As [`TextTower::embed`], or vectors of another width.
    fn embed_learned(&self, _rows: &[Vec<u32>; 2], _prompts: &LearnedPrompts) -> Result<Option<Tensor>> {
        Ok(None)
    }
}

/// An encoder of an image tower and, for most, a text tower.
pub(super) struct Towers {
    pub identity: ModelIdentity,
    pub preprocessing: Preprocessing,
    pub image: Box<dyn ImageTower>,
    pub text: Option<(TextTokenizer, Box<dyn TextTower>)>,
}

/// Loads the towers and reads the vocabulary beside: that takes one core, and for SigLIP 2's 256,000 words longer than the
/// weights take.
pub(super) fn with_vocabulary<T: Send>(
    towers: impl FnOnce() -> Result<T> + Send,
    vocabulary: impl FnOnce() -> Result<TextTokenizer> + Send,
) -> Result<(T, TextTokenizer)> {
    let (towers, vocabulary) = rayon::join(towers, vocabulary);
    Ok((towers?, vocabulary?))
}

pub(super) const NO_DENSE: &str = "this model does not say where in a picture something is";
pub(super) const DENSE_REMEDY: &str = "choose the built-in model, or one of the families CLIP and OpenCLIP";

/// Tokens that one core computes at once: what passes between their products stays near it, and the weights are read anew
/// for as many as make that worth it. Of 50 tokens 8 pictures, of 197 two and of 257 one were fastest.
const TOKENS: usize = 400;

/// Pictures of so many tokens that one core computes at once.
pub(super) fn pictures_of(tokens: usize) -> usize {
    (TOKENS / tokens.max(1)).max(1)
}

/// So many pictures are what somebody waits for: all cores share each of their products.
const PICTURES_WAITED_FOR: usize = 2;
/// So many texts are what somebody asks and waits for; more are read in the background.
const WAITED_FOR: usize = 8;
/// Pictures at once at least.
const BATCH: usize = 16;

/// Texts are short: more at once would only wait for the longest.
const TEXT_BATCH: usize = 64;

impl Encoder for Towers {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn quantise(&mut self) -> Result<()> {
        self.image.quantise()?;
        self.identity = self.identity.quantised();
        Ok(())
    }

    fn compute_on(&mut self, device: &Device) -> Result<()> {
        self.image.compute_on(device)
    }

    fn dim(&self) -> usize {
        self.image.dim()
    }

    fn batch_size(&self) -> usize {
        BATCH.max(self.together().map_or(BATCH, |pictures| pictures * rayon::current_num_threads()))
    }

    fn embed_pictures(&self, prepared: &[RgbImage]) -> Result<Vec<UnitVector>> {
        if (1..=PICTURES_WAITED_FOR).contains(&prepared.len()) {
            return awake(|| self.embed_at_once(prepared));
        }
        let mut vectors = Vec::with_capacity(prepared.len());
        for batch in prepared.chunks(self.batch_size()) {
            let shares: Result<Vec<_>> =
                batch.par_chunks(self.share(batch.len())).map(|share| self.embed_at_once(share)).collect();
            vectors.extend(shares?.concat());
        }
        Ok(vectors)
    }

    fn embed_texts(&self, texts: &[&str]) -> Result<Vec<UnitVector>> {
        let no_text = || Error::NoTextTower { model: self.identity.id.clone() };
        let (tokenizer, tower) = self.text.as_ref().ok_or_else(no_text)?;
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(TEXT_BATCH) {
            let rows: Result<Vec<Vec<u32>>> = batch.iter().map(|text| Ok(tokenizer.tokenize(text)?.ids)).collect();
            let rows = rows?;
            let found = if texts.len() > WAITED_FOR { tower.embed(&rows) } else { awake(|| tower.embed(&rows)) };
            vectors.extend(unit_rows(&found?, &self.identity)?);
        }
        Ok(vectors)
    }

    fn embed_learned(&self, prompts: &LearnedPrompts) -> Result<[UnitVector; 2]> {
        let no_text = || Error::NoTextTower { model: self.identity.id.clone() };
        let (tokenizer, tower) = self.text.as_ref().ok_or_else(no_text)?;
        // Each X is one token; which one does not matter, it is overwritten (AnomalyCLIP's own prompts are made so).
        let places = vec!["X"; prompts.vectors()].join(" ");
        let ids = |words: &str| Ok::<_, Error>(tokenizer.tokenize(&format!("{places} {words}"))?.ids);
        let rows = [ids("object.")?, ids("damaged object.")?];
        if let Some(found) = tower.embed_learned(&rows, prompts)?
            && let Ok(vectors) = <[UnitVector; 2]>::try_from(unit_rows(&found, &self.identity)?)
        {
            return Ok(vectors);
        }
        Err(Error::bad_request(
            format!("the model {:?} takes no learnt prompts", self.identity.id),
            "choose the CLIP model that they were trained with",
        ))
    }

    fn tokenizer(&self) -> Option<&TextTokenizer> {
        self.text.as_ref().map(|(tokenizer, _)| tokenizer)
    }

    fn patch_features(&self, picture: &RgbImage, size: Option<usize>) -> Result<PatchFeatures> {
        let (pixels, rows, columns) = self.squeezed(picture, size, self.patch_size()?, 1)?;
        features(&self.image.patches(&pixels)?, rows, columns)
    }

    fn unscaled_patch_features(&self, picture: &RgbImage, size: Option<usize>) -> Result<PatchFeatures> {
        let (pixels, rows, columns) = self.squeezed(picture, size, self.patch_size()?, 1)?;
        features(&self.image.unscaled_patches(&pixels)?, rows, columns)
    }

    fn dense_features(&self, picture: &RgbImage, size: Option<usize>) -> Result<PatchFeatures> {
        let patch = self.image.dense_patch_size().ok_or_else(|| Error::bad_request(NO_DENSE, DENSE_REMEDY))?;
        let (pixels, rows, columns) = self.squeezed(picture, size, patch, 1)?;
        features(&[self.image.dense(&pixels)?], rows, columns)
    }

    fn word_features(&self, picture: &RgbImage, size: Option<usize>) -> Result<WordFeatures> {
        let (pixels, rows, columns) = self.squeezed(picture, size, self.patch_size()?, self.image.whole_multiple())?;
        let Some(patches) = self.text.as_ref().map(|_| self.image.word_patches(&pixels)).transpose()?.flatten() else {
            let what = format!("no words can be compared with the patches of {:?}", self.identity.id);
            return Err(Error::bad_request(what, "choose a CLIP model"));
        };
        let places = patches.dim(1)?;
        let (rows, columns) = (rows / (rows * columns / places).isqrt(), columns / (rows * columns / places).isqrt());
        let numbers = |rows: &Tensor| -> Result<Vec<f32>> {
            Ok(unit_rows(rows, &self.identity)?.iter().flat_map(UnitVector::as_slice).copied().collect())
        };
        let mut windows = Vec::new();
        for side in WINDOWS.into_iter().filter(|side| rows >= *side && columns >= *side) {
            if let Some(found) = self.image.embed_windows(&pixels, &windows_of(side, rows, columns))? {
                windows.push((side, numbers(&found)?));
            }
        }
        let mut whole = unit_rows(&self.image.embed(&pixels)?, &self.identity)?;
        let whole = whole.pop().ok_or_else(|| Error::NoDirection { model: self.identity.id.clone() })?;
        Ok(WordFeatures {
            rows,
            columns,
            dim: self.image.dim(),
            patches: numbers(&patches.squeeze(0)?)?,
            whole,
            windows,
        })
    }

    fn image_tower(&self) -> Option<&dyn ImageTower> {
        Some(&*self.image)
    }

    fn text_tower(&self) -> Option<&dyn TextTower> {
        self.text.as_ref().map(|(_, tower)| &**tower)
    }
}

impl Towers {
    fn together(&self) -> Option<usize> {
        self.image.together(self.preprocessing.size())
    }

    /// How many of so many pictures are computed at once: all on a card, else so that the cores have equally many.
    fn share(&self, count: usize) -> usize {
        let Some(together) = self.together() else { return count.max(1) };
        let threads = rayon::current_num_threads();
        let rounds = count.div_ceil(together * threads).max(1);
        count.div_ceil(rounds * threads).max(1)
    }

    fn embed_at_once(&self, prepared: &[RgbImage]) -> Result<Vec<UnitVector>> {
        unit_rows(&self.image.embed(&self.preprocessing.pixels(prepared)?)?, &self.identity)
    }

    fn patch_size(&self) -> Result<usize> {
        let no_grid = || Error::bad_request("this model has no patch features", "choose a CLIP or DINOv2 model");
        self.image.patch_size().ok_or_else(no_grid)
    }

    /// The pixels of a whole picture in whole patches (in numbers that are multiples of `multiple`), the longer side near
    /// `size`; and the grid's rows and columns.
    fn squeezed(
        &self,
        picture: &RgbImage,
        size: Option<usize>,
        patch: usize,
        multiple: usize,
    ) -> Result<(Tensor, usize, usize)> {
        let (width, height) = self.preprocessing.size();
        let longer = size.unwrap_or(width.max(height) as usize);
        let (columns, rows) = grid(picture.dimensions(), longer, patch * multiple)?;
        let (columns, rows) = (columns * multiple, rows * multiple);
        let squeezed = self.preprocessing.squeezed(picture, (columns * patch) as u32, (rows * patch) as u32)?;
        Ok((self.preprocessing.pixels(&[squeezed])?, rows, columns))
    }
}

/// Sides of the windows that words are compared with, in patches (WinCLIP, Jeong et al. 2023, section 4.1).
const WINDOWS: [usize; 2] = [2, 3];

/// The patches of every square window, row by row of their top left ones.
fn windows_of(side: usize, rows: usize, columns: usize) -> Vec<Vec<u32>> {
    let patches = |top: usize, left: usize| {
        (0..side * side).map(|at| ((top + at / side) * columns + left + at % side) as u32).collect()
    };
    (0..=rows - side).flat_map(|top| (0..=columns - side).map(move |left| patches(top, left))).collect()
}

/// No picture is inspected at more pixels a side: attention grows with the fourth power.
const MAX_LONGER_SIDE: usize = 4096;

/// Columns and rows of patches: the longer side of the picture comes near `longer` pixels, the proportions stay as near
/// as whole patches allow.
fn grid((width, height): (u32, u32), longer: usize, patch: usize) -> Result<(usize, usize)> {
    if longer == 0 || longer > MAX_LONGER_SIDE {
        return Err(Error::bad_request(
            format!("{longer} pixels cannot be looked at"),
            format!("choose a size between 1 and {MAX_LONGER_SIDE}"),
        ));
    }
    let scale = longer as f64 / f64::from(width.max(height)).max(1.0);
    let patches = |side: u32| ((f64::from(side) * scale / patch as f64).round() as usize).max(1);
    Ok((patches(width), patches(height)))
}

fn features(blocks: &[Tensor], rows: usize, columns: usize) -> Result<PatchFeatures> {
    let dim = blocks.first().map_or(Ok(0), |block| block.dim(2))?;
    let mut values = Vec::new();
    for block in blocks {
        let numbers = block.flatten_all()?.to_vec1::<f32>()?;
        // Most towers give one block, several megabytes long: it is not copied once more.
        if values.is_empty() { values = numbers } else { values.extend(numbers) }
    }
    Ok(PatchFeatures { layers: blocks.len(), rows, columns, dim, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(picture: (u32, u32), longer: usize, patch: usize, expected: (usize, usize)) {
        assert_eq!(grid(picture, longer, patch).unwrap(), expected);
    }

    #[test]
    fn the_longer_side_comes_near_the_size_in_whole_patches() {
        check((640, 480), 224, 16, (14, 11));
        check((480, 640), 224, 16, (11, 14));
        check((100, 100), 230, 16, (14, 14));
        check((1, 60_000), 224, 16, (1, 14));
        check((1, 1), 1, 16, (1, 1));
    }

    #[test]
    fn a_size_that_no_memory_holds_is_refused() {
        assert!(grid((10, 10), 0, 16).is_err());
        assert!(grid((10, 10), 1_000_000, 16).is_err());
    }
}
