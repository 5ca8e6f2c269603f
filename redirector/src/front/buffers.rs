//! The buffers that a thread reads into and writes from, lent to connections only while these hold
//! something: a connection that idles has none, and the next one finds one that is warm.

use std::cell::RefCell;

/// A head of a browser has about 1 KiB; a few may come at once.
pub(crate) const SIZE: usize = 8 * 1024;
/// Buffers that are kept: more than are ever lent at once, unless many clients are slow.
const KEPT: usize = 64;

/// The buffers of one thread.
#[derive(Default)]
pub(crate) struct Buffers {
    inputs: RefCell<Vec<Vec<u8>>>,
    outputs: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// A buffer to read into: [`SIZE`] bytes of whatever it held before.
    pub(crate) fn input(&self) -> Vec<u8> {
        let kept = self.inputs.borrow_mut().pop();
        kept.unwrap_or_else(|| vec![0; SIZE])
    }

    /// Takes an input back.
    pub(crate) fn give_input(&self, buffer: Vec<u8>) {
        let mut inputs = self.inputs.borrow_mut();
        if buffer.len() == SIZE && inputs.len() < KEPT {
            inputs.push(buffer);
        }
    }

    /// An empty buffer to write into.
    pub(crate) fn output(&self) -> Vec<u8> {
        let kept = self.outputs.borrow_mut().pop();
        kept.unwrap_or_else(|| Vec::with_capacity(SIZE))
    }

    /// Takes an output back.
    pub(crate) fn give_output(&self, mut buffer: Vec<u8>) {
        let mut outputs = self.outputs.borrow_mut();
        // What a large page has stretched is not kept.
        if buffer.capacity() <= 4 * SIZE && outputs.len() < KEPT {
            buffer.clear();
            outputs.push(buffer);
        }
    }
}
