//! Reads what is asked.

use serde_json::{Value, json};
use whence_core::key::Right;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::matching::{MOST_STEPS, Order, Plan};
use super::step::{Condition, Exclusion, Source, Step, Wrong, span};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, Query, text};
use crate::query::dimension::Dimension;
use crate::query::period::When;
use crate::reports::interval::Interval;
use crate::reports::question::zone_of;
use crate::reports::range::Range;
use crate::reports::span::Span;
use crate::workspace;

/// The longest that a funnel may take.
const LONGEST: Span = Span::days(365);
/// How long a funnel may take where nothing is said.
const WINDOW: Span = Span::days(30);
/// Exclusions of a funnel: there are bits for so many.
const MOST_EXCLUSIONS: usize = 10;
/// Values of a dimension in one answer.
const MOST_VALUES: u64 = 1_000;
/// Values where nothing is said.
const VALUES: u64 = 20;

/// A funnel that can be put to ClickHouse.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) workspace: WorkspaceId,
    pub(super) time_zone: String,
    pub(super) range: Range,
    pub(super) steps: Vec<Step>,
    pub(super) exclude: Vec<Exclusion>,
    pub(super) order: Order,
    pub(super) window: Span,
    pub(super) interval: Option<Interval>,
    pub(super) by: Option<Dimension>,
    pub(super) limit: u64,
    pub(super) all_traffic: bool,
}

/// The names of orders.
const ORDERS: [(&str, Order); 3] = [
    ("ordered", Order::Ordered),
    ("strict", Order::Strict),
    ("any", Order::Any),
];

impl Order {
    /// The name by which it is asked for.
    pub(super) fn name(self) -> &'static str {
        let found = ORDERS.iter().find(|(_, order)| *order == self);
        found.map_or("", |(name, _)| name)
    }
}

impl Question {
    /// Reads a funnel of the caller's workspace.
    pub(super) async fn read(api: &Api, caller: &Caller, mut body: Body) -> Result<Self, Problem> {
        let id = caller.with(Right::Reports)?;
        let order = body.read("order", |value| {
            let found = ORDERS.iter().find(|(name, _)| value.as_str() == Some(name));
            found
                .map(|(_, order)| *order)
                .ok_or("must be ordered, strict or any")
        });
        let order = order.unwrap_or(Order::Ordered);
        let steps = body.read_within("steps", |value| steps(value, order));
        if steps.is_none() && body.is_sound() {
            body.wrong("steps", "is required: 2 to 10 of them");
        }
        let steps = steps.unwrap_or_default();
        let exclude = body.read_within("exclude", |value| exclude(value, &steps, order));
        let window = body.read("window", |value| span(&value, &LONGEST));
        let when = When::read(&mut body);
        let interval = body.read("interval", text::<Interval>);
        let by = body.read("by", text::<Dimension>);
        let limit = body.read("limit", |value| match value.as_u64() {
            Some(limit) if (1..=MOST_VALUES).contains(&limit) => Ok(limit),
            _ => Err(format!("must be a number from 1 to {MOST_VALUES}")),
        });
        let all_traffic = body.read("traffic", |value| match value.as_str() {
            Some("human") => Ok(false),
            Some("all") => Ok(true),
            _ => Err("must be human or all"),
        });
        body.finish()?;
        let workspace = workspace::find(api, id).await?;
        let range = when.range(zone_of(&workspace)?)?;
        Ok(Self {
            workspace: workspace.id,
            time_zone: workspace.time_zone,
            range,
            steps,
            exclude: exclude.unwrap_or_default(),
            order,
            window: window.unwrap_or(WINDOW),
            interval,
            by,
            limit: limit.unwrap_or(VALUES),
            all_traffic: all_traffic.unwrap_or(false),
        })
    }

    /// The steps that can be an entry.
    fn entering(&self) -> &[Step] {
        match self.order {
            Order::Ordered | Order::Strict => &self.steps[..1],
            Order::Any => &self.steps[..],
        }
    }

    /// Their bits.
    pub(super) fn entries(&self) -> u16 {
        (1 << self.entering().len()) - 1
    }

    /// Whether events of this source can be an entry.
    pub(super) fn enters_by(&self, source: Source) -> bool {
        let entering = self.entering().iter();
        let mut sources = entering.map(|step| step.condition.kind.source());
        sources.any(|entry| entry == source)
    }

    /// Whether any click of a person is an entry.
    pub(super) fn enters_by_any_click(&self) -> bool {
        let any = |step: &Step| {
            step.condition.kind.source() == Source::Clicks && step.condition.filter.is_none()
        };
        !self.all_traffic && self.entering().iter().any(any)
    }

