//! `POST /api/v1/cohorts/referred`: customers who came through a link beside those who did not.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use clickhouse::Row;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::route::piece;
use super::welch::{Sample, of_means, of_shares};
use crate::answer::{Accepted, Answer};
use crate::api::Api;
use crate::attribution::question::{all_traffic, kinds};
use crate::door::Caller;
use crate::fields::{Asked, text};
use crate::problems::Refusals;
use crate::query::filter::{self, Predicate, without_comments};
use crate::query::period::{When, WhenParameters, clock};
use crate::reports::definitions::Freshness;
use crate::reports::money::{Sums, amounts};
use crate::reports::proportion::share;
use crate::reports::question::zone_of;
use crate::reports::range::Range;
use crate::reports::span::Span;
use crate::workspace;

/// How long each customer is followed where nothing is said.
const WINDOW: Span = Span::days(90);

const PIECES: [&str; 8] = [
    piece!("reports/open.sql"),
    piece!("reports/recorded.sql"),
    piece!("reports/attributed.sql"),
    piece!("carried/every.sql"),
    piece!("people/persons.sql"),
    piece!("cohorts/origins.sql"),
    piece!("cohorts/bought.sql"),
    piece!("cohorts/referred.sql"),
];

/// A row of `sql/cohorts/referred.sql`.
#[derive(Debug, Default, Row, Deserialize)]
struct Told {
    is_referred: u8,
    is_open: u8,
    customers: u64,
    repeated: u64,
    conversions: u64,
    sums: Sums,
    squares: (Vec<String>, Vec<f64>),
}

impl Told {
    /// What each of the customers brought in a currency, nothing where they brought none.
    fn sample(&self, currency: &str) -> Sample {
        let at = |currencies: &[String]| currencies.iter().position(|one| one == currency);
        Sample {
            count: self.customers,
            sum: at(&self.sums.0).map_or(0.0, |at| self.sums.1[at] as f64),
            squares: at(&self.squares.0).map_or(0.0, |at| self.squares.1[at]),
        }
    }
}

/// Those whose window is over, and how many there are beside them for whom it is not.
#[derive(Debug, Default)]
struct Group {
    told: Told,
    open: u64,
}

impl Group {
    fn show(&self, name: &str, currencies: &BTreeSet<String>) -> Value {
        let told = &self.told;
        let mean = |currency: &String| {
            let mean = told.sample(currency).mean();
            json!({ "currency": currency, "amount_minor": mean })
        };
        let per_customer =
            (told.customers > 0).then(|| told.conversions as f64 / told.customers as f64);
        json!({
            "group": name,
            "customers": told.customers,
            "open": self.open,
            "repeated": told.repeated,
            "repeat_rate": share(told.repeated, told.customers),
            "conversions": told.conversions,
            "conversions_per_customer": per_customer,
            "revenue": amounts(told.sums.clone()),
            "lifetime_value": currencies.iter().map(mean).collect::<Vec<_>>(),
        })
    }
}

