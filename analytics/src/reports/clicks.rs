//! Clicks and visitors over time.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use clickhouse::Row;
use clickhouse::query::Query as Statement;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use whence_core::problem::Problem;

use super::answer::{About, CLICK, Definitions, VISITOR};
use super::interval::{Interval, starts};
use super::question::Common;
use super::warehouse::{Sql, sql};
use crate::answer::{Accepted, Answer, Column, Kind, Shape};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::{Refusals, field};

const CLICKS: Sql = sql!("clicks": "selected.sql", "clicks.sql");

const DEFINITIONS: Definitions = &[
    CLICK,
    VISITOR,
    (
        "series",
        "One point for each interval of the range, those without clicks too. `time` is where the interval \
         begins; the first may begin before the range and the last end after it, and then they count only \
         what lies in the range. A visitor of two intervals is one visitor in totals.",
    ),
];

/// How the range is cut.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Cut {
    /// `minute`, `hour`, `day` (the default), `week` (from Monday), `month`, `quarter` or `year`, in the workspace's time
    /// zone; at most 10,000 of them.
    #[param(value_type = Option<String>)]
    interval: Interval,
}

/// Clicks over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClicksReport {
    #[serde(flatten)]
    about: About,
    /// How long an interval is.
    #[schema(value_type = String)]
    interval: &'static str,
    /// One point for each interval.
    series: Vec<Point>,
    /// The whole range.
    totals: Counts,
}

/// An interval.
#[derive(Debug, Serialize, ToSchema)]
struct Point {
    /// Where it begins, by the workspace's clock.
    #[schema(format = DateTime)]
    time: String,
    #[serde(flatten)]
    counts: Counts,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
struct Counts {
    /// Clicks.
    clicks: u64,
    /// Distinct visitors.
    visitors: u64,
}

#[derive(Row, Deserialize)]
struct Bucket {
    is_total: u8,
    bucket: i64,
    clicks: u64,
    visitors: u64,
}

/// Counts clicks and visitors over time.
#[utoipa::path(
    get, path = "/api/v1/reports/clicks", tag = "reports", params(Common, Cut),
    responses((status = 200, body = ClicksReport), Refusals),
)]
pub(crate) async fn clicks(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    mut query: Query,
) -> Result<Answer, Problem> {
    let common = Common::read(&mut query);
    let cut = Cut {
        interval: query.optional("interval").unwrap_or(Interval::Day),
    };
    query.finish()?;
    let question = common.resolve(&api, &caller).await?;
    let starts = starts(cut.interval, &question.range)
        .map_err(|too_many| field(StatusCode::BAD_REQUEST, "interval", too_many))?;
    let edges: Vec<i64> = starts.iter().map(|at| at.as_second()).collect();

    let put = |statement: Statement| question.put(statement).param("edges", &edges);
    let ((buckets, read), (fresh, fresh_read)) = tokio::try_join!(
        api.warehouse
            .ask::<Bucket>(&question.workspace, CLICKS, put),
        api.warehouse.freshness(&question.workspace),
    )?;

    let mut totals = Counts::default();
    let mut counted = HashMap::with_capacity(buckets.len());
    for bucket in buckets {
        let counts = Counts {
            clicks: bucket.clicks,
            visitors: bucket.visitors,
        };
        if bucket.is_total == 1 {
            totals = counts;
        } else {
            counted.insert(bucket.bucket, counts);
        }
    }
    let point = |at: &jiff::Timestamp| Point {
        time: question.range.show(*at),
        counts: counted.get(&at.as_second()).copied().unwrap_or_default(),
    };
    let report = ClicksReport {
        series: starts.iter().map(point).collect(),
        about: About::of(&question, DEFINITIONS, fresh, read + fresh_read),
        interval: cut.interval.name(),
        totals,
    };
    let columns = vec![
        Column::new("time", Shape::One(Kind::Time)),
        Column::new("clicks", Shape::One(Kind::Whole)),
        Column::new("visitors", Shape::One(Kind::Whole)),
    ];
    let answer = accepted.report("clicks", &report)?;
    Ok(answer.under("series").columns(columns))
}
