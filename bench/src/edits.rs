//! `edits`: how soon an edit of a link is what visitors get, on every node.
//!
//! Two redirectors on one Redis, both under a steady load. One link after the other, of those that are clicked most, is
//! given a new destination through the store, as the links API does it; on each node a visitor clicks on it without
//! rest until sent to the new one. The clock starts when the store has acknowledged the edit.

mod visitor;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use fastrand::Rng;
use jiff::Timestamp;
use serde::Serialize;
use whence_core::store::LinkStore;

use crate::edge::{self, Edge, Setting};
use crate::links::{self, Kind};
use crate::load::open::{self, Arrivals, Waits};
use crate::load::requests::Requests;
use crate::load::{Aim, Crowd, Way};
use crate::median::{quantile, rounded};
use crate::outcome::{PROFILE, warn_of_debug_build};
use crate::redis::Redis;
use visitor::Visitor;

/// How many links there are.
const LINKS: u32 = 10_000;
/// Of how many one is edited: those that are clicked so often that every node has them in memory.
const EDITED: u32 = 1_000;
/// Clicks a second on each node meanwhile.
const RATE: f64 = 2_000.0;
/// From how many browsers.
const BROWSERS: u16 = 32;
/// How many redirectors there are.
const NODES: u16 = 2;
/// The load ends with the last edit, and long before this.
const FOREVER: Duration = Duration::from_secs(24 * 3_600);
/// Both nodes are loaded before the first edit.
const SETTLE: Duration = Duration::from_secs(1);

/// How soon an edit of a link is what visitors get: two redirectors under load on one Redis.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many edits
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    edits: u32,
    /// Threads of each redirector; 0 means one for each core
    #[arg(long, default_value_t = 0)]
    threads: u8,
}

/// What came of it. An edit is visible when it is on both nodes.
#[derive(Serialize)]
pub(crate) struct Outcome {
    edit_visible_p50_ms: f64,
    edit_visible_p99_ms: f64,
    edit_visible_max_ms: f64,
    /// How long the store took to acknowledge an edit; not part of the above.
    acknowledged_p50_ms: f64,
    edits: u32,
    nodes: u16,
    /// Clicks a second on each node meanwhile.
    clicks_per_second: f64,
    /// Clicks that were not redirected.
    errors: u64,
    /// Clicks that a journal had no room for.
    events_dropped: u64,
    profile: &'static str,
}

/// Runs the bench.
pub(crate) fn run(options: &Options) -> Result<()> {
    warn_of_debug_build();
    let dir = tempfile::tempdir().context("a temporary directory")?;
    let measure = measure(options.edits, options.threads, dir.path());
    let outcome = tokio::runtime::Runtime::new()?.block_on(measure)?;
    crate::outcome::print(&outcome);
    outcome.check()
}

/// Measures `count` edits; `threads` is what each redirector is told.
pub(crate) async fn measure(count: u32, threads: u8, dir: &Path) -> Result<Outcome> {
    eprintln!("measuring {count} edits");
    let redis = Redis::start().await?;
    let url = redis.url();
    let store = whence_core::store::open(&url).await?;
    links::make(&store, 0..LINKS, Kind::Labelled).await?;
    let mut nodes = Vec::new();
    for node in 0..NODES {
        let data_dir = dir.join(format!("node-{node}"));
        let setting = Setting {
            data_dir: &data_dir,
            store: Some(&url),
            threads,
            cache_megabytes: edge::megabytes_for(LINKS),
            certificates: None,
            counts: None,
        };
        nodes.push(Edge::start(&setting).await?);
    }
    let requests = Arc::new(Requests::new(LINKS));
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = nodes
        .iter()
        .map(|node| spawn_load(aim(node), &requests, &stop))
        .collect();
    let start = Instant::now();
    let edited = edit(&store, count, &nodes, &requests).await;
    let seconds = start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    let mut errors = 0;
    let mut clicks = 0;
    for thread in load {
        let waits = thread
            .join()
            .map_err(|_| anyhow!("a thread of the load panicked"))??;
        errors += waits.errors;
        clicks += waits.answers_in_all;
    }
    let Edited {
        mut visible,
        mut acknowledged,
    } = edited?;
    visible.sort_unstable();
    acknowledged.sort_unstable();
    let mut events_dropped = 0;
    for node in nodes {
        events_dropped += node.figures().await?.dropped;
        node.stop()?;
    }
    Ok(Outcome {
        edit_visible_p50_ms: at(&visible, 0.5),
        edit_visible_p99_ms: at(&visible, 0.99),
        edit_visible_max_ms: at(&visible, 1.0),
        acknowledged_p50_ms: at(&acknowledged, 0.5),
        edits: count,
        nodes: NODES,
        clicks_per_second: (clicks as f64 / seconds / f64::from(NODES)).round(),
        errors,
        events_dropped,
        profile: PROFILE,
    })
}

