//! `POST /api/v1/attribution`: which channels, sources, links earned the conversions of a range, under several models side by
//! side. Touches are read once; the models run here.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use clickhouse::Row;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::{MICRO, Model, Path, Paths, divide, effects, weights_of, whole};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, field};
use crate::query::period::Period;
use crate::reports::question::zone_of;
use crate::reports::range::{Moment, Range};
use crate::reports::span::Span;
use crate::workspace;

/// Conversions of one answer: more would not fit into memory beside each other.
const MOST: u64 = 500_000;
/// Models of one answer.
const MOST_MODELS: usize = 10;
/// What is read of each day of the look-back, in milliseconds.
pub(super) const DAY_MS: i64 = 86_400_000;

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

/// What touches are called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Channel,
    Source,
    Campaign,
    Link,
    Advocate,
}

impl Label {
    const ALL: [(&'static str, &'static str, Self); 5] = [
        ("channel", "channel", Self::Channel),
        ("source", "source", Self::Source),
        ("campaign", "campaign", Self::Campaign),
        ("link", "link_id", Self::Link),
        ("advocate", "advocate", Self::Advocate),
    ];

    pub(super) fn names(self) -> (&'static str, &'static str) {
        let found = Self::ALL.iter().find(|(.., label)| *label == self);
        found.map_or(("", ""), |(name, column, _)| (name, column))
    }

    fn show(self, label: &str) -> String {
        match self {
            Self::Link => label
                .parse()
                .map_or_else(|_| label.to_owned(), |id| LinkId(id).to_string()),
            _ => label.to_owned(),
        }
    }
}

impl FromStr for Label {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(name, ..)| *name == text);
        found
            .map(|(.., label)| *label)
            .ok_or("must be channel, source, campaign, link or advocate")
    }
}

/// What is asked.
struct Question {
    workspace: whence_core::workspace::WorkspaceId,
    time_zone: String,
    range: Range,
    models: Vec<Model>,
    by: Label,
    look_back: Span,
    kinds: Vec<String>,
    all_traffic: bool,
}

impl Question {
    async fn read(api: &Api, caller: &Caller, mut body: Body) -> Result<Self, Problem> {
        let id = caller.with(Right::Reports)?;
        let look_back = body.read("look_back", |value| match value {
            Value::String(text) => match text.parse::<Span>() {
                Ok(span) if (Span::days(1)..=Span::days(365)).contains(&span) => Ok(span),
                _ => Err("must be 1d to 365d"),
            },
            _ => Err("must be a text, such as 90d"),
        });
        let look_back = look_back.unwrap_or(Span::days(90));
        let models = body.read("models", |value| models(value, look_back));
        let models = models.unwrap_or_else(|| vec![Model::First, Model::Last]);
        let by = body.read("by", text::<Label>).unwrap_or(Label::Channel);
        let kinds = body.read("kinds", kinds);
        let from = body.read("from", text::<Moment>);
        let to = body.read("to", text::<Moment>);
        let period = body.read("period", text::<Period>);
        let all_traffic = body.read("traffic", |value| match value.as_str() {
            Some("human") => Ok(false),
            Some("all") => Ok(true),
            _ => Err("must be human or all"),
        });
        if period.is_some() && (from.is_some() || to.is_some()) {
            body.wrong("period", "excludes from and to");
        }
        body.finish()?;
        let workspace = workspace::find(api, id).await?;
        let zone = zone_of(&workspace)?;
        let now = Timestamp::now();
        let range = match period {
            Some(period) => period.range(zone, now),
            None => Range::new(from, to, zone, now)
                .map_err(|backwards| field(StatusCode::UNPROCESSABLE_ENTITY, "from", backwards))?,
        };
        Ok(Self {
            workspace: workspace.id,
            time_zone: workspace.time_zone,
            range,
            models,
            by,
            look_back,
            kinds: kinds.unwrap_or_else(|| vec!["sale".to_owned()]),
            all_traffic: all_traffic.unwrap_or(false),
        })
    }

