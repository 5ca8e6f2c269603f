//! `redirect`: what one redirect costs in CPU time.
//!
//! The real `whence-redirector`, with everything on that a click meets (near cache, limits, cookies, click id,
//! journal, metrics; only ingest is missing, so that shipping is in the figure up to the seal), and a bare hyper
//! server that answers every request with the very same header lines. Both have the same number of threads and
//! stand side by side; the same load goes to one and the other in turn. What is compared is the CPU time that
//! each process used, background threads and kernel included, divided by the answers it gave: other work on the
//! machine disturbs a rate much more than that.

pub(crate) mod bare;
mod edge;
mod load;
mod requests;
mod round;

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::median::{median, rounded};
use crate::outcome;
use bare::Bare;
use edge::Edge;
use load::Load;
use requests::Requests;
use round::Round;

/// What one redirect costs, in CPU time, next to a bare hyper server that says the same.
///
/// Starts the whence-redirector that lies beside this binary, with links of its own in a temporary directory,
/// and a bare hyper server; asks both in turn over keep-alive connections, as browsers do.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long each round asks each server, in seconds
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// How many rounds, after one to warm up; many short ones level out what else the machine does
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Keep-alive connections, each from an address of its own
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// How many links there are; they are asked for as in life, the n-th most popular 1/n as often
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    links: u32,
    /// Threads of each server; 0 means one for each core
    #[arg(long, default_value_t = 0)]
    threads: u8,
    /// Where links and journal are kept meanwhile; by default the system's directory for temporary files
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
struct Outcome {
    /// Median over the rounds of the two below, divided round by round.
    cpu_ratio_vs_hyper: f64,
    cpu_us_whence: f64,
    cpu_us_hyper: f64,
    /// How much of it was in the server's own code; the rest was in the kernel.
    cpu_us_whence_user: f64,
    cpu_us_hyper_user: f64,
    rps_whence: f64,
    rps_hyper: f64,
    /// The ratio of each round.
    ratios: Vec<f64>,
    /// Answers of the redirector, all rounds.
    requests: u64,
    /// Answers other than 302 and broken connections, of both servers.
    errors: u64,
    /// Clicks that the journal had no room for.
    events_dropped: u64,
    links: u32,
    connections: u16,
    threads: u8,
    profile: &'static str,
}

/// Runs the bench.
pub(crate) fn run(options: &Options) -> Result<()> {
    outcome::warn_of_debug_build();
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(255) as u8),
        count => count,
    };
    tokio::runtime::Runtime::new()?.block_on(measure(options, threads))
}

async fn measure(options: &Options, threads: u8) -> Result<()> {
    let dir = match &options.dir {
        Some(dir) => {
            tempfile::tempdir_in(dir).with_context(|| format!("--dir {}", dir.display()))?
        }
        None => tempfile::tempdir().context("a temporary directory")?,
    };
    eprintln!("making {} links", options.links);
    let slugs = edge::make_links(dir.path(), options.links).await?;
    let requests = Arc::new(Requests::new(&slugs));

    let edge = Edge::start(dir.path(), threads).await?;
    let answer = edge.answer(&requests).await?;
    let bare = Bare::start(&answer, threads).await?;
    let mut rounds = Vec::new();
    let mut errors = 0;
    // One was answered already, to see what the bare server has to say.
    let mut answers = 1;
    let load = Load {
        connections: options.connections,
        threads,
        seconds: options.seconds,
    };
    // Round 0 fills the near cache and warms up both.
    for number in 0..=options.rounds {
        let round = Round {
            whence: load.ask(&edge.target(), &requests)?,
            hyper: load.ask(&bare.target(), &requests)?,
        };
        answers += round.whence.answers_in_all;
        errors += round.errors();
        eprintln!("round {number}: {round}");
        if number > 0 {
            rounds.push(round);
        }
    }
    let counts = edge.counts().await?;
    edge.stop()?;
    let middle = |pick: fn(&Round) -> f64| rounded(median(rounds.iter().map(pick)), 3);
    outcome::print(&Outcome {
        cpu_ratio_vs_hyper: middle(Round::ratio),
        cpu_us_whence: middle(|round| round.whence.cpu_us()),
        cpu_us_hyper: middle(|round| round.hyper.cpu_us()),
        cpu_us_whence_user: middle(|round| round.whence.user_us()),
        cpu_us_hyper_user: middle(|round| round.hyper.user_us()),
        rps_whence: middle(|round| round.whence.rate()).round(),
        rps_hyper: middle(|round| round.hyper.rate()).round(),
        ratios: rounds
            .iter()
            .map(|round| rounded(round.ratio(), 3))
            .collect(),
        requests: answers,
        errors,
        events_dropped: counts.dropped,
        links: options.links,
        connections: options.connections,
        threads,
        profile: outcome::PROFILE,
    });
    ensure!(
        counts.redirected == answers,
        "{answers} redirects were answered and {} counted",
        counts.redirected
    );
    ensure!(errors == 0, "{errors} requests were not answered with 302");
    ensure!(
        counts.dropped == 0,
        "{} clicks found no room in the journal",
        counts.dropped
    );
    Ok(())
}
