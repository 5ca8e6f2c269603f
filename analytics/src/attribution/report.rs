//! `POST /api/v1/attribution`: which channels, sources, links earned the conversions of a range, under several models side by
//! side. Touches are read once; the models run here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use whence_core::problem::Problem;

use super::ledger::{Converted, Earned, Ledger, Without};
use super::question::{MOST, Question};
use super::{MICRO, Model};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, field};
use crate::reports::definitions::Freshness;

macro_rules! sql {
    ($($file:literal),+) => { concat!($(include_str!(concat!("../../../sql/", $file))),+) };
}
pub(super) use sql;

const TOUCHES: &str = sql!(
    "attribution/open.sql",
    "reports/attributed.sql",
    "attribution/people.sql",
    "attribution/touches.sql"
);
const WITHOUT: &str = sql!(
    "attribution/open.sql",
    "reports/attributed.sql",
    "attribution/people.sql",
    "attribution/without.sql"
);

/// Gives credit for conversions under several models.
#[utoipa::path(
    post, path = "/api/v1/attribution", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn attribution(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let question = Question::read(&api, &caller, body).await?;
    let put = |statement| question.put(statement);
    let converted = api
        .warehouse
        .ask_text::<Converted>("attribution", TOUCHES, put);
    let ((converted, read), (fresh, fresh_read)) =
        tokio::try_join!(converted, api.warehouse.freshness(&question.workspace))?;
    if converted.len() as u64 > MOST {
        let detail = format!("the range has more than {MOST} conversions; ask for a shorter one");
        return Err(field(StatusCode::UNPROCESSABLE_ENTITY, "from", detail));
    }
    let mut read = read + fresh_read;
    let learns = |model: &Model| matches!(model, Model::Markov { .. });
    let mut without = Vec::new();
    if question.models.iter().any(learns) {
        let put = |statement| question.put(statement);
        let asked = api
            .warehouse
            .ask_text::<Without>("attribution_without", WITHOUT, put);
        let (rows, cost) = asked.await?;
        without = rows;
        read = read + cost;
    }
    let answer = tokio::task::spawn_blocking(move || {
        let credits = Ledger::new(&converted, &without).all(&question.models)?;
        Ok::<_, Problem>((question, converted, credits))
    });
    let (question, converted, credits) = answer.await.map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the models were not run to their end",
        )
    })??;
    let mut totals = Earned::default();
    for conversion in &converted {
        totals.add(MICRO, &conversion.currency, conversion.worth());
    }
    let models: Vec<Value> = credits
        .iter()
        .map(|credits| credits.show(question.by))
        .collect();
    Ok(Json(json!({
        "by": question.by.names().0,
        "models": models,
        "totals": totals.show(),
        "definition": definition(),
        "look_back": question.look_back.to_string(),
        "kinds": question.kinds,
        "traffic": if question.all_traffic { "all" } else { "human" },
        "time_zone": question.time_zone,
        "from": question.range.show(question.range.from),
        "to": question.range.show(question.range.to),
        "exact": true,
        "freshness": Freshness::of(&question.range, fresh),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    })))
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
