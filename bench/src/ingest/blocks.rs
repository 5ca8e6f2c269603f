//! Blocks as redirectors send them: clicks appended to real journal lanes, and sealed there.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use whence_core::click::Click;
use whence_core::journal::{self, Block, LaneOptions, LaneReader, LaneWriter};
use whence_core::wire;

use crate::traffic::Traffic;

/// The largest block, as a shipper seals it.
const BLOCK_BYTES: usize = 8 << 20;
/// The most records in one, too.
const BLOCK_RECORDS: u32 = 50_000;

/// The lanes of a redirector.
pub(super) struct Lanes {
    lanes: Vec<(LaneWriter, LaneReader)>,
    buffer: Vec<u8>,
}

impl Lanes {
    /// Opens so many in `dir`.
    pub(super) fn open(dir: &Path, count: u8) -> Result<Self> {
        let lanes = (0..count)
            .map(|number| {
                let lane = dir.join(format!("lane-{number}"));
                journal::open(&lane, LaneOptions::default()).context("a lane")
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            lanes,
            buffer: Vec::new(),
        })
    }

    /// Deals the next clicks out to the lanes, and seals them: the blocks of each lane.
    pub(super) fn seal(&mut self, traffic: &mut Traffic, clicks: u32) -> Result<Vec<Vec<Block>>> {
        let lanes = self.lanes.len();
        for number in 0..clicks as usize {
            let click = traffic.next();
            self.buffer.clear();
            wire::encode::<Click<'_>>(&click, &mut self.buffer);
            self.lanes[number % lanes].0.append(&self.buffer)?;
        }
        let mut sealed = Vec::new();
        for (_, reader) in &mut self.lanes {
            let mut blocks = Vec::new();
            while let Some(block) = reader.next_block(BLOCK_BYTES, BLOCK_RECORDS)? {
                // What was sealed is on its way; the lane may forget it.
                reader.ack(block.id())?;
                blocks.push(block);
            }
            sealed.push(blocks);
        }
        let count: u32 = sealed.iter().flatten().map(Block::count).sum();
        ensure!(
            count == clicks,
            "the lanes gave {count} of {clicks} clicks back"
        );
        Ok(sealed)
    }
}
