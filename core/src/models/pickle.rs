//! Tensors of PyTorch archives (`.bin`, `.pt`). In: the bytes of a zip with `data.pkl` and storages. Out: where each tensor
//! lies. Must never run what a pickle asks for: names of classes are only compared, and whatever is not a tensor, a
//! dictionary or a module is passed over. candle's own reader panics on lying archives and cannot see nested modules, as
//! OpenAI's archives have.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use candle_core::DType;

use super::bytes::FileBytes;
use super::unpickle::{Machine, Value};
use super::weights::{Stored, damaged};
use crate::error::Result;

/// Keys under which training programs keep the tensors beside other things.
const STATE_KEYS: [&str; 2] = ["state_dict", "model_state_dict"];
/// Modules within modules; OpenAI's go six deep.
const MAX_DEPTH: usize = 32;
/// A giant model has some thousand values; a pickle that shares its parts could pretend to have endlessly many.
const MAX_VALUES: usize = 1 << 20;

/// All tensors of an archive, by their names.
pub(super) fn tensors(path: &Path, bytes: &FileBytes) -> Result<Vec<(String, Stored)>> {
    let read = || {
        let entries = entries(bytes)?;
        let is_pickle = |name: &&String| name.ends_with("/data.pkl") || *name == "data.pkl";
        let name = entries.keys().find(is_pickle).ok_or("it has no data.pkl")?;
        let (start, len) = entries[name];
        let machine = Machine::run(&bytes[start..start + len])?;
        let folder = name.trim_end_matches("data.pkl");
        let seen = Cell::new(0);
        let archive = Archive { bytes, entries: &entries, folder, machine: &machine, seen };
        let mut found = Vec::new();
        archive.collect(archive.state(machine.result), "", 0, &mut found)?;
        Ok::<_, String>(found)
    };
    read().map_err(|reason| damaged(path, format!("the weights cannot be read as a PyTorch archive ({reason})")))
}

/// Where each stored file of a zip lies in it.
fn entries(bytes: &[u8]) -> Result<BTreeMap<String, (usize, usize)>, String> {
    let broken = |error: zip::result::ZipError| error.to_string();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut entries = BTreeMap::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(broken)?;
        let name = file.name().map_err(broken)?.into_owned();
        if file.compression() != zip::CompressionMethod::Stored {
            return Err(format!("{name:?} in it is compressed"));
        }
        let start = file.data_start().ok_or("an entry has no place")? as usize;
        let end = start.checked_add(file.size() as usize).filter(|&end| end <= bytes.len());
        let end = end.ok_or_else(|| format!("{name:?} in it is cut off"))?;
        entries.insert(name, (start, end - start));
    }
    Ok(entries)
}

struct Archive<'a> {
    bytes: &'a FileBytes,
    entries: &'a BTreeMap<String, (usize, usize)>,
    /// What the names of the archive's entries begin with.
    folder: &'a str,
    machine: &'a Machine,
    /// How many values were looked at.
    seen: Cell<usize>,
}

impl Archive<'_> {
    /// The dictionary that holds the tensors.
    fn state(&self, root: usize) -> usize {
        STATE_KEYS.iter().find_map(|key| self.machine.entry(root, key)).unwrap_or(root)
    }

    /// Adds every tensor below `value`, its name after `prefix`.
    fn collect(
        &self,
        value: usize,
        prefix: &str,
        depth: usize,
        found: &mut Vec<(String, Stored)>,
    ) -> Result<(), String> {
        self.seen.set(self.seen.get() + 1);
        if depth > MAX_DEPTH || self.seen.get() > MAX_VALUES {
            return Err("its modules go too deep".into());
        }
        let state = self.machine.state_of(value);
        let Value::Dict(pairs) = self.machine.value(state) else { return Ok(()) };
        for &(key, value) in pairs {
            let Value::Text(key) = self.machine.value(key) else { continue };
            let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match self.tensor(value).map_err(|reason| format!("tensor {name:?}: {reason}"))? {
                Some(stored) => found.push((name, stored)),
                None => self.collect(value, &name, depth + 1, found)?,
            }
        }
        Ok(())
    }

    /// `value` as a tensor; `None` if it is something else.
    fn tensor(&self, value: usize) -> Result<Option<Stored>, String> {
        let Value::Call { class, arguments } = self.machine.value(value) else { return Ok(None) };
        let Value::Class(class) = self.machine.value(*class) else { return Ok(None) };
        let arguments = self.machine.tuple(*arguments);
        match (class.as_str(), arguments) {
            ("torch._utils _rebuild_parameter", [inner, ..]) => self.tensor(*inner),
            ("torch._tensor _rebuild_from_type_v2", [_, _, inner, ..]) => {
                self.rebuilt(self.machine.tuple(*inner)).map(Some)
            }
            ("torch._utils _rebuild_tensor_v2", arguments) => self.rebuilt(arguments).map(Some),
            _ => Ok(None),
        }
    }

    /// A tensor from the arguments of torch's `_rebuild_tensor_v2`: storage, offset, size, strides.
    fn rebuilt(&self, arguments: &[usize]) -> Result<Stored, String> {
        let [storage, offset, size, strides, ..] = arguments else { return Err("too few arguments".into()) };
        let (dtype, width, place, len) = self.storage(*storage)?;
        let offset = self.machine.number(*offset).ok_or("no offset")?;
        let shape = self.machine.numbers(*size).ok_or("no size")?;
        let strides = self.machine.numbers(*strides).filter(|s| s.len() == shape.len()).ok_or("no strides")?;
        let (count, span) = extent(&shape, &strides).ok_or("its size is out of all bounds")?;
        let end = offset.checked_add(span.max(count)).and_then(|end| end.checked_mul(width));
        if end.is_none_or(|end| end > len) {
            return Err("it reaches beyond its storage".into());
        }
        let strides = (row_major(&shape) != strides && count > 1).then_some(strides);
        let used = if strides.is_some() { span } else { count };
        let start = place + offset * width;
        Ok(Stored { bytes: self.bytes.clone(), start, len: used * width, dtype, shape, strides })
    }

    /// The type of a storage's numbers, their width in bytes, where it lies and how long it is.
    fn storage(&self, id: usize) -> Result<(Option<DType>, usize, usize, usize), String> {
        let Value::Storage(id) = self.machine.value(id) else { return Err("it has no storage".into()) };
        let [_, class, key, ..] = self.machine.tuple(*id) else { return Err("its storage has no key".into()) };
        let (Value::Class(class), Value::Text(key)) = (self.machine.value(*class), self.machine.value(*key)) else {
            return Err("its storage has no type".into());
        };
        let (dtype, width) = storage_type(class).ok_or_else(|| format!("storage of type {class:?}"))?;
        let entry = self.entries.get(&format!("{}data/{key}", self.folder));
        let &(place, len) = entry.ok_or_else(|| format!("its storage {key:?} is not in the archive"))?;
        Ok((dtype, width, place, len))
    }
}

