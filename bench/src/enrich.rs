//! `enrich`: what it costs ingest to find out what a click does not say by itself.
//!
//! The clicks are made here; they are seen in a program of its own (`enrich/alone.rs`), beside woothee alone and
//! maxminddb alone, slice by slice in turn.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use whence_core::click::Click;
use whence_core::id::ClickIdKey;
use whence_core::wire;

use crate::binary;
use crate::outcome::{PROFILE, warn_of_debug_build};
use crate::traffic::{self, Traffic};

/// When the last of the clicks is: any time will do.
const NOW_MS: u64 = 1_795_284_000_000;

/// CPU time and allocations of enriching a click, beside the two libraries it asks.
///
/// One thread, real agents and roads as often as they come, all of them met before: the steady state.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    traffic: traffic::Shape,
    /// Clicks in a round
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    clicks: u32,
    /// Rounds that count, after two to warm up
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
}

/// Runs the bench.
pub(crate) fn run(options: &Options) -> Result<()> {
    warn_of_debug_build();
    let program = binary::beside("whence-bench-enrich", "whence-bench")?;
    let file = tempfile::NamedTempFile::new().context("a temporary file")?;
    write(options, file.as_file())?;
    let child = Command::new(&program)
        .arg(file.path())
        .arg(options.rounds.to_string())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| program.display().to_string())?;
    ensure!(child.status.success(), "it ended with {}", child.status);
    let mut figures: Value = serde_json::from_slice(&child.stdout).context("its figures")?;
    figures["profile"] = PROFILE.into();
    crate::outcome::print(&figures);
    Ok(())
}

/// Writes the clicks of a round, each behind its length.
fn write(options: &Options, file: &File) -> Result<()> {
    let mut traffic = Traffic::new(&options.traffic, &ClickIdKey::new([7; 16]), NOW_MS)?;
    let mut file = BufWriter::new(file);
    let mut buffer = Vec::new();
    for _ in 0..options.clicks {
        buffer.clear();
        wire::encode::<Click<'_>>(&traffic.next(), &mut buffer);
        file.write_all(&(buffer.len() as u32).to_le_bytes())?;
        file.write_all(&buffer)?;
    }
    file.flush().context("a temporary file")
}
