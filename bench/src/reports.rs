//! `reports`: how long the reports take over a hundred million clicks, beside the plain queries that one would write oneself.
//!
//! [`data`] makes the clicks inside the engine, always the same; [`asked`] asks the reports over HTTP, as anybody does, and [`plain`]
//! asks the same of the raw tables in the same engine, round after round.

mod asked;
mod data;
mod plain;
mod timing;

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;
use tempfile::TempDir;

use crate::engine::Engine;
use crate::median::rounded;
use crate::outcome::warn_of_debug_build;
use crate::up::Up;
use asked::Reports;
use data::Loaded;
use timing::{Figures, Timing};

/// The engine's password, which nobody else is told.
const PASSWORD: &str = "only for a bench";

/// How long reports take, beside the plain query in the same engine.
///
/// Starts the whence that lies beside this binary, makes clicks in its engine where there are none, and asks an overview, a funnel and
/// attributions of thirty days of one workspace.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many clicks, about
    #[arg(long, default_value_t = 100_000_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000_000))]
    clicks: u64,
    /// In how many workspaces
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    workspaces: u8,
    /// Links of each workspace
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    links: u32,
    /// Rounds that count, after one to warm up
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Rounds of the plain queries, which take longer
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    plain_rounds: u32,
    /// The data directory: used as it is where it has clicks, kept when it is done; by default a temporary one, removed
    #[arg(long)]
    data: Option<PathBuf>,
    /// Memory for clicks that were asked about, analytics.held_mib; 0 holds none
    #[arg(long, default_value_t = 256)]
    held_mib: u64,
    /// Only make the clicks
    #[arg(long)]
    load_only: bool,
}

/// What the last line says.
#[derive(Serialize)]
struct Outcome {
    rows: u64,
    overview_ms: f64,
    overview_vs_plain: f64,
    funnel3_ms: f64,
    funnel3_vs_plain: f64,
    attribution5_ms: f64,
    attribution5_vs_plain: f64,
    markov_shapley_ms: f64,
    markov_shapley_vs_plain: f64,
    profile: &'static str,
    data: Loaded,
    /// Once clicks are held in memory, as far as they fit.
    reports: Figures,
    /// While none are: as whoever asks first is answered.
    unheld: Figures,
    plain: Figures,
}

/// Runs the bench.
pub(crate) fn run(options: &Options) -> Result<()> {
    warn_of_debug_build();
    tokio::runtime::Runtime::new()?.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<()> {
    // Dropped after the process that writes there.
    let temporary: TempDir;
    let dir = match &options.data {
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| format!("--data {}", dir.display()))?;
            dir.as_path()
        }
        None => {
            temporary = tempfile::tempdir().context("a temporary directory")?;
            temporary.path()
        }
    };
    let start = async |held_mib: u64| {
        let password = format!("clickhouse.password={PASSWORD}");
        let held = format!("analytics.held_mib={held_mib}");
        Up::start(dir, &[&password, &held, "analytics.key_rate=0"]).await
    };
    let up = start(0).await?;
    let data = data::there_or_made(&Engine::with_password(up.engine, PASSWORD), options).await?;
    if options.load_only {
        up.server.stop()?;
        crate::outcome::print(&data);
        return Ok(());
    }
    let rounds = async |reports: &Reports| {
        timing::rounds(options.rounds, Figures::NAMES, async |name| {
            reports.ask(name).await
        })
        .await
    };
    let unheld = rounds(&Reports::of(&up.api, &up.key)?).await?;
    up.server.stop()?;

    let up = start(options.held_mib).await?;
    let engine = Engine::with_password(up.engine, PASSWORD);
    let reports = Reports::of(&up.api, &up.key)?;
    if options.held_mib > 0 {
        reports.until_held().await?;
    }
    let asked = rounds(&reports).await?;
    let plain = timing::rounds(options.plain_rounds, Figures::NAMES, async |name| {
        plain::ask(&engine, name).await
    })
    .await?;
    up.server.stop()?;
    let of = |timing: &Timing| rounded(timing.median_ms, 1);
    let times = |ours: f64, plain: &Timing| rounded(plain.median_ms / ours.max(0.1), 2);
    // What these two take more than the five models that are asked beside them.
    let more = (asked.markov_shapley.median_ms - asked.attribution5.median_ms).max(0.0);
    crate::outcome::print(&Outcome {
        rows: data.clicks,
        overview_ms: of(&asked.overview),
        overview_vs_plain: times(asked.overview.median_ms, &plain.overview),
        funnel3_ms: of(&asked.funnel3),
        funnel3_vs_plain: times(asked.funnel3.median_ms, &plain.funnel3),
        attribution5_ms: of(&asked.attribution5),
        attribution5_vs_plain: times(asked.attribution5.median_ms, &plain.attribution5),
        markov_shapley_ms: rounded(more, 1),
        markov_shapley_vs_plain: times(more, &plain.markov_shapley),
        profile: crate::outcome::PROFILE,
        data,
        reports: asked,
        unheld,
        plain,
    });
    Ok(())
}
