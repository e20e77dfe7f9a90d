//! A checkpoint's tensors under canonical names, every one accounted for. In: safetensors, `.bin` or `.pt` files. Out:
//! f32 tensors of the shape that was asked for. Must never invent a number: missing, misshapen and left-over tensors are
//! errors that name the tensor and the file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, LayerNorm, Linear, VarBuilder};
use safetensors::{Dtype, SafeTensors};

use super::bytes::FileBytes;
use super::pickle;
use crate::error::{Error, Result};

/// Tensors that may stay unused, by the last part of their name, and why.
const HARMLESS: &[(&str, &str)] = &[
    ("position_ids", "0, 1, 2 …: an index that the code makes itself"),
    ("logit_scale", "scales all similarities alike; cosines need none"),
    ("logit_bias", "shifts all similarities alike; cosines need none"),
    ("input_resolution", "a number that the configuration or the positions tell, in OpenAI's archives"),
    ("context_length", "a number that the configuration or the positions tell, in OpenAI's archives"),
    ("vocab_size", "a number that the configuration or the embedding tells, in OpenAI's archives"),
    ("attn_mask", "the causal mask, which the code makes itself"),
    ("mask_token", "stands for hidden patches while DINOv2 is trained"),
    ("num_batches_tracked", "counts batches while a batch norm is trained"),
];

/// What torch's wrappers for several devices and for compilation put before every name.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

/// One tensor where it lies in a file.
#[derive(Clone)]
pub(super) struct Stored {
    pub bytes: FileBytes,
    /// Where its first number lies in `bytes`.
    pub start: usize,
    /// How many bytes from there on belong to it.
    pub len: usize,
    /// `None` for numbers that no model is made of (integers, booleans).
    pub dtype: Option<DType>,
    pub shape: Vec<usize>,
    /// Steps in elements, where they are not those of a row-major tensor.
    pub strides: Option<Vec<usize>>,
}

impl Stored {
    /// Its numbers as they lie in the file, where they are f32, row-major, and where a processor can read them.
    fn in_place(&self) -> Option<&[f32]> {
        let is_plain = cfg!(target_endian = "little") && self.dtype == Some(DType::F32) && self.strides.is_none();
        let bytes = is_plain.then(|| &self.bytes[self.start..self.start + self.len])?;
        bytemuck::try_cast_slice(bytes).ok()
    }
}

/// The tensors of a checkpoint and which of them were used.
pub(super) struct Weights {
    tensors: BTreeMap<String, Stored>,
    used: Mutex<BTreeSet<String>>,
    /// The first thing that went wrong inside a model of candle's, which can only pass on candle's own errors.
    failure: Mutex<Option<Error>>,
    files: Vec<FileBytes>,
    path: PathBuf,
}