    /// Whether events of this source are asked for at all.
    pub(super) fn asks(&self, source: Source) -> bool {
        let steps = self.steps.iter().map(|step| &step.condition);
        let excluded = self.exclude.iter().map(|exclusion| &exclusion.condition);
        let mut all = steps.chain(excluded);
        all.any(|condition| condition.kind.source() == source)
    }

    /// Whether a click by which somebody enters can be followed by another that counts.
    pub(super) fn clicks_lead_on(&self) -> bool {
        let of_clicks = |condition: &Condition| condition.kind.source() == Source::Clicks;
        let mut later = match self.order {
            Order::Ordered | Order::Strict => self.steps[1..].iter(),
            Order::Any => self.steps.iter(),
        };
        let mut excluded = self.exclude.iter();
        self.enters_by(Source::Clicks)
            && (later.any(|step| of_clicks(&step.condition))
                || excluded.any(|exclusion| of_clicks(&exclusion.condition)))
    }

    /// When the last window ends, in milliseconds; not included.
    pub(super) fn end_ms(&self) -> i64 {
        self.range.to.as_millisecond() + self.window.as_ms()
    }

    /// What is asked of each person, when it is now.
    pub(super) fn plan(&self, now: i64) -> Plan {
        let mut excluded = vec![0; self.steps.len()];
        for (number, exclusion) in self.exclude.iter().enumerate() {
            let (first, last) = exclusion.between;
            for gap in &mut excluded[first..last] {
                *gap |= 1 << number;
            }
        }
        let within = self.steps.iter().map(|step| step.within.map(Span::as_ms));
        Plan {
            steps: self.steps.len(),
            order: self.order,
            entered: self.range.from.as_millisecond()..self.range.to.as_millisecond(),
            window: self.window.as_ms(),
            within: within.collect(),
            excluded,
            now,
        }
    }
}

fn steps(value: Value, order: Order) -> Result<Vec<Step>, Wrong> {
    let wrong = |told: &str| (String::new(), told.to_owned());
    let Value::Array(values) = value else {
        return Err(wrong("must be a list of 2 to 10 steps"));
    };
    if !(2..=MOST_STEPS).contains(&values.len()) {
        return Err(wrong("must have 2 to 10 steps"));
    }
    let mut steps = Vec::new();
    for (number, value) in values.into_iter().enumerate() {
        let place = format!("[{number}]");
        let step = Step::read(value, &place, number + 1)?;
        if step.within.is_some() && order == Order::Any {
            let told = "has no meaning where steps come in any order";
            return Err((format!("{place}.within"), told.to_owned()));
        }
        steps.push(step);
    }
    Ok(steps)
}

fn exclude(value: Value, steps: &[Step], order: Order) -> Result<Vec<Exclusion>, Wrong> {
    let wrong = |told: &str| (String::new(), told.to_owned());
    let Value::Array(values) = value else {
        return Err(wrong("must be a list"));
    };
    if values.len() > MOST_EXCLUSIONS {
        return Err(wrong("must have at most 10"));
    }
    if order == Order::Any && !values.is_empty() {
        return Err(wrong("has no meaning where steps come in any order"));
    }
    let one = |(number, value)| Exclusion::read(value, &format!("[{number}]"), steps.len());
    values.into_iter().enumerate().map(one).collect()
}

/// A funnel as a query string has it, in the form of a body: `steps=click,lead:trial,sale&within=7d,30d`.
pub(super) fn of_query(query: &mut Query) -> Option<Value> {
    let steps = query.read("steps", |text| {
        let one = |text: &str| match text.split_once(':') {
            None => json!({ "event": text }),
            Some(("page", path)) => {
                json!({ "event": "page", "filter": { "dimension": "page_path", "is": path } })
            }
            Some((event, name)) => json!({ "event": event, "name": name }),
        };
        let steps: Vec<Value> = text.split(',').map(one).collect();
        Ok::<_, String>(steps)
    })?;
    let mut steps = steps;
    query.read("within", |text| {
        let spans: Vec<&str> = text.split(',').collect();
        if spans.len() + 1 > steps.len() {
            return Err("must have at most one for each step but the first");
        }
        for (step, span) in steps.iter_mut().skip(1).zip(spans) {
            if let Some(step) = step.as_object_mut().filter(|_| !span.is_empty()) {
                step.insert("within".to_owned(), json!(span));
            }
        }
        Ok(())
    });
    Some(Value::Array(steps))
}
