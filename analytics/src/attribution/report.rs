//! `POST /api/v1/attribution`: which channels, sources, links earned the conversions of a range, under several models side by
//! side. Touches are read once; the models run here.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};
use whence_core::problem::Problem;

use super::ledger::{Earned, Ledger};
use super::question::Question;
use super::reading::{UNFINISHED, journeys};
use super::without::{self, Without};
use super::{MICRO, Model};
use crate::answer::{Accepted, Answer, Column, Kind, Shape};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Asked;
use crate::problems::Refusals;
use crate::query::filter::Predicate;
use crate::query::period::WhenParameters;
use crate::reports::beside::beside;
use crate::reports::definitions::Freshness;
use crate::reports::warehouse::Read;

macro_rules! sql {
    ($($file:literal),+) => { concat!($(include_str!(concat!("../../../sql/", $file))),+) };
}
pub(super) use sql;

/// Gives credit for conversions under several models.
#[utoipa::path(
    post, path = "/api/v1/attribution", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn attribution(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    Asked(body): Asked,
) -> Result<Answer, Problem> {
    let question = Question::read(&api, &caller, body).await?;
    let no_filter = Predicate::of_stored(None);
    let learns = |model: &Model| matches!(model, Model::Markov { .. });
    let learnt_from = async {
        if !question.models.iter().any(learns) {
            return Ok((Without::default(), Read::NOTHING));
        }
        without::gather(&api, &question.touching).await
    };
    let ((journeys, read), (without, without_read), (fresh, fresh_read)) = tokio::try_join!(
        journeys(&api, &question.touching, &no_filter),
        learnt_from,
        api.warehouse.freshness(&question.touching.workspace),
    )?;
    let read = read + without_read + fresh_read;
    let answer = beside(UNFINISHED, move || {
        let credits = Ledger::new(&journeys, &without).all(&question.models)?;
        Ok::<_, Problem>((question, journeys, credits))
    });
    let (question, journeys, credits) = answer.await??;
    let mut totals = Earned::default();
    for conversion in &journeys.converted {
        totals.add(MICRO, &conversion.currency, conversion.worth);
    }
    let models: Vec<Value> = credits
        .iter()
        .map(|credits| credits.show(question.touching.by))
        .collect();
    let rows = credits
        .iter()
        .flat_map(|credits| credits.rows(question.touching.by));
    let (rows, columns) = (rows.collect(), columns(question.touching.by.names().0));
    let object = json!({
        "by": question.touching.by.names().0,
        "models": models,
        "totals": totals.show(),
        "definition": definition(),
        "look_back": question.touching.look_back.to_string(),
        "kinds": question.touching.kinds,
        "traffic": if question.touching.all_traffic { "all" } else { "human" },
        "time_zone": question.touching.time_zone,
        "from": question.touching.range.show(question.touching.range.from),
        "to": question.touching.range.show(question.touching.range.to),
        "exact": true,
        "freshness": Freshness::of(&question.touching.range, fresh),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    });
    let answer = accepted.answer("attribution", object);
    Ok(answer.rows(rows).columns(columns))
}

/// The same by an address alone: lists with commas between their values.
#[utoipa::path(
    get, path = "/api/v1/attribution", tag = "reports",
    params(
        ("models" = Option<String>, Query, description = "`first,last` where it is left out"),
        ("by" = Option<String>, Query, description = "`channel`, `source`, `campaign`, `link` or `advocate`"),
        ("look_back" = Option<String>, Query, description = "`90d` where it is left out"),
        ("kinds" = Option<String>, Query, description = "`sale`, `lead` or both"),
        WhenParameters,
        ("traffic" = Option<String>, Query, description = "`human` or `all`"),
    ),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn attribution_by_address(
    state: State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    asked: Asked,
) -> Result<Answer, Problem> {
    attribution(state, caller, accepted, asked).await
}

/// The columns of the credits where they are wanted as a table.
fn columns(by: &'static str) -> Vec<Column> {
    vec![
        Column::new("model", Shape::One(Kind::Text)),
        Column::new(by, Shape::One(Kind::Text)),
        Column::new("attributed", Shape::One(Kind::Flag)),
        Column::new("conversions", Shape::One(Kind::Number)),
        Column::new("revenue", Shape::Money),
    ]
}

fn definition() -> Value {
    json!({
        "touch": "A click that counts, of the person who converted, at or before the conversion and at most the look-back \
                  before it, be that before the range. A person is a customer with the visitors of all its conversions, or \
                  the visitor of a conversion that names no customer; the click that a conversion carries is its person's.",
        "conversions": "Of the range, by when they happened; credit for one adds up to one, to the millionth.",
        "revenue": "What the sales were worth, less what was given back of them, in minor units; credits add up to the unit.",
        "unattributed": "Conversions without any touch.",
    })
}
