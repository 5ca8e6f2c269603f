//! Clicks, visitors and conversions by one dimension.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use clickhouse::Row;
use clickhouse::query::Query as Statement;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use whence_core::problem::Problem;

use super::answer::{About, CLICK, CONVERSION, Definitions, VISITOR};
use super::dimension::Dimension;
use super::money::{Amount, Sums, amounts, less};
use super::question::{Common, Question};
use super::warehouse::{Read, Sql, Warehouse, sql};
use crate::answer::{Accepted, Answer, Column, Kind, Shape};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::{Refusals, field};

const BY_COLUMN: Sql = sql!("breakdown": "selected.sql", "by_column.sql", "recorded.sql", "attributed.sql", "breakdown.sql");
const BY_TAG: Sql = sql!("breakdown": "selected.sql", "by_tag.sql", "recorded.sql", "attributed.sql", "breakdown.sql");
const UNATTRIBUTED: Sql = sql!("unattributed": "selected.sql", "recorded.sql", "attributed.sql", "../carried/every.sql", "unattributed.sql");

/// The most keys that one answer has.
const MOST: usize = 1000;

const DEFINITIONS: Definitions = &[
    CLICK,
    VISITOR,
    CONVERSION,
    (
        "conversion_rate",
        "converted_clicks / clicks: the share of clicks that led to at least one conversion, so never above \
         1. Null where there are no clicks.",
    ),
    (
        "revenue",
        "What the sales were worth, less what was given back of them, in minor units, each currency for itself. A \
         lead's amount is not in it.",
    ),
    (
        "refunded",
        "What was given back of these sales by refunds and cancellations, whenever that was: never more than a \
         sale was worth, and the number of sales stays as it is.",
    ),
    (
        "key",
        "The dimension's value; empty where it is not known. Rows come by clicks, most first. A visitor of \
         two keys is one visitor in totals. By tag a click counts under each tag that its link had, so rows may \
         sum to more than totals, where it counts once.",
    ),
    (
        "unattributed",
        "Conversions that happened in the range and count for no click, by reason: no_click (no click id, \
         nor one of the customer's before), unknown_click (the click is not stored, or not yet), \
         excluded_click (its click does not count, such as a bot's while traffic=human), before_click (dated \
         before its click), no_sale (refunds and cancellations whose sale is not stored, or not yet, or in another \
         currency; what they gave back is revenue below zero). Not filtered by channel, source and link.",
    ),
];

/// What the report is grouped by.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Grouping {
    /// channel, source, campaign, link, domain, slug, referrer_host, country, browser, os, device,
    /// agent_class, verdict, method, language, program, advocate, variant or tag.
    #[param(value_type = String)]
    by: Dimension,
    /// How many keys at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
}

/// Clicks and what they led to, by one dimension.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakdownReport {
    #[serde(flatten)]
    about: About,
    /// The dimension.
    #[schema(value_type = String)]
    by: &'static str,
    /// The keys with the most clicks.
    rows: Vec<KeyRow>,
    /// How many keys there are, also beyond the limit.
    keys: u64,
    /// All clicks together, also those beyond the limit.
    totals: Outcome,
    /// Conversions of the range that count for no click.
    unattributed: Vec<Unattributed>,
}

