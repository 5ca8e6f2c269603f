//! Gives credit for conversions, and for what they were worth, to channels.

use super::markov::{self, Unsettled};
use super::model::Model;
use super::paths::{Path, Paths};
use super::shapley;
use super::split::{split, whole};
use super::weights::{self, Touch};

/// Parts of a conversion: the unit in which conversions are given.
pub const MICRO: i128 = 1_000_000;

/// What a channel earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Conversions, in millionths.
    pub conversions: i128,
    /// Their value, in the smallest unit.
    pub value: i128,
}

/// What each channel earned under a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Credits {
    /// The model.
    pub model: Model,
    /// By the channels' numbers.
    pub channels: Vec<Credit>,
    /// What nobody earned: conversions without any touch, and worth without a conversion where a model learns from these.
    pub unattributed: Credit,
}

/// Gives credit under each model. A path has no times: its last touch is one step before the conversion, each other one
/// step earlier.
pub fn attribute(paths: &Paths, models: &[Model]) -> Result<Vec<Credits>, Unsettled> {
    models.iter().map(|model| under(paths, *model)).collect()
}

fn under(paths: &Paths, model: Model) -> Result<Credits, Unsettled> {
    let count = paths.channels().len();
    let mut credits = Credits {
        model,
        channels: vec![Credit::default(); count],
        unattributed: Credit::default(),
    };
    if let Model::Markov { order } = model {
        let effects = markov::effects(paths, order, u64::MAX)?;
        let (touched, untouched) = totals(&paths.paths);
        credits.unattributed = untouched;
        give(&mut credits, touched, &whole(&effects), 0..count);
        return Ok(credits);
    }
    for path in &paths.paths {
        let steps = path.touches.len();
        let weights = weights_of(paths, model, path, |place| (steps - place) as f64);
        let channels = path.touches.iter().map(|channel| *channel as usize);
        give(&mut credits, earned(path), &weights, channels);
    }
    Ok(credits)
}

/// A weight for each touch of a path, under a model that looks at one path at a time. `age` says how long before the
/// conversion the touch with a number was.
pub(super) fn weights_of(
    paths: &Paths,
    model: Model,
    path: &Path,
    age: impl Fn(usize) -> f64,
) -> Vec<u64> {
    let touch = |(place, channel): (usize, &u32)| Touch {
        direct: paths.is_direct(*channel),
        age: age(place),
    };
    let touches: Vec<_> = path.touches.iter().enumerate().map(touch).collect();
    weights::weights(model, &touches).unwrap_or_else(|| shapley::weights(&path.touches))
}

/// Divides among channels; where there are none, or none has a weight, nobody earned it.
fn give(
    credits: &mut Credits,
    all: Credit,
    weights: &[u64],
    channels: impl Iterator<Item = usize>,
) {
    if weights.iter().all(|weight| *weight == 0) {
        add(&mut credits.unattributed, all);
        return;
    }
    let conversions = split(all.conversions, weights);
    let values = split(all.value, weights);
    for ((channel, conversions), value) in channels.zip(conversions).zip(values) {
        add(
            &mut credits.channels[channel],
            Credit { conversions, value },
        );
    }
}

fn earned(path: &Path) -> Credit {
    Credit {
        conversions: i128::from(path.conversions) * MICRO,
        value: path.value,
    }
}

/// What paths with touches earned, and what those without.
fn totals(paths: &[Path]) -> (Credit, Credit) {
    let (mut touched, mut untouched) = (Credit::default(), Credit::default());
    for path in paths {
        let sum = match path.touches.is_empty() {
            true => &mut untouched,
            false => &mut touched,
        };
        add(sum, earned(path));
    }
    (touched, untouched)
}

fn add(sum: &mut Credit, credit: Credit) {
    sum.conversions += credit.conversions;
    sum.value += credit.value;
}
