//! `GET /api/v1/conversions/{event_id}/explain`: every click of the person behind a conversion, what each earned under which
//! model, and why one was no touch.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path as Segment, State};
use axum::http::StatusCode;
use clickhouse::Row;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use whence_core::id::{ClickId, LinkId};
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::question::{DAY_MS, LOOK_BACK, Label, look_back};
use super::report::sql;
use super::{MICRO, Model, Path, Paths, divide, weights_of};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::Refusals;
use crate::reports::question::zone_of;
use crate::reports::span::Span;
use crate::workspace;

/// The most clicks that are told.
const MOST: u64 = 1_000;
/// How far back clicks are told, be they touches or not.
const FURTHEST_MS: i64 = 400 * DAY_MS;

const EXPLAINED: &str = sql!(
    "reports/open.sql",
    "reports/recorded.sql",
    "carried/every.sql",
    "attribution/people.sql",
    "attribution/explained.sql"
);

/// How it is explained.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct How {
    /// Models by their names, separated by commas; all but Markov where none are given.
    #[param(value_type = Option<String>)]
    models: Vec<Model>,
    /// What touches are called by, where a model looks at it: channel (the default), source, campaign, link or advocate.
    #[param(value_type = Option<String>)]
    by: Label,
    /// How long before the conversion a touch may be: 1d to 365d, 90d where it is not given.
    #[param(value_type = Option<String>)]
    look_back: Span,
    /// `human` (the default) or `all`: which clicks can be touches.
    #[param(value_type = Option<String>)]
    traffic: bool,
}

impl How {
    fn read(query: &mut Query) -> Self {
        let look_back = query.read("look_back", |text| look_back(&text));
        let models = query.read("models", |text| {
            let models: Result<Vec<Model>, _> = text.split(',').map(str::parse).collect();
            let models = models.map_err(|error| error.to_string())?;
            match models
                .iter()
                .any(|model| matches!(model, Model::Markov { .. }))
            {
                true => Err(
                    "markov learns from all paths and says nothing of one; ask /api/v1/attribution"
                        .to_owned(),
                ),
                false => Ok(models),
            }
        });
        let by_path = Model::ALL.iter().copied();
        let by_path = by_path.filter(|model| !matches!(model, Model::Markov { .. }));
        Self {
            models: models.unwrap_or_else(|| by_path.collect()),
            by: query.optional("by").unwrap_or(Label::Channel),
            look_back: look_back.unwrap_or(LOOK_BACK),
            traffic: query
                .read("traffic", |text| match text.as_str() {
                    "human" => Ok(false),
                    "all" => Ok(true),
                    _ => Err("must be human or all"),
                })
                .unwrap_or(false),
        }
    }
}

/// A conversion with one of its person's clicks.
#[derive(Debug, Row, Deserialize)]
struct Told {
    kind_of_conversion: String,
    occurred_ms: i64,
    currency_of_conversion: String,
    worth: i64,
    refunded: i64,
    at: i64,
    click_id: u128,
    by_channel: String,
    by_source: String,
    by_campaign: String,
    link_id: u64,
    advocate: String,
    verdict_of_click: String,
    left_out: String,
}

impl Told {
    fn label(&self, by: Label) -> String {
        match by {
            Label::Channel => self.by_channel.clone(),
            Label::Source => self.by_source.clone(),
            Label::Campaign => self.by_campaign.clone(),
            Label::Link => LinkId(self.link_id).to_string(),
            Label::Advocate => self.advocate.clone(),
        }
    }

    fn show(&self, zone: &TimeZone) -> Map<String, Value> {
        let Value::Object(click) = json!({
            "time": show(self.at, zone),
            "click_id": ClickId(self.click_id).to_string(),
            "channel": self.by_channel,
            "source": self.by_source,
            "campaign": self.by_campaign,
            "link": LinkId(self.link_id).to_string(),
            "advocate": self.advocate,
            "verdict": self.verdict_of_click,
        }) else {
            return Map::new();
        };
        click
    }
}