impl Weights {
    /// Reads the headers of the files at `path` (of several shards: the index).
    pub fn read(path: &Path, files: Vec<(PathBuf, FileBytes)>) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (file, bytes) in &files {
            let is_pickle = bytes.starts_with(b"PK");
            let read = if is_pickle { pickle::tensors(file, bytes)? } else { safetensors(file, bytes)? };
            tensors.extend(read);
        }
        if tensors.is_empty() {
            return Err(damaged(path, "the weights hold no tensor"));
        }
        for wrapper in WRAPPERS {
            if tensors.keys().all(|name| name.starts_with(wrapper)) {
                tensors =
                    tensors.into_iter().map(|(name, stored)| (name[wrapper.len()..].to_owned(), stored)).collect();
            }
        }
        let files = files.into_iter().map(|(_, bytes)| bytes).collect();
        Ok(Self { tensors, used: Mutex::default(), failure: Mutex::default(), files, path: path.to_owned() })
    }

    /// Gives every tensor the name that `canonical` makes of its own.
    ///
    /// # Errors
    /// Two tensors that would get the same name.
    pub fn renamed(self, canonical: impl Fn(&str) -> String) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (name, stored) in self.tensors {
            let new = canonical(&name);
            if tensors.insert(new.clone(), stored).is_some() {
                return Err(damaged(&self.path, format!("the weights hold two tensors that mean {new:?}")));
            }
        }
        Ok(Self { tensors, ..self })
    }

    /// Where the weights are, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the files.
    pub fn files(&self) -> impl Iterator<Item = &[u8]> {
        self.files.iter().map(|bytes| &**bytes)
    }

    /// The shape of a tensor; `None` if there is none of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|stored| stored.shape.as_slice())
    }

    /// The shape of a tensor that must be there.
    ///
    /// # Errors
    /// [`Error::MissingTensor`].
    pub fn known_shape(&self, name: &str) -> Result<&[usize]> {
        self.shape(name).ok_or_else(|| self.missing(name))
    }

    /// The tensor `name` as f32. Leading dimensions of 1 that the file has beyond `shape` are dropped.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::MisshapenTensor`], or numbers that no model is made of.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let stored = self.used(name, shape)?;
        Ok(self.numbers(name, stored)?.reshape(shape)?)
    }

    /// The numbers of the tensor `name`, row-major; where the file has them as they are computed with, they stay there. For
    /// those who would copy them out of a tensor at once: most of the time that loading takes is copying.
    ///
    /// # Errors
    /// As [`Weights::get`].
    pub fn lent(&self, name: &str, shape: &[usize]) -> Result<Cow<'_, [f32]>> {
        let stored = self.used(name, shape)?;
        if let Some(numbers) = stored.in_place() {
            return Ok(Cow::Borrowed(numbers));
        }
        Ok(Cow::Owned(self.numbers(name, stored)?.flatten_all()?.to_vec1()?))
    }

    /// The tensor `name`, which must have this shape, and which counts as used from now on.
    fn used(&self, name: &str, shape: &[usize]) -> Result<&Stored> {
        let stored = self.tensors.get(name).ok_or_else(|| self.missing(name))?;
        let extra = stored.shape.len().saturating_sub(shape.len());
        if stored.shape[..extra].iter().any(|&side| side != 1) || &stored.shape[extra..] != shape {
            return Err(self.misshapen(name, stored, shape));
        }
        self.lock(&self.used).insert(name.to_owned());
        Ok(stored)
    }

    /// The tensors below `prefix` ("visual.blocks.0").
    pub fn at(&self, prefix: impl Into<String>) -> Scope<'_> {
        Scope { weights: self, prefix: prefix.into() }
    }

    /// Builds a model of candle's with the same accounting.
    ///
    /// # Errors
    /// As [`Weights::get`], and whatever candle refuses.
    pub fn build<T>(&self, model: impl FnOnce(VarBuilder<'_>) -> candle_core::Result<T>) -> Result<T> {
        let source = VarBuilder::from_backend(Box::new(Source(self)), DType::F32, Device::Cpu);
        let built = model(source);
        match self.lock(&self.failure).take() {
            Some(error) if built.is_err() => Err(error),
            _ => Ok(built?),
        }
    }

    /// Says that the model is complete.
    ///
    /// # Errors
    /// [`Error::LeftOverTensors`] if the file holds any that was not used and is not known to be harmless.
    pub fn finish(self) -> Result<()> {
        let used = self.used.into_inner().unwrap_or_else(PoisonError::into_inner);
        let left = |name: &&String| !used.contains(*name) && !is_harmless(name);
        let left_over: Vec<&String> = self.tensors.keys().filter(left).collect();
        if left_over.is_empty() {
            return Ok(());
        }
        let tensors = left_over.iter().take(3).map(ToString::to_string).collect();
        Err(Error::LeftOverTensors { count: left_over.len(), tensors, path: self.path })
    }

    fn numbers(&self, name: &str, stored: &Stored) -> Result<Tensor> {
        let of_integers = || damaged(&self.path, format!("tensor {name:?} holds no real numbers"));
        let dtype = stored.dtype.ok_or_else(of_integers)?;
        let bytes = &stored.bytes[stored.start..stored.start + stored.len];
        let Some(strides) = &stored.strides else {
            return Ok(Tensor::from_raw_buffer(bytes, dtype, &stored.shape, &Device::Cpu)?.to_dtype(DType::F32)?);
        };
        let span = stored.len / dtype.size_in_bytes();
        let flat = Tensor::from_raw_buffer(bytes, dtype, &[span], &Device::Cpu)?.to_dtype(DType::F32)?;
        let rows = strided(&flat.to_vec1::<f32>()?, &stored.shape, strides);
        Ok(Tensor::from_vec(rows, stored.shape.as_slice(), &Device::Cpu)?)
    }

    fn missing(&self, name: &str) -> Error {
        Error::MissingTensor { tensor: name.to_owned(), path: self.path.clone() }
    }

    fn misshapen(&self, name: &str, stored: &Stored, expected: &[usize]) -> Error {
        let (found, expected) = (stored.shape.clone(), expected.to_vec());
        Error::MisshapenTensor { tensor: name.to_owned(), found, expected, path: self.path.clone() }
    }

    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> std::sync::MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tensors below one prefix.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl Scope<'_> {
    /// The scope below this one.
    pub fn at(&self, part: impl std::fmt::Display) -> Self {
        Self { weights: self.weights, prefix: self.name(part) }
    }

    /// Whether there is a tensor `part`.
    pub fn has(&self, part: &str) -> bool {
        self.weights.shape(&self.name(part)).is_some()
    }

    /// The tensor `part` of this shape.
    pub fn get(&self, part: &str, shape: &[usize]) -> Result<Tensor> {
        self.weights.get(&self.name(part), shape)
    }

    /// The numbers of the tensor `part` of this shape, row-major.
    pub fn lent(&self, part: &str, shape: &[usize]) -> Result<Cow<'_, [f32]>> {
        self.weights.lent(&self.name(part), shape)
    }

    /// A product without a bias, whose weight is [outputs, inputs], or [inputs, outputs] under the name `transposed`.
    pub fn projection(&self, inputs: usize, outputs: usize) -> Result<Linear> {
        let weight = match self.has("transposed") {
            true => self.get("transposed", &[inputs, outputs])?.t()?.contiguous()?,
            false => self.get("weight", &[outputs, inputs])?,
        };
        Ok(Linear::new(weight, None))
    }

    /// A layer norm over `width` numbers.
    pub fn layer_norm(&self, width: usize, epsilon: f64) -> Result<LayerNorm> {
        Ok(LayerNorm::new(self.get("weight", &[width])?, self.get("bias", &[width])?, epsilon))
    }

    fn name(&self, part: impl std::fmt::Display) -> String {
        if self.prefix.is_empty() { part.to_string() } else { format!("{}.{part}", self.prefix) }
    }
}

