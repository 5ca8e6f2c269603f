//! What no journal can save: copying the bytes, and their checksum.

use std::hint::black_box;

use super::appends::thread_cpu;

/// As large as a segment, so that copies leave the CPU's caches as appends do.
const BUFFER: usize = 64 << 20;

/// Memory to copy to.
pub(super) struct Copies {
    buffer: Vec<u8>,
}

impl Copies {
    /// Takes the memory and touches every page of it.
    pub(super) fn new() -> Self {
        // Zeroes would be mapped only when they are written.
        Self {
            buffer: vec![1; BUFFER],
        }
    }

    /// Nanoseconds of CPU time for one copy with checksum, on average.
    pub(super) fn measure(&mut self, payload: &[u8], records: u64) -> f64 {
        let mut at = 0;
        let start = thread_cpu();
        for seed in 0..records {
            if at + payload.len() > self.buffer.len() {
                at = 0;
            }
            let payload = black_box(payload);
            let place = &mut self.buffer[at..at + payload.len()];
            place.copy_from_slice(payload);
            black_box(crc32c::crc32c_append(seed as u32, payload));
            at += payload.len();
        }
        black_box(&self.buffer);
        thread_cpu().saturating_sub(start).as_nanos() as f64 / records as f64
    }
}
