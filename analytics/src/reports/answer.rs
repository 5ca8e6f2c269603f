//! What every report says of itself: what it counted, for when, how fresh, and what it cost to find out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::question::Question;
use super::range::Range;
use super::warehouse::{Fresh, Read};

/// What a report means by its words.
pub(super) type Definitions = &'static [(&'static str, &'static str)];

/// A click, in every report.
pub(crate) const CLICK: (&str, &str) = (
    "clicks",
    "Requests to short links that were redirected. A request for a link that does not exist is not one. \
     With traffic=human only those of people, repeats by the same person among them; with traffic=all also bots, \
     previews and prefetches.",
);

/// A visitor, in every report.
pub(crate) const VISITOR: (&str, &str) = (
    "visitors",
    "Distinct visitors, by their cookie on the short domain, counted exactly. A click without a known \
     visitor (a workspace in count_only, a browser without cookies) counts as a click and not as a visitor.",
);

/// When a conversion belongs to a click, in every report that speaks of both.
pub(crate) const CONVERSION: (&str, &str) = (
    "conversions",
    "Leads and sales, each event_id once. One belongs to the click whose id it carries; without a click \
     id, to the click of the earliest conversion of the same customer that carries one and is not later. \
     It must have happened at or after that click, and counts with it, by the time of the click.",
);

/// What every report says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct About {
    /// What the report means by its words.
    #[schema(value_type = BTreeMap<String, String>)]
    definition: BTreeMap<&'static str, &'static str>,
    /// The workspace's time zone, in which days are cut.
    time_zone: String,
    /// Where the range begins.
    #[schema(format = DateTime)]
    from: String,
    /// Where the range ends; not included.
    #[schema(format = DateTime)]
    to: String,
    /// `human` or `all`.
    #[schema(value_type = String)]
    traffic: &'static str,
    /// Whether every number is exact and none an estimate.
    exact: bool,
    /// How fresh the data is.
    freshness: Freshness,
    /// How many rows ClickHouse read for this; null where it does not say.
    rows_read: Option<u64>,
    /// How many bytes ClickHouse read for this; null where it does not say.
    bytes_read: Option<u64>,
}

/// How fresh a workspace's data is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Freshness {
    /// When the last click happened that is stored; null where there is none.
    #[schema(format = DateTime)]
    last_click: Option<String>,
    /// When the last conversion came that is stored; null where there is none.
    #[schema(format = DateTime)]
    last_conversion: Option<String>,
}

impl Freshness {
    /// By the clock of a report's range.
    pub(crate) fn of(range: &Range, fresh: Fresh) -> Self {
        let show = |ms: i64| {
            let at = (ms > 0).then(|| Timestamp::from_millisecond(ms).ok());
            at.flatten().map(|at| range.show(at))
        };
        Self {
            last_click: show(fresh.last_click_ms),
            last_conversion: show(fresh.last_conversion_ms),
        }
    }
}

impl About {
    /// What there is to say of an answer to this question.
    pub(super) fn of(
        question: &Question,
        definitions: Definitions,
        fresh: Fresh,
        read: Read,
    ) -> Self {
        let range = &question.range;
        Self {
            definition: definitions.iter().copied().collect(),
            time_zone: question.time_zone.clone(),
            from: range.show(range.from),
            to: range.show(range.to),
            traffic: question.traffic.name(),
            exact: true,
            freshness: Freshness::of(range, fresh),
            rows_read: read.rows,
            bytes_read: read.bytes,
        }
    }
}
