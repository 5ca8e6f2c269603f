//! The data set: made inside the engine by `sql/bench`, the same for the same options.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::Options;
use crate::engine::Engine;
use crate::median::rounded;

/// The first of the thirty days that are asked about.
pub(super) const FIRST_DAY: &str = "2026-10-23";
/// The last of them, and of all.
pub(super) const LAST_DAY: &str = "2026-11-21";
/// Where these thirty days begin, in milliseconds since 1970.
pub(super) const FIRST_MS: i64 = TO_MS - 30 * DAY_MS;
/// Where all time ends: 2026-11-22T00:00:00Z.
pub(super) const TO_MS: i64 = 1_795_305_600_000;
const DAY_MS: i64 = 86_400_000;
/// The database of `whence up`.
pub(super) const DATABASE: &str = "whence";
/// The days with clicks: thirty that are asked about, and ninety before.
const DAYS: i64 = 120;
/// Visitors whose clicks are made by one statement: some two million clicks, which take a gigabyte while they are sorted.
const AT_A_TIME: u64 = 1_000_000;
/// Clicks of a visitor within the time, on average.
const TIMES: f64 = 1.86;

const CLICKS: &str = include_str!("../../../sql/bench/clicks.sql");
const CONVERSIONS: &str = include_str!("../../../sql/bench/conversions.sql");
const CARRIED: &str = include_str!("../../../sql/carried/copy.sql");
const PAGE_EVENTS: &str = include_str!("../../../sql/bench/page_events.sql");

/// What there is.
#[derive(Serialize)]
pub(super) struct Loaded {
    pub(super) clicks: u64,
    conversions: u64,
    bytes_per_click: f64,
    parts: u64,
    /// How long it took to make them and to merge them; nothing where they were there.
    load_s: Option<f64>,
}

/// Makes the clicks and what they led to, where there are none.
pub(super) async fn there_or_made(engine: &Engine, options: &Options) -> Result<Loaded> {
    let count = async |table: &str| {
        let sql = format!("SELECT count() FROM {DATABASE}.{table}");
        engine.number(&sql).await
    };
    let mut load_s = None;
    let there = count("clicks").await?;
    if there == 0 {
        let started = Instant::now();
        make(engine, options).await?;
        load_s = Some(rounded(started.elapsed().as_secs_f64(), 1));
    } else {
        let ratio = there as f64 / options.clicks as f64;
        ensure!(
            (0.9..1.1).contains(&ratio),
            "the data directory has {there} clicks and not some {}; name another, or say --clicks {there}",
            options.clicks
        );
    }
    let parts = format!("active AND database = '{DATABASE}' AND table = 'clicks'");
    let of_parts = async |figure: &str| {
        let sql = format!("SELECT toUInt64({figure}) FROM system.parts WHERE {parts}");
        engine.number(&sql).await
    };
    let clicks = count("clicks").await?;
    let bytes = of_parts("sum(bytes_on_disk)").await?;
    Ok(Loaded {
        clicks,
        conversions: count("conversions").await?,
        bytes_per_click: rounded(bytes as f64 / clicks as f64, 2),
        parts: of_parts("count()").await?,
        load_s,
    })
}

async fn make(engine: &Engine, options: &Options) -> Result<()> {
    let visitors = (options.clicks as f64 / TIMES) as u64;
    let workspaces: Vec<String> = (0..options.workspaces).map(name).collect();
    // The first visitors of a statement come just before the last of it: so its clicks lie in one month or two.
    for first in (0..visitors).step_by(AT_A_TIME as usize) {
        let settings = [
            ("param_first", first.to_string()),
            ("param_count", AT_A_TIME.min(visitors - first).to_string()),
            ("param_visitors", visitors.to_string()),
            ("param_from_ms", (TO_MS - DAYS * DAY_MS).to_string()),
            ("param_to_ms", TO_MS.to_string()),
            ("param_workspaces", options.workspaces.to_string()),
            ("param_links", options.links.to_string()),
            // Blocks as large as may be: each is a part that has to be merged.
            ("min_insert_block_size_rows", AT_A_TIME.to_string()),
            ("min_insert_block_size_bytes", "0".to_owned()),
            // Nothing is sent twice here, and the tokens are for the clicks that are.
            ("insert_deduplicate", "0".to_owned()),
            ("deduplicate_insert", "disable".to_owned()),
        ];
        run(engine, CLICKS, &settings).await?;
        eprintln!(
            "{} of {visitors} visitors",
            first + AT_A_TIME.min(visitors - first)
        );
    }
    for workspace in &workspaces {
        let of = ("param_workspace", workspace.clone());
        let to = ("param_to_ms", TO_MS.to_string());
        run(engine, CONVERSIONS, &[of.clone(), to]).await?;
        run(engine, PAGE_EVENTS, &[of]).await?;
    }
    // As ingest does behind conversions.
    let all = ["param_since_ms", "param_again"].map(|name| (name, "0".to_owned()));
    run(engine, CARRIED, &all).await?;
    for table in ["conversions", "page_events", "carried_clicks", "clicks"] {
        eprintln!("merging {table}");
        run(engine, &format!("OPTIMIZE TABLE {table} FINAL"), &[]).await?;
    }
    Ok(())
}

/// The first workspace is that of `whence up`, so that its key opens it.
fn name(number: u8) -> String {
    match number {
        0 => "main".to_owned(),
        number => format!("w{number}"),
    }
}

async fn run(engine: &Engine, sql: &str, settings: &[(&str, String)]) -> Result<()> {
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    engine.run(DATABASE, sql, &settings).await?;
    Ok(())
}
