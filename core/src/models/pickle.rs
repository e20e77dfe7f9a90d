//! Tensors of PyTorch archives (`.bin`, `.pt`). In: the bytes of a zip with `data.pkl` and storages. Out: where each tensor
//! lies. Must never run what a pickle asks for: names of classes are only compared, and whatever is not a tensor, a
//! dictionary or a module is passed over. candle's own reader panics on lying archives and cannot see nested modules, as
//! OpenAI's archives have.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::path::Path;

use candle_core::DType;

use super::bytes::FileBytes;
use super::weights::{Stored, damaged};
use crate::error::Result;

/// Keys under which training programs keep the tensors beside other things.
const STATE_KEYS: [&str; 2] = ["state_dict", "model_state_dict"];
/// Modules within modules; OpenAI's go six deep.
const MAX_DEPTH: usize = 32;
/// A giant model has some thousand values; a pickle that shares its parts could pretend to have endlessly many.
const MAX_VALUES: usize = 1 << 20;
/// A pickle of a thousand tensors has 100 kB.
const MAX_PICKLE: usize = 64 << 20;

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
        let inner = |key: &&str| self.machine.entry(root, key);
        STATE_KEYS.iter().find_map(|key| inner(&key)).unwrap_or(root)
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

/// A value of the pickle; others are named by their places in [`Machine::values`], so that nothing is ever nested.
enum Value {
    Mark,
    Other,
    Number(i64),
    Text(String),
    Class(String),
    Sequence(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Call { class: usize, arguments: usize },
    Built { state: usize },
    Storage(usize),
}

/// The stack machine of the pickle format (Python's pickletools, protocols 2 to 5), without its power to call.
struct Machine {
    values: Vec<Value>,
    stack: Vec<usize>,
    memo: HashMap<u32, usize>,
    result: usize,
}

impl Machine {
    fn run(pickle: &[u8]) -> Result<Self, String> {
        if pickle.len() > MAX_PICKLE {
            return Err("its data.pkl is too long".into());
        }
        let mut machine = Self { values: Vec::new(), stack: Vec::new(), memo: HashMap::new(), result: 0 };
        let mut input = Input(pickle);
        while machine.step(&mut input)? {}
        machine.result = machine.pop()?;
        Ok(machine)
    }

    /// Does one instruction; `false` at the last.
    fn step(&mut self, input: &mut Input<'_>) -> Result<bool, String> {
        match input.byte()? {
            b'.' => return Ok(false),
            0x80 => drop(input.byte()?),
            0x95 => input.take(8).map(|_| ())?,
            b'(' => self.push(Value::Mark),
            b'N' | 0x88 | 0x89 => self.push(Value::Other),
            b'G' => self.skipped(input, 8)?,
            code @ (b'K' | b'M' | b'J' | 0x8a) => self.integer(code, input)?,
            code @ (b'X' | 0x8c) => self.text(code, input)?,
            code @ (b'B' | b'C') => self.binary(code, input)?,
            b'c' => self.class(input)?,
            code @ (b'q' | b'r' | 0x94 | b'h' | b'j') => self.remember_or_recall(code, input)?,
            code @ (b')' | b']' | 0x8f | 0x85 | 0x86 | 0x87 | b't' | b'l') => self.sequence(code)?,
            code @ (b'a' | b'e' | 0x90) => self.append(code)?,
            code @ (b'}' | b'd' | b's' | b'u') => self.dict(code)?,
            code => self.object(code)?,
        }
        Ok(true)
    }

    fn integer(&mut self, code: u8, input: &mut Input<'_>) -> Result<(), String> {
        let number = match code {
            b'K' => i64::from(input.byte()?),
            b'M' => input.unsigned(2)? as i64,
            b'J' => i64::from(input.unsigned(4)? as u32 as i32),
            _ => {
                let len = usize::from(input.byte()?);
                if len > 7 {
                    input.take(len)?;
                    self.push(Value::Other);
                    return Ok(());
                }
                input.unsigned(len)? as i64
            }
        };
        self.push(Value::Number(number));
        Ok(())
    }

    fn text(&mut self, code: u8, input: &mut Input<'_>) -> Result<(), String> {
        let len = input.unsigned(if code == b'X' { 4 } else { 1 })? as usize;
        let text = std::str::from_utf8(input.take(len)?).map_err(|error| error.to_string())?;
        self.push(Value::Text(text.to_owned()));
        Ok(())
    }

    fn binary(&mut self, code: u8, input: &mut Input<'_>) -> Result<(), String> {
        let len = input.unsigned(if code == b'B' { 4 } else { 1 })? as usize;
        self.skipped(input, len)
    }

    fn skipped(&mut self, input: &mut Input<'_>, len: usize) -> Result<(), String> {
        input.take(len)?;
        self.push(Value::Other);
        Ok(())
    }

