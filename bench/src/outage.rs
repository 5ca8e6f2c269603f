//! `outage`: ClickHouse goes away under load, and comes back.
//!
//! The real processes: an engine, an ingest, a redirector with its links in a file. Visitors come at a fixed rate from the
//! first moment to the last. First the engine hangs (SIGSTOP), then it is gone (SIGKILL), each for half of the outage, and
//! then it is started again. What visitors waited, what the processes held and how the backlog went is told for each
//! part of it; at the end ClickHouse must have each answered click once.

mod figures;
mod installation;
mod waits;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use crate::cores::Cores;
use crate::load::open::{self, Arrivals, UNCOUNTED, Waits};
use crate::load::requests::Requests;
use crate::load::{Aim, Crowd, END_OF_HEAD, Way};
use crate::outcome::warn_of_debug_build;
use figures::Outcome;
use installation::Installation;
use waits::{Part, Story};
use watch::Watch;

/// How many links there are.
const LINKS: u32 = 1_000;
/// Between two looks at the backlog.
const LOOK: Duration = Duration::from_millis(100);
/// Behind by less than what gathers in this time is not behind: blocks are sealed twice a second and then under way.
const NOT_BEHIND: Duration = Duration::from_secs(2);
/// What is answered last has this long to be stored.
const LAST_ONES: Duration = Duration::from_secs(60);

/// What redirects cost, and what is held, while ClickHouse is away; and how the backlog drains.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long ClickHouse is away, in minutes: half of it hung, half of it gone
    #[arg(long, default_value_t = 10.0, value_parser = minutes)]
    minutes: f64,
    /// Clicks a second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    rate: u32,
    /// From how many browsers
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    browsers: u16,
    /// Away for ten seconds only: says whether everything works, and little more
    #[arg(long)]
    quick: bool,
    /// Where everything is kept meanwhile; by default the system's directory for temporary files
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Options {
    fn away(&self) -> Duration {
        if self.quick {
            Duration::from_secs(10)
        } else {
            Duration::from_secs_f64(self.minutes * 60.0)
        }
    }

    /// How long it is watched before, and once more when everything is over.
    fn calm(&self) -> Duration {
        (self.away() / 4).clamp(Duration::from_secs(5), Duration::from_secs(60))
    }
}

/// Runs the bench.
pub(crate) fn run(options: &Options) -> Result<()> {
    warn_of_debug_build();
    let outcome = tokio::runtime::Runtime::new()?.block_on(measure(options))?;
    crate::outcome::print(&outcome);
    outcome.check()
}

async fn measure(options: &Options) -> Result<Outcome> {
    let temporary = match &options.dir {
        Some(dir) => {
            tempfile::tempdir_in(dir).with_context(|| format!("--dir {}", dir.display()))?
        }
        None => tempfile::tempdir().context("a temporary directory")?,
    };
    let (servers, load) = Cores::all()?.halves();
    servers.keep_to()?;
    let threads = servers.count().min(255) as u8;
    let mut installation = Installation::start(temporary.path(), threads, LINKS).await?;

    let crowd = Crowd {
        browsers: options.browsers,
        threads: 1,
        cores: Some(load),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let visitors = visit(crowd, &installation, options.rate, &stop);
    let watch = Watch::start(installation.sources());
    let told = tell(options, &mut installation).await;
    stop.store(true, Ordering::Relaxed);
    let waits = tokio::task::spawn_blocking(move || visitors.join())
        .await?
        .map_err(|_| anyhow!("the load panicked"))??;
    let (story, drained_records) = told?;

    eprintln!("waiting for the last clicks to be stored");
    let stored = installation
        .stored_at_last(waits.answers_in_all, LAST_ONES)
        .await?;
    let samples = watch.stop().await?;
    let dropped = installation.dropped().await?;
    installation.stop()?;
    Ok(Outcome::new(
        options.rate,
        threads,
        &story,
        drained_records,
        &waits,
        &samples,
        stored,
        dropped,
    ))
}

/// Lets the visitors come, on threads of their own, until `stop`.
fn visit(
    crowd: Crowd,
    installation: &Installation,
    rate: u32,
    stop: &Arc<AtomicBool>,
) -> std::thread::JoinHandle<Result<Waits>> {
    let aim = Arc::new(Aim {
        address: installation.redirector_address(),
        way: Way::KeepAlive,
        tls: None,
        tail: END_OF_HEAD,
    });
    let arrivals = Arrivals {
        rate: f64::from(rate),
        // The load ends with what is told, and long before this.
        time: Duration::from_secs(24 * 3_600),
        stop: Arc::clone(stop),
    };
    std::thread::spawn(move || open::ask(crowd, &aim, &Arc::new(Requests::new(LINKS)), &arrivals))
}

/// What happens, one after the other: the story, and how many clicks arrived while the backlog drained.
async fn tell(options: &Options, installation: &mut Installation) -> Result<(Story, u64)> {
    let mut story = Story::begins(Instant::now() + UNCOUNTED);
    tokio::time::sleep(UNCOUNTED).await;
    eprintln!("before: {} s", options.calm().as_secs());
    tokio::time::sleep(options.calm()).await;

    eprintln!("ClickHouse hangs: {} s", options.away().as_secs() / 2);
    installation.hang()?;
    story.goes_on_with(Part::Hung);
    tokio::time::sleep(options.away() / 2).await;

    eprintln!("ClickHouse is gone: {} s", options.away().as_secs() / 2);
    installation.kill()?;
    story.goes_on_with(Part::Gone);
    tokio::time::sleep(options.away() / 2).await;

    installation.start_engine().await?;
    story.goes_on_with(Part::Draining);
    eprintln!("ClickHouse is back");
    let before = installation.delivered().await?;
    let not_behind = u64::from(options.rate) * NOT_BEHIND.as_secs();
    // A backlog that does not go is a finding, not a reason to wait for ever.
    let patience = options.away() * 5 + LAST_ONES;
    let start = Instant::now();
    while installation.backlog().await? > not_behind {
        ensure!(
            start.elapsed() < patience,
            "the backlog has not drained within {} s",
            patience.as_secs()
        );
        tokio::time::sleep(LOOK).await;
    }
    let drained = installation.delivered().await? - before;
    story.goes_on_with(Part::After);
    eprintln!("drained; after: {} s", options.calm().as_secs());
    tokio::time::sleep(options.calm()).await;
    story.ends();
    Ok((story, drained))
}

fn minutes(text: &str) -> Result<f64> {
    let minutes: f64 = text.parse()?;
    ensure!(
        (0.1..=600.0).contains(&minutes),
        "must be between 0.1 and 600 minutes"
    );
    Ok(minutes)
}
