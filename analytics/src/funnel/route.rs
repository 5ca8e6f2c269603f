//! The routes: one funnel, asked by a body or by a query string.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use clickhouse::{RowOwned, RowRead};
use jiff::Timestamp;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use whence_core::problem::Problem;

use super::answer;
use super::entries::{Entry, UNFINISHED, entered};
use super::people::{Converted, Owner, Owners, People, Seen};
use super::question::{Question, of_query};
use super::statement::{Asked, MOST_ENTRIES, MOST_EVENTS, MOST_OWNERS};
use super::step::Source;
use super::tally::Tally;
use crate::answer::{Accepted, Answer, Column, Kind, Shape};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery, Query};
use crate::problems::{Refusals, field};
use crate::reports::beside::beside;
use crate::reports::interval::starts;
use crate::reports::warehouse::Read;

/// Counts people through the steps of a funnel. docs/funnels.md has all that can be asked.
#[utoipa::path(
    post, path = "/api/v1/funnel", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn asked(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    _: NoQuery,
    body: Body,
) -> Result<Answer, Problem> {
    let question = Question::read(&api, &caller, body).await?;
    funnel(&api, accepted, question).await
}

/// A funnel in a query string.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what is read from a map")]
pub(crate) struct Parameters {
    /// 2 to 10 steps, such as click,lead,sale; page:/pricing, event:signup and sale:renewal ask for a path or a name.
    steps: String,
    /// The longest from step to step, from the second on, such as 7d,30d.
    within: Option<String>,
    /// The longest from the entry to any step; 30d where it is left out, up to 365d.
    window: Option<String>,
    /// ordered (the default), strict or any.
    order: Option<String>,
    /// Where the range begins.
    from: Option<String>,
    /// Where the range ends.
    to: Option<String>,
    /// A relative range instead of both, such as last_7_days.
    period: Option<String>,
    /// Tells people apart by when they entered.
    interval: Option<String>,
    /// Tells people apart by a dimension of the click by which they entered.
    by: Option<String>,
    /// How many values of the dimension.
    limit: Option<u64>,
    /// human (the default) or all.
    traffic: Option<String>,
}

/// Counts people through the steps of a funnel that fits into a query string.
#[utoipa::path(
    get, path = "/api/v1/funnel", tag = "reports", params(Parameters),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn linked(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    mut query: Query,
) -> Result<Answer, Problem> {
    let steps = of_query(&mut query);
    let limit = query.number("limit", 1, usize::MAX);
    let mut object: Map<String, Value> = query
        .rest()?
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    object.extend(steps.map(|steps| ("steps".to_owned(), steps)));
    object.extend(limit.map(|limit| ("limit".to_owned(), limit.into())));
    let question = Question::read(&api, &caller, Body::of(object)).await?;
    funnel(&api, accepted, question).await
}

async fn funnel(api: &Api, accepted: Accepted, question: Question) -> Result<Answer, Problem> {
    let edges = match question.interval {
        None => vec![Timestamp::UNIX_EPOCH],
        Some(interval) => starts(interval, &question.range)
            .map_err(|too_many| field(StatusCode::UNPROCESSABLE_ENTITY, "interval", too_many))?,
    };
    let seconds: Vec<i64> = edges.iter().map(|at| at.as_second()).collect();
    let now = Timestamp::now();
    let plan = question.plan(now.as_millisecond());
    // Who entered then or later has time for the second step: the limits do not depend on when that was.
    let entry = Entry {
        steps: question.entries(),
        until: question.range.to.as_millisecond(),
        open: plan.now - plan.last(0, 0, 1),
        edges: seconds,
    };
    let by_clicks = async {
        match question.enters_by(Source::Clicks) {
            true => entered(api, &question, &entry).await,
            false => Ok((Vec::new(), Read::NOTHING)),
        }
    };
    let owners = async {
        let owners = Asked::owners();
        owners
            .rows::<Owner>(api, &question, &entry, MOST_OWNERS)
            .await
    };
    let (entered, clicks, pages, conversions, owners, fresh) = tokio::try_join!(
        by_clicks,
        events::<Seen>(api, &question, &entry, Source::Clicks, Asked::watched),
        events::<Seen>(api, &question, &entry, Source::Pages, Asked::pages),
        events::<Converted>(
            api,
            &question,
            &entry,
            Source::Conversions,
            Asked::conversions
        ),
        owners,
        api.warehouse.freshness(&question.workspace),
    )?;
    let read = [clicks.1, pages.1, conversions.1, owners.1, fresh.1];
    let read = read.into_iter().fold(entered.1, |sum, read| sum + read);
    let events = clicks.0.len() + pages.0.len() + conversions.0.len();
    if events as u64 > MOST_EVENTS {
        let told = format!(
            "people who went beyond their entry have more than {MOST_EVENTS} events: ask for a shorter range or window, or \
             filter the steps more narrowly"
        );
        return Err(field(StatusCode::UNPROCESSABLE_ENTITY, "steps", told));
    }
    if entered.0.len() as u64 > MOST_ENTRIES {
        let told = format!("people have entered by more than {MOST_ENTRIES} values and intervals");
        return Err(field(StatusCode::UNPROCESSABLE_ENTITY, "by", told));
    }
    if owners.0.len() as u64 > MOST_OWNERS {
        let told = format!(
            "customers have been more than {MOST_OWNERS} visitors: no funnel can tell them apart"
        );
        return Err(field(StatusCode::UNPROCESSABLE_ENTITY, "steps", told));
    }
    let columns = columns(&question);
    let told = beside(UNFINISHED, move || {
        let looked_at = entry.of(&clicks.0);
        let owners = Owners::new(owners.0);
        let people = People::new(&owners, clicks.0, pages.0, conversions.0);
        let tally = Tally::new(&plan, &entry, entered.0, looked_at, &people);
        answer::whole(&question, &tally, &edges, now, fresh.0, read)
    });
    Ok(accepted.answer("funnel", told.await?).columns(columns))
}

/// The columns of a table that come first: of which people, and which step.
fn columns(question: &Question) -> Vec<Column> {
    let time = question.interval.map(|_| ("time", Kind::Time));
    let by = question.by.map(|by| (by.name, Kind::Text));
    let step = [
        ("step", Kind::Whole),
        ("event", Kind::Text),
        ("name", Kind::Text),
        ("people", Kind::Whole),
        ("open", Kind::Whole),
    ];
    let all = time.into_iter().chain(by).chain(step);
    all.map(|(name, kind)| Column::new(name, Shape::One(kind)))
        .collect()
}

/// The events of a source that are looked at one by one, where any are asked for.
async fn events<T: RowOwned + RowRead>(
    api: &Api,
    question: &Question,
    entry: &Entry,
    source: Source,
    statement: impl FnOnce(&Question) -> Asked,
) -> Result<(Vec<T>, Read), Problem> {
    match question.asks(source) {
        true => {
            let asked = statement(question);
            asked.rows(api, question, entry, MOST_EVENTS).await
        }
        false => Ok((Vec::new(), Read::NOTHING)),
    }
}
