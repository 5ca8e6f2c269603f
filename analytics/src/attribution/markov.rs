//! Removal effects: what part of the conversions a Markov chain of the paths would lose without a channel.
//!
//! A state is what the last touches were, as many as the order says (fewer at the beginning). From the start a path steps
//! from state to state as often as it was seen to, and ends in a conversion or in none. Without a channel, whoever comes
//! to a state that has it is lost. Known in attribution from Anderl, Becker, von Wangenheim and Schumann, "Mapping the
//! customer journey" (2016).

use std::collections::HashMap;

use thiserror::Error;

use super::paths::{Path, Paths};

/// Sweeps before it is given up: paths of ten thousand touches that go back and forth between two channels take fewer.
const SWEEPS: usize = 400_000;
/// What no probability moves by any more, in proportion to itself.
const STILL: f64 = 1e-14;

/// Why the chain did not come to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsettled {
    /// Nearly all paths go on and on.
    #[error("the Markov chain of these paths does not settle: hardly any of them ever ends")]
    NeverEnds,
    /// More work than was allowed.
    #[error(
        "the Markov chain of these paths is too large: ask by what has fewer values, with a smaller order, or for a shorter range"
    )]
    TooLarge,
}

/// Where a path stands, and where it goes from there.
#[derive(Default)]
struct State {
    /// The channels that are remembered here.
    channels: Vec<u32>,
    /// To which state, with which probability.
    steps: Vec<(u32, f64)>,
    /// How probably straight to a conversion.
    converts: f64,
    /// How probably nowhere but here again.
    stays: f64,
}

/// The removal effect of each channel of these paths: 0 for one without which nothing changes, 1 for one without which
/// nothing would be left. Each channel takes many looks at each step of the chain; `looks` is how many at most in all.
pub(super) fn effects(paths: &Paths, order: u8, looks: u64) -> Result<Vec<f64>, Unsettled> {
    let channels = paths.channels().len();
    let states = chain(&paths.paths, usize::from(order));
    let steps: usize = states.iter().map(|state| 1 + state.steps.len()).sum();
    // The start is always there.
    let mut sweeps = looks / steps as u64;
    let mut probabilities = vec![0.0; states.len()];
    settle(&states, None, &mut probabilities, &mut sweeps)?;
    let with_all = probabilities.first().copied().unwrap_or(0.0);
    if with_all <= 0.0 {
        return Ok(vec![0.0; channels]);
    }
    (0..channels as u32)
        .map(|channel| {
            // From below: none can be larger than with all channels, and many are the same.
            let mut without = vec![0.0; states.len()];
            settle(&states, Some(channel), &mut without, &mut sweeps)?;
            Ok((1.0 - without[0] / with_all).max(0.0))
        })
        .collect()
}

/// The chain; its first state is the start.
fn chain(paths: &[Path], order: usize) -> Vec<State> {
    let mut numbers: HashMap<&[u32], u32> = HashMap::from([(&[][..], 0)]);
    let mut states = vec![State::default()];
    let mut counts: Vec<HashMap<u32, u64>> = vec![HashMap::new()];
    let mut ends: Vec<[u64; 2]> = vec![[0; 2]];
    for path in paths {
        let often = path.conversions + path.null;
        let mut at = 0_u32;
        for end in 1..=path.touches.len() {
            let last = &path.touches[end.saturating_sub(order)..end];
            let next = *numbers.entry(last).or_insert_with(|| {
                states.push(State {
                    channels: last.to_vec(),
                    ..State::default()
                });
                counts.push(HashMap::new());
                ends.push([0; 2]);
                states.len() as u32 - 1
            });
            *counts[at as usize].entry(next).or_default() += often;
            at = next;
        }
        ends[at as usize][0] += path.conversions;
        ends[at as usize][1] += path.null;
    }
    for (number, state) in states.iter_mut().enumerate() {
        let [converted, lost] = ends[number];
        let all = (counts[number].values().sum::<u64>() + converted + lost) as f64;
        if all == 0.0 {
            continue;
        }
        state.converts = converted as f64 / all;
        let mut steps: Vec<_> = counts[number].iter().collect();
        // The same sum in the same order, whatever the map's.
        steps.sort_unstable();
        for (to, count) in steps {
            let probability = *count as f64 / all;
            match *to as usize == number {
                true => state.stays = probability,
                false => state.steps.push((*to, probability)),
            }
        }
    }
    states
}

/// How probably a path converts from each state, without the channel `removed`: Gauss and Seidel's method, from zero. `sweeps` are
/// those that are left.
fn settle(
    states: &[State],
    removed: Option<u32>,
    converts: &mut [f64],
    sweeps: &mut u64,
) -> Result<(), Unsettled> {
    let lost = |state: &State| removed.is_some_and(|channel| state.channels.contains(&channel));
    let gone: Vec<bool> = states.iter().map(lost).collect();
    for _ in 0..SWEEPS {
        *sweeps = sweeps.checked_sub(1).ok_or(Unsettled::TooLarge)?;
        let mut moved = false;
        // States are numbered as paths reach them: from the end backwards, most are right at once.
        for (number, state) in states.iter().enumerate().rev() {
            if gone[number] || state.stays >= 1.0 {
                continue;
            }
            let onward: f64 = state
                .steps
                .iter()
                .map(|(to, probability)| probability * converts[*to as usize])
                .sum();
            let now = (state.converts + onward) / (1.0 - state.stays);
            moved |= (now - converts[number]).abs() > STILL * now;
            converts[number] = now;
        }
        if !moved {
            return Ok(());
        }
    }
    Err(Unsettled::NeverEnds)
}
