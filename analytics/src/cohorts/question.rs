//! What cohorts are asked.

use axum::http::StatusCode;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use serde_json::Value;
use whence_core::key::Right;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::cut::Cut;
use crate::api::Api;
use crate::attribution::question::{all_traffic, kinds};
use crate::door::Caller;
use crate::fields::{Body, number, text};
use crate::problems::field;
use crate::query::dimension::{Dimension, HOUR_OF_WEEK};
use crate::query::filter::{self, Predicate};
use crate::query::period::{When, clock};
use crate::reports::interval::Interval;
use crate::reports::question::zone_of;
use crate::reports::range::Range;
use crate::workspace;

/// Periods behind the one in which people came, where nothing is said.
const PERIODS: u64 = 12;
/// At most.
const MOST_PERIODS: u64 = 366;
/// Values of the dimension where nothing is said.
const VALUES: u64 = 10;
/// At most.
const MOST_VALUES: u64 = 100;
/// Rows of one answer.
const MOST_ROWS: u64 = 50_000;

/// What makes somebody active in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Active {
    Any,
    Click,
    Conversion,
    Page,
}

impl Active {
    const ALL: [(&'static str, Self); 4] = [
        ("any", Self::Any),
        ("click", Self::Click),
        ("conversion", Self::Conversion),
        ("page", Self::Page),
    ];

    fn read(value: Value) -> Result<Self, &'static str> {
        let found = Self::ALL.iter().find(|(name, _)| value == *name);
        found
            .map(|(_, active)| *active)
            .ok_or("must be any, click, conversion or page")
    }

    /// The name by which it is asked for.
    pub(super) fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, active)| *active == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether this kind of event does.
    pub(super) fn is_by(self, kind: Self) -> bool {
        self == Self::Any || self == kind
    }
}

/// A question that can be put to ClickHouse.
pub(super) struct Question {
    pub(super) workspace: WorkspaceId,
    pub(super) time_zone: String,
    /// When people came.
    pub(super) range: Range,
    pub(super) interval: Interval,
    pub(super) periods: usize,
    pub(super) cut: Cut,
    /// Whether people come by their first click, and not by their first conversion.
    pub(super) by_click: bool,
    /// Of the click by which they came.
    pub(super) by: Option<Dimension>,
    /// Which clicks people may have come by; none for all, conversions without a click too.
    pub(super) predicate: Option<Predicate>,
    pub(super) active: Active,
    pub(super) kinds: Vec<String>,
    pub(super) all_traffic: bool,
    limit: u64,
}

impl Question {
    /// Reads a question of the caller's workspace.
    pub(super) async fn read(api: &Api, caller: &Caller, mut body: Body) -> Result<Self, Problem> {
        let id = caller.with(Right::Reports)?;
        let by_click = body.read("acquisition", |value: Value| match value.as_str() {
            Some("click") => Ok(true),
            Some("conversion") => Ok(false),
            _ => Err("must be click or conversion"),
        });
        let interval = body.read("interval", |value| match text::<Interval>(value)? {
            interval @ (Interval::Day | Interval::Week | Interval::Month) => Ok(interval),
            _ => Err("must be day, week or month".to_owned()),
        });
        let periods = body.read("periods", |value| number(&value, 0..=MOST_PERIODS));
        let by = body.read("by", |value| {
            let by = text::<Dimension>(value)?;
            match by.list().is_some() || by == HOUR_OF_WEEK {
                true => Err(format!("cannot be {}: a click has one value", by.name)),
                false => Ok(by),
            }
        });
        let active = body.read("active", Active::read);
        let kinds = body.read("kinds", kinds);
        let filter = filter::of_body(&mut body);
        let when = When::read(&mut body);
        let all_traffic = body.read("traffic", all_traffic);
        let limit = body.read("limit", |value| number(&value, 1..=MOST_VALUES));
        body.finish()?;

        let workspace = workspace::find(api, id).await?;
        let range = when.range(zone_of(&workspace)?)?;
        let interval = interval.unwrap_or(Interval::Week);
        let periods = periods.unwrap_or(PERIODS);
        let limit = limit.unwrap_or(VALUES);
        let wrong = |name, detail: String| field(StatusCode::UNPROCESSABLE_ENTITY, name, detail);
        let cut = Cut::new(interval, &range, periods as usize)
            .map_err(|too_many| wrong("interval", too_many.to_string()))?;
        let values = if by.is_some() { limit } else { 1 };
        if cut.cohorts as u64 * (periods + 1) * values > MOST_ROWS {
            let detail = format!(
                "makes more than {MOST_ROWS} rows: one for each cohort, period and value; take fewer, a longer interval or a \
                 shorter range"
            );
            return Err(wrong("periods", detail));
        }
        Ok(Self {
            workspace: workspace.id,
            time_zone: workspace.time_zone,
            range,
            interval,
            periods: periods as usize,
            cut,
            by_click: by_click.unwrap_or(true),
            by,
            predicate: filter.map(|filter| Predicate::of_stored(Some(&filter))),
            active: active.unwrap_or(Active::Any),
            kinds: kinds.unwrap_or_else(|| vec!["sale".to_owned(), "lead".to_owned()]),
            all_traffic: all_traffic.unwrap_or(false),
            limit,
        })
    }

    /// Gives the statement its parameters.
    pub(super) fn put(&self, statement: Statement) -> Statement {
        let (from, to) = (
            self.range.from.as_millisecond(),
            self.range.to.as_millisecond(),
        );
        let end = self.cut.end().as_millisecond();
        let active = |kind: Active| self.active.is_by(kind);
        let clicks = match (self.by_click, active(Active::Click)) {
            // The first click ever may be long ago.
            (true, true) => (0, end),
            (true, false) => (0, to),
            (false, true) => (from, end),
            (false, false) => (0, 0),
        };
        let kinds = [
            ("click", Active::Click),
            ("conversion", Active::Conversion),
            ("page", Active::Page),
        ];
        let active_by = kinds.into_iter().filter(|(_, kind)| active(*kind));
        let active_by: Vec<&str> = active_by.map(|(name, _)| name).collect();
        let (shifts, offsets) = clock(&Range {
            from: Timestamp::UNIX_EPOCH,
            ..self.range.clone()
        });
        let statement = match &self.predicate {
            Some(predicate) => predicate.put(statement),
            None => statement,
        };
        statement
            .param("workspace", self.workspace.as_str())
            .param("from_ms", from)
            .param("to_ms", to)
            .param("clicks_from_ms", clicks.0)
            .param("clicks_to_ms", clicks.1)
            .param("pages_from_ms", from)
            .param("pages_to_ms", end)
            .param("until_ms", end)
            .param("edges", self.cut.seconds())
            .param("by", self.by.map_or("nothing", |by| by.column))
            .param("by_click", u8::from(self.by_click))
            .param("without_passes", u8::from(self.predicate.is_none()))
            .param("active_by", active_by)
            .param("kinds", &self.kinds)
            .param("all_traffic", u8::from(self.all_traffic))
            .param("shifts", &shifts)
            .param("offsets", &offsets)
            .param("limit", self.limit)
    }
}
