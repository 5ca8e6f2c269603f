//! Round after round of everything, and what each took.

use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::median::{median, quantile, rounded};

/// What was read for an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// What one question took.
#[derive(Serialize)]
pub(super) struct Timing {
    pub(super) median_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) rows_read: u64,
    pub(super) bytes_read: u64,
}

/// What all questions took.
#[derive(Serialize)]
pub(super) struct Figures {
    pub(super) overview: Timing,
    pub(super) funnel3: Timing,
    pub(super) attribution5: Timing,
    /// The five models of the one before, and these two.
    pub(super) markov_shapley: Timing,
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Overview,
    Funnel3,
    Attribution5,
    MarkovShapley,
}

impl Figures {
    /// All questions, in the order of the fields.
    pub(super) const NAMES: [Name; 4] = [
        Name::Overview,
        Name::Funnel3,
        Name::Attribution5,
        Name::MarkovShapley,
    ];
}

/// Asks everything so many times, after once to warm up.
pub(super) async fn rounds(
    rounds: u32,
    names: [Name; 4],
    ask: impl AsyncFn(Name) -> Result<Cost>,
) -> Result<Figures> {
    let mut times = [const { Vec::new() }; 4];
    let mut costs = [Cost { rows: 0, bytes: 0 }; 4];
    for round in 0..=rounds {
        for (place, name) in names.into_iter().enumerate() {
            let started = Instant::now();
            costs[place] = ask(name).await.with_context(|| format!("{name:?}"))?;
            let took = started.elapsed();
            eprintln!("round {round}: {name:?} {} ms", took.as_millis());
            if round > 0 {
                times[place].push(took);
            }
        }
    }
    let mut each = times.into_iter().zip(costs).map(|(mut times, cost)| {
        times.sort_unstable();
        let ms = |time: &std::time::Duration| time.as_secs_f64() * 1e3;
        Timing {
            median_ms: rounded(median(times.iter().map(ms)), 1),
            p95_ms: rounded(ms(&quantile(&times, 0.95)), 1),
            rows_read: cost.rows,
            bytes_read: cost.bytes,
        }
    });
    let mut next = || each.next().expect("four questions");
    Ok(Figures {
        overview: next(),
        funnel3: next(),
        attribution5: next(),
        markov_shapley: next(),
    })
}
