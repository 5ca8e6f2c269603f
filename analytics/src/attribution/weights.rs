//! The models that look at one path and give its touches weights by a rule.

use super::model::Model;
use super::split::whole;

/// What a rule may ask of a touch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    /// Whether nobody led here.
    pub(super) direct: bool,
    /// How long before the conversion.
    pub(super) age: f64,
}

/// A weight for each touch of a path, the earliest first; none where the model learns from all paths together.
pub(super) fn weights(model: Model, touches: &[Touch]) -> Option<Vec<u64>> {
    let count = touches.len();
    let mut given = vec![0; count];
    if count == 0 {
        return Some(given);
    }
    match model {
        Model::First => given[0] = 1,
        Model::Last => given[count - 1] = 1,
        Model::LastNonDirect => {
            let led = touches.iter().rposition(|touch| !touch.direct);
            given[led.unwrap_or(count - 1)] = 1;
        }
        Model::Linear => given.fill(1),
        Model::Position { first, last } => position(&mut given, u64::from(first), u64::from(last)),
        Model::TimeDecay { half_life } => {
            // Counted from the newest, so that a path that lies far back keeps its proportions.
            let newest = touches
                .iter()
                .map(|touch| touch.age)
                .fold(f64::MAX, f64::min);
            let weight = |touch: &Touch| (-(touch.age - newest) / half_life).exp2();
            given = whole(&touches.iter().map(weight).collect::<Vec<_>>());
        }
        Model::Markov { .. } | Model::Shapley => return None,
    }
    Some(given)
}

/// Percent for both ends, the rest for those between, all times how many these are: so all stays whole.
fn position(given: &mut [u64], first: u64, last: u64) {
    match given.len() {
        1 => given[0] = 1,
        2 => given.copy_from_slice(&[first, last]),
        count => {
            let between = count as u64 - 2;
            given.fill(100 - first - last);
            given[0] = first * between;
            given[count - 1] = last * between;
        }
    }
}
