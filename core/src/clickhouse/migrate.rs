//! Numbered migrations: each applied once, in order, and recorded with its checksum.
//!
//! A statement may be met twice (a process killed between applying and recording), so each is written
//! to be harmless the second time.

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The files of `sql/migrations`, in order.
const MIGRATIONS: &[(u32, &str, &str)] = &[
    (
        1,
        "clicks",
        include_str!("../../../sql/migrations/0001_clicks.sql"),
    ),
    (
        2,
        "conversions",
        include_str!("../../../sql/migrations/0002_conversions.sql"),
    ),
    (
        3,
        "answers",
        include_str!("../../../sql/migrations/0003_answers.sql"),
    ),
    (
        4,
        "click_hours",
        include_str!("../../../sql/migrations/0004_click_hours.sql"),
    ),
    (
        5,
        "click_hours_of_clicks",
        include_str!("../../../sql/migrations/0005_click_hours_of_clicks.sql"),
    ),
    (
        6,
        "conversion_numbers",
        include_str!("../../../sql/migrations/0006_conversion_numbers.sql"),
    ),
    (
        7,
        "numbers_of_conversions",
        include_str!("../../../sql/migrations/0007_numbers_of_conversions.sql"),
    ),
    (
        8,
        "lanes",
        include_str!("../../../sql/migrations/0008_lanes.sql"),
    ),
    (
        9,
        "lane_gaps",
        include_str!("../../../sql/migrations/0009_lane_gaps.sql"),
    ),
    (
        10,
        "refunds",
        include_str!("../../../sql/migrations/0010_refunds.sql"),
    ),
    (
        11,
        "smaller_clicks",
        include_str!("../../../sql/migrations/0011_smaller_clicks.sql"),
    ),
    (
        12,
        "hours_in_clicks",
        include_str!("../../../sql/migrations/0012_hours_in_clicks.sql"),
    ),
    (
        13,
        "numbers_by_hand",
        include_str!("../../../sql/migrations/0013_numbers_by_hand.sql"),
    ),
    (
        14,
        "what_is_known_of_a_click",
        include_str!("../../../sql/migrations/0014_what_is_known_of_a_click.sql"),
    ),
    (
        15,
        "confirmations",
        include_str!("../../../sql/migrations/0015_confirmations.sql"),
    ),
    (
        16,
        "expired",
        include_str!("../../../sql/migrations/0016_expired.sql"),
    ),
    (
        17,
        "persons",
        include_str!("../../../sql/migrations/0017_persons.sql"),
    ),
    (
        18,
        "page_events",
        include_str!("../../../sql/migrations/0018_page_events.sql"),
    ),
    (
        19,
        "carried_clicks",
        include_str!("../../../sql/migrations/0019_carried_clicks.sql"),
    ),
    (
        20,
        "rollups",
        include_str!("../../../sql/migrations/0020_rollups.sql"),
    ),
    (
        21,
        "hour_of_clicks",
        include_str!("../../../sql/migrations/0021_hour_of_clicks.sql"),
    ),
    (
        22,
        "prints",
        include_str!("../../../sql/migrations/0022_prints.sql"),
    ),
];

/// Why the database is not as this build needs it.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// ClickHouse refused or cannot be reached.
    #[error("migration {number:04}_{name}: {source}")]
    Statement {
        /// The migration's number.
        number: u32,
        /// The migration's name.
        name: &'static str,
        /// What ClickHouse says.
        source: clickhouse::error::Error,
    },
    /// The record of migrations cannot be read or written.
    #[error("the table of applied migrations: {0}")]
    Record(#[source] clickhouse::error::Error),
    /// A migration was edited after it was applied.
    #[error(
        "migration {number:04}_{name} was applied with another text; write a new one instead of editing it"
    )]
    Edited {
        /// The migration's number.
        number: u32,
        /// The migration's name.
        name: &'static str,
    },
    /// The database has been migrated by a newer build.
    #[error("the database is at migration {found:04}, this build knows only {known:04}")]
    Newer {
        /// What the database has.
        found: u32,
        /// What this build has.
        known: u32,
    },
}

#[derive(Row, Serialize, Deserialize)]
struct Applied {
    number: u32,
    name: String,
    checksum: String,
}

/// Brings the database to this build's state; answers which migrations it applied.
pub async fn migrate(client: &Client, database: &str) -> Result<Vec<String>, MigrateError> {
    let bootstrap = client.clone().with_database("default");
    bootstrap
        .query("CREATE DATABASE IF NOT EXISTS ?")
        .bind(clickhouse::sql::Identifier(database))
        .execute()
        .await
        .map_err(MigrateError::Record)?;
    client
        .query(include_str!("../../../sql/migrations/0000_migrations.sql"))
        .execute()
        .await
        .map_err(MigrateError::Record)?;
    let mut names = Vec::new();
    for &(number, name, text) in missing(client).await? {
        for statement in statements(text) {
            client
                .query(statement)
                .execute()
                .await
                .map_err(|source| MigrateError::Statement {
                    number,
                    name,
                    source,
                })?;
        }
        record(client, number, name, text)
            .await
            .map_err(MigrateError::Record)?;
        names.push(format!("{number:04}_{name}"));
    }
    client.clear_cached_metadata().await;
    Ok(names)
}

/// How many migrations the database still lacks; an error where it cannot become this build's.
pub async fn pending(client: &Client) -> Result<usize, MigrateError> {
    missing(client).await.map(<[_]>::len)
}

/// The migrations that are still to be applied, after checking those that were.
async fn missing(
    client: &Client,
) -> Result<&'static [(u32, &'static str, &'static str)], MigrateError> {
    let applied = client
        .query("SELECT number, name, checksum FROM migrations FINAL ORDER BY number")
        .fetch_all::<Applied>()
        .await
        .map_err(MigrateError::Record)?;
    for (found, &(number, name, text)) in applied.iter().zip(MIGRATIONS) {
        if (found.number, &found.checksum) != (number, &checksum(text)) {
            return Err(MigrateError::Edited { number, name });
        }
    }
    MIGRATIONS
        .get(applied.len()..)
        .ok_or_else(|| MigrateError::Newer {
            found: applied.last().map_or(0, |last| last.number),
            known: MIGRATIONS.len() as u32,
        })
}

async fn record(
    client: &Client,
    number: u32,
    name: &str,
    text: &str,
) -> Result<(), clickhouse::error::Error> {
    let mut insert = client
        .insert::<Applied>("migrations")
        .await?
        .with_setting("async_insert", "0");
    insert
        .write(&Applied {
            number,
            name: name.to_owned(),
            checksum: checksum(text),
        })
        .await?;
    insert.end().await
}

/// A migration's statements: each ends with a semicolon at a line's end.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(";\n").map(str::trim).filter(|statement| {
        statement
            .lines()
            .any(|line| !line.is_empty() && !line.starts_with("--"))
    })
}

fn checksum(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_each_other() {
        for (place, (number, name, text)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(*number as usize, place + 1, "{name}");
            assert!(text.ends_with(";\n"), "{name} must end its last statement");
        }
    }

    #[test]
    fn comments_alone_are_no_statement() {
        let text = "-- why\nCREATE a;\n\n-- more\n\nCREATE b;\n-- the end;\n";
        assert_eq!(statements(text).count(), 2);
    }
}
