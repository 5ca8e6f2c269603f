//! `ingest`: what becomes of a click behind the redirector: how many of them a core can store, what each takes on disk,
//! and how soon it can be seen.
//!
//! The real `whence-ingest` and the real engine, each in a process of its own. Clicks are made up, appended to journal
//! lanes, sealed, and posted as a redirector posts them. Beside it, round after round, the very same rows go into the
//! same engine ready made: what is reached of that is the figure.

mod blocks;
mod installation;
mod race;
mod size;
mod visible;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::Serialize;
use whence_core::id::ClickIdKey;

use crate::outcome::warn_of_debug_build;
use crate::traffic::{self, Traffic};
use installation::{Installation, KEY};
use race::{Effort, Race};
use size::Size;
use visible::Visible;

/// Rows a second beside a bare insert, bytes a click, and how soon a click is visible.
///
/// Starts the whence-ingest, whence and whence-redirector that lie beside this binary, with a database of their own.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    traffic: traffic::Shape,
    /// Rounds that count, after one to warm up
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Clicks in each
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..=2_000_000))]
    clicks: u32,
    /// Blocks on their way at a time, as many as a redirector has threads
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    lanes: u8,
    /// How long it is measured how soon clicks are visible, in seconds; 0 leaves it out
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    visible_seconds: u32,
    /// Clicks a second meanwhile
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Where everything is kept meanwhile; by default the system's directory for temporary files
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// What the last line says.
#[derive(Serialize)]
struct Outcome {
    ratio_vs_bare: f64,
    bytes_per_click: f64,
    visible_p99_s: Option<f64>,
    profile: &'static str,
    links: usize,
    race: Race,
    size: Size,
    visible: Option<Visible>,
}

/// Runs the bench.
pub(crate) fn run(options: &Options) -> Result<()> {
    warn_of_debug_build();
    let outcome = tokio::runtime::Runtime::new()?.block_on(measure(options))?;
    crate::outcome::print(&outcome);
    Ok(())
}

async fn measure(options: &Options) -> Result<Outcome> {
    let temporary = match &options.dir {
        Some(dir) => {
            tempfile::tempdir_in(dir).with_context(|| format!("--dir {}", dir.display()))?
        }
        None => tempfile::tempdir().context("a temporary directory")?,
    };
    let dir = temporary.path();
    let key = ClickIdKey::new(u128::from_str_radix(KEY, 16)?.to_be_bytes());
    // From now on: what is older than a minute, ingest looks for before it inserts it.
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let mut traffic = Traffic::new(&options.traffic, &key, now_ms)?;
    let links = traffic.links(&options.traffic);

    let installation = Installation::start(dir).await?;
    let effort = Effort {
        rounds: options.rounds,
        clicks: options.clicks,
        lanes: options.lanes,
    };
    let race = race::run(&installation, &mut traffic, effort, dir).await?;
    eprintln!("merging, and measuring what it takes on disk");
    let size = size::measure(&installation.engine, race.rows).await?;
    let visible = match options.visible_seconds {
        0 => None,
        seconds => {
            eprintln!("measuring how soon clicks are visible");
            let time = Duration::from_secs(seconds.into());
            Some(visible::measure(&installation, dir, options.rate, time).await?)
        }
    };
    installation.stop()?;
    Ok(Outcome {
        ratio_vs_bare: race.ratio_vs_bare,
        bytes_per_click: size.bytes_per_click,
        visible_p99_s: visible.as_ref().map(|visible| visible.p99_s),
        profile: crate::outcome::PROFILE,
        links,
        race,
        size,
        visible,
    })
}
