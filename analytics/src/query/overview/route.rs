//! The route.

use std::sync::Arc;

use axum::extract::State;
use whence_core::problem::Problem;

use super::answer::told;
use super::count::count;
use super::question::Overview;
use crate::answer::{Accepted, Answer};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Asked;
use crate::problems::Refusals;
use crate::query::period::WhenParameters;

/// What a dashboard shows first: totals, a time series and several breakdowns at once. docs/reports.md has all that can be asked.
#[utoipa::path(
    post, path = "/api/v1/overview", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn overview(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    Asked(body): Asked,
) -> Result<Answer, Problem> {
    let overview = Overview::read(&api, &caller, body).await?;
    let now = count(&api, &overview, &overview.series.range, None);
    let ((now, read), (fresh, fresh_read)) =
        tokio::try_join!(now, api.warehouse.freshness(&overview.series.workspace))?;
    let mut read = read + fresh_read;
    let before = match &overview.series.compare {
        None => None,
        Some((_, range)) => {
            let (before, cost) = count(&api, &overview, range, Some(&now)).await?;
            read = read + cost;
            Some(before)
        }
    };
    let answer = told(&overview, &now, before.as_ref(), fresh, read);
    Ok(accepted.answer("overview", answer))
}

/// The same by an address alone.
#[utoipa::path(
    get, path = "/api/v1/overview", tag = "reports",
    params(
        ("interval" = Option<String>, Query, description = "`minute` to `year`"),
        ("compare" = Option<String>, Query, description = "`previous_period` or `previous_year`"),
        ("breakdowns" = Option<String>, Query, description = "By what, such as `channel,country`"),
        ("limit" = Option<u64>, Query, description = "Rows of each breakdown"),
        ("rollups" = Option<bool>, Query, description = "`false` counts all clicks one by one"),
        WhenParameters,
        ("traffic" = Option<String>, Query, description = "`human`, `all` or `unique:30m`"),
        ("filter" = Option<Vec<String>>, Query, description = "`channel:is:email`, `source:in:a,b`"),
    ),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn overview_by_address(
    state: State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    asked: Asked,
) -> Result<Answer, Problem> {
    overview(state, caller, accepted, asked).await
}
