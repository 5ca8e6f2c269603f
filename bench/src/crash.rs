//! `whence-bench crash`: proves that no answered click is lost and none counted twice, whatever breaks.
//!
//! Real processes, real load, and a schedule of faults that a seed decides. The oracle stands outside: whoever
//! clicked wrote down what was answered, and that is compared with the rows in ClickHouse.

mod audit;
mod clicks;
mod clock;
mod database;
mod faults;
mod fleet;
mod flip;
mod merchants;
mod oracle;
mod parts;
mod place;
mod process;
mod proxy;
mod schedule;
mod talk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

use audit::Audited;
use clicks::Visitors;
use faults::{Done, Saboteur};
use fleet::Fleet;
use merchants::Merchants;
use oracle::Found;
use parts::Part;
use place::Place;
use schedule::Schedule;
use talk::Talk;

use crate::outcome;

/// Visitors at a time; each waits for its answer before it clicks again.
const VISITORS: usize = 8;
/// Merchants at a time.
const MERCHANTS: usize = 4;
/// Between two conversions of a merchant.
const CONVERSION_EVERY: Duration = Duration::from_millis(40);
/// Once faults have stopped, something must arrive in such a time as long as anything is missing: longer than the
/// longest pause of any shipper.
const DRAIN: Duration = Duration::from_secs(75);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// How long "for long" is in a short run.
const SHORT_AWAY: Duration = Duration::from_secs(5);

/// What ClickHouse gets, in MiB: a million clicks, and as much again while parts are merged; and in a short run.
const VOLUME: u64 = 1536;
const SHORT_VOLUME: u64 = 512;

/// Breaks everything that can be broken while clicks come in, and counts what was lost or stored twice.
///
/// Goes on until every given one of --kills and --clicks is reached, or --seconds have passed; without any of
/// them, for as long as a short run. Exits with an error, and keeps the folder with all logs, if anything is wrong.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Stop making faults after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Stop making faults after so many kills, if enough clicks were answered.
    #[arg(long)]
    kills: Option<u64>,
    /// Stop making faults after so many answered clicks, if enough was killed.
    #[arg(long)]
    clicks: Option<u64>,
    /// Which faults come, and when; the same again for the same number.
    #[arg(long)]
    seed: Option<u64>,
    /// At least 60 kills, in less than three minutes.
    #[arg(long)]
    short: bool,
    /// Clicks a second that are aimed at, while nothing is broken.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// The longest that ClickHouse stays away, in seconds.
    #[arg(long, default_value_t = 45)]
    away: u64,
    /// Only faults of these kinds, as the result names them; for finding which of them did it.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Leave the folder, with logs and data.
    #[arg(long)]
    keep: bool,
    /// Where to put everything, instead of a temporary folder.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Until when faults are made.
#[derive(Clone, Copy)]
struct End {
    at: Option<Instant>,
    kills: u64,
    clicks: u64,
}

#[derive(Serialize)]
struct Outcome {
    seed: u64,
    seconds: f64,
    drain_seconds: f64,
    #[serde(flatten)]
    found: Found,
    kills: u64,
    conversions_repeated: u64,
    conversions_contradicted: u64,
    faults: BTreeMap<&'static str, u64>,
    skipped: BTreeMap<&'static str, String>,
    audited: Audited,
    violations: Vec<String>,
    profile: &'static str,
}

/// Runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            done = crash(options) => done,
            // Processes and volumes go with what owns them.
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                bail!("interrupted")
            }
        }
    })
}

async fn crash(options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    eprintln!("seed {seed}: --seed {seed} makes the same faults again");
    let begun = Instant::now();
    let end = End {
        at: options.seconds.map(|s| begun + Duration::from_secs(s)),
        kills: options
            .kills
            .unwrap_or(if options.short || options.clicks.is_none() {
                60
            } else {
                0
            }),
        clicks: options.clicks.unwrap_or(0),
    };
    let away = if options.short {
        SHORT_AWAY
    } else {
        Duration::from_secs(options.away)
    };
    let clock = clock::library();
    let volume = if options.short { SHORT_VOLUME } else { VOLUME };
    let place = Place::new(options.dir.as_deref(), volume)?;
    let mut fleet = Fleet::start(place, clock.as_ref()).await?;
    if options.keep {
        fleet.place.keep();
    }
    eprintln!(
        "{} runs after {:.1} s",
        fleet.place.dir.display(),
        begun.elapsed().as_secs_f64()
    );
    let tried = attempt(options, seed, end, away, clock.is_some(), &mut fleet, begun).await;
    let is_right = matches!(&tried, Ok(outcome) if outcome.violations.is_empty());
    if !is_right {
        eprintln!("everything is kept in {}", keep_all(&mut fleet)?.display());
    }
    let outcome = tried?;
    outcome::print(&outcome);
    for violation in &outcome.violations {
        eprintln!("violation: {violation}");
    }
    if !is_right {
        bail!("{} violations; seed {seed}", outcome.violations.len());
    }
    Ok(())
}