/// Compares customers who came through a link with those who did not. docs/cohorts.md has all that can be asked.
#[utoipa::path(
    post, path = "/api/v1/cohorts/referred", tag = "reports", request_body = Object,
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn referred(
    State(api): State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    Asked(mut body): Asked,
) -> Result<Answer, Problem> {
    let id = caller.with(Right::Reports)?;
    let window: Option<Span> = body.read("window", text);
    let kinds = body.read("kinds", kinds);
    let filter = filter::of_body(&mut body);
    let when = When::read(&mut body);
    let all_traffic = body.read("traffic", all_traffic);
    body.finish()?;

    let workspace = workspace::find(&api, id).await?;
    let range = when.range(zone_of(&workspace)?)?;
    let window = window.unwrap_or(WINDOW);
    let kinds = kinds.unwrap_or_else(|| vec!["sale".to_owned()]);
    let all_traffic = all_traffic.unwrap_or(false);
    let predicate = Predicate::of_stored(filter.as_ref());
    let now = Timestamp::now();
    let (shifts, offsets) = clock(&Range {
        from: Timestamp::UNIX_EPOCH,
        ..range.clone()
    });
    let text = PIECES.map(without_comments).join("\n");
    let text = text.replace("PASSES", &predicate.text);
    let put = |statement: Statement| {
        let to = range.to.as_millisecond();
        predicate
            .put(statement)
            .param("workspace", workspace.id.as_str())
            .param("from_ms", range.from.as_millisecond())
            .param("to_ms", to)
            // What each does up to the end of the window, that moment included.
            .param("until_ms", to + window.as_ms() + 1)
            .param("window_ms", window.as_ms())
            .param("now_ms", now.as_millisecond())
            .param("by", "nothing")
            .param("without_passes", 0_u8)
            .param("kinds", &kinds)
            .param("all_traffic", u8::from(all_traffic))
            .param("shifts", &shifts)
            .param("offsets", &offsets)
    };
    let ((told, read), (fresh, fresh_read)) = tokio::try_join!(
        api.warehouse
            .ask_text::<Told>(&workspace.id, "referred", &text, put),
        api.warehouse.freshness(&workspace.id),
    )?;
    let read = read + fresh_read;
    let (mut referred, mut others) = (Group::default(), Group::default());
    for row in told {
        let group = match row.is_referred {
            0 => &mut others,
            _ => &mut referred,
        };
        match row.is_open {
            0 => group.told = row,
            _ => group.open = row.customers,
        }
    }
    let currencies = [&referred, &others].map(|group| group.told.sums.0.clone());
    let currencies: BTreeSet<String> = currencies.into_iter().flatten().collect();
    let all = referred.told.customers + others.told.customers;
    let told = json!({
        "rows": [
            referred.show("referred", &currencies),
            others.show("not_referred", &currencies),
        ],
        "difference": difference(&referred.told, &others.told, &currencies),
        "referred_share": share(referred.told.customers, all),
        "window": window.to_string(),
        "kinds": kinds,
        "definition": definition(),
        "denominator": {
            "repeat_rate": "customers",
            "lifetime_value": "customers",
            "referred_share": "customers of both groups",
        },
        "sums_exceed_totals": null,
        "as_of": range.show(now),
        "traffic": if all_traffic { "all" } else { "human" },
        "time_zone": workspace.time_zone,
        "range": { "from": range.show(range.from), "to": range.show(range.to) },
        "exact": true,
        "freshness": Freshness::of(&range, fresh),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    });
    Ok(accepted.answer("referred", told))
}

/// The same by an address alone.
#[utoipa::path(
    get, path = "/api/v1/cohorts/referred", tag = "reports",
    params(
        ("window" = Option<String>, Query, description = "How long behind coming is counted, such as `90d`"),
        ("kinds" = Option<String>, Query, description = "`sale`, `lead` or both"),
        WhenParameters,
        ("traffic" = Option<String>, Query, description = "`human` or `all`"),
        ("filter" = Option<Vec<String>>, Query, description = "`channel:is:email`, `source:in:a,b`"),
    ),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn referred_by_address(
    state: State<Arc<Api>>,
    caller: Caller,
    accepted: Accepted,
    asked: Asked,
) -> Result<Answer, Problem> {
    referred(state, caller, accepted, asked).await
}

/// The first group less the second, with 95 % intervals; null where there is none.
fn difference(first: &Told, second: &Told, currencies: &BTreeSet<String>) -> Value {
    let shown = |difference: Option<f64>, interval: Option<(f64, f64)>| {
        json!({
            "value": difference,
            "low": interval.map(|(low, _)| low),
            "high": interval.map(|(_, high)| high),
        })
    };
    let rate = |of: &Told| (of.customers > 0).then(|| of.repeated as f64 / of.customers as f64);
    let rates = rate(first).zip(rate(second)).map(|(a, b)| a - b);
    let of_rates = of_shares(
        (first.repeated, first.customers),
        (second.repeated, second.customers),
    );
    let value = |currency: &String| {
        let (a, b) = (first.sample(currency), second.sample(currency));
        let difference = a.mean().zip(b.mean()).map(|(a, b)| a - b);
        let mut shown = shown(difference, of_means(a, b));
        shown["currency"] = json!(currency);
        shown
    };
    json!({
        "repeat_rate": shown(rates, of_rates),
        "lifetime_value": currencies.iter().map(value).collect::<Vec<_>>(),
    })
}

fn definition() -> Value {
    json!({
        "customers": "People whose first conversion ever of these kinds was in the range and whose window, from then on, is over: \
                      the customer where known, else the visitor, else the click alone.",
        "referred": "Their first conversion is owed to a click that counts, passes the filter and came first: the click that it \
                     carries, else that of the customer's earliest conversion that carries one.",
        "open": "Customers whose window is not over: they are in no other number.",
        "repeat_rate": "Customers with another conversion within the window / customers, with its 95 % interval by Wilson's score \
                        (1927).",
        "lifetime_value": "What the sales of the window were worth, less what was given back of them, / customers: in minor units, \
                           each currency for itself; who brought nothing in it counts with 0.",
        "difference": "referred less not_referred. Of rates with the 95 % interval of Newcombe's hybrid score method (1998, method \
                       10), of means with that of Welch's t (1947), degrees of freedom by Satterthwaite (1946). An interval with 0 \
                       in it says that the difference may be chance; and neither says that the link is its cause.",
    })
}
