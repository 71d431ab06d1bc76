//! A restricted interpreter of Python's pickles, protocol 2 and below; see [`Opcode`] for what it accepts.
//!
//! It executes nothing: a call makes a [`Value`] or is an error. There is no recursion, and memory is
//! bounded by the number of opcodes, hence by the length of the pickle and by [`MAX_STEPS`].
//! Source of the format: CPython's `pickletools`.

use std::collections::BTreeMap;

use super::FORMAT;
use super::globals::{self, Global};
use super::opcode::{Opcode, refused_name};
use super::value::{Heap, Value};
use crate::error::cut;
use crate::{Error, Result};

/// Opcodes in one pickle; a tensor takes about thirty.
const MAX_STEPS: usize = 1 << 20;
/// Arguments of a call, or parts of the description of a storage.
const MAX_ARGUMENTS: usize = 8;

/// The result of a pickle, the heap it refers to, and the bytes after it.
pub(super) struct Unpickled<'a> {
    pub(super) value: Value<'a>,
    pub(super) heap: Heap<'a>,
    pub(super) rest: &'a [u8],
}

/// Interprets the pickle that `bytes` begin with.
pub(super) fn unpickle(bytes: &[u8]) -> Result<Unpickled<'_>> {
    let mut machine = Machine { length: bytes.len(), rest: bytes, ..Machine::default() };
    loop {
        machine.start = machine.length - machine.rest.len();
        machine.spend(1)?;
        let byte = machine.byte()?;
        let Some(opcode) = Opcode::from_byte(byte) else {
            return Err(Error::ForbiddenOpcode { opcode: byte, name: refused_name(byte), offset: machine.start });
        };
        if let Some(value) = machine.step(opcode)? {
            return Ok(Unpickled { value, heap: machine.heap, rest: machine.rest });
        }
    }
}

#[derive(Default)]
struct Machine<'a> {
    length: usize,
    rest: &'a [u8],
    /// Where the current opcode is.
    start: usize,
    steps: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Value<'a>>,
    heap: Heap<'a>,
}

