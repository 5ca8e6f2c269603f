//! What is answered: a row for each KPI by each definition, and what the words mean.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::catalog::variants;
use super::measured::Measured;
use super::question::{Question, Stretch};
use super::spent;
use super::variant::{Measure, Row};
use crate::reports::definitions::Freshness;
use crate::reports::range::Range;
use crate::reports::warehouse::{Fresh, Read};

/// The whole answer.
pub(super) fn whole(
    question: &Question,
    measured: &Measured,
    before: Option<&Measured>,
    fresh: Fresh,
    read: Read,
) -> Value {
    let currencies = currencies(measured, before);
    let now = rows(question, measured, &currencies);
    let earlier = before.map(|before| {
        let rows = rows(question, before, &currencies).into_iter();
        rows.map(|row| (place(&row), row.figures()))
            .collect::<HashMap<_, _>>()
    });
    let rows: Vec<Value> = now
        .iter()
        .map(|row| shown(row, earlier.as_ref().map(|earlier| &earlier[&place(row)])))
        .collect();
    let range = &question.stretch.range;
    let stretch =
        |stretch: &Range| json!({ "from": range.show(stretch.from), "to": range.show(stretch.to) });
    let before =
        |of: fn(&Stretch) -> &Range| question.before.as_ref().map(|before| stretch(of(before)));
    json!({
        "rows": rows,
        "definition": definition(),
        "customer_by": question.customer_by,
        "cohort": question.cohort.name(),
        "window": question.window.to_string(),
        "program": (!question.program.is_empty()).then_some(&question.program),
        "traffic": if question.all_traffic { "all" } else { "human" },
        "margin": (!question.costs.is_empty()).then_some(question.margin),
        "time_zone": question.time_zone,
        "range": stretch(range),
        "cohort_range": stretch(&question.stretch.cohort),
        "previous_range": before(|before| &before.range),
        "previous_cohort_range": before(|before| &before.cohort),
        "as_of": range.show(question.now),
        "nobodys_conversions": measured.conversions.nameless,
        "exact": true,
        "sums_exceed_totals": "rows are numbers of their own and add up to nothing",
        "freshness": Freshness::of(range, fresh),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    })
}

/// Every currency in which there were sales, then or before.
fn currencies(measured: &Measured, before: Option<&Measured>) -> Vec<String> {
    let all = [Some(measured), before].into_iter().flatten();
    let all: BTreeSet<&String> = all
        .flat_map(|measured| &measured.conversions.revenue.0)
        .collect();
    all.into_iter().cloned().collect()
}

fn rows(question: &Question, measured: &Measured, currencies: &[String]) -> Vec<Row> {
    let told = variants().filter(|variant| question.asks(variant.kpi));
    let mut rows: Vec<Row> = told
        .flat_map(|variant| {
            let currencies = match variant.measure {
                Measure::Revenue(_) => currencies,
                Measure::Rate(_) | Measure::Median(_) => &[],
            };
            variant.rows(question, measured, currencies)
        })
        .collect();
    let spent = spent::rows(question, measured).into_iter();
    rows.extend(spent.filter(|row| question.asks(row.kpi)));
    rows
}

/// By what a row is found again in another time.
fn place(row: &Row) -> (&'static str, &'static str, Option<String>, Option<String>) {
    (
        row.kpi,
        row.variant,
        row.currency.clone(),
        row.channel.clone(),
    )
}

fn shown(row: &Row, earlier: Option<&Value>) -> Value {
    let mut shown = Map::new();
    shown.insert("kpi".to_owned(), json!(row.kpi));
    shown.insert("variant".to_owned(), json!(row.variant));
    shown.insert("currency".to_owned(), json!(row.currency));
    shown.insert("channel".to_owned(), json!(row.channel));
    shown.insert("unit".to_owned(), json!(row.unit.name()));
    if let Value::Object(figures) = row.figures() {
        shown.extend(figures);
    }
    shown.insert("window".to_owned(), json!(row.window));
    shown.insert("definition".to_owned(), json!(row.definition));
    shown.insert("source".to_owned(), json!(row.source));
    if let Some(earlier) = earlier {
        shown.insert("previous".to_owned(), earlier.clone());
    }
    Value::Object(shown)
}

fn definition() -> Value {
    json!({
        "people": "The customer where one is known, else the visitor, else the click alone. What names a visitor and no customer is the \
                   customer's whom the earliest conversion names that knows the visitor. A conversion that names nobody is \
                   nobody's first: it counts as a sale or a lead, and under nobodys_conversions.",
        "customers": "People whom the merchant has a name for and who had a conversion that makes a customer: a lead or a sale, or \
                      only what customer_by says. Who has no name can be new, and be referred, but refer nobody.",
        "advocates": "Whom links name as their advocate, by the name that the merchant has for the customer.",
        "referred": "A person is referred by the advocate of the click that its first conversion is owed to, where that click counts \
                     and came first, and the advocate is not the person itself. A lead or a sale is referred where that is so of \
                     the click that it is itself owed to. With a program, only links of that program refer.",
        "clicks": "Clicks that count, on links that have an advocate, of the program where one is asked for. Those of advocates \
                   on their own links cannot be told apart and count.",
        "shares": "Page events with the name share, each by the advocate that it names, else by its customer.",
        "cohort": "Customers by their own first conversion: with cohort=closed those whose window ends in the range, with \
                   cohort=entered those whose first conversion is in it (cohort_range says when that was). Only members whose \
                   window was over at as_of are counted; the others are open.",
        "open": "How many have not had their whole window when this was asked. Members of a cohort and links that are open are not \
                 in the denominator; clicks and visitors are, and may still come into the numerator.",
        "value": "Numerator by denominator, but for medians and payback. Null where there is nothing to divide by or where data \
                  is missing: reason says which.",
        "low, high": "The 95 % interval of a share of things that are counted, by Wilson's score.",
    })
}
