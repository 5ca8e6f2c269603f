//! The route of cohorts, and its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use whence_core::problem::Problem;

use super::lives::{Cohorts, Period, Told, cohorts, curve};
use super::question::{Active, Question};
use crate::answer::{Accepted, Answer};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Asked;
use crate::problems::Refusals;
use crate::query::filter::without_comments;
use crate::query::period::WhenParameters;
use crate::reports::definitions::Freshness;
use crate::reports::money::amounts;
use crate::reports::proportion::share;
use crate::reports::warehouse::{Fresh, Read};

macro_rules! piece {
    ($file:literal) => {
        include_str!(concat!("../../../sql/", $file))
    };
}
pub(super) use piece;

/// Tells people by when and how they came, and what they did from then on. docs/cohorts.md has all that can be asked.
#[utoipa::path(
    post, path = "/api/v1/cohorts", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn cohorts_of_people(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    Asked(body): Asked,
) -> Result<Answer, Problem> {
    let question = Question::read(&api, &caller, body).await?;
    let text = statement(&question);
    let now = Timestamp::now();
    let ((told, read), (fresh, fresh_read)) = tokio::try_join!(
        api.warehouse
            .ask_text::<Told>(&question.workspace, "cohorts", &text, |statement| question
                .put(statement)),
        api.warehouse.freshness(&question.workspace),
    )?;
    let groups = told.first().map_or(0, |row| row.groups);
    let cohorts = cohorts(told, &question.cut, question.periods, now);
    let read = read + fresh_read;
    let told = whole(&question, &cohorts, groups, now, fresh, read);
    Ok(accepted.answer("cohorts", told))
}

/// The same by an address alone.
#[utoipa::path(
    get, path = "/api/v1/cohorts", tag = "reports",
    params(
        ("acquisition" = Option<String>, Query, description = "`click` or `conversion`: by what people came"),
        ("interval" = Option<String>, Query, description = "`day`, `week` or `month`"),
        ("periods" = Option<u64>, Query, description = "How many behind the one in which they came"),
        ("by" = Option<String>, Query, description = "A dimension of the click by which they came"),
        ("active" = Option<String>, Query, description = "What makes somebody active"),
        ("kinds" = Option<String>, Query, description = "`sale`, `lead` or both"),
        ("limit" = Option<u64>, Query, description = "How many values of the dimension"),
        WhenParameters,
        ("traffic" = Option<String>, Query, description = "`human` or `all`"),
        ("filter" = Option<Vec<String>>, Query, description = "`channel:is:email`, `source:in:a,b`"),
    ),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn cohorts_by_address(
    state: State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    asked: Asked,
) -> Result<Answer, Problem> {
    cohorts_of_people(state, caller, accepted, asked).await
}

/// The files of the question, its own condition where `PASSES` stands.
fn statement(question: &Question) -> String {
    let passes = question.predicate.as_ref();
    let passes = passes.map_or("1", |predicate| &predicate.text);
    let pages = match question.active.is_by(Active::Page) {
        true => concat!(
            include_str!("../../../sql/people/page_events.sql"),
            include_str!("../../../sql/people/pages.sql")
        ),
        false => piece!("cohorts/no_pages.sql"),
    };
    let origins = match question.by_click {
        true => piece!("cohorts/no_origins.sql"),
        false => piece!("cohorts/origins.sql"),
    };
    let pieces = [
        piece!("reports/open.sql"),
        piece!("reports/recorded.sql"),
        piece!("reports/attributed.sql"),
        piece!("carried/every.sql"),
        piece!("people/persons.sql"),
        pages,
        piece!("cohorts/clicked.sql"),
        origins,
        piece!("cohorts/bought.sql"),
        piece!("cohorts/lives.sql"),
    ];
    let text = pieces.map(without_comments).join("\n");
    text.replace("PASSES", passes)
}