    fn put(&self, statement: Statement) -> Statement {
        statement
            .param("workspace", self.workspace.as_str())
            .param("from_ms", self.range.from.as_millisecond())
            .param("to_ms", self.range.to.as_millisecond())
            .param("look_back_ms", self.look_back.as_ms())
            .param("kinds", &self.kinds)
            .param("all_traffic", u8::from(self.all_traffic))
            .param("by", self.by.names().1)
            .param("event", "")
            .param("most", MOST + 1)
    }
}

fn text<T: FromStr<Err: ToString>>(value: Value) -> Result<T, String> {
    match value {
        Value::String(text) => text.parse().map_err(|error: T::Err| error.to_string()),
        _ => Err("must be a text".to_owned()),
    }
}

fn models(value: Value, look_back: Span) -> Result<Vec<Model>, String> {
    let Value::Array(values) = value else {
        return Err("must be a list of texts".to_owned());
    };
    if values.is_empty() || values.len() > MOST_MODELS {
        return Err(format!("must have 1 to {MOST_MODELS}"));
    }
    let days = look_back.as_ms() as f64 / DAY_MS as f64;
    let mut models = Vec::new();
    for value in values {
        let model = match value.as_str() {
            // As PostHog has it.
            Some("time_decay") => Model::TimeDecay {
                half_life: days / 4.0,
            },
            _ => text::<Model>(value)?,
        };
        if models.contains(&model) {
            return Err("must not name one twice".to_owned());
        }
        models.push(model);
    }
    Ok(models)
}

fn kinds(value: Value) -> Result<Vec<String>, &'static str> {
    const WRONG: &str = "must be a list of sale, lead or both";
    let kinds: Vec<String> = serde_json::from_value(value).map_err(|_| WRONG)?;
    let known = kinds
        .iter()
        .all(|kind| ["sale", "lead"].contains(&kind.as_str()));
    match known && !kinds.is_empty() {
        true => Ok(kinds),
        false => Err(WRONG),
    }
}

/// A conversion and what led to it.
#[derive(Debug, Row, Deserialize)]
struct Converted {
    #[expect(dead_code, reason = "the order of rows, in which ties are broken")]
    event_id: String,
    #[expect(dead_code, reason = "what was asked for")]
    kind: String,
    occurred_ms: i64,
    amount_minor: i64,
    refunded_minor: i64,
    currency: String,
    touches: Vec<(i64, u128, String)>,
}

/// Visitors who did not convert, by what they clicked.
#[derive(Debug, Row, Deserialize)]
struct Without {
    labels: Vec<String>,
    often: u64,
}

/// What somebody earned: conversions in millionths, and revenue by currency.
#[derive(Clone, Debug, Default)]
struct Earned {
    conversions: i128,
    revenue: BTreeMap<String, i128>,
}

impl Earned {
    fn add(&mut self, conversions: i128, currency: &str, revenue: i128) {
        self.conversions += conversions;
        if !currency.is_empty() {
            *self.revenue.entry(currency.to_owned()).or_default() += revenue;
        }
    }

    fn show(&self) -> Value {
        let amount = |(currency, minor): (&String, &i128)| json!({ "currency": currency, "amount_minor": i64::try_from(*minor).unwrap_or(i64::MAX) });
        json!({
            "conversions": self.conversions as f64 / MICRO as f64,
            "revenue": self.revenue.iter().map(amount).collect::<Vec<_>>(),
        })
    }
}

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
    let show = |ms: i64| {
        let at = (ms > 0).then(|| Timestamp::from_millisecond(ms).ok());
        at.flatten().map(|at| question.range.show(at))
    };
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
        "freshness": { "last_click": show(fresh.last_click_ms), "last_conversion": show(fresh.last_conversion_ms) },
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

impl Converted {
    fn worth(&self) -> i128 {
        i128::from(self.amount_minor) - i128::from(self.refunded_minor)
    }
}

