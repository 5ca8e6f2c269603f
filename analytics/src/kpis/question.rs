//! What KPIs are asked: which of them, for which time, over which window, and against which costs.

use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use serde_json::Value;
use whence_core::key::Right;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::catalog::FAMILIES;
use super::costs::Costs;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, text};
use crate::query::period::{Compare, When};
use crate::reports::question::zone_of;
use crate::reports::range::Range;
use crate::reports::span::Span;
use crate::workspace;

/// How long customers and clicks are looked at where nothing is said.
const WINDOW: Span = Span::days(30);
/// The longest that they are.
const LONGEST_WINDOW: Span = Span::days(365);
/// The longest name of a program, as links have it.
const LONGEST_PROGRAM: usize = 128;

/// Which customers the cohort is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cohort {
    /// Those whose window ends in the range: all of them have had it whole.
    Closed,
    /// Those who became customers in the range, be their window over or not.
    Entered,
}

impl Cohort {
    const ALL: [(&'static str, Self); 2] = [("closed", Self::Closed), ("entered", Self::Entered)];

    pub(super) fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, cohort)| *cohort == self);
        found.map_or("", |(name, _)| name)
    }
}

/// Which conversions make a customer.
const GOALS: [(&str, &[&str]); 3] = [
    ("conversion", &["lead", "sale"]),
    ("sale", &["sale"]),
    ("lead", &["lead"]),
];

/// A stretch of time that is counted, and when the members of its cohort became customers.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) range: Range,
    pub(super) cohort: Range,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) workspace: WorkspaceId,
    pub(super) time_zone: String,
    pub(super) now: Timestamp,
    pub(super) stretch: Stretch,
    pub(super) before: Option<Stretch>,
    /// Names of families; none means all.
    families: Vec<&'static str>,
    pub(super) window: Span,
    pub(super) cohort: Cohort,
    pub(super) customer_by: &'static str,
    pub(super) all_traffic: bool,
    /// Empty for all.
    pub(super) program: String,
    pub(super) costs: Costs,
    /// Which part of revenue is earned.
    pub(super) margin: f64,
}

impl Question {
    /// Reads a question of the caller's workspace.
    pub(super) async fn read(api: &Api, caller: &Caller, mut body: Body) -> Result<Self, Problem> {
        let id = caller.with(Right::Reports)?;
        let families = body.read("kpis", families);
        let when = When::read(&mut body);
        let compare = body.read("compare", text::<Compare>);
        let window = body.read("window", |value| {
            let window = text::<Span>(value)?;
            match window <= LONGEST_WINDOW {
                true => Ok(window),
                false => Err("must be at most 365d".to_owned()),
            }
        });
        let window = window.unwrap_or(WINDOW);
        let cohort = body.read("cohort", |value| named(&value, &Cohort::ALL));
        let cohort = cohort.unwrap_or(Cohort::Closed);
        let customer_by = body.read("customer_by", |value| {
            named(&value, &GOALS.map(|(name, _)| (name, name)))
        });
        let all_traffic = body.read("traffic", |value| {
            named(&value, &[("human", false), ("all", true)])
        });
        let program = body.read("program", |value| match value {
            Value::String(text) if (1..=LONGEST_PROGRAM).contains(&text.len()) => Ok(text),
            _ => Err("must be a text of 1 to 128 bytes"),
        });
        let costs = body.read_within("costs", Costs::read).unwrap_or_default();
        let margin = body.read("margin", |value| match number(&value) {
            Some(margin) if margin > 0.0 && margin <= 1.0 => Ok(margin),
            _ => Err("must be a number above 0, up to 1"),
        });
        if margin.is_some() && costs.is_empty() {
            body.wrong("margin", "needs costs");
        }
        body.finish()?;

        let workspace = workspace::find(api, id).await?;
        let range = when.range(zone_of(&workspace)?)?;
        let stretch = |range: Range| Stretch {
            cohort: match cohort {
                Cohort::Entered => range.clone(),
                Cohort::Closed => sooner(&range, window),
            },
            range,
        };
        Ok(Self {
            workspace: workspace.id,
            time_zone: workspace.time_zone,
            now: Timestamp::now(),
            before: compare.map(|compare| stretch(compare.range(&range))),
            stretch: stretch(range),
            families: families.unwrap_or_default(),
            window,
            cohort,
            customer_by: customer_by.unwrap_or("conversion"),
            all_traffic: all_traffic.unwrap_or(false),
            program: program.unwrap_or_default(),
            costs,
            margin: margin.unwrap_or(1.0),
        })
    }

    /// Whether this family of KPIs is asked for.
    pub(super) fn asks(&self, family: &str) -> bool {
        self.families.is_empty() || self.families.contains(&family)
    }

    /// The kinds of conversions that make a customer.
    pub(super) fn goals(&self) -> &'static [&'static str] {
        let goals = GOALS.iter().find(|(name, _)| *name == self.customer_by);
        goals.map_or(&[], |(_, kinds)| kinds)
    }

    /// Gives a statement of `sql/kpis` its parameters.
    pub(super) fn put(&self, statement: Statement, stretch: &Stretch) -> Statement {
        statement
            .param("workspace", self.workspace.as_str())
            .param("all_traffic", u8::from(self.all_traffic))
            .param("program", &self.program)
            .param("goals", self.goals())
            .param("from_ms", stretch.range.from.as_millisecond())
            .param("to_ms", stretch.range.to.as_millisecond())
            .param("window_ms", self.window.as_ms())
            .param("now_ms", self.now.as_millisecond())
    }
}

/// A number, as an address has it too.
fn number(value: &Value) -> Option<f64> {
    let in_text = || value.as_str()?.parse().ok();
    value.as_f64().or_else(in_text)
}

/// As long a time, sooner.
fn sooner(range: &Range, by: Span) -> Range {
    let before =
        |at: Timestamp| Timestamp::from_millisecond(at.as_millisecond() - by.as_ms()).unwrap_or(at);
    Range {
        from: before(range.from),
        to: before(range.to),
        zone: range.zone.clone(),
    }
}

fn families(value: Value) -> Result<Vec<&'static str>, String> {
    let Value::Array(values) = value else {
        return Err("must be a list of texts".to_owned());
    };
    if values.is_empty() || values.len() > FAMILIES.len() {
        return Err(format!("must have 1 to {}", FAMILIES.len()));
    }
    let mut found = Vec::new();
    for value in values {
        let family = named(&value, &FAMILIES.map(|name| (name, name)))?;
        if found.contains(&family) {
            return Err("must not name one twice".to_owned());
        }
        found.push(family);
    }
    Ok(found)
}

/// One of these by its name.
fn named<T: Copy>(value: &Value, all: &[(&'static str, T)]) -> Result<T, String> {
    let found = all.iter().find(|(name, _)| value.as_str() == Some(*name));
    found.map(|(_, one)| *one).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        format!("must be one of {}", names.join(", "))
    })
}
