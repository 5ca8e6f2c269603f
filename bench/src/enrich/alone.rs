//! Sees the clicks of a file again and again, and says what each cost: the half of `whence-bench enrich` that links what it
//! measures. Its allocator counts; who allocates nothing pays nothing for that.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use maxminddb::Reader;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use whence_core::click::Click;
use whence_core::config;
use whence_core::wire;
use whence_ingest::enrich::Enricher;
use woothee::parser::Parser;

/// Rounds that fill the caches and do not count.
const WARM: u32 = 2;
/// Clicks of a block: half a second of a busy redirector's.
const BLOCK: usize = 1_000;

/// What a click cost, in microseconds of CPU time: the middle of the rounds.
#[derive(Serialize)]
struct Figures {
    us_per_click: f64,
    us_woothee_alone: f64,
    us_maxminddb_alone: f64,
    /// Of clicks whose agent, road and place were met before, as nearly all are.
    allocations_per_cached_click: f64,
    /// Of all, in their order: those among them that fell out of memory meanwhile, or are never kept.
    allocations_per_click: f64,
    clicks: usize,
    rounds: u32,
}

fn main() -> ExitCode {
    match run() {
        Ok(figures) => {
            let json = serde_json::to_string(&figures).expect("plain figures");
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Figures> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(file), Some(rounds)) = (arguments.next(), arguments.next()) else {
        bail!("this is the half of whence-bench enrich that measures; start that");
    };
    let rounds: u32 = rounds
        .to_str()
        .and_then(|text| text.parse().ok())
        .context("rounds")?;
    let bytes = std::fs::read(&file).context("the clicks")?;
    let clicks = read(&bytes)?;
    let config = config::Databases::default();
    let enricher = Enricher::open(&config)?;
    let places = Reader::open_readfile(config.places()?)?;
    let parser = Parser::new();

    let see = |click: &Click<'_>| {
        let seen = enricher.see(click);
        black_box(seen.row(click, 1, 1));
    };
    // As ingest does it: block by block.
    let see_all = |clicks: &[Click<'_>]| {
        for block in clicks.chunks(BLOCK) {
            let seen = enricher.see_all(block.iter());
            for (click, seen) in block.iter().zip(&seen) {
                black_box(seen.row(click, 1, 1));
            }
        }
    };
    let woothee = |click: &Click<'_>| {
        black_box(parser.parse(&click.user_agent));
    };
    let maxminddb = |click: &Click<'_>| {
        let found = places.lookup(click.address);
        black_box(found.is_ok_and(|found| found.has_data()));
    };
    let (mut whole, mut agents, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..WARM + rounds {
        let times = [
            cost(&clicks, see_all),
            cost(&clicks, |clicks| clicks.iter().for_each(woothee)),
            cost(&clicks, |clicks| clicks.iter().for_each(maxminddb)),
        ];
        if round >= WARM {
            whole.push(times[0]);
            agents.push(times[1]);
            addresses.push(times[2]);
        }
    }
    let each: Vec<u64> = clicks
        .iter()
        .map(|click| allocation_counter::measure(|| see(click)).count_total)
        .collect();
    // An advertising network's click id is never the same again, and so no road that has one is kept.
    let cached: Vec<u64> = clicks
        .iter()
        .filter(|click| !click.query.contains("clid="))
        .map(|click| {
            see(click);
            allocation_counter::measure(|| see(click)).count_total
        })
        .collect();
    Ok(Figures {
        us_per_click: middle(whole),
        us_woothee_alone: middle(agents),
        us_maxminddb_alone: middle(addresses),
        allocations_per_cached_click: mean(&cached),
        allocations_per_click: mean(&each),
        clicks: clicks.len(),
        rounds,
    })
}

/// The clicks of a file, each behind its length.
fn read(mut bytes: &[u8]) -> Result<Vec<Click<'_>>> {
    let mut clicks = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let (record, rest) = rest.split_at_checked(length).context("a click is cut")?;
        clicks.push(wire::decode(record)?);
        bytes = rest;
    }
    Ok(clicks)
}

/// CPU time of a round, in microseconds for each click.
fn cost<'c>(clicks: &[Click<'c>], work: impl Fn(&[Click<'c>])) -> f64 {
    let before = thread_cpu();
    work(clicks);
    let spent = thread_cpu().saturating_sub(before);
    spent.as_secs_f64() * 1e6 / clicks.len() as f64
}

fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2] * 1000.0).round() / 1000.0
}

fn mean(counts: &[u64]) -> f64 {
    let sum: u64 = counts.iter().sum();
    let mean = sum as f64 / counts.len().max(1) as f64;
    (mean * 10_000.0).round() / 10_000.0
}
