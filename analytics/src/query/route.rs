//! The route.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use whence_core::problem::Problem;

use super::answer::{self, Counted, Told};
use super::columns;
use super::question::Question;
use super::statement::{Query, Wanted};
use crate::answer::{Accepted, Answer};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Asked;
use crate::problems::{Refusals, field};
use crate::query::period::WhenParameters;
use crate::reports::interval::starts;
use crate::reports::range::Range;
use crate::reports::warehouse::Read;

/// Asks for any metrics by any dimensions. docs/reports.md has all that can be asked.
#[utoipa::path(
    post, path = "/api/v1/query", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn query(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    Asked(body): Asked,
) -> Result<Answer, Problem> {
    let question = Question::read(&api, &caller, body).await?;
    let query = Query::of(&question);
    let now = ask(&api, &question, &query, &question.range, Wanted::Page);
    let ((told, read), (fresh, fresh_read)) =
        tokio::try_join!(now, api.warehouse.freshness(&question.workspace))?;
    let mut read = read + fresh_read;
    let before = match &question.compare {
        None => None,
        Some((_, range)) => {
            let mut keys: Vec<_> = told.rows.iter().map(Counted::keys).collect();
            keys.sort();
            keys.dedup();
            let wanted = Wanted::Keys(keys);
            let (before, cost) = ask(&api, &question, &query, range, wanted).await?;
            read = read + cost;
            Some(before)
        }
    };
    let answer = answer::whole(&question, &told, before.as_ref(), fresh, read);
    Ok(accepted
        .answer("query", answer)
        .columns(columns::of(&question)))
}

/// The same by an address alone: lists with commas between their values, and `filter=dimension:test:value` as often as
/// conditions are to hold.
#[utoipa::path(
    get, path = "/api/v1/query", tag = "reports",
    params(
        ("metrics" = Option<String>, Query, description = "`clicks,visitors` where it is left out"),
        ("dimensions" = Option<String>, Query, description = "At most three"),
        ("filter" = Option<Vec<String>>, Query, description = "`channel:is:email`, `source:in:a,b`"),
        WhenParameters,
        ("interval" = Option<String>, Query, description = "`minute` to `year`"),
        ("compare" = Option<String>, Query, description = "`previous_period` or `previous_year`"),
        ("traffic" = Option<String>, Query, description = "`human`, `all` or `unique:30m`"),
        ("order" = Option<String>, Query, description = "`-clicks,channel`"),
        ("currency" = Option<String>, Query, description = "In which revenue is ordered"),
        ("limit" = Option<u64>, Query, description = "1 to 10,000"),
        ("cursor" = Option<String>, Query, description = "Of the answer before"),
    ),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn query_by_address(
    state: State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    asked: Asked,
) -> Result<Answer, Problem> {
    query(state, caller, accepted, asked).await
}

/// Puts a question to ClickHouse, for this range.
pub(super) async fn ask(
    api: &Api,
    question: &Question,
    query: &Query,
    range: &Range,
    wanted: Wanted,
) -> Result<(Told, Read), Problem> {
    let cut: Vec<Timestamp> = match question.interval {
        None => vec![Timestamp::UNIX_EPOCH],
        Some(interval) => starts(interval, range)
            .map_err(|too_many| field(StatusCode::UNPROCESSABLE_ENTITY, "interval", too_many))?,
    };
    let edges: Vec<i64> = cut.iter().map(|at| at.as_second()).collect();
    let put = |statement| query.put(statement, question, range, &edges, &wanted);
    let (rows, read) = api
        .warehouse
        .ask_text::<Counted>(&question.workspace, "query", &query.text, put)
        .await?;
    Ok((Told::new(cut, rows), read))
}