/// [`Weights`] as the models of candle ask for them: nothing is initialised here, whatever the hint says.
struct Source<'a>(&'a Weights);

impl Source<'_> {
    fn note(&self, error: Error) -> candle_core::Error {
        let message = error.to_string();
        self.0.lock(&self.0.failure).get_or_insert(error);
        candle_core::Error::Msg(message)
    }
}

impl SimpleBackend for Source<'_> {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, _: &Device) -> candle_core::Result<Tensor> {
        self.0.get(name, shape.dims()).map_err(|error| self.note(error))?.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, _: &Device) -> candle_core::Result<Tensor> {
        let tensor = self.0.known_shape(name).map(<[usize]>::to_vec).and_then(|shape| self.0.get(name, &shape));
        tensor.map_err(|error| self.note(error))?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.shape(name).is_some()
    }
}

/// A weights file that is not what it should be.
pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Error {
    Error::bad_file(path, what, "download the model again")
}

fn is_harmless(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    HARMLESS.iter().any(|(harmless, _)| *harmless == last)
}

fn safetensors(path: &Path, bytes: &FileBytes) -> Result<Vec<(String, Stored)>> {
    let refused = |error| damaged(path, format!("the weights cannot be read as safetensors ({error})"));
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(refused)?;
    let stored = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
        let (from, to) = info.data_offsets;
        let (start, shape) = (8 + header + from, info.shape.clone());
        let dtype = match info.dtype {
            Dtype::F32 => Some(DType::F32),
            Dtype::F16 => Some(DType::F16),
            Dtype::BF16 => Some(DType::BF16),
            Dtype::F64 => Some(DType::F64),
            _ => None,
        };
        (name, Stored { bytes: bytes.clone(), start, len: to - from, dtype, shape, strides: None })
    };
    Ok(metadata.tensors().into_iter().map(stored).collect())
}

