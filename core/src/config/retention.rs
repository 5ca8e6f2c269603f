//! How long what is stored in ClickHouse is kept.

use serde::Deserialize;

/// Days after which things are removed, counted from when they happened. What is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Clicks as a whole, and with them the counts of dashboards.
    pub clicks_days: Option<u32>,
    /// The visitor of a click, of a conversion and of a page event.
    pub visitor_days: Option<u32>,
    /// The address of a click, its network and its city.
    pub address_days: Option<u32>,
    /// The user agent of a click, its client hints and the device's model.
    pub agent_days: Option<u32>,
    /// The referrer of a click; its host stays.
    pub referrer_days: Option<u32>,
    /// The query of a click; its UTM tags stay.
    pub query_days: Option<u32>,
    /// Conversions as a whole. An event that is sent again afterwards counts again.
    pub conversions_days: Option<u32>,
    /// What was heard from landing pages.
    pub confirmations_days: Option<u32>,
    /// What was done on pages besides converting.
    pub page_events_days: Option<u32>,
}

/// A century: longer than anybody means, and far from where dates end.
const MOST_DAYS: u32 = 36_500;

impl Retention {
    /// What is wrong, each with its key.
    pub(super) fn problems(&self) -> Vec<String> {
        let days = [
            ("clicks_days", self.clicks_days),
            ("visitor_days", self.visitor_days),
            ("address_days", self.address_days),
            ("agent_days", self.agent_days),
            ("referrer_days", self.referrer_days),
            ("query_days", self.query_days),
            ("conversions_days", self.conversions_days),
            ("confirmations_days", self.confirmations_days),
            ("page_events_days", self.page_events_days),
        ];
        let wrong = days
            .into_iter()
            .filter(|(_, days)| days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)));
        wrong
            .map(|(key, _)| {
                format!(
                    "retention.{key}: must be 1 to {MOST_DAYS}; leave it out to keep everything"
                )
            })
            .collect()
    }
}
