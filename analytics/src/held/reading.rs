//! Brings what is held up to date with ClickHouse.

use std::ops::Range;

use clickhouse::Row;
use serde::Deserialize;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::clicks::{Clicked, Clicks, Fresh, HOUR_S, Print};
use crate::reports::warehouse::{Read, Warehouse};

const PRINTS: &str = include_str!("../../../sql/held/prints.sql");
const CLICKS: &str = include_str!("../../../sql/held/clicks.sql");

/// Clicks that are read by one statement, unless one hour alone has more.
const AT_A_TIME: u64 = 500_000;
/// Hours that one statement names: ClickHouse takes no parameter of any length.
pub(super) const HOURS_AT_A_TIME: usize = 1_000;

/// A row of `sql/held/prints.sql`.
#[derive(Debug, Row, Deserialize)]
struct Printed {
    hour: u32,
    clicks: u64,
    print: u64,
}

/// Asks what the clicks of some hours are.
pub(super) async fn prints(
    warehouse: &Warehouse,
    workspace: &WorkspaceId,
    hours: Range<u32>,
) -> Result<(Vec<(u32, Print)>, Read), Problem> {
    let put = |statement: clickhouse::query::Query| {
        statement
            .param("workspace", workspace.as_str())
            .param("first_hour", i64::from(hours.start * HOUR_S))
            .param("behind_hour", i64::from(hours.end * HOUR_S))
    };
    let (rows, read) = warehouse
        .ask_text::<Printed>(workspace, "held_prints", PRINTS, put)
        .await?;
    let print = |row: Printed| {
        let Printed {
            hour,
            clicks,
            print,
        } = row;
        (hour, Print { clicks, print })
    };
    Ok((rows.into_iter().map(print).collect(), read))
}

impl Clicks {
    /// Forgets those of these hours that have no clicks any more; says which are not held as they are.
    pub(super) fn compare(
        &mut self,
        hours: Range<u32>,
        prints: &[(u32, Print)],
    ) -> Vec<(u32, Print)> {
        let gone: Vec<u32> = self
            .hours
            .range(hours)
            .map(|(hour, _)| *hour)
            .filter(|hour| {
                prints
                    .binary_search_by_key(hour, |(hour, _)| *hour)
                    .is_err()
            })
            .collect();
        for hour in gone {
            self.hours.remove(&hour);
        }
        let is_other = |(hour, print): &&(u32, Print)| {
            self.hours.get(hour).is_none_or(|held| held.print != *print)
        };
        prints.iter().filter(is_other).copied().collect()
    }

    /// Reads the clicks of some hours.
    pub(super) async fn read(
        &mut self,
        warehouse: &Warehouse,
        workspace: &WorkspaceId,
        prints: &[(u32, Print)],
    ) -> Result<Read, Problem> {
        let hours: Vec<u32> = prints.iter().map(|(hour, _)| hour * HOUR_S).collect();
        let put = |statement: clickhouse::query::Query| {
            statement
                .param("workspace", workspace.as_str())
                .param("hours", &hours)
        };
        let mut fresh = Fresh::default();
        let read = warehouse
            .each::<Clicked<'_>>(workspace, "held_clicks", CLICKS, put, |row| {
                self.note(&mut fresh, &row);
            })
            .await?;
        self.put(fresh, prints.iter().map(|(hour, _)| *hour));
        Ok(read)
    }
}

/// Hours in runs that are read by one statement each.
pub(super) fn runs(prints: &[(u32, Print)]) -> impl Iterator<Item = &[(u32, Print)]> {
    let few = prints.chunks(HOURS_AT_A_TIME);
    few.flat_map(|few| {
        let mut sum = 0;
        few.chunk_by(move |(_, before), (_, next)| {
            sum += before.clicks;
            let fits = sum + next.clicks <= AT_A_TIME;
            if !fits {
                sum = 0;
            }
            fits
        })
    })
}
