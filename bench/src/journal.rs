//! `journal`: what one append costs.
//!
//! Time is that of the appending thread's own CPU clock, over bursts of appends at a pace that the lane's
//! background thread can follow, as clicks come; pages that it was too late to prepare, and changes of
//! segment, are in the figure. Beside it stands what cannot be saved: copying the same bytes to memory that is
//! there already, and their checksum. System calls are counted in a child of its own, by [`syscalls`].

pub(crate) mod appends;
mod baseline;
mod syscalls;

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::median::{median, rounded};
use crate::outcome;
use appends::{Appender, Cost};

/// What one append to the journal costs, in nanoseconds and system calls.
///
/// Opens real journal lanes in a temporary directory, appends to them at a steady pace, and takes the median
/// of several rounds. System calls are counted by strace, where it is installed and allowed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many records each round appends
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    records: u64,
    /// Size of each record's payload; a click is 200 to 400 bytes
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    bytes: u32,
    /// How many rounds are measured, after one to warm up
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Records a second, at most: what one thread of a very busy redirector would append
    #[arg(long, default_value_t = 250_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    rate: u32,
    /// Where the lanes are made and removed again; by default the system's directory for temporary files
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Outcome {
    /// CPU time of one append, median of rounds.
    append_ns: f64,
    /// The same on the wall clock.
    append_wall_ns: f64,
    /// CPU time of copying and checksumming the same bytes, median of rounds.
    copy_and_crc_ns: f64,
    /// None where nothing could count them.
    syscalls_per_append: Option<f64>,
    /// Why they are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    syscalls_unknown: Option<String>,
    records: u64,
    bytes: u32,
    rounds: u32,
    profile: &'static str,
}

/// Runs the bench.
pub(crate) fn run(options: &Options) -> Result<()> {
    outcome::warn_of_debug_build();
    let dir = match &options.dir {
        Some(dir) => {
            tempfile::tempdir_in(dir).with_context(|| format!("--dir {}", dir.display()))?
        }
        None => tempfile::tempdir().context("a temporary directory")?,
    };
    let payload = appends::payload(options.bytes);
    let mut baseline = baseline::Copies::new();
    let (mut appended, mut copied) = (Vec::<Cost>::new(), Vec::new());
    // Round 0 warms up: first faults, first files, clock speed.
    for round in 0..=options.rounds {
        let lane = dir.path().join(format!("round-{round}"));
        let mut appender = Appender::open(&lane, options.records, options.bytes)?;
        let cost = appender.append(&payload, options.records, options.rate)?;
        drop(appender);
        std::fs::remove_dir_all(&lane).with_context(|| lane.display().to_string())?;
        let copy = baseline.measure(&payload, options.records);
        eprintln!(
            "round {round}: append {:.1} ns ({:.1} ns on the wall), copy and checksum {copy:.1} ns",
            cost.cpu_ns, cost.wall_ns
        );
        if round > 0 {
            appended.push(cost);
            copied.push(copy);
        }
    }
    let counted = syscalls::per_append(dir.path(), options.bytes, options.rate);
    match &counted {
        Ok(count) => eprintln!("system calls: {count} an append"),
        Err(reason) => eprintln!("system calls: not counted: {reason}"),
    }
    outcome::print(&Outcome {
        append_ns: rounded(median(appended.iter().map(|cost| cost.cpu_ns)), 1),
        append_wall_ns: rounded(median(appended.iter().map(|cost| cost.wall_ns)), 1),
        copy_and_crc_ns: rounded(median(copied), 1),
        syscalls_per_append: counted.as_ref().ok().map(|&count| rounded(count, 7)),
        syscalls_unknown: counted.err(),
        records: options.records,
        bytes: options.bytes,
        rounds: options.rounds,
        profile: outcome::PROFILE,
    });
    Ok(())
}