fn whole(
    question: &Question,
    cohorts: &Cohorts,
    groups: u64,
    now: Timestamp,
    fresh: Fresh,
    read: Read,
) -> Value {
    let range = &question.range;
    let named = |row: &mut Map<String, Value>, value: &str| {
        if let Some(by) = question.by {
            row.insert(by.name.to_owned(), json!(by.show(value.to_owned())));
        }
    };
    let mut rows = Vec::new();
    for ((_, value, interval), cohort) in cohorts {
        for (number, period) in cohort.periods.iter().enumerate() {
            let mut row = Map::new();
            let came = question.cut.start(*interval);
            row.insert("cohort".to_owned(), json!(range.show(came)));
            named(&mut row, value);
            row.insert("period".to_owned(), json!(number));
            let from = question.cut.start(interval + number);
            row.insert("period_from".to_owned(), json!(range.show(from)));
            row.insert("open".to_owned(), json!(period.is_open));
            row.extend(told(cohort.people, period));
            rows.push(Value::Object(row));
        }
    }
    let points = curve(cohorts)
        .into_iter()
        .map(|((_, value, number), point)| {
            let mut row = Map::new();
            named(&mut row, &value);
            row.insert("period".to_owned(), json!(number));
            row.insert("cohorts".to_owned(), json!(point.cohorts));
            row.extend(told(point.people, &point.period));
            Value::Object(row)
        });
    let people: u64 = cohorts.values().map(|cohort| cohort.people).sum();
    json!({
        "acquisition": if question.by_click { "click" } else { "conversion" },
        "interval": question.interval.name(),
        "periods": question.periods,
        "by": question.by.map(|by| by.name),
        "active": question.active.name(),
        "kinds": question.kinds,
        "rows": rows,
        "curve": points.collect::<Vec<_>>(),
        "totals": { "people": people },
        "groups": groups,
        "definition": definition(),
        "denominator": { "retention": "people", "lifetime_value": "people" },
        "sums_exceed_totals": "people are in one cohort, but active in several periods; lifetime sums are of all periods so far",
        "as_of": range.show(now),
        "traffic": if question.all_traffic { "all" } else { "human" },
        "time_zone": question.time_zone,
        "range": { "from": range.show(range.from), "to": range.show(range.to) },
        "exact": true,
        "freshness": Freshness::of(range, fresh),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    })
}

/// What people did in a period. Of one that is not over there are counts so far, and no rates: they could only grow.
fn told(people: u64, period: &Period) -> Map<String, Value> {
    let sums = |sums: &BTreeMap<String, i128>| amounts(sums.clone().into_iter().unzip());
    let each = |(currency, minor): (&String, &i128)| json!({ "currency": currency, "amount_minor": *minor as f64 / people as f64 });
    let is_over = !period.is_open && people > 0;
    let value = is_over.then(|| period.lifetime.iter().map(each).collect::<Vec<_>>());
    let retention = match period.is_open {
        true => Value::Null,
        false => share(period.active, people),
    };
    let told = [
        ("people", json!(people)),
        ("active_people", json!(period.active)),
        ("retention", retention),
        ("conversions", json!(period.conversions)),
        ("revenue", json!(sums(&period.revenue))),
        ("lifetime_revenue", json!(sums(&period.lifetime))),
        ("lifetime_value", json!(value)),
    ];
    let told = told.map(|(name, value)| (name.to_owned(), value));
    told.into_iter().collect()
}

fn definition() -> Value {
    json!({
        "cohort": "People by the interval in which they came, by the workspace's clock: with acquisition=click that of their \
                   first click ever that counts, with acquisition=conversion that of their first conversion ever of these \
                   kinds. Who never did is in none. Of an interval that the range cuts, only those who came in the range.",
        "people": "The customer where known, else the visitor, else the click alone.",
        "period": "The same interval of the calendar: 0 is that in which they came, 1 the next.",
        "active_people": "People with at least one event of the asked kind in the period, at or after they came.",
        "retention": "active_people / people, with its 95 % interval by Wilson's score (1927).",
        "conversions": "Conversions of these kinds in the period, at or after they came.",
        "revenue": "What the sales of the period were worth, less what was given back of them, whenever that was, in minor \
                    units, each currency for itself.",
        "lifetime_revenue": "revenue of this period and all before it.",
        "lifetime_value": "lifetime_revenue / people.",
        "open": "The period is not over: counts are so far, and rates null. Periods that have not begun are not told.",
        "curve": "All cohorts together, by period: only those for which the period is over.",
    })
}
