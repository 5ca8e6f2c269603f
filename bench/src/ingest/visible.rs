//! How long after its answer a click can be seen in ClickHouse, under a steady load on the whole way: redirector, journal,
//! ingest, engine.
//!
//! Beside the load a visitor of ours clicks again and again, each time with a number in the query, and somebody asks all
//! the time which numbers are there. What is counted ends when the query that found a number was answered.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use http_body_util::Full;
use hyper::{Request, StatusCode};
use serde::Serialize;
use tokio::task::JoinHandle;

use super::installation::{DATABASE, Installation, service};
use crate::cores::Cores;
use crate::engine::Engine;
use crate::links::{self, DOMAIN, Kind};
use crate::load::open::{self, Arrivals, Waits};
use crate::load::requests::Requests;
use crate::load::{Aim, Crowd, END_OF_HEAD, Way};
use crate::median::{quantile, rounded};
use crate::{http, server};

/// How many links there are.
const LINKS: u32 = 1_000;
/// How many browsers make the load.
const BROWSERS: u16 = 32;
/// Between two clicks of ours. Nothing of the way happens at a multiple of it.
const PROBE: Duration = Duration::from_millis(47);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(15);
/// The last clicks may take so long to be seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it took.
#[derive(Serialize)]
pub(super) struct Visible {
    pub(super) p50_s: f64,
    pub(super) p99_s: f64,
    pub(super) max_s: f64,
    /// How many clicks that was measured on.
    pub(super) probes: usize,
    /// Clicks a second beside them.
    pub(super) rate: u32,
    /// Redirects of the load.
    pub(super) answers: u64,
}

/// Measures for `time` at `rate` clicks a second.
pub(super) async fn measure(
    installation: &Installation,
    dir: &Path,
    rate: u32,
    time: Duration,
) -> Result<Visible> {
    let data = dir.join("redirector");
    std::fs::create_dir_all(&data)?;
    let store = format!("file:{}", data.join("links.redb").display());
    {
        // Closed before the redirector opens it.
        let store = whence_core::store::open(&store).await?;
        links::make(&store, 0..LINKS, Kind::Labelled).await?;
    }
    let (address, admin) = (server::free_address()?, server::free_address()?);
    let settings = [
        format!("store.url={store}"),
        format!("redirector.listen={address}"),
        format!("redirector.admin={admin}"),
        format!("redirector.ingest={}", installation.ingest_url),
        // The limits count, as they do in life, and never say no.
        "redirector.client_rate=1000000".into(),
        "redirector.client_burst=1000000".into(),
    ];
    let redirector = service("whence-redirector", &data, admin, &settings).await?;

    let aim = Aim {
        address,
        way: Way::KeepAlive,
        tls: None,
        tail: END_OF_HEAD,
    };
    let load = load(aim, rate, time)?;
    let clicked = tokio::spawn(click(format!("http://{address}"), time));
    let engine = installation.engine.clone();
    let seen = watch(&engine, (time.as_millis() / PROBE.as_millis()) as usize).await?;
    let clicked = clicked.await??;
    let waits = load.await??;
    redirector.stop()?;
    ensure!(waits.errors == 0, "{} errors under load", waits.errors);

    let mut latencies: Vec<_> = clicked
        .iter()
        .zip(&seen)
        .map(|(&answered, &seen)| seen.saturating_duration_since(answered))
        .collect();
    latencies.sort_unstable();
    let part = |part| rounded(quantile(&latencies, part).as_secs_f64(), 3);
    Ok(Visible {
        p50_s: part(0.5),
        p99_s: part(0.99),
        max_s: part(1.0),
        probes: latencies.len(),
        rate,
        answers: waits.answers_in_all,
    })
}

fn load(aim: Aim, rate: u32, time: Duration) -> Result<JoinHandle<Result<Waits>>> {
    let (_, cores) = Cores::all()?.halves();
    let crowd = Crowd {
        browsers: BROWSERS,
        threads: 1,
        cores: Some(cores),
    };
    let arrivals = Arrivals {
        rate: f64::from(rate),
        time,
        stop: Arc::default(),
    };
    let ask = move || {
        open::ask(
            crowd,
            &Arc::new(aim),
            &Arc::new(Requests::new(LINKS)),
            &arrivals,
        )
    };
    Ok(tokio::task::spawn_blocking(ask))
}

/// Clicks again and again; says when each click was answered.
async fn click(redirector: String, time: Duration) -> Result<Vec<Instant>> {
    let client = http::client();
    let mut ticks = tokio::time::interval(PROBE);
    let mut answered = Vec::new();
    for number in 0..time.as_millis() / PROBE.as_millis() {
        ticks.tick().await;
        let url = format!("{redirector}/{}?probe={number}", links::slug_text(0));
        let request = Request::get(url)
            .header("host", DOMAIN)
            .body(Full::default())?;
        let answer = http::send(&client, request).await?;
        ensure!(
            answer.status == StatusCode::FOUND,
            "a probe was answered {}",
            answer.status
        );
        answered.push(Instant::now());
    }
    Ok(answered)
}

/// Looks until all of so many clicks of ours are there; says when each was seen first.
async fn watch(engine: &Engine, count: usize) -> Result<Vec<Instant>> {
    let sql = format!(
        "SELECT DISTINCT toUInt32(substring(query, 7)) FROM {DATABASE}.clicks \
         WHERE workspace = '{}' AND startsWith(query, 'probe=')",
        links::workspace()
    );
    let mut seen: Vec<Option<Instant>> = vec![None; count];
    let start = Instant::now();
    let patience = PROBE * u32::try_from(count)? + PATIENCE;
    while seen.iter().any(Option::is_none) {
        ensure!(
            start.elapsed() < patience,
            "some clicks were not seen within {} s",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(LOOK).await;
        let rows = engine.table(&sql).await?;
        let now = Instant::now();
        for row in rows {
            let number: usize = row[0].parse().with_context(|| format!("{row:?}"))?;
            let place = seen
                .get_mut(number)
                .ok_or_else(|| anyhow!("probe {number} was never sent"))?;
            place.get_or_insert(now);
        }
    }
    Ok(seen.into_iter().flatten().collect())
}
