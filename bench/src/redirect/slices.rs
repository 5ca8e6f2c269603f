//! Latencies at a fixed rate, in short slices of time.
//!
//! A virtual machine's host takes its cores away for some milliseconds about every second, and everybody who comes
//! meanwhile waits. Over a whole run these are about one visitor in a hundred, so that the 99th percentile is the
//! host's or the server's as chance has it. Most short slices hold no such pause, and what a server does to its
//! visitors again and again is in each of them. So each slice has its own percentile, and the median of these is the
//! server's.

use std::time::Duration;

use crate::load::open::{Wait, Waits};
use crate::median::{median, quantile};

/// As long as the time between two syncs of the journal: what comes with each of them is in each slice.
const LENGTH: Duration = Duration::from_millis(200);

/// What was seen of one server.
#[derive(Default)]
pub(super) struct Slices {
    latency: Vec<Sorted>,
    late: Vec<Sorted>,
}

/// Times in one slice, in order.
struct Sorted(Vec<Duration>);

impl Slices {
    /// Adds a round.
    pub(super) fn add(&mut self, waits: &Waits) {
        let mut counted = waits.counted.clone();
        counted.sort_unstable_by_key(|wait| wait.due);
        let number = |wait: &Wait| wait.due.as_nanos() / LENGTH.as_nanos();
        for slice in counted.chunk_by(|one, next| number(one) == number(next)) {
            let sorted = |pick: fn(&Wait) -> Duration| Sorted::from(slice.iter().map(pick));
            self.latency.push(sorted(|wait| wait.latency));
            self.late.push(sorted(|wait| wait.late));
        }
    }

    /// How long all but this part of the visitors waited at most, in microseconds: median of the slices.
    pub(super) fn latency_us(&self, part: f64) -> f64 {
        median(self.latency.iter().map(|slice| slice.at_us(part)))
    }

    /// The same of how late they were sent.
    pub(super) fn late_us(&self, part: f64) -> f64 {
        median(self.late.iter().map(|slice| slice.at_us(part)))
    }

    /// How long all but this part of all visitors waited at most, in microseconds.
    pub(super) fn latency_of_all_us(&self, part: f64) -> f64 {
        Sorted::from(
            self.latency
                .iter()
                .flat_map(|slice| slice.0.iter().copied()),
        )
        .at_us(part)
    }
}

impl Sorted {
    fn from(times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.collect();
        times.sort_unstable();
        Self(times)
    }

    fn at_us(&self, part: f64) -> f64 {
        quantile(&self.0, part).as_secs_f64() * 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second with a visitor each millisecond, who waits as long as `latency` says.
    fn second(latency: impl Fn(u64) -> u64) -> Waits {
        let counted = (0..1_000).map(|number| Wait {
            due: Duration::from_millis(number),
            latency: Duration::from_micros(latency(number)),
            late: Duration::ZERO,
        });
        Waits {
            counted: counted.rev().collect(),
            ..Waits::default()
        }
    }

    #[test]
    fn one_pause_of_the_host_is_in_all_and_not_in_the_median() {
        let mut slices = Slices::default();
        slices.add(&second(|number| if number < 20 { 9_000 } else { 100 }));
        assert_eq!(slices.latency_us(0.99), 100.0);
        assert_eq!(slices.latency_of_all_us(0.99), 9_000.0);
    }

    #[test]
    fn what_comes_again_and_again_is_in_the_median() {
        let mut slices = Slices::default();
        slices.add(&second(|number| if number % 200 < 3 { 9_000 } else { 100 }));
        assert_eq!(slices.latency_us(0.99), 9_000.0);
        assert_eq!(slices.latency_us(0.5), 100.0);
    }
}
