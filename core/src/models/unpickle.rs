//! The pickle format without its power to call. In: the bytes of a pickle. Out: its values, as a flat list. Must never run,
//! import or nest anything, whatever the bytes say.

use std::collections::HashMap;

/// A pickle of a thousand tensors has 100 kB.
const MAX_PICKLE: usize = 64 << 20;

/// A value of the pickle; others are named by their places in [`Machine::values`], so that nothing is ever nested.
pub(super) enum Value {
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
pub(super) struct Machine {
    values: Vec<Value>,
    stack: Vec<usize>,
    memo: HashMap<u32, usize>,
    /// The place of what the whole pickle is.
    pub result: usize,
}

impl Machine {
    /// Does all instructions of a pickle.
    pub fn run(pickle: &[u8]) -> Result<Self, String> {
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

    pub fn value(&self, place: usize) -> &Value {
        &self.values[place]
    }

    /// What an object was built from: the dictionary of a module's parts.
    pub fn state_of(&self, place: usize) -> usize {
        match self.value(place) {
            Value::Built { state } => *state,
            _ => place,
        }
    }

    pub fn entry(&self, place: usize, key: &str) -> Option<usize> {
        let Value::Dict(pairs) = self.value(place) else { return None };
        let is_key = |found: usize| matches!(self.value(found), Value::Text(text) if text == key);
        pairs.iter().find(|(found, _)| is_key(*found)).map(|(_, value)| *value)
    }

    pub fn tuple(&self, place: usize) -> &[usize] {
        match self.value(place) {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    pub fn number(&self, place: usize) -> Option<usize> {
        match self.value(place) {
            Value::Number(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    pub fn numbers(&self, place: usize) -> Option<Vec<usize>> {
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
