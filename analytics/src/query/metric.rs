//! What can be counted.

use std::str::FromStr;

use crate::reports::definitions;

/// Something that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Clicks,
    Visitors,
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
    pub(super) const ALL: [Self; 14] = [
        Clicks,
        Visitors,
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

    /// Whether conversions must be read for it.
    pub(super) fn needs_conversions(self) -> bool {
        !matches!(
            self,
            Clicks | Visitors | NewVisitors | ReturningVisitors | Links
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
