//! What may be chosen about a lane, and what is refused before a file is touched.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{error::OpenError, frame, segment};

/// Segments are mapped and synced by the page; this is the largest page in common use where Whence runs.
const PAGE: u64 = 4096;

/// Offsets inside a segment are stored in 32 bits; a larger segment would gain nothing.
const LARGEST_SEGMENT: u64 = 1 << 30;

/// The largest payload that any lane may be configured to take. It bounds what a damaged length can make
/// recovery read, and what ingest accepts in one record.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// When an append counts as safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// At once: the record survives the death of the process, and power loss from the next periodic sync on.
    #[default]
    Process,
    /// When a group sync has covered it: the record survives power loss.
    Power,
}

/// The settings of one lane. They may change from one start to the next: what is on disk keeps its own sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneOptions {
    /// Size of each new segment file: a multiple of 4096, at most 1 GiB.
    pub segment_bytes: u64,
    /// Cap of all segments of the lane on disk, at least two segments: one to write and one reserved ahead.
    pub max_bytes: u64,
    /// The largest payload of one record; larger ones are refused alone.
    pub max_record_bytes: usize,
    /// When an append counts as safe.
    pub durability: Durability,
    /// How often the background thread syncs to disk.
    pub sync_interval: Duration,
}

impl Default for LaneOptions {
    fn default() -> Self {
        Self {
            // Two seconds of 100,000 clicks a second: rare roll-overs, and space comes back in small steps.
            segment_bytes: 64 << 20,
            // About 13 million clicks a lane while ingest is away.
            max_bytes: 4 << 30,
            // A click with the longest URL and headers that the redirector accepts is well below it.
            max_record_bytes: 64 << 10,
            durability: Durability::Process,
            sync_interval: Duration::from_millis(200),
        }
    }
}

impl LaneOptions {
    /// Refuses what makes no sense, naming the field.
    pub fn check(&self) -> Result<(), OpenError> {
        let refuse = |field, problem| Err(OpenError::Options { field, problem });
        if self.segment_bytes == 0 || !self.segment_bytes.is_multiple_of(PAGE) {
            return refuse("segment_bytes", "must be a multiple of 4096");
        }
        if self.segment_bytes > LARGEST_SEGMENT {
            return refuse("segment_bytes", "must be at most 1 GiB");
        }
        if self.max_bytes / 2 < self.segment_bytes {
            return refuse("max_bytes", "must hold at least two segments");
        }
        if self.max_record_bytes == 0 || self.max_record_bytes > MAX_RECORD_BYTES {
            return refuse("max_record_bytes", "must be between 1 byte and 1 MiB");
        }
        if (segment::HEADER + frame::size(self.max_record_bytes)) as u64 > self.segment_bytes {
            return refuse("max_record_bytes", "must fit into one segment");
        }
        if self.sync_interval.is_zero() || self.sync_interval > Duration::from_secs(60) {
            return refuse("sync_interval", "must be above zero and at most 60 s");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_accepted() {
        LaneOptions::default().check().unwrap();
    }

    #[test]
    fn each_senseless_setting_is_refused_by_name() {
        let good = LaneOptions::default();
        let cases = [
            (
                "segment_bytes",
                LaneOptions {
                    segment_bytes: 5000,
                    ..good.clone()
                },
            ),
            (
                "segment_bytes",
                LaneOptions {
                    segment_bytes: 0,
                    ..good.clone()
                },
            ),
            (
                "segment_bytes",
                LaneOptions {
                    segment_bytes: 2 << 30,
                    max_bytes: 8 << 30,
                    ..good.clone()
                },
            ),
            (
                "max_bytes",
                LaneOptions {
                    max_bytes: (128 << 20) - 1,
                    ..good.clone()
                },
            ),
            (
                "max_record_bytes",
                LaneOptions {
                    max_record_bytes: 0,
                    ..good.clone()
                },
            ),
            (
                "max_record_bytes",
                LaneOptions {
                    max_record_bytes: MAX_RECORD_BYTES + 1,
                    ..good.clone()
                },
            ),
            (
                "max_record_bytes",
                LaneOptions {
                    segment_bytes: 4096,
                    max_record_bytes: 4090,
                    ..good.clone()
                },
            ),
            (
                "sync_interval",
                LaneOptions {
                    sync_interval: Duration::ZERO,
                    ..good.clone()
                },
            ),
        ];
        for (name, options) in cases {
            let Err(OpenError::Options { field, .. }) = options.check() else {
                panic!("{name} was accepted: {options:?}");
            };
            assert_eq!(field, name);
        }
    }
}
