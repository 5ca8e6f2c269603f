//! Counts the clicks of an overview: out of rollups what they have, else click by click.

use clickhouse::Row;
use serde::Deserialize;
use whence_core::problem::Problem;

use super::reading::Reading;
use super::rollup;
use crate::reports::warehouse::Read;

/// A row of `sql/overview/counted.sql`.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Clicked {
    pub(super) part: u8,
    pub(super) bucket: i64,
    pub(super) key: String,
    pub(super) groups: u64,
    pub(super) clicks: u64,
}

/// Where clicks were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In ClickHouse, one by one.
    OneByOne,
    /// In ClickHouse: all together, the intervals, and the dimensions that have rollups out of those.
    Rolled,
    /// In memory.
    Held,
}

/// Clicks as they were counted.
#[derive(Debug)]
pub(super) struct Clicks {
    /// All together, by interval, and by each dimension.
    pub(super) rows: Vec<Clicked>,
    /// Where.
    pub(super) counted: Where,
    /// What it cost.
    pub(super) read: Read,
}

/// Counts clicks by intervals and by dimensions; only by some of their values, where they are told.
pub(super) async fn clicks(reading: &Reading<'_>) -> Result<Clicks, Problem> {
    let &Reading {
        overview,
        ref statements,
        range,
        edges,
        dimensions,
        wanted,
        ..
    } = reading;
    let days = rollup::Days::of(range);
    let ask = async |name, text: String| {
        let put = |statement| {
            statements
                .put(statement, range, edges)
                .param("first_hour", range.from.as_second())
                .param("behind_hour", range.to.as_second())
                .param("first_day", days.map_or(0, |days| days.first))
                .param("behind_day", days.map_or(0, |days| days.behind))
                .param("limit", overview.limit)
                .param("only_keys", u8::from(wanted.is_some()))
                .param("keys", wanted.unwrap_or_default())
        };
        reading.ask::<Clicked>(name, &text, put).await
    };
    let numbers = |is_rolled: bool| -> Vec<usize> {
        let each = dimensions.iter().enumerate();
        each.filter(|(_, dimension)| rollup::has(**dimension, range) == is_rolled)
            .map(|(number, _)| number)
            .collect()
    };
    let (rolled, others) = (numbers(true), numbers(false));
    // Where all is read anyway, the intervals cost next to nothing.
    let pays = others.is_empty() || !rolled.is_empty();
    if !(overview.rollups && pays && rollup::fits(&overview.series, range, edges)) {
        let (rows, read) = ask("overview_clicks", statements.counted()).await?;
        return Ok(Clicks {
            rows,
            counted: Where::OneByOne,
            read,
        });
    }
    let others = async {
        if others.is_empty() {
            return Ok((Vec::new(), Read::NOTHING));
        }
        ask("overview_clicks", statements.unrolled(&others)).await
    };
    let ((mut rows, read), (more, more_read)) =
        tokio::try_join!(ask("overview_rollups", statements.rolled(&rolled)), others)?;
    rows.extend(more);
    Ok(Clicks {
        rows,
        counted: Where::Rolled,
        read: read + more_read,
    })
}
