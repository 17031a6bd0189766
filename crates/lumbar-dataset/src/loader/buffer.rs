//! Memory of batches that goes back to the loader when a batch is dropped.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The pixels of a batch: a slice that owns its memory. Dropped, the memory goes back to its loader, so that an epoch
/// works in the same few buffers; [`into_vec`](PixelBuffer::into_vec) keeps it instead.
pub struct PixelBuffer<T> {
    values: Vec<T>,
    pool: Weak<Pool<T>>,
}

/// Buffers waiting for their next batch.
pub(super) struct Pool<T> {
    waiting: Mutex<Vec<Vec<T>>>,
    most: usize,
}

impl<T: Copy + Default> Pool<T> {
    /// Keeps at most `most` buffers that nobody uses.
    pub fn new(most: usize) -> Arc<Pool<T>> {
        Arc::new(Pool {
            waiting: Mutex::default(),
            most,
        })
    }

    /// A buffer of `n` values, whatever they are.
    pub fn take(self: &Arc<Self>, n: usize) -> PixelBuffer<T> {
        let mut values = self.waiting().pop().unwrap_or_default();
        values.resize(n, T::default());
        PixelBuffer {
            values,
            pool: Arc::downgrade(self),
        }
    }
}

impl<T> Pool<T> {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Vec<T>>> {
        // Nothing panics while holding it, and any list of buffers is a valid one.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> PixelBuffer<T> {
    /// The memory, for good: the loader will allocate another.
    pub fn into_vec(mut self) -> Vec<T> {
        self.pool = Weak::new();
        std::mem::take(&mut self.values)
    }
}

impl<T> Drop for PixelBuffer<T> {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            let mut waiting = pool.waiting();
            if waiting.len() < pool.most {
                waiting.push(std::mem::take(&mut self.values));
            }
        }
    }
}

impl<T> Deref for PixelBuffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T> DerefMut for PixelBuffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

impl<'a, T> IntoIterator for &'a PixelBuffer<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

impl<T: Clone> Clone for PixelBuffer<T> {
    fn clone(&self) -> Self {
        PixelBuffer {
            values: self.values.clone(),
            pool: self.pool.clone(),
        }
    }
}

impl<T: PartialEq> PartialEq for PixelBuffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl<T> std::fmt::Debug for PixelBuffer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PixelBuffer({} values)", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_unless_it_is_kept() {
        let pool = Pool::<u8>::new(1);
        let mut a = pool.take(4);
        a.copy_from_slice(&[1, 2, 3, 4]);
        let place = a.as_ptr();
        drop(a);
        let b = pool.take(3);
        assert_eq!((b.as_ptr(), b.len()), (place, 3));
        let kept = b.into_vec();
        assert_eq!(kept, [1, 2, 3]);
        assert!(pool.waiting().is_empty());
    }

    #[test]
    fn no_more_waits_than_allowed_and_the_loader_may_go_first() {
        let pool = Pool::<f32>::new(1);
        let (a, b) = (pool.take(2), pool.take(2));
        drop((a, b));
        assert_eq!(pool.waiting().len(), 1);
        let last = pool.take(2);
        drop(pool);
        assert_eq!(*last, [0.0, 0.0]);
    }
}
