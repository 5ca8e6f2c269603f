//! A KPI by one definition, and what comes of it for what was counted.

use serde_json::{Value, json};

use super::enrolled::{MOST_CUSTOMERS, MOST_LINKS};
use super::measured::Measured;
use super::question::Question;
use crate::reports::money::Sums;
use crate::reports::proportion::share;

/// What a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// From 0 to 1: the numerator is a part of the denominator. Of things that are counted it has an interval.
    Share,
    /// So many of the one for one of the other.
    Ratio,
    /// Seconds.
    Seconds,
    /// Days of 24 hours.
    Days,
    /// Minor units of the row's currency.
    MinorUnits,
}

impl Unit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Ratio => "ratio",
            Self::Seconds => "seconds",
            Self::Days => "days",
            Self::MinorUnits => "minor_units",
        }
    }
}

/// What a number is worth nothing without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// That the site tells of shares.
    Shares,
    /// That leads are sent.
    Leads,
    /// That sales are sent.
    Sales,
    /// That links and customers are few enough to be compared.
    Enrolled,
}

impl Need {
    /// Why the number cannot be told; nothing where it can.
    fn missing(self, question: &Question, measured: &Measured) -> Option<String> {
        let never = |what: &str| Some(format!("no {what} was ever recorded"));
        match self {
            Self::Shares if measured.shares.ever == 0 => never("share"),
            Self::Shares if !question.program.is_empty() => {
                Some("shares do not tell to which program they belong".to_owned())
            }
            Self::Leads if measured.conversions.leads_ever == 0 => never("lead"),
            Self::Sales if measured.conversions.sales_ever == 0 => never("sale"),
            Self::Enrolled if measured.enrolled.is_none() => Some(format!(
                "there are more than {MOST_LINKS} links, or {MOST_CUSTOMERS} customers: too many to compare"
            )),
            Self::Shares | Self::Leads | Self::Sales | Self::Enrolled => None,
        }
    }
}

/// What is divided by what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) numerator: u64,
    pub(super) denominator: u64,
    /// How many are not in the denominator, or not yet in the numerator, since their window is not over.
    pub(super) open: Option<u64>,
}

/// Of these, so many.
pub(super) fn of(denominator: u64, numerator: u64) -> Counts {
    Counts {
        numerator,
        denominator,
        open: None,
    }
}

impl Counts {
    /// The window of so many more is not over.
    pub(super) fn open(self, open: u64) -> Self {
        Self {
            open: Some(open),
            ..self
        }
    }
}

/// How a value comes about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    /// The one by the other.
    Rate(fn(&Measured) -> Counts),
    /// A median in milliseconds, which is told in seconds: of how many.
    Median(fn(&Measured) -> (i64, Counts)),
    /// Money by money, each currency for itself.
    Revenue(fn(&Measured) -> (&Sums, &Sums)),
}

/// A KPI by one definition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    /// The family.
    pub(super) kpi: &'static str,
    /// Its own name in it.
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) numerator: &'static str,
    pub(super) denominator: &'static str,
    /// Whether the question's window bounds it.
    pub(super) windowed: bool,
    pub(super) needs: &'static [Need],
    pub(super) measure: Measure,
    pub(super) definition: &'static str,
    /// Who counts so.
    pub(super) source: &'static str,
}

/// A row of the answer. Every row has every field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) kpi: &'static str,
    pub(super) variant: &'static str,
    pub(super) currency: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) unit: Unit,
    pub(super) value: Option<f64>,
    /// The ends of its 95 % interval.
    pub(super) interval: Option<(f64, f64)>,
    pub(super) numerator: (&'static str, Option<i128>),
    pub(super) denominator: (&'static str, Option<i128>),
    pub(super) window: Option<String>,
    pub(super) open: Option<u64>,
    /// Why there is no value.
    pub(super) reason: Option<String>,
    pub(super) definition: &'static str,
    pub(super) source: &'static str,
}

impl Row {
    /// What changes from one time to the other.
    pub(super) fn figures(&self) -> Value {
        json!({
            "value": self.value,
            "low": self.interval.map(|(low, _)| low),
            "high": self.interval.map(|(_, high)| high),
            "numerator": { "what": self.numerator.0, "count": self.numerator.1 },
            "denominator": { "what": self.denominator.0, "count": self.denominator.1 },
            "open": self.open,
            "reason": self.reason,
        })
    }
}

impl Variant {
    /// The row, or where money is counted one for each of these currencies.
    pub(super) fn rows(
        &self,
        question: &Question,
        measured: &Measured,
        currencies: &[String],
    ) -> Vec<Row> {
        let empty = Row {
            kpi: self.kpi,
            variant: self.name,
            currency: None,
            channel: None,
            unit: self.unit,
            value: None,
            interval: None,
            numerator: (self.numerator, None),
            denominator: (self.denominator, None),
            window: self.windowed.then(|| question.window.to_string()),
            open: None,
            reason: None,
            definition: self.definition,
            source: self.source,
        };
        let mut missing = self.needs.iter();
        if let Some(reason) = missing.find_map(|need| need.missing(question, measured)) {
            return vec![Row {
                reason: Some(reason),
                ..empty
            }];
        }
        match self.measure {
            Measure::Rate(count) => vec![empty.of(count(measured), None)],
            Measure::Median(median) => {
                let (ms, counts) = median(measured);
                vec![empty.of(counts, Some(ms as f64 / 1000.0))]
            }
            Measure::Revenue(_) if currencies.is_empty() => vec![Row {
                reason: Some("there are no sales with a currency".to_owned()),
                ..empty
            }],
            Measure::Revenue(sums) => {
                let (part, whole) = sums(measured);
                let each = |currency: &String| {
                    empty
                        .clone()
                        .money(currency, sum(part, currency), sum(whole, currency))
                };
                currencies.iter().map(each).collect()
            }
        }
    }
}

/// What there is in a currency.
pub(super) fn sum((currencies, sums): &Sums, currency: &str) -> i128 {
    let place = currencies.iter().position(|found| found == currency);
    place.map_or(0, |place| sums[place])
}

impl Row {
    /// With these counts, and a value that is not their quotient where one is given.
    fn of(self, counts: Counts, value: Option<f64>) -> Self {
        let (part, whole) = (counts.numerator, counts.denominator);
        let is_nothing = whole == 0;
        let interval = match self.unit {
            Unit::Share => {
                let share = share(part, whole);
                share["low"].as_f64().zip(share["high"].as_f64())
            }
            _ => None,
        };
        let still = counts
            .open
            .filter(|open| *open > 0)
            .map_or_else(String::new, |open| {
                format!("; the window of {open} is not over, so ask for an earlier range or a shorter window")
            });
        Self {
            value: (!is_nothing).then(|| value.unwrap_or(part as f64 / whole as f64)),
            interval,
            numerator: (self.numerator.0, value.is_none().then(|| part.into())),
            denominator: (self.denominator.0, Some(whole.into())),
            open: counts.open,
            reason: is_nothing.then(|| format!("there are no {}{still}", self.denominator.0)),
            ..self
        }
    }

    /// Money by money.
    fn money(self, currency: &str, part: i128, whole: i128) -> Self {
        Self {
            currency: Some(currency.to_owned()),
            value: (whole != 0).then(|| part as f64 / whole as f64),
            numerator: (self.numerator.0, Some(part)),
            denominator: (self.denominator.0, Some(whole)),
            reason: (whole == 0).then(|| format!("there is no {}", self.denominator.0)),
            ..self
        }
    }
}
