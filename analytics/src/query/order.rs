//! By what the answer is ordered.

use std::fmt::Write;

use super::metric::Metric;

/// By what, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct By {
    pub(super) what: What,
    pub(super) descending: bool,
}

/// By what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The interval.
    Time,
    /// The dimension with this number, from 0.
    Dimension(usize),
    Metric(Metric),
}

impl What {
    /// The column of `sql/query/page.sql`; none where there is nothing to order by.
    fn column(self) -> Option<&'static str> {
        let column = match self {
            Self::Time => "bucket",
            Self::Dimension(0) => "key_1",
            Self::Dimension(1) => "key_2",
            Self::Dimension(_) => "key_3",
            Self::Metric(metric) => match metric {
                Metric::Clicks => "clicks",
                Metric::Visitors => "visitors",
                Metric::ApproximateVisitors => "approximate_visitors",
                Metric::NewVisitors => "new_visitors",
                Metric::ReturningVisitors => "visitors - new_visitors",
                Metric::Links => "links",
                Metric::Leads => "leads",
                Metric::Sales => "sales",
                Metric::Conversions => "leads + sales",
                Metric::ConvertedClicks => "converted_clicks",
                Metric::ConversionRate => "conversion_rate",
                Metric::Revenue => "revenue",
                Metric::Refunded | Metric::RevenuePerClick | Metric::TimeToConvert => return None,
            },
        };
        Some(column)
    }

    /// Whether an answer can be ordered by it.
    pub(super) fn is_possible(self) -> bool {
        self.column().is_some()
    }
}

/// The order as it stands in the statement. What is equal in all that was asked for comes by its interval and its values.
pub(super) fn clause(order: &[By]) -> String {
    let mut text = String::new();
    for by in order {
        let Some(column) = by.what.column() else {
            continue;
        };
        let way = if by.descending { "DESC" } else { "ASC" };
        // A String takes whatever is written.
        let _ = write!(text, "{column} {way}, ");
    }
    text + "bucket, key_1, key_2, key_3"
}
