//! The redirector's figures: which there are, and what they count.
//!
//! Each thread counts in memory of its own; only a scrape adds them up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use whence_core::click::Outcome;
use whence_core::store::LinkStore;

use crate::resolve::Resolver;

/// What one thread has done.
#[derive(Debug, Default)]
#[repr(align(128))] // Two cache lines: no thread's counting slows another's.
pub(crate) struct Counters {
    /// Answered and journalled, by outcome.
    outcomes: [Count; OUTCOMES.len()],
    /// Documents and pictures: no clicks.
    pub(crate) documents: Count,
    /// Answered 429.
    pub(crate) limited: Count,
    /// Answered 503 because the link store is away, and the link is not known or its clicks are counted.
    pub(crate) unavailable: Count,
    /// Answered 503 because the click could not be journalled.
    pub(crate) refused: Count,
    /// Requests that were not looked at further: 400, 405, 408, 414 or 431.
    pub(crate) malformed: Count,
    /// Redirected from memory while the store was away.
    pub(crate) stale: Count,
    /// Redirected although the journal was full: the click is lost, and its number tells.
    pub(crate) dropped: Count,
    /// Connections accepted.
    pub(crate) connections: Count,
    /// Connections closed at the door: too many of one client, no PROXY header, no TLS.
    pub(crate) turned_away: Count,
    /// Requests that came over plain HTTP.
    pub(crate) plain_http: Count,
}

/// Every outcome, in the order in which they are declared, with its label.
const OUTCOMES: [(Outcome, &str); 9] = [
    (Outcome::Redirected, "redirected"),
    (Outcome::NotFound, "not_found"),
    (Outcome::Disabled, "disabled"),
    (Outcome::Pending, "pending"),
    (Outcome::Expired, "expired"),
    (Outcome::UsedUp, "used_up"),
    (Outcome::Locked, "locked"),
    (Outcome::Previewed, "previewed"),
    (Outcome::Inspected, "inspected"),
];

impl Counters {
    /// Counts an answer that was journalled.
    pub(crate) fn answered(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].inc();
    }
}

/// Finds one count among a thread's.
type Pick = fn(&Counters) -> &Count;

/// A count that only its own thread moves.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Counts one.
    pub(crate) fn inc(&self) {
        self.0
            .store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// Adds the threads up when scraped.
#[derive(Debug)]
struct Threads(Vec<Arc<Counters>>);

impl Threads {
    fn sum(&self, pick: impl Fn(&Counters) -> &Count) -> u64 {
        self.0
            .iter()
            .map(|counters| pick(counters).0.load(Ordering::Relaxed))
            .sum()
    }
}

impl Collector for Threads {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut requests = encoder.encode_descriptor(
            "requests",
            "Requests by how they were answered",
            None,
            prometheus_client::metrics::MetricType::Counter,
        )?;
        for (outcome, answer) in OUTCOMES {
            let count = ConstCounter::new(self.sum(|c| &c.outcomes[outcome as usize]));
            count.encode(requests.encode_family(&[("answer", answer)])?)?;
        }
        let answers: [(&str, Pick); 5] = [
            ("document", |c| &c.documents),
            ("limited", |c| &c.limited),
            ("unavailable", |c| &c.unavailable),
            ("refused", |c| &c.refused),
            ("malformed", |c| &c.malformed),
        ];
        for (answer, pick) in answers {
            let count = ConstCounter::new(self.sum(pick));
            count.encode(requests.encode_family(&[("answer", answer)])?)?;
        }
        let others: [(&str, &str, Pick); 5] = [
            (
                "stale_redirects",
                "Redirects from memory while the store was away",
                |c| &c.stale,
            ),
            (
                "events_dropped",
                "Clicks redirected but not journalled, for want of room",
                |c| &c.dropped,
            ),
            ("connections", "Connections accepted", |c| &c.connections),
            (
                "connections_turned_away",
                "Connections closed at the door: too many of one client, no PROXY header, no TLS",
                |c| &c.turned_away,
            ),
            (
                "plain_http_requests",
                "Requests over plain HTTP, here and at believed proxies",
                |c| &c.plain_http,
            ),
        ];
        for (name, help, pick) in others {
            let count = ConstCounter::new(self.sum(pick));
            count.encode(encoder.encode_descriptor(name, help, None, count.metric_type())?)?;
        }
        Ok(())
    }
}

/// The near cache's size, and whether the store tells it what changes, when scraped.
struct Links {
    resolver: Arc<Resolver>,
    store: Arc<dyn LinkStore>,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Links")
    }
}

impl Collector for Links {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (links, unknown, bytes) = self.resolver.size();
        let heard = "Whether changes of links reach the near cache (1) or their line is down (0)";
        for (name, help, value) in [
            ("cache_links", "Links in the near cache", links as i64),
            (
                "cache_unknown_slugs",
                "Unknown slugs in the near cache",
                unknown as i64,
            ),
            (
                "cache_bytes",
                "Bytes of the links in the near cache",
                bytes as i64,
            ),
            (
                "cache_warmed_links",
                "Links that the near cache was filled with at the start",
                self.resolver.warmed() as i64,
            ),
            (
                "changes_heard",
                heard,
                i64::from(self.store.hears_changes()),
            ),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

/// Registers everything.
pub(crate) fn register(
    registry: &mut Registry,
    threads: Vec<Arc<Counters>>,
    resolver: Arc<Resolver>,
    store: Arc<dyn LinkStore>,
) {
    registry.register_collector(Box::new(Threads(threads)));
    registry.register_collector(Box::new(Links { resolver, store }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_stand_at_their_own_places() {
        for (place, (outcome, _)) in OUTCOMES.into_iter().enumerate() {
            assert_eq!(outcome as usize, place, "{outcome:?}");
        }
    }
}
