//! The same questions as one would write them oneself: one plain query for each table of the answer, straight over the raw
//! tables, with nothing prepared.

use anyhow::Result;

use super::data::{DATABASE, FIRST_MS, TO_MS};
use super::timing::{Cost, Name};
use crate::engine::Engine;

const SERIES: &str = include_str!("../../../sql/bench/plain_series.sql");
const BREAKDOWN: &str = include_str!("../../../sql/bench/plain_breakdown.sql");
const FUNNEL: &str = include_str!("../../../sql/bench/plain_funnel.sql");
const ATTRIBUTION: &str = include_str!("../../../sql/bench/plain_attribution.sql");
const PATHS: &str = include_str!("../../../sql/bench/plain_paths.sql");
const COLUMNS: [&str; 6] = [
    "channel", "source", "link_id", "country", "device", "browser",
];

/// Asks one question; says what was read for it.
pub(super) async fn ask(engine: &Engine, name: Name) -> Result<Cost> {
    match name {
        Name::Overview => {
            let mut cost = one(engine, SERIES, None).await?;
            for column in COLUMNS {
                let more = one(engine, BREAKDOWN, Some(column)).await?;
                cost.rows += more.rows;
                cost.bytes += more.bytes;
            }
            Ok(cost)
        }
        Name::Funnel3 => one(engine, FUNNEL, None).await,
        Name::Attribution5 => one(engine, ATTRIBUTION, None).await,
        // No query computes these two: what one would write is the one that gives the paths to a program that does.
        Name::MarkovShapley => one(engine, PATHS, None).await,
    }
}

async fn one(engine: &Engine, sql: &str, by: Option<&str>) -> Result<Cost> {
    let mut settings = vec![
        ("param_workspace".to_owned(), "main".to_owned()),
        ("param_from_ms".to_owned(), FIRST_MS.to_string()),
        ("param_to_ms".to_owned(), TO_MS.to_string()),
    ];
    settings.extend(by.map(|by| ("param_by".to_owned(), by.to_owned())));
    let told = engine.run(DATABASE, sql, &settings).await?;
    Ok(Cost {
        rows: told.rows,
        bytes: told.bytes,
    })
}
