//! The route.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use whence_core::problem::Problem;

use super::super::answer::Counted;
use super::super::route::ask;
use super::super::statement::{Query, Wanted};
use super::answer::{Breakdown, Counts, told};
use super::question::Overview;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::Refusals;
use crate::reports::range::Range;
use crate::reports::warehouse::Read;

/// What a dashboard shows first: totals, a time series and several breakdowns at once. docs/reports.md has all that can be asked.
#[utoipa::path(
    post, path = "/api/v1/overview", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn overview(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    body: Body,
) -> Result<Json<Value>, Problem> {
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
    Ok(Json(told(&overview, &now, before.as_ref(), fresh, read)))
}

/// Counts a range; of each breakdown the values with the most clicks, or those of another range.
async fn count(
    api: &Api,
    overview: &Overview,
    range: &Range,
    of: Option<&Counts>,
) -> Result<(Counts, Read), Problem> {
    let query = Query::of(&overview.series);
    let (series, mut read) = ask(api, &overview.series, &query, range, Wanted::Page).await?;
    let mut breakdowns = Vec::new();
    for (number, dimension) in overview.breakdowns.iter().enumerate() {
        let question = overview.by(*dimension);
        let wanted = match of {
            None => Wanted::Page,
            Some(of) => {
                let rows = of.breakdowns[number].rows.iter();
                Wanted::Keys(rows.map(Counted::keys).collect())
            }
        };
        let (told, cost) = ask(api, &question, &Query::of(&question), range, wanted).await?;
        read = read + cost;
        breakdowns.push(Breakdown {
            dimension: *dimension,
            groups: told.total.groups,
            rows: told.rows,
        });
    }
    Ok((Counts { series, breakdowns }, read))
}
