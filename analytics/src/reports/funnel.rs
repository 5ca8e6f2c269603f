//! From click to lead to sale: how many people get how far, and how long it takes them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clickhouse::Row;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use whence_core::problem::Problem;

use super::answer::{About, CLICK, CONVERSION, Definitions};
use super::breakdown::rate;
use super::question::Common;
use super::span::Span;
use super::warehouse::{Sql, sql};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::Refusals;

const FUNNEL: Sql = sql!("funnel": "selected.sql", "attributed.sql", "funnel.sql");

const DEFINITIONS: Definitions = &[
    CLICK,
    CONVERSION,
    (
        "person",
        "A visitor; a click without a known visitor is a person by itself. A conversion is the person's \
         whose click it belongs to.",
    ),
    (
        "click",
        "Each person enters once, with the first click of the range that passes the filters.",
    ),
    (
        "lead",
        "The person's first lead at or after that click, at most lead_within later. Its click need not be \
         the one of the entry.",
    ),
    (
        "sale",
        "The person's first sale at or after that lead, at most sale_within later. Lead and sale both come \
         at most `within` after the entry, where that is asked. One event never is two steps; in the same \
         millisecond a click comes before a lead and a lead before a sale.",
    ),
    (
        "open",
        "People who have not taken the step, but whose time for it was not over when this was asked.",
    ),
    (
        "median_seconds",
        "Half of those who took the step took at most so long from the step before. Null where nobody did.",
    ),
];

/// How long a step may take.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Windows {
    /// The longest from click to lead, such as 30m, 12h or 7d; 30d where it is left out.
    #[param(value_type = Option<String>)]
    lead_within: Span,
    /// The longest from lead to sale; 90d where it is left out.
    #[param(value_type = Option<String>)]
    sale_within: Span,
    /// The longest from click to sale; no limit of its own where it is left out.
    #[param(value_type = Option<String>)]
    within: Option<Span>,
}

impl Windows {
    fn read(query: &mut Query) -> Self {
        Self {
            lead_within: query.optional("lead_within").unwrap_or(Span::days(30)),
            sale_within: query.optional("sale_within").unwrap_or(Span::days(90)),
            within: query.optional("within"),
        }
    }

    fn within_ms(&self) -> i64 {
        let both = self.lead_within.as_ms() + self.sale_within.as_ms();
        self.within.map_or(both, Span::as_ms)
    }
}

/// A funnel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FunnelReport {
    #[serde(flatten)]
    about: About,
    /// When this was asked: what `open` is measured by.
    #[schema(format = DateTime)]
    as_of: String,
    /// The longest from click to lead.
    lead_within: String,
    /// The longest from lead to sale.
    sale_within: String,
    /// The longest from click to sale, where one was asked.
    within: Option<String>,
    /// Click, lead and sale.
    steps: Vec<Step>,
}

/// A step of the funnel.
#[derive(Debug, Serialize, ToSchema)]
struct Step {
    /// click, lead or sale.
    #[schema(value_type = String)]
    step: &'static str,
    /// People who took it.
    people: u64,
    /// Their share of those who took the step before; null for the first step, and of nobody.
    rate_from_previous: Option<f64>,
    /// Their share of those who entered; null of nobody.
    rate_from_first: Option<f64>,
    /// People who may still take it.
    open: u64,
    /// Seconds from the step before, for half of them at most so many; null where there are none.
    median_seconds: Option<f64>,
}

#[derive(Default, Row, Deserialize)]
struct Counted {
    clicked: u64,
    led: u64,
    sold: u64,
    open_lead: u64,
    open_sale: u64,
    median_lead_ms: i64,
    median_sale_ms: i64,
}

/// Counts people from click to lead to sale.
#[utoipa::path(
    get, path = "/api/v1/reports/funnel", tag = "reports", params(Common, Windows),
    responses((status = 200, body = FunnelReport), Refusals),
)]
pub(crate) async fn funnel(
    State(api): State<Arc<Api>>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<FunnelReport>, Problem> {
    let common = Common::read(&mut query);
    let windows = Windows::read(&mut query);
    query.finish()?;
    let question = common.resolve(&api, &caller).await?;
    let now = Timestamp::now();
    let put = |statement: Statement| {
        question
            .put(statement)
            .param("lead_ms", windows.lead_within.as_ms())
            .param("sale_ms", windows.sale_within.as_ms())
            .param("within_ms", windows.within_ms())
            .param("now_ms", now.as_millisecond())
    };
    let ((rows, read), (fresh, fresh_read)) = tokio::try_join!(
        api.warehouse.ask::<Counted>(FUNNEL, put),
        api.warehouse.freshness(&question.workspace),
    )?;
    let counted = rows.into_iter().next().unwrap_or_default();
    Ok(Json(FunnelReport {
        about: About::of(&question, DEFINITIONS, fresh, read + fresh_read),
        as_of: question.range.show(now),
        lead_within: windows.lead_within.to_string(),
        sale_within: windows.sale_within.to_string(),
        within: windows.within.map(|span| span.to_string()),
        steps: steps(&counted),
    }))
}

fn steps(counted: &Counted) -> Vec<Step> {
    let seconds = |people: u64, ms: i64| (people > 0).then(|| ms as f64 / 1000.0);
    vec![
        Step {
            step: "click",
            people: counted.clicked,
            rate_from_previous: None,
            rate_from_first: rate(counted.clicked, counted.clicked),
            open: 0,
            median_seconds: None,
        },
        Step {
            step: "lead",
            people: counted.led,
            rate_from_previous: rate(counted.led, counted.clicked),
            rate_from_first: rate(counted.led, counted.clicked),
            open: counted.open_lead,
            median_seconds: seconds(counted.led, counted.median_lead_ms),
        },
        Step {
            step: "sale",
            people: counted.sold,
            rate_from_previous: rate(counted.sold, counted.led),
            rate_from_first: rate(counted.sold, counted.clicked),
            open: counted.open_sale,
            median_seconds: seconds(counted.sold, counted.median_sale_ms),
        },
    ]
}
