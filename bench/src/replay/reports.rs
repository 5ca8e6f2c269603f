//! The reports on a replay: those of its channels, added up.

use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::{Timestamp, ToSpan};
use tokio::time::sleep;

use super::api::{Api, Breakdown};

/// How long the reports may show nothing new before they are taken at their word.
const STILL: Duration = Duration::from_secs(20);
/// Between two looks at a report.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Asks for the clicks of one replay.
#[derive(Debug)]
pub(super) struct Reports<'a> {
    api: &'a Api,
    channels: &'a [String],
    from: Timestamp,
    to: Timestamp,
}

impl<'a> Reports<'a> {
    /// Reports on the clicks with these channels since `start`.
    pub(super) fn new(api: &'a Api, channels: &'a [String], start: Timestamp) -> Self {
        Self {
            api,
            channels,
            // The installation's clock may go differently from ours.
            from: start - 1.hour(),
            to: start + 24.hours(),
        }
    }

    /// Clicks by one dimension.
    pub(super) async fn breakdown(&self, by: &str) -> Result<Breakdown> {
        let mut sum = Breakdown::default();
        for channel in self.channels {
            let part = self.api.breakdown(by, channel, self.from, self.to).await?;
            sum.total += part.total;
            for (key, count) in part.counts {
                *sum.counts.entry(key).or_default() += count;
            }
        }
        Ok(sum)
    }

    /// Waits until so many clicks are shown, or nothing new comes any more. Returns how long it took.
    pub(super) async fn until_total(&self, wanted: u64) -> Result<Duration> {
        let start = Instant::now();
        let (mut seen, mut changed) = (0, start);
        loop {
            let total = self.breakdown("agent_class").await?.total;
            if total >= wanted {
                return Ok(start.elapsed());
            }
            if total != seen {
                (seen, changed) = (total, Instant::now());
            } else if changed.elapsed() > STILL {
                eprintln!("the reports stay at {total} of {wanted} clicks");
                return Ok(start.elapsed());
            }
            sleep(LOOK_EVERY).await;
        }
    }
}
