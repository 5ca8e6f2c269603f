//! What a click takes on disk, and which column takes it.

use anyhow::{Context, Result};
use serde::Serialize;

use super::installation::DATABASE;
use crate::engine::Engine;
use crate::median::rounded;

/// Bytes for each click.
#[derive(Serialize)]
pub(super) struct Size {
    /// All files of the table's parts, projections and marks included, when everything is merged.
    pub(super) bytes_per_click: f64,
    /// The same of the parts as they were inserted.
    pub(super) bytes_per_click_unmerged: f64,
    /// Of it the projections.
    pub(super) projections: f64,
    /// Each column by itself when merged, the largest first.
    pub(super) columns: Vec<Column>,
}

/// What one column takes.
#[derive(Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) bytes_per_click: f64,
}

/// The active parts of the table in the database that ingest writes to.
const PARTS: &str = "active AND database = 'whence' AND table = 'clicks'";

/// Measures the parts as they are; merges them, and measures again.
pub(super) async fn measure(engine: &Engine, clicks: u64) -> Result<Size> {
    let per_click = |bytes: u64| rounded(bytes as f64 / clicks as f64, 2);
    let unmerged = per_click(sum(engine, "bytes_on_disk", "parts").await?);
    engine
        .ask(&format!("OPTIMIZE TABLE {DATABASE}.clicks FINAL"))
        .await?;
    let sql = format!(
        "SELECT column, sum(column_bytes_on_disk) AS bytes FROM system.parts_columns WHERE {PARTS} \
         GROUP BY column ORDER BY bytes DESC, column"
    );
    let columns = engine.table(&sql).await?.into_iter().map(|row| {
        let [name, bytes] = <[String; 2]>::try_from(row).ok().context("two columns")?;
        Ok(Column {
            name,
            bytes_per_click: per_click(bytes.parse()?),
        })
    });
    let columns = columns.collect::<Result<_>>()?;
    Ok(Size {
        bytes_per_click: per_click(sum(engine, "bytes_on_disk", "parts").await?),
        bytes_per_click_unmerged: unmerged,
        projections: per_click(sum(engine, "bytes_on_disk", "projection_parts").await?),
        columns,
    })
}

async fn sum(engine: &Engine, figure: &str, of: &str) -> Result<u64> {
    let sql = format!("SELECT sum({figure}) FROM system.{of} WHERE {PARTS}");
    engine.number(&sql).await
}