fn show(ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.display_with_offset(zone.to_offset(at)).to_string()
}

/// Explains the credit for one conversion.
#[utoipa::path(
    get, path = "/api/v1/conversions/{event_id}/explain", tag = "reports",
    params(("event_id" = String, Path, description = "The conversion's event id"), How),
    responses((status = 200, body = Object), Refusals),
)]
pub(crate) async fn explain(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Segment(event): Segment<String>,
    mut query: Query,
) -> Result<Json<Value>, Problem> {
    let id = caller.with(Right::Reports)?;
    let how = How::read(&mut query);
    query.finish()?;
    let workspace = workspace::find(&api, id).await?;
    let zone = zone_of(&workspace)?;
    let first_ms = Timestamp::now().as_millisecond() - FURTHEST_MS;
    let put = |statement: Statement| {
        statement
            .param("workspace", workspace.id.as_str())
            .param("event", &event)
            .param("look_back_ms", how.look_back.as_ms())
            .param("all_traffic", u8::from(how.traffic))
            .param("first_ms", first_ms)
            .param("most", MOST)
    };
    let (clicks, read) = api
        .warehouse
        .ask_text::<Told>(&workspace.id, "explain", EXPLAINED, put)
        .await?;
    let Some(conversion) = clicks.first() else {
        let detail = format!("there is no conversion with the event id {event:?}");
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    let touches: Vec<&Told> = clicks
        .iter()
        .filter(|click| click.left_out.is_empty())
        .collect();
    let left_out = clicks
        .iter()
        .filter(|click| !["", "none"].contains(&click.left_out.as_str()));
    let left_out = left_out.map(|click| {
        let mut shown = click.show(&zone);
        shown.insert("why".to_owned(), json!(click.left_out));
        shown
    });
    Ok(Json(json!({
        "event_id": event,
        "kind": conversion.kind_of_conversion,
        "occurred_at": show(conversion.occurred_ms, &zone),
        "currency": conversion.currency_of_conversion,
        "amount_minor": conversion.worth - conversion.refunded,
        "refunded_minor": conversion.refunded,
        "look_back": how.look_back.to_string(),
        "by": how.by.names().0,
        "touches": credited(&how, conversion, &touches, &zone),
        "left_out": left_out.collect::<Vec<_>>(),
        "rows_read": read.rows,
        "bytes_read": read.bytes,
    })))
}

/// Each touch with its place and what it earned under each model.
fn credited(how: &How, conversion: &Told, touches: &[&Told], zone: &TimeZone) -> Vec<Value> {
    let mut paths = Paths::default();
    let path = Path {
        touches: touches
            .iter()
            .map(|touch| paths.channel(&touch.label(how.by)))
            .collect(),
        conversions: 1,
        value: 0,
        null: 0,
    };
    let worth = i128::from(conversion.worth) - i128::from(conversion.refunded);
    let mut credits: Vec<Map<String, Value>> = vec![Map::new(); touches.len()];
    for model in &how.models {
        let weights = weights_of(&paths, *model, &path, |place| {
            (conversion.occurred_ms - touches[place].at) as f64 / DAY_MS as f64
        });
        let shares = divide(MICRO, &weights).into_iter();
        for (credit, (share, worth)) in credits.iter_mut().zip(shares.zip(divide(worth, &weights)))
        {
            let earned = json!({
                "conversions": share as f64 / MICRO as f64,
                "amount_minor": i64::try_from(worth).unwrap_or(i64::MAX),
            });
            credit.insert(model.to_string(), earned);
        }
    }
    let each = |(number, (touch, credit)): (usize, (&&Told, Map<String, Value>))| {
        let mut shown = touch.show(zone);
        shown.insert("place".to_owned(), json!(number + 1));
        shown.insert("credit".to_owned(), Value::Object(credit));
        Value::Object(shown)
    };
    touches.iter().zip(credits).enumerate().map(each).collect()
}
