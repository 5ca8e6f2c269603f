//! `redirect`: what one redirect costs, and how long visitors wait for it.
//!
//! The real `whence-redirector`, with everything on that a click meets (near cache, limits, cookies, click id,
//! journal, metrics; only ingest is missing, so that shipping is in the figure up to the seal), next to two measures:
//! a bare hyper server that answers every request with the very same header lines, and nginx with `return 302`, its
//! access log and an answer of the same length. All have the same number of threads and stand side by side, on one half
//! of the cores; from the other half the same load goes to one after the other, again and again, and what is compared is
//! what was seen next to each other.
//!
//! CPU time is that of the whole process, background threads and kernel included, divided by its answers: other
//! work on the machine disturbs a rate much more than that. Latency is measured at one fixed rate for all.

pub(crate) mod bare;
mod cell;
mod certificate;
mod instructions;
mod memory;
mod nginx;
mod outcome;
mod size;
mod slices;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::cores::Cores;
use crate::load::{Crowd, Way};
use crate::outcome::warn_of_debug_build;
use crate::redis::Redis;
use crate::{callgrind, edits};
use cell::Effort;
use certificate::Certificate;
use nginx::Nginx;
use outcome::Outcome;
use size::{Plan, Store};

/// What one redirect costs next to bare hyper and nginx: CPU time, throughput, latency, memory.
///
/// Starts the whence-redirector that lies beside this binary, with links of its own in a temporary directory, a bare
/// hyper server, and nginx where it is installed; asks all in turn, as browsers do.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How the browsers connect
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Way::KeepAlive, Way::NewConnection, Way::Tls])]
    ways: Vec<Way>,
    /// How many links there are; they are asked for as in life, the n-th most popular 1/n as often
    #[arg(
        long,
        value_delimiter = ',',
        default_values_t = [1_000, 1_000_000],
        value_parser = clap::value_parser!(u32).range(1..=10_000_000)
    )]
    links: Vec<u32>,
    /// Where the links are kept
    #[arg(long, value_enum, default_value_t = Store::File)]
    store: Store,
    /// Rounds of asking as fast as the servers answer, after one to warm up; many short ones level out what else the
    /// machine does
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// How long each of them asks each server, in seconds
    #[arg(long, default_value = "0.7", value_parser = seconds)]
    seconds: Duration,
    /// Rounds of asking at a fixed rate, half of what bare hyper answers at most
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    steady_rounds: u32,
    /// How long each of them asks each server, in seconds
    #[arg(long, default_value = "1", value_parser = seconds)]
    steady_seconds: Duration,
    /// Browsers, each from an address of its own and with one connection at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Threads of each server and of the load; 0 means one for each of the cores that they have, half of all
    #[arg(long, default_value_t = 0)]
    threads: u8,
    /// Cached links for the measure of what each takes in memory; 0 leaves it out
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    memory_links: u32,
    /// Edits whose visibility is measured; 0 leaves it out
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    edits: u32,
    /// Also counts the instructions of a redirect, outside the kernel, with valgrind
    #[arg(long)]
    callgrind: bool,
    /// Everything small, within a minute: whether it works, not what it costs
    #[arg(long, conflicts_with_all = ["links", "rounds", "seconds", "steady_rounds", "steady_seconds", "memory_links", "edits"])]
    quick: bool,
    /// Where links, logs and journals are kept meanwhile; by default the system's directory for temporary files
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Options {
    /// The same options with less of everything.
    fn made_quick(mut self) -> Self {
        self.links = vec![1_000];
        self.rounds = 1;
        self.seconds = Duration::from_millis(300);
        self.steady_rounds = 1;
        self.steady_seconds = Duration::from_millis(500);
        self.memory_links = 10_000;
        self.edits = 20;
        self
    }

    fn threads(&self, servers: Cores) -> u8 {
        match self.threads {
            0 => servers.count().min(255) as u8,
            count => count,
        }
    }
}

/// Runs the bench.
pub(crate) fn run(options: Options) -> Result<()> {
    warn_of_debug_build();
    let options = if options.quick {
        options.made_quick()
    } else {
        options
    };
    tokio::runtime::Runtime::new()?.block_on(measure(&options))
}

async fn measure(options: &Options) -> Result<()> {
    let temporary = match &options.dir {
        Some(dir) => {
            tempfile::tempdir_in(dir).with_context(|| format!("--dir {}", dir.display()))?
        }
        None => tempfile::tempdir().context("a temporary directory")?,
    };
    let dir = temporary.path();
    let (servers, load) = Cores::all()?.halves();
    let threads = options.threads(servers);
    let with_nginx = Nginx::is_installed();
    if !with_nginx {
        eprintln!("nginx is not installed: nothing is compared with it");
    }
    let with_redis = Redis::is_installed();
    if !with_redis {
        eprintln!("redis-server is not installed: memory and edits are not measured");
    }
    ensure!(
        !options.callgrind || callgrind::is_installed(),
        "--callgrind: valgrind is not installed"
    );
    let plan = Plan {
        effort: Effort {
            crowd: Crowd {
                browsers: options.connections,
                threads,
                cores: Some(load),
            },
            rounds: options.rounds,
            time: options.seconds,
            steady_rounds: options.steady_rounds,
            steady_time: options.steady_seconds,
        },
        ways: options.ways.clone(),
        store: options.store,
        threads,
        servers,
        certificate: Certificate::make(&dir.join("certificate"))?,
        with_nginx,
    };
    let mut sizes = Vec::new();
    for &links in &options.links {
        // Its own folder, gone before the next: journals and logs of a run take gigabytes.
        let folder = tempfile::tempdir_in(dir)?;
        sizes.push(size::measure(&plan, folder.path(), links).await?);
    }
    let memory = match options.memory_links {
        many if with_redis && many > 0 => {
            eprintln!("measuring what a cached link takes");
            memory::measure(&dir.join("memory"), many).await?
        }
        _ => None,
    };
    let edits = match options.edits {
        count if with_redis && count > 0 => Some(edits::measure(count, threads, dir).await?),
        _ => None,
    };
    let instructions = match options.callgrind {
        true => Some(instructions::measure(&dir.join("instructions"), &plan.certificate).await?),
        false => None,
    };
    let outcome = Outcome::new(sizes, memory, edits, instructions, threads, options);
    crate::outcome::print(&outcome);
    outcome.check()
}

/// A time in seconds, with decimals.
fn seconds(text: &str) -> Result<Duration> {
    let seconds: f64 = text.parse()?;
    ensure!(
        (0.1..=3_600.0).contains(&seconds),
        "must be between 0.1 and 3600 seconds"
    );
    Ok(Duration::from_secs_f64(seconds))
}
