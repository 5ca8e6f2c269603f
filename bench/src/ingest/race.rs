//! From journal bytes to committed rows, beside a bare insert of the very same rows, round after round.
//!
//! The same engine stores both, in databases with the same tables. Merges stand still meanwhile: they cost both the same,
//! later, and whoever runs while they do would pay for them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use serde::Serialize;
use tokio::task::JoinSet;
use whence_core::journal::Block;

use super::blocks::Lanes;
use super::installation::{BARE, DATABASE, Installation, TOKEN, databases};
use crate::http::{self, Client};
use crate::median::{median, rounded};
use crate::traffic::Traffic;

/// How much is sent.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    /// Rounds that count, after one to warm up.
    pub(super) rounds: u32,
    /// Clicks in each.
    pub(super) clicks: u32,
    /// Blocks on their way at a time, as many as a redirector has lanes.
    pub(super) lanes: u8,
}

/// One round.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Round {
    /// CPU time of ingest for a row, in µs.
    pub(super) ingest_us: f64,
    /// CPU time of the engine for a row that ingest sends.
    pub(super) engine_us: f64,
    /// CPU time of the engine for a row of a bare insert, in the form in which ingest sends it.
    pub(super) bare_us: f64,
    /// The same in the engine's own form, by columns.
    pub(super) native_us: f64,
    /// Rows a second, from the first block sent to the last one answered.
    pub(super) rows_s: f64,
    /// The same of the bare inserts.
    pub(super) bare_rows_s: f64,
    /// The same of those by columns.
    pub(super) native_rows_s: f64,
}

/// All rounds.
#[derive(Serialize)]
pub(super) struct Race {
    /// CPU time of the bare inserts, divided by that of ingest and engine: what part of the possible is reached.
    pub(super) ratio_vs_bare: f64,
    /// The same beside bare inserts of rows that were put into columns and dictionaries before the clock ran.
    pub(super) ratio_vs_native: f64,
    /// Rows a second, divided by those of the bare inserts.
    pub(super) ratio_vs_bare_wall: f64,
    /// Rows for a second of CPU time, of ingest and engine together.
    pub(super) rows_per_core_s: f64,
    /// Rows in all, in each database.
    pub(super) rows: u64,
    /// Bytes of the journal for a click.
    pub(super) journal_bytes_per_click: f64,
    pub(super) rounds: Vec<Round>,
}

/// Runs all rounds, and leaves the rows where they are.
pub(super) async fn run(
    installation: &Installation,
    traffic: &mut Traffic,
    effort: Effort,
    dir: &Path,
) -> Result<Race> {
    let mut lanes = Lanes::open(&dir.join("lanes"), effort.lanes)?;
    let engine = &installation.engine;
    for database in databases() {
        engine
            .ask(&format!("SYSTEM STOP MERGES {database}.clicks"))
            .await?;
    }
    let (mut rounds, mut bytes, mut rows) = (Vec::new(), 0, 0);
    for number in 0..=effort.rounds {
        let blocks = lanes.seal(traffic, effort.clicks)?;
        bytes += blocks
            .iter()
            .flatten()
            .map(|block| block.wire().len())
            .sum::<usize>();
        rows += u64::from(effort.clicks);
        let round = one_round(installation, &blocks, effort.clicks).await?;
        eprintln!(
            "round {number}: {:.2} µs ingest, {:.2} µs engine, {:.2} µs bare, {:.2} µs native; {:.0} and {:.0} rows/s",
            round.ingest_us,
            round.engine_us,
            round.bare_us,
            round.native_us,
            round.rows_s,
            round.bare_rows_s
        );
        if number > 0 {
            rounds.push(round);
        }
    }
    for database in databases() {
        let count = format!("SELECT count() FROM {database}.clicks");
        let stored = engine.number(&count).await?;
        ensure!(stored == rows, "{database} has {stored} of {rows} clicks");
        engine
            .ask(&format!("SYSTEM START MERGES {database}.clicks"))
            .await?;
    }
    let of = |figure: fn(&Round) -> f64| rounded(median(rounds.iter().map(figure)), 3);
    Ok(Race {
        ratio_vs_bare: of(|round| round.bare_us / (round.ingest_us + round.engine_us)),
        ratio_vs_native: of(|round| round.native_us / (round.ingest_us + round.engine_us)),
        ratio_vs_bare_wall: of(|round| round.rows_s / round.bare_rows_s),
        rows_per_core_s: of(|round| 1e6 / (round.ingest_us + round.engine_us)),
        rows,
        journal_bytes_per_click: rounded(bytes as f64 / rows as f64, 1),
        rounds,
    })
}

