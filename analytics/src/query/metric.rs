//! What can be counted.

use std::str::FromStr;

use serde_json::{Value, json};

use crate::reports::definitions;

/// The relative standard error of `approximate_visitors`: 1.04 / sqrt(2^17), which is HyperLogLog's. Measured over 40 sets each:
/// 0.0022 of 100,000, 0.0029 of a million.
const STANDARD_ERROR: f64 = 0.0029;
/// Up to so many `approximate_visitors` are exact: they are kept one by one, which the engine does to the last of these and no further.
const EXACT_UP_TO: u64 = 4_096;

/// Something that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Clicks,
    Visitors,
    ApproximateVisitors,
    NewVisitors,
    ReturningVisitors,
    Links,
    Leads,
    Sales,
    Conversions,
    ConvertedClicks,
    ConversionRate,
    Revenue,
    Refunded,
    RevenuePerClick,
    TimeToConvert,
}

use Metric::*;

impl Metric {
    pub(super) const ALL: [Self; 15] = [
        Clicks,
        Visitors,
        ApproximateVisitors,
        NewVisitors,
        ReturningVisitors,
        Links,
        Leads,
        Sales,
        Conversions,
        ConvertedClicks,
        ConversionRate,
        Revenue,
        Refunded,
        RevenuePerClick,
        TimeToConvert,
    ];

    /// The name by which it is asked for and told.
    pub(super) fn name(self) -> &'static str {
        match self {
            Clicks => "clicks",
            Visitors => "visitors",
            ApproximateVisitors => "approximate_visitors",
            NewVisitors => "new_visitors",
            ReturningVisitors => "returning_visitors",
            Links => "links",
            Leads => "leads",
            Sales => "sales",
            Conversions => "conversions",
            ConvertedClicks => "converted_clicks",
            ConversionRate => "conversion_rate",
            Revenue => "revenue",
            Refunded => "refunded",
            RevenuePerClick => "revenue_per_click",
            TimeToConvert => "time_to_convert",
        }
    }

    /// What it means.
    pub(super) fn definition(self) -> &'static str {
        match self {
            Clicks => definitions::CLICK.1,
            Visitors => definitions::VISITOR.1,
            ApproximateVisitors => {
                "As visitors, but estimated (HyperLogLog with 131,072 cells; Flajolet, Fusy, Gandouet, Meunier, 2007) in memory \
                 that does not grow with them. What the error is stands under `approximate`."
            }
            NewVisitors => {
                "Visitors who were given their cookie by one of these clicks: their first. One whose first \
                 click is not among these is returning, even if it was in the range."
            }
            ReturningVisitors => "Visitors less new visitors.",
            Links => "Distinct links that were clicked.",
            Leads | Sales | Conversions => definitions::CONVERSION.1,
            ConvertedClicks => "Clicks that led to at least one conversion.",
            ConversionRate => {
                "converted_clicks / clicks, so never above 1, with its 95 % interval by Wilson's score \
                 (1927). Null where there are no clicks."
            }
            Revenue => {
                "What the sales were worth, less what was given back of them, in minor units, each currency for \
                 itself. A lead's amount is not in it."
            }
            Refunded => {
                "What was given back of these sales by refunds and cancellations, whenever that was: never \
                 more than a sale was worth."
            }
            RevenuePerClick => "revenue / clicks, in minor units, each currency for itself.",
            TimeToConvert => {
                "Seconds from the click to each conversion that it led to: the shortest time that a half of \
                 them (p50), or nine tenths (p90), did not take longer than. Null where there are none."
            }
        }
    }

    /// Of what it is a part, where it is one.
    pub(super) fn denominator(self) -> Option<&'static str> {
        match self {
            ConversionRate | RevenuePerClick => Some("clicks"),
            TimeToConvert => Some("conversions"),
            Clicks | Visitors | ApproximateVisitors | NewVisitors | ReturningVisitors | Links
            | Leads | Sales | Conversions | ConvertedClicks | Revenue | Refunded => None,
        }
    }

    /// How far off it may be; none where it is exact.
    pub(super) fn error(self) -> Option<Value> {
        matches!(self, ApproximateVisitors).then(|| {
            json!({
                "standard_error": STANDARD_ERROR,
                "exact_up_to": EXACT_UP_TO,
            })
        })
    }

    /// Whether conversions must be read for it.
    pub(super) fn needs_conversions(self) -> bool {
        !matches!(
            self,
            Clicks | Visitors | ApproximateVisitors | NewVisitors | ReturningVisitors | Links
        )
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|metric| metric.name() == text);
        found.copied().ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("must be one of {names}")
        })
    }
}
