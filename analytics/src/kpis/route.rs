//! The routes.

use std::sync::Arc;

use axum::extract::State;
use whence_core::problem::Problem;

use super::answer;
use super::ledger::Ledger;
use super::measured::{gather, told};
use super::question::Question;
use crate::answer::{Accepted, Answer, Column, Kind, Shape};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Asked, Body};
use crate::problems::Refusals;
use crate::reports::beside::beside;
use crate::reports::warehouse::Read;

/// Tells the KPIs of referral marketing, each by its definitions. docs/kpis.md has all of them.
#[utoipa::path(
    post, path = "/api/v1/kpis", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn kpis(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    Asked(body): Asked,
) -> Result<Answer, Problem> {
    tell(&api, &caller, accepted, body).await
}

/// Tells the KPIs of referral marketing: the same question as parameters.
#[utoipa::path(
    get, path = "/api/v1/kpis", tag = "reports",
    params(
        ("kpis" = Option<String>, Query, description = "Families, separated by commas; all where none are given"),
        ("from" = Option<String>, Query, description = "A day or an instant"),
        ("to" = Option<String>, Query, description = "A day, which is included, or an instant, which is not"),
        ("period" = Option<String>, Query, description = "Instead of both, such as last_30_days"),
        ("compare" = Option<String>, Query, description = "previous_period or previous_year"),
        ("window" = Option<String>, Query, description = "Such as 30d, the default; up to 365d"),
        ("cohort" = Option<String>, Query, description = "closed (the default) or entered"),
        ("customer_by" = Option<String>, Query, description = "conversion (the default), sale or lead"),
        ("traffic" = Option<String>, Query, description = "human (the default) or all"),
        ("program" = Option<String>, Query, description = "Only referrals by links of this program"),
        ("costs" = Option<String>, Query, description = "Such as EUR:50000,EUR:20000:Email: currency, minor units, channel"),
        ("margin" = Option<f64>, Query, description = "Which part of revenue is earned, up to 1"),
    ),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn kpis_by_query(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    Asked(body): Asked,
) -> Result<Answer, Problem> {
    tell(&api, &caller, accepted, body).await
}

async fn tell(
    api: &Api,
    caller: &Caller,
    accepted: Accepted,
    body: Body,
) -> Result<Answer, Problem> {
    let question = Question::read(api, caller, body).await?;
    let before = async {
        match &question.before {
            None => Ok((None, Read::NOTHING)),
            Some(stretch) => {
                let (gathered, read) = gather(api, &question, stretch).await?;
                Ok((Some(gathered), read))
            }
        }
    };
    let ((told, read), (now, now_read), (before, before_read), (fresh, fresh_read)) = tokio::try_join!(
        told(api, &question),
        gather(api, &question, &question.stretch),
        before,
        api.warehouse.freshness(&question.workspace),
    )?;
    let read = read + now_read + before_read + fresh_read;
    let answer = beside("the KPIs were not counted to their end", move || {
        let (window, now_ms) = (question.window.as_ms(), question.now.as_millisecond());
        let ledger = Ledger::new(told, question.goals(), window, now_ms);
        let now = now.measure(&ledger, &question, &question.stretch);
        let before = before.zip(question.before.as_ref());
        let before = before.map(|(before, stretch)| before.measure(&ledger, &question, stretch));
        answer::whole(&question, &now, before.as_ref(), fresh, read)
    });
    Ok(accepted.answer("kpis", answer.await?).columns(columns()))
}

/// The columns of a table that come first: which figure, and what it is.
fn columns() -> Vec<Column> {
    let texts = ["kpi", "variant", "currency", "channel", "unit"];
    let texts = texts.map(|name| Column::new(name, Shape::One(Kind::Text)));
    let numbers = ["value", "low", "high"].map(|name| Column::new(name, Shape::One(Kind::Number)));
    texts.into_iter().chain(numbers).collect()
}