/// One key.
#[derive(Debug, Serialize, ToSchema)]
struct KeyRow {
    /// The dimension's value; empty where it is not known.
    key: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Clicks and what they led to.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Outcome {
    /// Clicks.
    clicks: u64,
    /// Distinct visitors.
    visitors: u64,
    /// Leads that belong to these clicks.
    leads: u64,
    /// Sales that belong to these clicks.
    sales: u64,
    /// Both together.
    conversions: u64,
    /// Clicks that led to at least one conversion.
    converted_clicks: u64,
    /// converted_clicks / clicks; null where there are no clicks.
    conversion_rate: Option<f64>,
    /// What the sales were worth, less what was given back.
    revenue: Vec<Amount>,
    /// What was given back.
    refunded: Vec<Amount>,
}

/// Conversions that count for no click, by one reason.
#[derive(Debug, Serialize, ToSchema)]
struct Unattributed {
    /// no_click, unknown_click, excluded_click, before_click or no_sale.
    reason: String,
    /// Leads.
    leads: u64,
    /// Sales.
    sales: u64,
    /// Both together.
    conversions: u64,
    /// What the sales were worth, less what was given back.
    revenue: Vec<Amount>,
    /// What was given back.
    refunded: Vec<Amount>,
}

#[derive(Row, Deserialize)]
struct Counted {
    is_total: u8,
    key: String,
    keys: u64,
    clicks: u64,
    visitors: u64,
    leads: u64,
    sales: u64,
    converted_clicks: u64,
    sold: Sums,
    refunded: Sums,
}

#[derive(Row, Deserialize)]
struct Unowed {
    reason: String,
    leads: u64,
    sales: u64,
    sold: Sums,
    refunded: Sums,
}

/// Counts clicks, visitors and conversions by one dimension.
#[utoipa::path(
    get, path = "/api/v1/reports/breakdown", tag = "reports", params(Common, Grouping),
    responses((status = 200, body = BreakdownReport), Refusals),
)]
pub(crate) async fn breakdown(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    mut query: Query,
) -> Result<Answer, Problem> {
    let common = Common::read(&mut query);
    let by = query.optional::<Dimension>("by");
    let limit = query.number("limit", 1, MOST);
    query.finish()?;
    let grouping = Grouping {
        by: by.ok_or_else(|| field(StatusCode::BAD_REQUEST, "by", "is required"))?,
        limit: limit.unwrap_or(100),
    };
    let question = common.resolve(&api, &caller).await?;
    let ((counted, read), (unattributed, unattributed_read), (fresh, fresh_read)) = tokio::try_join!(
        count(&api.warehouse, &question, &grouping),
        unattributed(&api.warehouse, &question),
        api.warehouse.freshness(&question.workspace),
    )?;

    let mut report = BreakdownReport {
        about: About::of(
            &question,
            DEFINITIONS,
            fresh,
            read + unattributed_read + fresh_read,
        ),
        by: grouping.by.name(),
        rows: Vec::with_capacity(counted.len()),
        keys: 0,
        totals: Outcome::default(),
        unattributed,
    };
    for row in counted {
        if row.is_total == 1 {
            report.keys = row.keys;
            report.totals = row.into();
        } else {
            report.rows.push(KeyRow {
                key: grouping.by.show(row.key.clone()),
                outcome: row.into(),
            });
        }
    }
    let answer = accepted.report("breakdown", &report)?;
    Ok(answer.columns(vec![Column::new("key", Shape::One(Kind::Text))]))
}

async fn count(
    warehouse: &Warehouse,
    question: &Question,
    grouping: &Grouping,
) -> Result<(Vec<Counted>, Read), Problem> {
    let put = |statement: Statement| {
        question
            .put(statement)
            .param("by", grouping.by.column())
            .param("limit", grouping.limit as u64)
    };
    let sql = if grouping.by.several() {
        BY_TAG
    } else {
        BY_COLUMN
    };
    warehouse.ask(&question.workspace, sql, put).await
}

async fn unattributed(
    warehouse: &Warehouse,
    question: &Question,
) -> Result<(Vec<Unattributed>, Read), Problem> {
    let put = |statement| question.put(statement);
    let (rows, read) = warehouse
        .ask::<Unowed>(&question.workspace, UNATTRIBUTED, put)
        .await?;
    let rows = rows.into_iter().map(|row| Unattributed {
        reason: row.reason,
        leads: row.leads,
        sales: row.sales,
        conversions: row.leads + row.sales,
        revenue: amounts(less(row.sold, &row.refunded)),
        refunded: amounts(row.refunded),
    });
    Ok((rows.collect(), read))
}

impl From<Counted> for Outcome {
    fn from(row: Counted) -> Self {
        Self {
            clicks: row.clicks,
            visitors: row.visitors,
            leads: row.leads,
            sales: row.sales,
            conversions: row.leads + row.sales,
            converted_clicks: row.converted_clicks,
            conversion_rate: rate(row.converted_clicks, row.clicks),
            revenue: amounts(less(row.sold, &row.refunded)),
            refunded: amounts(row.refunded),
        }
    }
}

/// A share; none of nothing.
pub(crate) fn rate(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
