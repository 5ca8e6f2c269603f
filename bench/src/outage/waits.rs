//! When what happened, and what visitors waited meanwhile.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::load::open::{Wait, Waits};
use crate::median::{quantile, rounded};

/// The parts of the story, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything is well.
    Before,
    /// The engine answers nothing and closes nothing.
    Hung,
    /// There is no engine.
    Gone,
    /// The engine is back, and the backlog is not yet gone.
    Draining,
    /// Everything is well again.
    After,
}

/// When each part began.
pub(super) struct Story {
    began: Vec<(Part, Instant)>,
    end: Option<Instant>,
}

/// How long visitors waited in one part.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Latency {
    /// The part's length.
    pub(super) seconds: f64,
    /// How many visitors came.
    pub(super) clicks: usize,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
    /// The load's own part of the 99th percentile: how late it asked.
    pub(super) late_p99_us: f64,
}

impl Story {
    /// Begins with [`Part::Before`].
    pub(super) fn begins(at: Instant) -> Self {
        Self {
            began: vec![(Part::Before, at)],
            end: None,
        }
    }

    /// A part is over, another begins.
    pub(super) fn goes_on_with(&mut self, part: Part) {
        self.began.push((part, Instant::now()));
    }

    /// The last part is over.
    pub(super) fn ends(&mut self) {
        self.end = Some(Instant::now());
    }

    /// From when to when a part was; nothing where it was not.
    pub(super) fn span(&self, part: Part) -> Option<(Instant, Instant)> {
        let place = self.began.iter().position(|(found, _)| *found == part)?;
        let end = self.began.get(place + 1).map(|(_, at)| *at).or(self.end)?;
        Some((self.began[place].1, end))
    }

    /// What visitors waited who were due in these parts; nothing where nobody was.
    pub(super) fn latency(&self, parts: &[Part], waits: &Waits) -> Option<Latency> {
        let origin = self.began[0].1;
        let spans: Vec<_> = parts.iter().filter_map(|&part| self.span(part)).collect();
        let is_in = |wait: &&Wait| {
            let due = origin + wait.due;
            spans.iter().any(|&(from, to)| from <= due && due < to)
        };
        let counted: Vec<_> = waits.counted.iter().filter(is_in).collect();
        if counted.is_empty() {
            return None;
        }
        let mut latencies: Vec<_> = counted.iter().map(|wait| wait.latency).collect();
        let mut late: Vec<_> = counted.iter().map(|wait| wait.late).collect();
        latencies.sort_unstable();
        late.sort_unstable();
        let at = |sorted: &[Duration], part| micros(quantile(sorted, part));
        let lengths = spans.iter().map(|&(from, to)| (to - from).as_secs_f64());
        Some(Latency {
            seconds: rounded(lengths.sum(), 1),
            clicks: counted.len(),
            p50_us: at(&latencies, 0.5),
            p99_us: at(&latencies, 0.99),
            p999_us: at(&latencies, 0.999),
            max_us: at(&latencies, 1.0),
            late_p99_us: at(&late, 0.99),
        })
    }
}

fn micros(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e6, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_counts_where_due() {
        let start = Instant::now();
        let second = Duration::from_secs;
        let story = Story {
            began: vec![
                (Part::Before, start),
                (Part::Hung, start + second(10)),
                (Part::Gone, start + second(20)),
            ],
            end: Some(start + second(30)),
        };
        let wait = |due, millis| Wait {
            due: second(due),
            latency: Duration::from_millis(millis),
            late: Duration::ZERO,
        };
        let waits = Waits {
            // The second is answered when the engine hangs already, and was due before.
            counted: vec![wait(1, 1), wait(9, 5_000), wait(10, 2), wait(25, 3)],
            ..Waits::default()
        };
        let latency = |parts: &[Part]| story.latency(parts, &waits);
        assert_eq!(latency(&[Part::Before]).unwrap().max_us, 5e6);
        let away = latency(&[Part::Hung, Part::Gone]).unwrap();
        assert_eq!((away.clicks, away.max_us, away.seconds), (2, 3e3, 20.0));
        assert!(latency(&[Part::After]).is_none());
    }
}