/// The elements of a strided view, row-major.
fn strided(flat: &[f32], shape: &[usize], strides: &[usize]) -> Vec<f32> {
    let mut offsets = vec![0];
    for (&side, &stride) in shape.iter().zip(strides) {
        offsets = offsets.iter().flat_map(|start| (0..side).map(move |i| start + i * stride)).collect();
    }
    offsets.into_iter().map(|offset| flat[offset]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::dense::Dense;

    /// A file of `tensors`, each with its shape and filled with its place among them.
    fn write(folder: &Path, tensors: &[(&str, &[usize])]) -> PathBuf {
        let path = folder.join("model.safetensors");
        let full = |(at, (name, shape)): (usize, &(&str, &[usize]))| {
            ((*name).to_owned(), Tensor::full(at as f32, *shape, &Device::Cpu).unwrap())
        };
        let tensors: std::collections::HashMap<String, Tensor> = tensors.iter().enumerate().map(full).collect();
        candle_core::safetensors::save(&tensors, &path).unwrap();
        path
    }

    fn read(path: &Path) -> Result<Weights> {
        let bytes = FileBytes::open(path)?.unwrap();
        Weights::read(path, vec![(path.to_owned(), bytes)])
    }

    /// What is said of a file with these tensors, by a model that wants `a.weight` [2, 3] and `a.bias` [2].
    #[track_caller]
    fn check(tensors: &[(&str, &[usize])], expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), tensors);
        let own = || -> Result<()> {
            let weights = read(&path)?;
            Dense::load(&weights.at("a"), 3, 2)?;
            weights.finish()
        };
        let candles = || -> Result<()> {
            let weights = read(&path)?;
            weights.build(|source| candle_nn::linear(3, 2, source.pp("a")))?;
            weights.finish()
        };
        for result in [own(), candles()] {
            match (result, expected) {
                (Ok(()), None) => {}
                (Err(error), Some(expected)) => {
                    let message = error.to_string();
                    assert!(message.contains(expected) && message.contains("model.safetensors"), "{message}");
                }
                (result, _) => panic!("{result:?}"),
            }
        }
    }

    #[test]
    fn every_tensor_is_accounted_for() {
        check(&[("a.weight", &[2, 3]), ("a.bias", &[2])], None);
        check(&[("a.weight", &[2, 3])], Some("lack tensor \"a.bias\""));
        check(&[("a.weight", &[3, 2]), ("a.bias", &[2])], Some("[3, 2] where the configuration says [2, 3]"));
        check(&[("a.weight", &[2, 3]), ("a.bias", &[2]), ("b", &[1])], Some("\"b\""));
    }

    #[test]
    fn tensors_without_meaning_may_stay() {
        check(&[("a.weight", &[2, 3]), ("a.bias", &[2]), ("text.position_ids", &[1]), ("logit_scale", &[])], None);
    }

    #[test]
    fn a_wrapper_around_all_names_is_taken_off() {
        check(&[("module.a.weight", &[2, 3]), ("module.a.bias", &[2])], None);
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), &[("a", &[4, 4])]);
        let whole = fs_err::read(&path).unwrap();
        for len in 1..whole.len() {
            fs_err::write(&path, &whole[..len]).unwrap();
            let message = read(&path).err().unwrap().to_string();
            assert!(message.contains("model.safetensors"), "{message}");
        }
    }

    #[test]
    fn integers_are_no_weights() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let numbers = Tensor::new(&[1_i64, 2], &Device::Cpu).unwrap();
        candle_core::safetensors::save(&[("a".to_owned(), numbers)].into_iter().collect(), &path).unwrap();
        let message = read(&path).unwrap().get("a", &[2]).unwrap_err().to_string();
        assert!(message.contains("no real numbers"), "{message}");
    }

    #[test]
    fn numbers_are_lent_from_the_file_or_made_of_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let numbers = Tensor::new(&[[1_f32, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::Cpu).unwrap();
        let half = numbers.to_dtype(DType::F16).unwrap();
        let tensors = [("full".to_owned(), numbers), ("half".to_owned(), half)];
        candle_core::safetensors::save(&tensors.into_iter().collect(), &path).unwrap();
        let weights = read(&path).unwrap();
        for (name, is_lent) in [("full", true), ("half", false)] {
            let lent = weights.lent(name, &[2, 3]).unwrap();
            assert_eq!(matches!(lent, Cow::Borrowed(_)), is_lent, "{name}");
            assert_eq!(*lent, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "{name}");
            assert!(weights.lent(name, &[3, 2]).is_err());
        }
        weights.finish().unwrap();
    }

    #[test]
    fn strided_views_are_read_in_order() {
        assert_eq!(strided(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[2, 3], &[1, 2]), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }
}
