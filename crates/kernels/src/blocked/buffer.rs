//! Memory that is used again.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Bytes of a cache line, and of the widest vector.
const ALIGNMENT: usize = 64;
/// Values that a workspace keeps at most: more than this goes back to the system.
const SPARE: usize = 1 << 26;

/// Numbers that start at a cache line.
#[derive(Debug, Default)]
pub struct Buffer {
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Buffer {
    /// Zeros.
    #[must_use]
    pub fn zeros(length: usize) -> Self {
        let values = vec![0.0; length + ALIGNMENT / size_of::<f32>()];
        // An address that cannot be aligned costs speed, nothing else.
        let start = Some(values.as_ptr().align_offset(ALIGNMENT)).filter(|start| start + length <= values.len());
        Self { values, start: start.unwrap_or(0), length }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.length);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.start..][..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..][..self.length]
    }
}

/// Buffers that are free to be used again, so that the system need not provide fresh pages for every layer.
#[derive(Debug, Default)]
pub struct Workspace {
    free: Mutex<Vec<Buffer>>,
}

impl Workspace {
    /// Without a buffer yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { free: Mutex::new(Vec::new()) }
    }

    /// A buffer of this length with arbitrary numbers in it.
    #[must_use]
    pub fn take(&self, length: usize) -> Buffer {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let room = |buffer: &Buffer| buffer.values.len() - buffer.start;
        let fits = |buffer: &Buffer| room(buffer) >= length;
        // What came back last is nearest in the caches, but long ones are left to those who need them.
        let last = free.iter().rposition(|buffer| fits(buffer) && room(buffer) / 2 <= length);
        let smallest = || (0..free.len()).filter(|index| fits(&free[*index])).min_by_key(|index| room(&free[*index]));
        match last.or_else(smallest) {
            Some(index) => Buffer { length, ..free.remove(index) },
            None => {
                // The largest gives way to one that is large enough.
                if let Some(index) = (0..free.len()).max_by_key(|index| room(&free[*index])) {
                    free.remove(index);
                }
                Buffer::zeros(length)
            }
        }
    }

    /// Gives a buffer back.
    pub fn give(&self, buffer: Buffer) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(buffer);
        let mut spare: usize = free.iter().map(|buffer| buffer.values.len()).sum();
        while spare > SPARE
            && let Some(index) = (0..free.len()).max_by_key(|index| free[*index].values.len())
        {
            spare -= free.remove(index).values.len();
        }
    }

    /// Gives all that is free back to the system.
    pub fn clear(&self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