    fn class(&mut self, input: &mut Input<'_>) -> Result<(), String> {
        let (module, name) = (input.line()?, input.line()?);
        self.push(Value::Class(format!("{module} {name}")));
        Ok(())
    }

    fn remember_or_recall(&mut self, code: u8, input: &mut Input<'_>) -> Result<(), String> {
        let key = match code {
            b'q' | b'h' => u32::from(input.byte()?),
            b'r' | b'j' => input.unsigned(4)? as u32,
            _ => self.memo.len() as u32,
        };
        if matches!(code, b'h' | b'j') {
            self.stack.push(*self.memo.get(&key).ok_or("it recalls what it never kept")?);
        } else {
            self.memo.insert(key, self.top()?);
        }
        Ok(())
    }

    fn sequence(&mut self, code: u8) -> Result<(), String> {
        let items = match code {
            b')' | b']' | 0x8f => Vec::new(),
            b't' | b'l' => self.pop_to_mark()?,
            code => {
                let at = self.stack.len().checked_sub(usize::from(code - 0x84)).ok_or("its stack runs out")?;
                self.stack.split_off(at)
            }
        };
        self.push(Value::Sequence(items));
        Ok(())
    }

    fn append(&mut self, code: u8) -> Result<(), String> {
        let items = if code == b'a' { vec![self.pop()?] } else { self.pop_to_mark()? };
        let top = self.top()?;
        match &mut self.values[top] {
            Value::Sequence(list) => list.extend(items),
            Value::Call { .. } => {}
            _ => return Err("it appends to what is no list".into()),
        }
        Ok(())
    }

    fn dict(&mut self, code: u8) -> Result<(), String> {
        let items = match code {
            b'}' => Vec::new(),
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_to_mark()?,
        };
        if matches!(code, b'}' | b'd') {
            self.push(Value::Dict(Vec::new()));
        }
        let top = self.top()?;
        let Value::Dict(pairs) = &mut self.values[top] else { return Err("it sets items of what is no dict".into()) };
        pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        Ok(())
    }

    fn object(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'0' => drop(self.pop()?),
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Storage(id));
            }
            b'R' | 0x81 => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                self.push(self.called(class, arguments));
            }
            b'b' => {
                let (state, object) = (self.pop()?, self.pop()?);
                // An ordered dictionary that was given attributes stays a dictionary.
                match self.value(object) {
                    Value::Dict(_) => self.stack.push(object),
                    _ => self.push(Value::Built { state }),
                }
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(name), Value::Text(module)) = (self.value(name), self.value(module)) else {
                    return Err("a class has no name".into());
                };
                self.push(Value::Class(format!("{module} {name}")));
            }
            code => return Err(format!("instruction {code:#04x} in its data.pkl")),
        }
        Ok(())
    }

    fn called(&self, class: usize, arguments: usize) -> Value {
        match self.value(class) {
            Value::Class(name) if name == "collections OrderedDict" => Value::Dict(Vec::new()),
            _ => Value::Call { class, arguments },
        }
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<usize, String> {
        self.stack.pop().ok_or_else(|| "its stack runs out".into())
    }

    fn top(&self) -> Result<usize, String> {
        self.stack.last().copied().ok_or_else(|| "its stack runs out".into())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<usize>, String> {
        let is_mark = |&place: &usize| matches!(self.values[place], Value::Mark);
        let mark = self.stack.iter().rposition(is_mark).ok_or("a mark is missing")?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn value(&self, place: usize) -> &Value {
        &self.values[place]
    }

    /// What an object was built from: the dictionary of a module's parts.
    fn state_of(&self, place: usize) -> usize {
        match self.value(place) {
            Value::Built { state } => *state,
            _ => place,
        }
    }

    fn entry(&self, place: usize, key: &str) -> Option<usize> {
        let Value::Dict(pairs) = self.value(place) else { return None };
        let is_key = |found: usize| matches!(self.value(found), Value::Text(text) if text == key);
        pairs.iter().find(|(found, _)| is_key(*found)).map(|(_, value)| *value)
    }

    fn tuple(&self, place: usize) -> &[usize] {
        match self.value(place) {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    fn number(&self, place: usize) -> Option<usize> {
        match self.value(place) {
            Value::Number(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    fn numbers(&self, place: usize) -> Option<Vec<usize>> {
        let Value::Sequence(items) = self.value(place) else { return None };
        items.iter().map(|&item| self.number(item)).collect()
    }
}

/// What is left of the pickle.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or("its data.pkl is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of up to eight bytes.
    fn unsigned(&mut self, len: usize) -> Result<u64, String> {
        Ok(self.take(len)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let end = self.0.iter().position(|&byte| byte == b'\n').ok_or("its data.pkl is cut off")?;
        let line = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|error| error.to_string())
    }
}
