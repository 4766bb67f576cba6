//! Large float buffers that are recycled from call to call.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Alignment of a buffer's first element, in bytes: a cache line and the widest vector.
const ALIGNMENT: usize = 64;

/// Most buffers kept for reuse; beyond it the oldest is freed.
const KEPT: usize = 64;

/// Storage given back by dropped buffers, oldest first.
static POOL: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// A float slice aligned to a cache line, from a pool and back to it when dropped.
///
/// Allocating afresh on each call would make the system map and clear the same megabytes again.
#[derive(Debug)]
pub(crate) struct Buffer {
    storage: Vec<f32>,
    start: usize,
    length: usize,
}

impl Buffer {
    /// A buffer of `length` floats, whose content is arbitrary.
    pub fn take(length: usize) -> Self {
        let needed = length + ALIGNMENT / size_of::<f32>();
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        // The tightest fit, and nothing so wasteful as to starve a later, larger request.
        let fit = (0..pool.len())
            .filter(|&index| (needed..=2 * needed).contains(&pool[index].len()))
            .min_by_key(|&index| pool[index].len());
        let recycled = fit.map(|index| pool.remove(index));
        drop(pool);
        let storage = recycled.unwrap_or_else(|| vec![0.0; needed]);
        let start = storage.as_ptr().align_offset(ALIGNMENT);
        // `align_offset` may decline to answer, which costs speed only.
        let start = if start + length <= storage.len() {
            start
        } else {
            0
        };
        Self {
            storage,
            start,
            length,
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.storage[self.start..][..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..][..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let storage = std::mem::take(&mut self.storage);
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.push(storage);
        if pool.len() > KEPT {
            let oldest = pool.remove(0);
            drop(pool);
            drop(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_and_of_the_length_asked_for() {
        for length in [0, 1, 15, 16, 1000, 100_000] {
            let mut buffer = Buffer::take(length);
            assert_eq!(buffer.len(), length);
            assert!(length == 0 || (buffer.as_ptr() as usize).is_multiple_of(ALIGNMENT));
            buffer.fill(1.0);
        }
    }
}
