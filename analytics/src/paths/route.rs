//! The route.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use clickhouse::query::Query as Statement;
use whence_core::problem::Problem;

use super::answer;
use super::question::Question;
use super::ways::{Converter, Others, Ways};
use crate::answer::{Accepted, Answer};
use crate::api::Api;
use crate::attribution::reading::{UNFINISHED, journeys, passed, passing};
use crate::door::Caller;
use crate::fields::Asked;
use crate::problems::{Refusals, field};
use crate::query::period::WhenParameters;
use crate::reports::beside::beside;

/// Different ways to no conversion: more would not fit into memory beside each other.
const MOST_WAYS: usize = 500_000;

macro_rules! behind_persons {
    ($file:literal) => {
        concat!(
            include_str!("../../../sql/reports/open.sql"),
            include_str!("../../../sql/carried/every.sql"),
            include_str!("../../../sql/people/persons.sql"),
            include_str!(concat!("../../../sql/paths/", $file))
        )
    };
}

const CONVERTERS: &str = behind_persons!("converters.sql");
const OTHERS: &str = behind_persons!("others.sql");

/// Tells the ways that people went to conversions, or to none. docs/paths.md has all that can be asked.
#[utoipa::path(
    post, path = "/api/v1/paths", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn paths(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    Asked(body): Asked,
) -> Result<Answer, Problem> {
    let question = Question::read(&api, &caller, body).await?;
    let (touching, predicate) = (&question.touching, &question.predicate);
    let others = passed(OTHERS, predicate);
    let put_others = |statement: Statement| {
        passing(touching, predicate, statement)
            .param("collapse", u8::from(question.collapse))
            .param("most_ways", MOST_WAYS as u64 + 1)
    };
    let (warehouse, of) = (&api.warehouse, &touching.workspace);
    let put = |statement| touching.put(statement);
    let (
        (journeys, read),
        (converters, read_of_converters),
        (others, read_of_others),
        (fresh, fresh_read),
    ) = tokio::try_join!(
        journeys(&api, touching, predicate),
        warehouse.ask_text::<Converter>(of, "paths_converters", CONVERTERS, put),
        warehouse.ask_text::<Others>(of, "paths_others", &others, put_others),
        warehouse.freshness(of),
    )?;
    if others.len() > MOST_WAYS {
        let detail = format!(
            "the range has more than {MOST_WAYS} different paths; ask for a shorter one, by what has fewer values, or with a \
             filter"
        );
        return Err(field(StatusCode::UNPROCESSABLE_ENTITY, "from", detail));
    }
    let read = read + read_of_converters + read_of_others + fresh_read;
    let told = beside(UNFINISHED, move || {
        let ways = Ways::new(&journeys, converters, others, question.collapse);
        answer::whole(&question, &ways, fresh, read)
    });
    Ok(accepted.answer("paths", told.await?))
}

/// The same by an address alone.
#[utoipa::path(
    get, path = "/api/v1/paths", tag = "reports",
    params(
        ("by" = Option<String>, Query, description = "`channel`, `source`, `campaign`, `link` or `advocate`"),
        ("look_back" = Option<String>, Query, description = "`90d` where it is left out"),
        ("kinds" = Option<String>, Query, description = "`sale`, `lead` or both"),
        ("collapse" = Option<bool>, Query, description = "Whether the same twice in a row is one"),
        ("order" = Option<String>, Query, description = "`conversions` or `people`"),
        ("steps" = Option<u64>, Query, description = "Up to which number steps are told by number"),
        ("limit" = Option<u64>, Query, description = "How many paths"),
        WhenParameters,
        ("traffic" = Option<String>, Query, description = "`human` or `all`"),
        ("filter" = Option<Vec<String>>, Query, description = "`channel:is:email`, `source:in:a,b`"),
    ),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn paths_by_address(
    state: State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    asked: Asked,
) -> Result<Answer, Problem> {
    paths(state, caller, accepted, asked.one("order")).await
}
