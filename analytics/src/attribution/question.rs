//! What an attribution is asked: which conversions and which touches, as paths are asked too, and which models.

use std::str::FromStr;

use clickhouse::query::Query as Statement;
use serde_json::Value;
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use super::Model;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, text};
use crate::query::period::When;
use crate::reports::question::zone_of;
use crate::reports::range::Range;
use crate::reports::span::Span;
use crate::workspace;

/// Conversions of one answer: more would not fit into memory beside each other.
pub(super) const MOST: u64 = 500_000;
/// How long before a conversion a touch may be where nothing is said.
pub(super) const LOOK_BACK: Span = Span::days(90);
/// Models of one answer.
const MOST_MODELS: usize = 10;
/// The milliseconds of a day, in which half-lives are counted.
pub(super) const DAY_MS: i64 = 86_400_000;

/// What touches are called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
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

    /// The name by which it is asked for, and the column.
    pub(crate) fn names(self) -> (&'static str, &'static str) {
        let found = Self::ALL.iter().find(|(.., label)| *label == self);
        found.map_or(("", ""), |(name, column, _)| (name, column))
    }

    /// A touch's label as the API writes it.
    pub(crate) fn show(self, label: &str) -> String {
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

/// Which conversions are meant, and which clicks may be their touches.
pub(crate) struct Touching {
    pub(crate) workspace: WorkspaceId,
    pub(crate) time_zone: String,
    /// When conversions happened.
    pub(crate) range: Range,
    /// What touches are called by.
    pub(crate) by: Label,
    pub(crate) look_back: Span,
    pub(crate) kinds: Vec<String>,
    pub(crate) all_traffic: bool,
}

/// The same as a body says it, before it is known whose workspace it is about.
pub(crate) struct Wanted {
    when: When,
    by: Label,
    pub(crate) look_back: Span,
    kinds: Vec<String>,
    all_traffic: bool,
}

impl Wanted {
    /// Takes `by`, `look_back`, `kinds`, `traffic` and the range out of a body.
    pub(crate) fn read(body: &mut Body) -> Self {
        let look_back = body.read("look_back", |value| match value {
            Value::String(text) => look_back(&text),
            _ => Err("must be a text, such as 90d"),
        });
        let by = body.read("by", text::<Label>).unwrap_or(Label::Channel);
        let kinds = body.read("kinds", kinds);
        let when = When::read(body);
        Self {
            when,
            by,
            look_back: look_back.unwrap_or(LOOK_BACK),
            kinds: kinds.unwrap_or_else(|| vec!["sale".to_owned()]),
            all_traffic: body.read("traffic", all_traffic).unwrap_or(false),
        }
    }

    /// What it means in a workspace.
    pub(crate) async fn of(self, api: &Api, id: &WorkspaceId) -> Result<Touching, Problem> {
        let workspace = workspace::find(api, id).await?;
        Ok(Touching {
            range: self.when.range(zone_of(&workspace)?)?,
            workspace: workspace.id,
            time_zone: workspace.time_zone,
            by: self.by,
            look_back: self.look_back,
            kinds: self.kinds,
            all_traffic: self.all_traffic,
        })
    }
}

impl Touching {
    /// Gives a statement the parameters of the files in `sql/attribution`.
    pub(crate) fn put(&self, statement: Statement) -> Statement {
        statement
            .param("workspace", self.workspace.as_str())
            .param("from_ms", self.range.from.as_millisecond())
            .param("to_ms", self.range.to.as_millisecond())
            .param("look_back_ms", self.look_back.as_ms())
            .param("kinds", &self.kinds)
            .param("all_traffic", u8::from(self.all_traffic))
            .param("by", self.by.names().1)
            .param("most", MOST + 1)
    }
}

/// What is asked.
pub(super) struct Question {
    pub(super) touching: Touching,
    pub(super) models: Vec<Model>,
}

impl Question {
    pub(super) async fn read(api: &Api, caller: &Caller, mut body: Body) -> Result<Self, Problem> {
        let id = caller.with(Right::Reports)?;
        let wanted = Wanted::read(&mut body);
        let models = body.read("models", |value| models(value, wanted.look_back));
        body.finish()?;
        Ok(Self {
            touching: wanted.of(api, id).await?,
            models: models.unwrap_or_else(|| vec![Model::First, Model::Last]),
        })
    }
}

/// How long before a conversion a touch may be.
pub(super) fn look_back(text: &str) -> Result<Span, &'static str> {
    let bounds = Span::days(1)..=Span::days(365);
    let span = text.parse().ok().filter(|span| bounds.contains(span));
    span.ok_or("must be 1d to 365d")
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

/// Which kinds of conversions are meant.
pub(crate) fn kinds(value: Value) -> Result<Vec<String>, &'static str> {
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

/// Whether every redirected click counts, or only those of people.
pub(crate) fn all_traffic(value: Value) -> Result<bool, &'static str> {
    match value.as_str() {
        Some("human") => Ok(false),
        Some("all") => Ok(true),
        _ => Err("must be human or all"),
    }
}
