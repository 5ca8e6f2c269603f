//! The models by name, with what can be set in each.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How credit for a conversion is given to the touches that led to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Model {
    /// All to the first touch.
    First,
    /// All to the last touch.
    Last,
    /// All to the last touch that was not direct; to the last where all were.
    LastNonDirect,
    /// The same to each touch.
    Linear,
    /// So many percent to the first touch and to the last, the rest in equal parts to those between; two touches share
    /// in the ratio of both ends.
    Position {
        /// Percent for the first touch.
        first: u8,
        /// Percent for the last touch.
        last: u8,
    },
    /// Half as much for each half-life that a touch lies further back.
    TimeDecay {
        /// In the unit of the touches' ages.
        half_life: f64,
    },
    /// By removal effect: what part of conversions a Markov chain of the paths would lose without the channel.
    Markov {
        /// How many touches the chain remembers, 1 to 3.
        order: u8,
    },
    /// The Shapley value of each channel, where a set of channels is worth the conversions that it alone led to.
    Shapley,
}

/// No such model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "no such model: {0:?}; there are first, last, last_non_direct, linear, position (or position:40:40), time_decay (or time_decay:1), markov (or markov:1 to markov:3) and shapley"
)]
pub struct ModelError(String);

impl Model {
    /// Every model as it is where nothing is set, ages in touches.
    pub const ALL: [Self; 8] = [
        Self::First,
        Self::Last,
        Self::LastNonDirect,
        Self::Linear,
        Self::Position {
            first: 40,
            last: 40,
        },
        Self::TimeDecay { half_life: 1.0 },
        Self::Markov { order: 1 },
        Self::Shapley,
    ];
}

impl FromStr for Model {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let refused = || ModelError(text.chars().take(40).collect());
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let set: Vec<&str> = parts.collect();
        let model = match (name, &set[..]) {
            ("first", []) => Self::First,
            ("last", []) => Self::Last,
            ("last_non_direct", []) => Self::LastNonDirect,
            ("linear", []) => Self::Linear,
            ("position", []) => Self::Position {
                first: 40,
                last: 40,
            },
            ("position", [first, last]) => {
                let percent = |text: &str| text.parse::<u8>().ok().filter(|part| *part <= 100);
                let (first, last) = percent(first)
                    .zip(percent(last))
                    .filter(|(first, last)| (1..=100).contains(&(first + last)))
                    .ok_or_else(refused)?;
                Self::Position { first, last }
            }
            ("time_decay", []) => Self::TimeDecay { half_life: 1.0 },
            ("time_decay", [half_life]) => {
                let half_life = half_life.parse().ok();
                let half_life = half_life.filter(|life: &f64| *life > 0.0 && life.is_finite());
                Self::TimeDecay {
                    half_life: half_life.ok_or_else(refused)?,
                }
            }
            ("markov", []) => Self::Markov { order: 1 },
            ("markov", [order]) => {
                let order = order.parse().ok().filter(|order| (1..=3).contains(order));
                Self::Markov {
                    order: order.ok_or_else(refused)?,
                }
            }
            ("shapley", []) => Self::Shapley,
            _ => return Err(refused()),
        };
        Ok(model)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::Last => f.write_str("last"),
            Self::LastNonDirect => f.write_str("last_non_direct"),
            Self::Linear => f.write_str("linear"),
            Self::Position { first, last } => write!(f, "position:{first}:{last}"),
            Self::TimeDecay { half_life } => write!(f, "time_decay:{half_life}"),
            Self::Markov { order } => write!(f, "markov:{order}"),
            Self::Shapley => f.write_str("shapley"),
        }
    }
}