async fn attempt(
    options: &Options,
    seed: u64,
    end: End,
    away: Duration,
    has_clocks: bool,
    fleet: &mut Fleet,
    begun: Instant,
) -> Result<Outcome> {
    // The last visitor clicks once faults have stopped.
    let visitors = Visitors::new(VISITORS + 1, &fleet.visitors);
    let merchants = Merchants::new(MERCHANTS, &fleet.merchants, &fleet.key, visitors.clone());
    let mut load = JoinSet::new();
    let every = Duration::from_secs(1) * VISITORS as u32 / options.rate.max(1);
    for visitor in 0..VISITORS {
        load.spawn(
            visitors
                .clone()
                .click_on(visitor, every, seed ^ visitor as u64),
        );
    }
    for merchant in 0..MERCHANTS {
        load.spawn(
            merchants
                .clone()
                .convert(merchant, CONVERSION_EVERY, seed ^ merchant as u64),
        );
    }
    let mut saboteur = Saboteur::new(seed, visitors.clone(), has_clocks);
    for (pause, fault) in Schedule::new(seed, away) {
        let answered = visitors.answered.load(Ordering::Relaxed);
        if end.at.is_some_and(|at| Instant::now() >= at) {
            break;
        }
        if fleet.kills >= end.kills && answered >= end.clicks && (end.kills, end.clicks) != (0, 0) {
            break;
        }
        if !options.only.is_empty() && !options.only.iter().any(|kind| kind == fault.kind()) {
            continue;
        }
        sleep(pause).await;
        eprintln!(
            "{:6.1} s, {answered} clicks, {} kills: {fault:?}",
            begun.elapsed().as_secs_f64(),
            fleet.kills
        );
        saboteur
            .make(fleet, &fault)
            .await
            .with_context(|| format!("{fault:?}"))?;
    }
    visitors.stop();
    merchants.stop();
    load.join_all().await;
    settle(fleet).await?;
    let drained = Instant::now();
    serve_again(fleet, &visitors).await?;
    let found = drain(fleet, &visitors, &merchants, &saboteur.done).await?;
    let drain_seconds = drained.elapsed().as_secs_f64();
    let audited = audit::audit(fleet, saboteur.done.destroyed.len() as u64).await?;
    let violations = violations(
        fleet,
        &visitors,
        &merchants,
        &found,
        &saboteur.done,
        &audited,
    );
    let Done {
        faults, skipped, ..
    } = saboteur.done;
    Ok(Outcome {
        seed,
        seconds: begun.elapsed().as_secs_f64(),
        drain_seconds,
        found,
        kills: fleet.kills,
        conversions_repeated: merchants.repeated.load(Ordering::Relaxed),
        conversions_contradicted: merchants.contradicted.load(Ordering::Relaxed),
        faults,
        skipped,
        audited,
        violations,
        profile: outcome::PROFILE,
    })
}

/// Everything runs, and nothing is in its way.
async fn settle(fleet: &mut Fleet) -> Result<()> {
    fleet.mend_lines();
    fleet.notice()?;
    for part in Part::ALL {
        fleet.launch(part)?;
    }
    fleet.until_ready(&Part::ALL).await
}

/// Every redirector answers a click at once; that it is stored, the oracle sees.
async fn serve_again(fleet: &Fleet, visitors: &Visitors) -> Result<()> {
    for (node, address) in fleet.visitors.iter().enumerate() {
        if !visitors
            .click(VISITORS, &mut Talk::new(*address), node, 0)
            .await
        {
            bail!("redirector {node} does not serve after the faults have stopped");
        }
    }
    Ok(())
}

/// Waits until nothing is missing, or nothing arrives any more; what is there then.
async fn drain(
    fleet: &mut Fleet,
    visitors: &Visitors,
    merchants: &Merchants,
    done: &Done,
) -> Result<Found> {
    let (mut rows, mut arrived) = (0, Instant::now());
    loop {
        fleet.notice()?;
        let count =
            "SELECT (SELECT count() FROM whence.clicks) + (SELECT count() FROM whence.conversions)";
        let now = fleet.database.number(count).await?;
        if now != rows {
            (rows, arrived) = (now, Instant::now());
            sleep(LOOK).await;
            continue;
        }
        let found =
            oracle::compare(&fleet.database, visitors, merchants, &fleet.links, done).await?;
        let is_there = (found.missing, found.conversions_missing) == (0, 0);
        if is_there || arrived.elapsed() > DRAIN {
            return Ok(found);
        }
        sleep(LOOK).await;
    }
}

fn violations(
    fleet: &Fleet,
    visitors: &Visitors,
    merchants: &Merchants,
    found: &Found,
    done: &Done,
    audited: &Audited,
) -> Vec<String> {
    let mut violations = fleet.surprises.clone();
    violations.extend(
        visitors
            .strange
            .lock()
            .expect("nobody panics with it")
            .iter()
            .cloned(),
    );
    violations.extend(
        merchants
            .strange
            .lock()
            .expect("nobody panics with it")
            .iter()
            .cloned(),
    );
    if !found.is_right() {
        violations.push(format!("{found:?}"));
    }
    if found.stored == 0 || found.conversions_stored == 0 {
        violations.push("nothing was stored: there is nothing to be proven by that".into());
    }
    let destroyed = done.destroyed.len() as u64;
    if !audited.agrees(destroyed) {
        violations.push(format!(
            "{destroyed} records were destroyed, and whence audit says: {audited:?}"
        ));
    }
    for part in Part::ALL {
        if fleet.log(part).contains("panicked at") {
            violations.push(format!("{part:?} panicked: see its log"));
        }
    }
    violations
}

/// Keeps logs, and what lies on volumes that are about to go.
fn keep_all(fleet: &mut Fleet) -> Result<PathBuf> {
    for part in Part::ALL {
        fleet.kill(part)?;
    }
    let dir = fleet.place.keep().to_owned();
    for volume in ["journals", "clickhouse"] {
        let kept = dir.join(format!("{volume}-kept"));
        let copied = Command::new("cp")
            .arg("-a")
            .args([&dir.join(volume), &kept])
            .status()?;
        if !copied.success() {
            eprintln!("{volume} was not kept: {copied}");
        }
    }
    Ok(dir)
}