impl<'a> Machine<'a> {
    /// Executes one opcode. Gives the result of the pickle at its end.
    fn step(&mut self, opcode: Opcode) -> Result<Option<Value<'a>>> {
        match opcode {
            Opcode::Proto => self.protocol()?,
            Opcode::Stop => return self.stop().map(Some),

            Opcode::None => self.push(Value::None),
            Opcode::NewTrue => self.push(Value::Bool(true)),
            Opcode::NewFalse => self.push(Value::Bool(false)),
            Opcode::BinInt1 => {
                let number = self.byte()?;
                self.push(Value::Int(number.into()));
            }
            Opcode::BinInt2 => {
                let number = self.u16()?;
                self.push(Value::Int(number.into()));
            }
            Opcode::BinInt => {
                let number = self.i32()?;
                self.push(Value::Int(number.into()));
            }
            Opcode::Long1 => {
                let number = self.long()?;
                self.push(Value::Int(number));
            }
            Opcode::BinFloat => {
                self.take(8)?;
                self.push(Value::Float);
            }
            Opcode::BinUnicode | Opcode::BinString => {
                let length = self.u32()?;
                self.string(length)?;
            }
            Opcode::ShortBinString => {
                let length = self.byte()?;
                self.string(length.into())?;
            }

            Opcode::Mark => self.marks.push(self.stack.len()),
            Opcode::EmptyTuple => self.tuple(Vec::new()),
            Opcode::Tuple1 => {
                let items = self.pop_many(1)?;
                self.tuple(items);
            }
            Opcode::Tuple2 => {
                let items = self.pop_many(2)?;
                self.tuple(items);
            }
            Opcode::Tuple3 => {
                let items = self.pop_many(3)?;
                self.tuple(items);
            }
            Opcode::Tuple => {
                let items = self.pop_items()?;
                self.tuple(items);
            }
            Opcode::EmptyList => {
                let list = self.heap.new_sequence(Vec::new());
                self.push(Value::List(list));
            }
            Opcode::Append => {
                let items = self.pop_many(1)?;
                self.append(items)?;
            }
            Opcode::Appends => {
                let items = self.pop_items()?;
                self.append(items)?;
            }
            Opcode::EmptyDict => {
                let dict = self.heap.new_dict(Vec::new());
                self.push(Value::Dict(dict));
            }
            Opcode::SetItem => {
                let items = self.pop_many(2)?;
                self.set(&items)?;
            }
            Opcode::SetItems => {
                let items = self.pop_items()?;
                self.set(&items)?;
            }

            Opcode::BinPut => {
                let number = self.byte()?;
                self.memorise(number.into())?;
            }
            Opcode::LongBinPut => {
                let number = self.u32()?;
                self.memorise(number)?;
            }
            Opcode::BinGet => {
                let number = self.byte()?;
                self.recall(number.into())?;
            }
            Opcode::LongBinGet => {
                let number = self.u32()?;
                self.recall(number)?;
            }

            Opcode::Global => self.global()?,
            Opcode::Reduce => self.reduce()?,
            Opcode::Build => self.build()?,
            Opcode::BinPersId => self.persistent()?,
        }
        Ok(None)
    }

    fn protocol(&mut self) -> Result<()> {
        match self.byte()? {
            0..=2 => Ok(()),
            protocol => Err(Error::Unsupported {
                format: FORMAT,
                what: format!("pickle protocol {protocol}"),
                advice: "save it again with torch.save's default, protocol 2",
            }),
        }
    }

    fn stop(&mut self) -> Result<Value<'a>> {
        let value = self.pop()?;
        if self.stack.is_empty() && self.marks.is_empty() {
            Ok(value)
        } else {
            Err(self.fault("the pickle ends with values left on its stack"))
        }
    }

    fn tuple(&mut self, items: Vec<Value<'a>>) {
        let tuple = self.heap.new_sequence(items);
        self.push(Value::Tuple(tuple));
    }

    fn append(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        let Value::List(list) = self.top()? else {
            return Err(self.fault("it appends to something that is no list"));
        };
        self.heap.extend_sequence(list, items);
        Ok(())
    }

    fn set(&mut self, items: &[Value<'a>]) -> Result<()> {
        let Value::Dict(dict) = self.top()? else {
            return Err(self.fault("it adds a key to something that is no dictionary"));
        };
        let (pairs, odd) = items.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(self.fault("a key has no value"));
        }
        self.heap.extend_dict(dict, pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn memorise(&mut self, number: u32) -> Result<()> {
        let value = self.top()?;
        self.memo.insert(number, value);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<()> {
        match self.memo.get(&number) {
            Some(&value) => {
                self.push(value);
                Ok(())
            }
            None => Err(self.fault(&format!("nothing is kept under {number}"))),
        }
    }

    fn global(&mut self) -> Result<()> {
        let module = self.line()?;
        let name = format!("{module}.{}", self.line()?);
        let Some(global) = Global::named(&name) else {
            return Err(Error::ForbiddenGlobal { name: cut(&name, 200), offset: self.start });
        };
        self.push(Value::Global(global));
        Ok(())
    }

    fn reduce(&mut self) -> Result<()> {
        let arguments = self.pop_arguments()?;
        let Value::Global(global) = self.pop()? else {
            return Err(self.fault("it calls something that is no global"));
        };
        if let &[Value::List(list)] = arguments.as_slice() {
            self.spend(self.heap.sequence(list).len())?;
        }
        let made = globals::call(&mut self.heap, global, &arguments).map_err(|reason| self.fault(&reason))?;
        self.push(made);
        Ok(())
    }

    fn build(&mut self) -> Result<()> {
        match (self.pop()?, self.top()?) {
            (Value::Dict(_), Value::Dict(_)) => Ok(()),
            (Value::Tuple(state), Value::Tensor(_)) if self.heap.sequence(state).len() == 3 => Ok(()),
            (state, value) => {
                Err(self.fault(&format!("{} cannot be the state of {}", state.describe(), value.describe())))
            }
        }
    }

    fn persistent(&mut self) -> Result<()> {
        let id = self.pop_arguments()?;
        let storage = globals::storage(&mut self.heap, &id).map_err(|reason| self.fault(&reason))?;
        self.push(storage);
        Ok(())
    }
}

/// The stack.
impl<'a> Machine<'a> {
    fn push(&mut self, value: Value<'a>) {
        self.stack.push(value);
    }

    /// The height below which the current items may not be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Value<'a>> {
        match self.stack.last() {
            Some(&value) if self.stack.len() > self.floor() => Ok(value),
            Some(_) | None => Err(self.fault("the stack is empty")),
        }
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        let value = self.top()?;
        self.stack.pop();
        Ok(value)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value<'a>>> {
        match self.stack.len().checked_sub(count) {
            Some(height) if height >= self.floor() => Ok(self.pop_above(height)),
            Some(_) | None => Err(self.fault("the stack is empty")),
        }
    }

    fn pop_items(&mut self) -> Result<Vec<Value<'a>>> {
        match self.marks.pop() {
            Some(height) => Ok(self.pop_above(height)),
            None => Err(self.fault("there is no mark")),
        }
    }

    /// Unlike `split_off`, it gives no more capacity than there are values.
    fn pop_above(&mut self, height: usize) -> Vec<Value<'a>> {
        self.stack.drain(height..).collect()
    }

    fn pop_arguments(&mut self) -> Result<Vec<Value<'a>>> {
        let Value::Tuple(tuple) = self.pop()? else {
            return Err(self.fault("the arguments are no tuple"));
        };
        let arguments = self.heap.sequence(tuple);
        if arguments.len() > MAX_ARGUMENTS {
            return Err(self.fault(&format!("{} arguments", arguments.len())));
        }
        Ok(arguments.to_vec())
    }
}

/// The bytes.
impl<'a> Machine<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.fault(&format!("{length} bytes should follow, {} do", self.rest.len())));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| self.fault("cut off"))
    }

    fn byte(&mut self) -> Result<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_le_bytes)
    }

    fn long(&mut self) -> Result<i64> {
        let length = self.byte()?;
        let stored = self.take(length.into())?;
        let sign = if stored.last().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 };
        let mut number = [sign; 8];
        match number.get_mut(..stored.len()) {
            Some(low) => low.copy_from_slice(stored),
            None => return Err(self.fault(&format!("an integer of {length} bytes"))),
        }
        Ok(i64::from_le_bytes(number))
    }

    fn string(&mut self, length: u32) -> Result<()> {
        let bytes = self.take(length as usize)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.fault("a string is not UTF-8"))?;
        self.push(Value::Str(text));
        Ok(())
    }

    fn line(&mut self) -> Result<&'a str> {
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(end.ok_or_else(|| self.fault("a line does not end"))?)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| self.fault("a name is not UTF-8"))
    }
}

impl Machine<'_> {
    fn spend(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MAX_STEPS { Err(self.fault(&format!("more than {MAX_STEPS} steps"))) } else { Ok(()) }
    }

    fn fault(&self, reason: &str) -> Error {
        Error::malformed(FORMAT, format!("byte {} of the pickle: {reason}", self.start))
    }
}
