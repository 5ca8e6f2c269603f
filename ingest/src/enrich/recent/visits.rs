//! Whether somebody was there before, within a window: the first and the last click of a key in each span as long as the
//! window. Exact in whatever order clicks arrive, since of the span itself only the first matters, and of the one before
//! only the last.

use super::table::{Table, span};

/// The first and the last click of a span, by where in it they lie.
#[derive(Clone, Copy)]
struct Ends {
    first: (u32, u32),
    last: u32,
}

impl Default for Ends {
    /// Of no clicks.
    fn default() -> Self {
        Self {
            first: (u32::MAX, u32::MAX),
            last: 0,
        }
    }
}

/// Clicks by key.
pub(super) struct Visits {
    table: Table<Ends, 3, 1>,
    window_ms: u64,
}

impl Visits {
    /// At most `bytes`, for a window that is shorter than a month.
    pub(super) fn new(bytes: usize, window_ms: u64) -> Self {
        Self {
            table: Table::new(bytes),
            window_ms,
        }
    }

    /// Remembers the click `id`.
    pub(super) fn note(&mut self, key: u64, at: u64, id: u32) {
        let (span, within) = span(at, self.window_ms);
        if let Some(ends) = self.table.place(key, span) {
            ends.first = ends.first.min((within, id));
            ends.last = ends.last.max(within);
        }
    }

    /// Whether another click was less than the window before the click `id`. Of two in the same millisecond, the one with
    /// the greater id is the repeat.
    pub(super) fn is_repeat(&self, key: u64, at: u64, id: u32) -> bool {
        let (span, within) = span(at, self.window_ms);
        let in_it = self.table.get(key, span);
        let before = span.checked_sub(1).and_then(|b| self.table.get(key, b));
        in_it.is_some_and(|ends| ends.first < (within, id))
            || before.is_some_and(|ends| ends.last > within)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}
