//! Prompts that were learnt in place of words (AnomalyCLIP, Zhou et al. 2024, section 3.1). In: the file of a trained prompt
//! learner. Out: vectors that stand where words would, for a good and for a damaged object, and those that overwrite them
//! in deeper layers. Must never know the model that they are put into: that compares the widths.

use std::path::{Path, PathBuf};

use candle_core::Tensor;

use super::bytes::FileBytes;
use super::weights::Weights;
use crate::error::{Error, Result};

/// What the learner's tensors are below, in AnomalyCLIP's checkpoints.
const LEARNER: &str = "prompt_learner";
/// Deeper layers are counted until one is missing; no text tower has more.
const MOST_LAYERS: usize = 64;

/// Learnt prompts.
#[derive(Debug, Clone)]
pub struct LearnedPrompts {
    /// What stands before "object.", `[vectors, width]`.
    pub normal: Tensor,
    /// What stands before "damaged object.", of the same shape.
    pub damaged: Tensor,
    /// What overwrites the first places after the beginning, before the second layer, the third, …: `[vectors, width]` each.
    pub deeper: Vec<Tensor>,
    /// The file.
    pub path: PathBuf,
}

impl LearnedPrompts {
    /// Reads a checkpoint of AnomalyCLIP (`.pth`), or the same tensors as safetensors.
    ///
    /// # Errors
    /// A file that cannot be read; names the tensor that is missing or misshapen, and the file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = FileBytes::open(path)?.ok_or_else(|| {
            Error::bad_file(path, "there is no such file of learnt prompts", "give the checkpoint that was trained")
        })?;
        let weights = Weights::read(path, vec![(path.to_owned(), bytes)])?;
        let is_wrapped = weights.shape(&format!("{LEARNER}.ctx_pos")).is_some();
        let prefix = if is_wrapped { format!("{LEARNER}.") } else { String::new() };
        let context = weights.known_shape(&format!("{prefix}ctx_pos"))?.to_vec();
        let &[.., vectors, width] = context.as_slice() else {
            return Err(Error::bad_file(path, "ctx_pos is no matrix", "give the checkpoint that was trained"));
        };
        let get = |name: &str| weights.get(&format!("{prefix}{name}"), &[vectors, width]);
        let (normal, damaged) = (get("ctx_pos")?, get("ctx_neg")?);
        let mut deeper = Vec::new();
        for layer in 0..MOST_LAYERS {
            let name = format!("{prefix}compound_prompts_text.{layer}");
            let Some(shape) = weights.shape(&name) else { break };
            let count = shape.first().copied().unwrap_or(0);
            deeper.push(weights.get(&name, &[count, width])?);
        }
        Ok(Self { normal, damaged, deeper, path: path.to_owned() })
    }

    /// How many vectors stand before the words.
    pub fn vectors(&self) -> usize {
        self.normal.dims().first().copied().unwrap_or(0)
    }

    /// Length of a vector.
    pub fn width(&self) -> usize {
        self.normal.dims().last().copied().unwrap_or(0)
    }

    /// Refuses a text tower of another width.
    pub(super) fn check_width(&self, width: usize) -> Result<()> {
        if self.width() == width {
            return Ok(());
        }
        let what =
            format!("the learnt prompts' tensor \"ctx_pos\" has {} numbers a vector, the model {width}", self.width());
        Err(Error::bad_file(&self.path, what, "choose the model that they were trained with"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use candle_core::{DType, Device};

    use super::*;

    #[track_caller]
    fn check_refused(tensors: &[(&str, &[usize])], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompts.safetensors");
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let tensors: HashMap<String, Tensor> =
            tensors.iter().map(|(name, shape)| ((*name).to_owned(), zeros(shape))).collect();
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let error = LearnedPrompts::read(&path).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("prompts.safetensors"), "{error}");
    }

    #[test]
    fn a_missing_or_misshapen_tensor_is_named_with_the_file() {
        check_refused(&[("other", &[2, 2])], "\"ctx_pos\"");
        check_refused(&[("prompt_learner.ctx_pos", &[1, 1, 3, 8])], "\"prompt_learner.ctx_neg\"");
        check_refused(&[("ctx_pos", &[1, 1, 3, 8]), ("ctx_neg", &[1, 1, 3, 9])], "\"ctx_neg\"");
        let deeper: &[usize] = &[4, 9];
        check_refused(
            &[("ctx_pos", &[3, 8]), ("ctx_neg", &[3, 8]), ("compound_prompts_text.0", deeper)],
            "\"compound_prompts_text.0\"",
        );
        assert!(LearnedPrompts::read("no such file".as_ref()).is_err());
    }
}