async fn one_round(
    installation: &Installation,
    blocks: &[Vec<Block>],
    clicks: u32,
) -> Result<Round> {
    let us = |seconds: f64| rounded(seconds * 1e6 / f64::from(clicks), 2);
    let rate = |seconds: f64| (f64::from(clicks) / seconds).round();
    let cpu = || -> Result<[f64; 2]> {
        Ok([
            installation.ingest.cpu()?.total(),
            installation.clickhouse.cpu()?.total(),
        ])
    };
    let before = cpu()?;
    let seconds = deliver(&installation.ingest_url, blocks).await?;
    let after = cpu()?;

    let mut bare = [(0.0, 0.0); BARE.len()];
    for (bare, (database, format)) in bare.iter_mut().zip(BARE) {
        let rows = prepared(installation, blocks, format).await?;
        let before = cpu()?;
        let seconds = insert_bare(installation, rows, database, format).await?;
        *bare = (us(cpu()?[1] - before[1]), rate(seconds));
    }
    let [(bare_us, bare_rows_s), (native_us, native_rows_s)] = bare;
    Ok(Round {
        ingest_us: us(after[0] - before[0]),
        engine_us: us(after[1] - before[1]),
        bare_us,
        native_us,
        rows_s: rate(seconds),
        bare_rows_s,
        native_rows_s,
    })
}

/// Sends each lane's blocks one after the other, all lanes at once, as a redirector does; says how long it took.
async fn deliver(ingest: &str, blocks: &[Vec<Block>]) -> Result<f64> {
    let client = http::client();
    let start = Instant::now();
    let mut lanes = JoinSet::new();
    for lane in blocks {
        let wires: Vec<Bytes> = lane.iter().map(|block| block.wire().clone()).collect();
        lanes.spawn(deliver_lane(
            client.clone(),
            format!("{ingest}/v1/blocks"),
            wires,
        ));
    }
    while let Some(done) = lanes.join_next().await {
        done??;
    }
    Ok(start.elapsed().as_secs_f64())
}

async fn deliver_lane(client: Client, url: String, blocks: Vec<Bytes>) -> Result<()> {
    for wire in blocks {
        let request = Request::post(&url)
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(Full::from(wire))?;
        let answer = http::send(&client, request).await?;
        ensure!(
            answer.status.is_success(),
            "ingest answers a block {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok(())
}

/// The rows that became of the blocks, each block's as one insert.
async fn prepared(
    installation: &Installation,
    blocks: &[Vec<Block>],
    format: &str,
) -> Result<Vec<Vec<(String, Bytes)>>> {
    let mut lanes = Vec::new();
    for lane in blocks {
        let mut inserts = Vec::new();
        for id in lane.iter().map(Block::id) {
            let sql = format!(
                "SELECT * FROM {DATABASE}.clicks WHERE lane = {} AND seq BETWEEN {} AND {} ORDER BY seq
                SETTINGS max_block_size = 1000000 FORMAT {format}",
                id.lane.get(),
                id.first,
                id.last
            );
            inserts.push((id.to_string(), installation.engine.ask(&sql).await?));
        }
        lanes.push(inserts);
    }
    Ok(lanes)
}

/// Inserts prepared rows with as many connections; says how long it took.
async fn insert_bare(
    installation: &Installation,
    lanes: Vec<Vec<(String, Bytes)>>,
    database: &'static str,
    format: &'static str,
) -> Result<f64> {
    let start = Instant::now();
    let mut inserts = JoinSet::new();
    for lane in lanes {
        let engine = installation.engine.clone();
        inserts.spawn(async move {
            let table = format!("{database}.clicks");
            for (token, rows) in lane {
                engine.insert(&table, format, &token, rows).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(done) = inserts.join_next().await {
        done??;
    }
    Ok(start.elapsed().as_secs_f64())
}