/// What each label earned under a model.
struct Credits {
    model: Model,
    labels: BTreeMap<String, Earned>,
    unattributed: Earned,
}

impl Credits {
    fn show(&self, by: Label) -> Value {
        let mut labels: Vec<_> = self.labels.iter().collect();
        labels.sort_by_key(|(label, earned)| (std::cmp::Reverse(earned.conversions), *label));
        let rows = labels.into_iter().map(|(label, earned)| {
            let mut row: Map<String, Value> = Map::new();
            row.insert(by.names().0.to_owned(), json!(by.show(label)));
            if let Value::Object(earned) = earned.show() {
                row.extend(earned);
            }
            Value::Object(row)
        });
        json!({
            "model": self.model.to_string(),
            "rows": rows.collect::<Vec<_>>(),
            "unattributed": self.unattributed.show(),
        })
    }
}

/// Conversions and their paths, ready for any model.
struct Ledger<'c> {
    converted: &'c [Converted],
    /// All paths, for models that learn from them; those that converted first, in the order of `converted`.
    paths: Paths,
}

impl<'c> Ledger<'c> {
    fn new(converted: &'c [Converted], without: &[Without]) -> Self {
        let mut paths = Paths::default();
        for conversion in converted {
            let labels = conversion.touches.iter().map(|(.., label)| label.as_str());
            let touches = labels.map(|label| paths.channel(label)).collect();
            paths.paths.push(Path {
                touches,
                conversions: 1,
                value: 0,
                null: 0,
            });
        }
        for visitors in without {
            let labels = visitors.labels.iter();
            let touches = labels.map(|label| paths.channel(label)).collect();
            paths.paths.push(Path {
                touches,
                conversions: 0,
                value: 0,
                null: visitors.often,
            });
        }
        Self { converted, paths }
    }

    fn all(&self, models: &[Model]) -> Result<Vec<Credits>, Problem> {
        models.iter().map(|model| self.under(*model)).collect()
    }

    fn under(&self, model: Model) -> Result<Credits, Problem> {
        let names = self.paths.channels();
        let mut earned = vec![Earned::default(); names.len()];
        let mut unattributed = Earned::default();
        let learnt = match model {
            Model::Markov { order } => {
                let effects = effects(&self.paths, order).map_err(|unsettled| {
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, unsettled.to_string())
                })?;
                Some(whole(&effects))
            }
            _ => None,
        };
        // What a model divides that learns from all paths: all that has a touch, together.
        let mut together: HashMap<&str, (i128, i128)> = HashMap::new();
        for (conversion, path) in self.converted.iter().zip(&self.paths.paths) {
            let (currency, worth) = (conversion.currency.as_str(), conversion.worth());
            if path.touches.is_empty() {
                unattributed.add(MICRO, currency, worth);
            } else if learnt.is_some() {
                let sum = together.entry(currency).or_default();
                *sum = (sum.0 + MICRO, sum.1 + worth);
            } else {
                let weights = weights_of(&self.paths, model, path, |place| {
                    let at = conversion.touches[place].0;
                    (conversion.occurred_ms - at) as f64 / DAY_MS as f64
                });
                let shares = divide(MICRO, &weights);
                let worths = divide(worth, &weights);
                for ((label, share), worth) in path.touches.iter().zip(shares).zip(worths) {
                    if share != 0 || worth != 0 {
                        earned[*label as usize].add(share, currency, worth);
                    }
                }
            }
        }
        if let Some(weights) = learnt {
            for (currency, (conversions, worth)) in together {
                let shares = divide(conversions, &weights).into_iter();
                for (label, (share, worth)) in shares.zip(divide(worth, &weights)).enumerate() {
                    if share != 0 || worth != 0 {
                        earned[label].add(share, currency, worth);
                    }
                }
            }
        }
        let labels = names.iter().cloned().zip(earned);
        Ok(Credits {
            model,
            labels: labels
                .filter(|(_, earned)| earned.conversions != 0)
                .collect(),
            unattributed,
        })
    }
}