fn storage_type(class: &str) -> Option<(Option<DType>, usize)> {
    Some(match class.rsplit(' ').next()? {
        "FloatStorage" => (Some(DType::F32), 4),
        "HalfStorage" => (Some(DType::F16), 2),
        "BFloat16Storage" => (Some(DType::BF16), 2),
        "DoubleStorage" => (Some(DType::F64), 8),
        "LongStorage" => (None, 8),
        "IntStorage" => (None, 4),
        "ShortStorage" => (None, 2),
        "ByteStorage" | "CharStorage" | "BoolStorage" => (None, 1),
        _ => return None,
    })
}

fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

/// How many elements a view has, and how many of the storage it spans.
fn extent(shape: &[usize], strides: &[usize]) -> Option<(usize, usize)> {
    let count = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side))?;
    let last =
        |sum: usize, (&side, &stride): (&usize, &usize)| sum.checked_add(side.checked_sub(1)?.checked_mul(stride)?);
    let span = if count == 0 { 0 } else { shape.iter().zip(strides).try_fold(0, last)?.checked_add(1)? };
    Some((count, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCHIVE: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/parity/fixtures/checkpoints/clip_hf_bin/pytorch_model.bin");

    /// Reads an archive in which one byte was changed, or which was cut; whatever comes out, it is no panic.
    #[track_caller]
    fn check_calm(bytes: Vec<u8>) {
        let bytes = FileBytes::BuiltIn(Box::leak(bytes.into_boxed_slice()));
        for (name, stored) in tensors(Path::new("model.bin"), &bytes).unwrap_or_default() {
            assert!(stored.start + stored.len <= bytes.len(), "{name} lies outside");
        }
    }

    #[test]
    fn an_archive_holds_its_tensors() {
        let bytes = FileBytes::open(Path::new(ARCHIVE)).unwrap().unwrap();
        let found = tensors(Path::new(ARCHIVE), &bytes).unwrap();
        let (_, positions) = found.iter().find(|(name, _)| name.ends_with("position_embedding.weight")).unwrap();
        assert_eq!((positions.dtype, positions.shape.len()), (Some(DType::F16), 2));
    }

    #[test]
    fn a_damaged_archive_never_panics() {
        let whole = fs_err::read(ARCHIVE).unwrap();
        let end = whole.windows(8).position(|bytes| bytes == b"data.pkl").unwrap();
        for at in (end..end + 4000).step_by(37) {
            let mut broken = whole.clone();
            broken[at] ^= 0x55;
            check_calm(broken);
        }
        for len in (0..whole.len()).step_by(whole.len() / 40) {
            check_calm(whole[..len].to_vec());
        }
    }

    #[test]
    fn a_pickle_that_shares_itself_ends() {
        // d = {}; d["k"] = d, written as: EMPTY_DICT, BINPUT 0, "k", BINGET 0, SETITEM, STOP.
        let machine = Machine::run(b"}q\x00X\x01\x00\x00\x00kh\x00s.").unwrap();
        let (bytes, entries) = (FileBytes::BuiltIn(&[]), BTreeMap::new());
        let archive = Archive { bytes: &bytes, entries: &entries, folder: "", machine: &machine, seen: Cell::new(0) };
        assert!(archive.collect(machine.result, "", 0, &mut Vec::new()).unwrap_err().contains("too deep"));
    }
}
