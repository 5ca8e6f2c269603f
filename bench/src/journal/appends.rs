//! Appends to one lane at a pace. What is made of the times, is the caller's business.

use std::hint::spin_loop;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use whence_core::journal::{self, LaneOptions, LaneReader, LaneWriter};

/// Appends between two looks at the clocks: long enough that looking does not count, short enough that the
/// lane's background thread sees a flow and not one flood.
const BURST: u64 = 1_000;

/// More than a frame adds to its payload, in bytes.
const FRAME: u64 = 64;

/// Appends to a lane and ends.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many records
    #[arg(long)]
    records: u64,
    /// Size of each
    #[arg(long)]
    bytes: u32,
    /// Records a second, at most
    #[arg(long)]
    rate: u32,
    /// The lane's directory
    #[arg(long)]
    lane: PathBuf,
}

/// What one append cost on average.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// On the thread's CPU clock.
    pub(crate) cpu_ns: f64,
    /// On the wall clock.
    pub(crate) wall_ns: f64,
}

/// An open lane.
pub(crate) struct Appender {
    writer: LaneWriter,
    /// Keeps the lane as it is in a service: with both ends open.
    _reader: LaneReader,
}

impl Appender {
    /// Makes a lane with room for all records.
    pub(crate) fn open(lane: &Path, records: u64, bytes: u32) -> Result<Self> {
        let mut options = LaneOptions::default();
        let wanted = records * (u64::from(bytes) + FRAME) + 2 * options.segment_bytes;
        options.max_bytes = options.max_bytes.max(wanted);
        let (writer, reader) = journal::open(lane, options).context("the lane")?;
        Ok(Self {
            writer,
            _reader: reader,
        })
    }

    /// Appends `payload` as often as `records` says, in timed bursts.
    pub(crate) fn append(&mut self, payload: &[u8], records: u64, rate: u32) -> Result<Cost> {
        let (mut cpu, mut wall) = (Duration::ZERO, Duration::ZERO);
        paced(records, rate, |count| {
            let (cpu_before, before) = (thread_cpu(), Instant::now());
            self.burst(payload, count)?;
            wall += before.elapsed();
            cpu += thread_cpu().saturating_sub(cpu_before);
            Ok(())
        })?;
        Ok(Cost {
            cpu_ns: cpu.as_nanos() as f64 / records as f64,
            wall_ns: wall.as_nanos() as f64 / records as f64,
        })
    }

    fn burst(&mut self, payload: &[u8], records: u64) -> Result<()> {
        for _ in 0..records {
            self.writer.append(payload).context("an append")?;
        }
        Ok(())
    }
}

/// Bytes that do not compress or repeat, the same in every run.
pub(crate) fn payload(bytes: u32) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    (0..bytes).map(|_| random.u8(..)).collect()
}

/// Appends at a pace and does nothing else, so that whoever watches sees only that.
pub(crate) fn run(options: &Options) -> Result<()> {
    let payload = payload(options.bytes);
    let mut appender = Appender::open(&options.lane, options.records, options.bytes)?;
    paced(options.records, options.rate, |count| {
        appender.burst(&payload, count)
    })
}

/// Calls `burst` with how many to append now, until all are, no faster than `rate` a second.
fn paced(records: u64, rate: u32, mut burst: impl FnMut(u64) -> Result<()>) -> Result<()> {
    let start = Instant::now();
    let mut done = 0;
    while done < records {
        let count = BURST.min(records - done);
        burst(count)?;
        done += count;
        let due = start + Duration::from_secs_f64(done as f64 / f64::from(rate));
        // Sleeping would be a system call, and would let the caches cool.
        while Instant::now() < due {
            spin_loop();
        }
    }
    Ok(())
}

/// The CPU time that this thread has used.
pub(super) fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
