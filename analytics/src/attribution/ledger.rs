//! Conversions with their touches, and what each label earns of them under a model.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use whence_core::problem::Problem;

use super::journeys::{Converted, Journeys};
use super::question::{DAY_MS, Label};
use super::without::Without;
use super::{MICRO, Model, Path, Paths, divide, effects, weights_of, whole};
use crate::problems::field;

/// Looks at the steps of a Markov chain for one answer: some seconds.
const MOST_LOOKS: u64 = 2_000_000_000;

/// What somebody earned: conversions in millionths, and revenue by currency.
#[derive(Clone, Debug, Default)]
pub(super) struct Earned {
    conversions: i128,
    revenue: BTreeMap<String, i128>,
}

impl Earned {
    pub(super) fn add(&mut self, conversions: i128, currency: &str, revenue: i128) {
        self.conversions += conversions;
        if !currency.is_empty() {
            *self.revenue.entry(currency.to_owned()).or_default() += revenue;
        }
    }

    pub(super) fn show(&self) -> Value {
        let amount = |(currency, minor): (&String, &i128)| json!({ "currency": currency, "amount_minor": i64::try_from(*minor).unwrap_or(i64::MAX) });
        json!({
            "conversions": self.conversions as f64 / MICRO as f64,
            "revenue": self.revenue.iter().map(amount).collect::<Vec<_>>(),
        })
    }
}

/// What each label earned under a model.
pub(super) struct Credits {
    model: Model,
    labels: BTreeMap<String, Earned>,
    unattributed: Earned,
}

impl Credits {
    pub(super) fn show(&self, by: Label) -> Value {
        json!({
            "model": self.model.to_string(),
            "rows": self.labels(by).map(Value::Object).collect::<Vec<_>>(),
            "unattributed": self.unattributed.show(),
        })
    }

    /// The same as rows of one table with other models': what is unattributed has no label.
    pub(super) fn rows(&self, by: Label) -> Vec<Value> {
        let mut without = Map::new();
        without.insert(by.names().0.to_owned(), Value::Null);
        add(&mut without, &self.unattributed);
        let labels = self.labels(by).map(|row| (row, true));
        let rows = labels
            .chain([(without, false)])
            .map(|(mut row, attributed)| {
                row.insert("model".to_owned(), json!(self.model.to_string()));
                row.insert("attributed".to_owned(), json!(attributed));
                Value::Object(row)
            });
        rows.collect()
    }

    fn labels(&self, by: Label) -> impl Iterator<Item = Map<String, Value>> {
        let mut labels: Vec<_> = self.labels.iter().collect();
        labels.sort_by_key(|(label, earned)| (Reverse(earned.conversions), *label));
        labels.into_iter().map(move |(label, earned)| {
            let mut row = Map::new();
            row.insert(by.names().0.to_owned(), json!(by.show(label)));
            add(&mut row, earned);
            row
        })
    }
}

fn add(row: &mut Map<String, Value>, earned: &Earned) {
    if let Value::Object(earned) = earned.show() {
        row.extend(earned);
    }
}

/// Conversions and their paths, ready for any model.
pub(super) struct Ledger<'c> {
    converted: &'c [Converted],
    /// All paths, for models that learn from them; those that converted first, in the order of `converted`.
    paths: Paths,
}

impl<'c> Ledger<'c> {
    pub(super) fn new(journeys: &'c Journeys, without: &Without) -> Self {
        let mut paths = Paths::default();
        let labels = journeys.labels.iter();
        let channels: Vec<u32> = labels.map(|label| paths.channel(label)).collect();
        for conversion in &journeys.converted {
            let labels = conversion.touches.iter().map(|touch| touch.label as usize);
            paths.paths.push(Path {
                touches: labels.map(|label| channels[label]).collect(),
                conversions: 1,
                value: 0,
                null: 0,
            });
        }
        // A label that nobody touched stands for nothing.
        let mut channels = vec![None; without.labels.len()];
        for (labels, often) in &without.paths {
            let touches = labels.iter().map(|&label| {
                let label = label as usize;
                *channels[label].get_or_insert_with(|| paths.channel(&without.labels[label]))
            });
            let touches = touches.collect();
            paths.paths.push(Path {
                touches,
                conversions: 0,
                value: 0,
                null: *often,
            });
        }
        Self {
            converted: &journeys.converted,
            paths,
        }
    }

    pub(super) fn all(&self, models: &[Model]) -> Result<Vec<Credits>, Problem> {
        models.iter().map(|model| self.under(*model)).collect()
    }

    fn under(&self, model: Model) -> Result<Credits, Problem> {
        let names = self.paths.channels();
        let mut earned = vec![Earned::default(); names.len()];
        let mut unattributed = Earned::default();
        let learnt = match model {
            Model::Markov { order } => {
                let effects = effects(&self.paths, order, MOST_LOOKS).map_err(|unsettled| {
                    field(StatusCode::UNPROCESSABLE_ENTITY, "models", unsettled)
                })?;
                Some(whole(&effects))
            }
            _ => None,
        };
        // What a model divides that learns from all paths: all that has a touch, together.
        let mut together: HashMap<&str, (i128, i128)> = HashMap::new();
        for (conversion, path) in self.converted.iter().zip(&self.paths.paths) {
            let (currency, worth) = (conversion.currency.as_str(), conversion.worth);
            if path.touches.is_empty() {
                unattributed.add(MICRO, currency, worth);
            } else if learnt.is_some() {
                let sum = together.entry(currency).or_default();
                *sum = (sum.0 + MICRO, sum.1 + worth);
            } else {
                let weights = weights_of(&self.paths, model, path, |place| {
                    let at = conversion.touches[place].at;
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