struct Edited {
    /// From the acknowledgement of an edit until the last node showed it.
    visible: Vec<Duration>,
    /// How long the acknowledgement took.
    acknowledged: Vec<Duration>,
}

/// Edits one link after the other and watches them.
async fn edit(
    store: &Arc<dyn LinkStore>,
    count: u32,
    nodes: &[Edge],
    requests: &Arc<Requests>,
) -> Result<Edited> {
    let mut visitors: Vec<_> = (0..NODES)
        .zip(nodes)
        // Not one of the load's browsers.
        .map(|(number, node)| Visitor::new(requests, BROWSERS + number, aim(node)))
        .collect();
    tokio::time::sleep(SETTLE).await;
    let mut random = Rng::with_seed(1);
    let (mut visible, mut acknowledged) = (Vec::new(), Vec::new());
    for edit in 0..count {
        let number = random.u32(..EDITED);
        let mut link = store
            .link_at(links::DOMAIN, &links::slug_text(number))
            .await?
            .context("a link has gone")?;
        let destination = format!("https://shop.example/edited/{edit}/");
        link.spec.destination = destination.parse()?;
        link.revision += 1;
        link.updated_at = Timestamp::now();
        for visitor in &mut visitors {
            visitor.watch(link.slug.as_str(), &destination).await?;
        }
        let asked = Instant::now();
        store.change_link(&link).await?;
        let done = Instant::now();
        acknowledged.push(done - asked);
        let mut last = Duration::ZERO;
        for visitor in &mut visitors {
            let seen = visitor.seen().await?;
            last = last.max(seen.saturating_duration_since(done));
        }
        visible.push(last);
    }
    Ok(Edited {
        visible,
        acknowledged,
    })
}

fn aim(node: &Edge) -> Arc<Aim> {
    Arc::new(Aim {
        address: node.address,
        way: Way::KeepAlive,
        tls: None,
        tail: crate::load::END_OF_HEAD,
    })
}

fn spawn_load(
    aim: Arc<Aim>,
    requests: &Arc<Requests>,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<Result<Waits>> {
    let crowd = Crowd {
        browsers: BROWSERS,
        threads: 1,
        cores: None,
    };
    let arrivals = Arrivals {
        rate: RATE,
        time: FOREVER,
        stop: Arc::clone(stop),
    };
    let requests = Arc::clone(requests);
    std::thread::spawn(move || open::ask(crowd, &aim, &requests, &arrivals))
}

/// The time at a quantile of sorted ones, in milliseconds.
fn at(sorted: &[Duration], part: f64) -> f64 {
    rounded(quantile(sorted, part).as_secs_f64() * 1e3, 3)
}

impl Outcome {
    /// What the target is set for.
    pub(crate) fn visible_p99_ms(&self) -> f64 {
        self.edit_visible_p99_ms
    }

    /// Refuses a run in which a click was not answered or lost.
    pub(crate) fn check(&self) -> Result<()> {
        let Self {
            errors,
            events_dropped,
            ..
        } = self;
        ensure!(*errors == 0, "{errors} clicks were not redirected");
        ensure!(
            *events_dropped == 0,
            "{events_dropped} clicks found no room in a journal"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(
            (at(&times, 0.5), at(&times, 0.99), at(&times, 1.0)),
            (100.0, 198.0, 200.0)
        );
        assert_eq!(at(&times[..1], 0.5), 1.0);
    }
}
