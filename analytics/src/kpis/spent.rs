//! KPIs that hold what was won against what was paid: for each currency all costs together, then each channel for itself.

use std::collections::BTreeMap;

use super::measured::{Measured, Won};
use super::question::Question;
use super::variant::{Row, Unit};

/// What the costs of a row were for.
struct Spent<'a> {
    currency: &'a str,
    /// All channels where there is none.
    channel: Option<&'a str>,
    cost: u64,
    margin: f64,
    /// People won.
    acquired: u64,
    /// What referred sales of the range were worth.
    revenue: i128,
    /// What the people who were won have earned, by the day since their first conversion.
    earned: BTreeMap<i64, i128>,
}

/// The rows of all costs, in the order of the families.
pub(super) fn rows(question: &Question, measured: &Measured) -> Vec<Row> {
    let costs = &question.costs;
    let whole = costs
        .whole
        .iter()
        .map(|(currency, cost)| (currency, None, *cost));
    let by_channel = costs.by_channel.iter();
    let by_channel =
        by_channel.map(|((currency, channel), cost)| (currency, Some(channel.as_str()), *cost));
    let spent: Vec<Spent<'_>> = whole
        .chain(by_channel)
        .map(|(currency, channel, cost)| {
            let won = measured.won.iter();
            let won = won.filter(|(through, _)| channel.is_none_or(|channel| channel == *through));
            let won: Vec<&Won> = won.map(|(_, won)| won).collect();
            let revenue = won.iter().filter_map(|won| won.revenue.get(currency));
            Spent {
                currency,
                channel,
                cost,
                margin: question.margin,
                acquired: won.iter().map(|won| won.acquired).sum(),
                revenue: revenue.sum(),
                earned: earned(&won, currency),
            }
        })
        .collect();
    let mut rows = Vec::new();
    for each in &spent {
        rows.push(each.acquisition_cost());
        if each.channel.is_none() {
            rows.push(each.blended_cost(measured.customers.new_people));
        }
    }
    rows.extend(spent.iter().map(Spent::return_on_ad_spend));
    rows.extend(spent.iter().map(Spent::return_on_investment));
    rows.extend(spent.iter().map(Spent::payback));
    rows
}

fn earned(won: &[&Won], currency: &str) -> BTreeMap<i64, i128> {
    let mut by_day = BTreeMap::new();
    for won in won {
        for ((of, day), minor) in &won.earned {
            if of == currency {
                *by_day.entry(*day).or_default() += minor;
            }
        }
    }
    by_day
}

impl Spent<'_> {
    /// A row that lacks its value.
    fn row(&self, kpi: &'static str, variant: &'static str, unit: Unit) -> Row {
        Row {
            kpi,
            variant,
            currency: Some(self.currency.to_owned()),
            channel: self.channel.map(str::to_owned),
            unit,
            value: None,
            interval: None,
            numerator: ("", None),
            denominator: ("", None),
            window: None,
            open: None,
            reason: None,
            definition: "",
            source: "",
        }
    }

    fn per(&self, variant: &'static str, what: &'static str, people: u64) -> Row {
        Row {
            value: (people > 0).then(|| self.cost as f64 / people as f64),
            numerator: ("costs", Some(self.cost.into())),
            denominator: (what, Some(people.into())),
            reason: (people == 0).then(|| format!("there are no {what}")),
            ..self.row("acquisition_cost", variant, Unit::MinorUnits)
        }
    }

    fn acquisition_cost(&self) -> Row {
        Row {
            definition: "The costs for each person whose first conversion is in the range and was referred; with a channel, \
                         through a click of that channel.",
            source: "Customer acquisition cost, of the referral program: its costs by the customers it acquired",
            ..self.per(
                "per_referred_customer",
                "referred people whose first conversion is in the range",
                self.acquired,
            )
        }
    }

    fn blended_cost(&self, new_people: u64) -> Row {
        Row {
            definition: "The costs for each person whose first conversion is in the range, referred or not.",
            source: "Blended customer acquisition cost: all costs by all new customers. It is that only where all costs are given",
            ..self.per(
                "per_new_customer",
                "people whose first conversion is in the range",
                new_people,
            )
        }
    }

    fn return_on_ad_spend(&self) -> Row {
        Row {
            value: Some(self.revenue as f64 / self.cost as f64),
            numerator: (
                "net revenue of referred sales in the range",
                Some(self.revenue),
            ),
            denominator: ("costs", Some(self.cost.into())),
            definition: "What referred sales of the range in this currency were worth, less what was given back of them, by the \
                         costs; the margin plays no part.",
            source: "ROAS: revenue by spend",
            ..self.row("return_on_ad_spend", "referred_sales", Unit::Ratio)
        }
    }

    fn return_on_investment(&self) -> Row {
        let gain = self.margin * self.revenue as f64 - self.cost as f64;
        Row {
            value: Some(gain / self.cost as f64),
            numerator: (
                "margin of the net revenue of referred sales in the range, less the costs",
                Some(gain.round() as i128),
            ),
            denominator: ("costs", Some(self.cost.into())),
            definition: "What was earned beyond the costs, by the costs: (margin × net revenue of referred sales − costs) / costs. \
                         0 where the costs came back, below 0 where they did not; without a margin all revenue counts as \
                         earned. The numerator is told to the nearest minor unit.",
            source: "Return on investment: net return by cost",
            ..self.row("return_on_investment", "referred_sales", Unit::Ratio)
        }
    }

    fn payback(&self) -> Row {
        let mut so_far = 0;
        let day = self.earned.iter().find_map(|(day, minor)| {
            so_far += minor;
            (self.margin * so_far as f64 >= self.cost as f64).then_some(*day)
        });
        let all: i128 = self.earned.values().sum();
        Row {
            value: day.map(|day| (day + 1) as f64),
            numerator: ("costs", Some(self.cost.into())),
            denominator: (
                "margin of what the referred people have earned since their first conversion",
                Some((self.margin * all as f64).round() as i128),
            ),
            reason: match (day, self.acquired) {
                (Some(_), _) => None,
                (None, 0) => Some(
                    "there are no referred people whose first conversion is in the range"
                        .to_owned(),
                ),
                (None, _) => Some("they have not earned the costs yet".to_owned()),
            },
            definition: "Within how many days (of 24 hours) of their first conversion the people who were won in the range by \
                         referral have together earned the costs, margin × net revenue of all their sales. Who was won lately \
                         has had less time, so the number can still fall.",
            source: "CAC payback period, as it came about instead of CAC by monthly margin per customer",
            ..self.row("payback", "referred_customers", Unit::Days)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(cost: u64, margin: f64, earned: &[(i64, i128)]) -> Spent<'static> {
        Spent {
            currency: "EUR",
            channel: None,
            cost,
            margin,
            acquired: 4,
            revenue: 500,
            earned: earned.iter().copied().collect(),
        }
    }

    #[test]
    fn costs_come_back_on_the_day_on_which_enough_was_earned() {
        let days = [(0, 60), (3, 40), (9, 100)];
        for (cost, margin, day) in [
            (60, 1.0, Some(1.0)),
            (61, 1.0, Some(4.0)),
            (100, 1.0, Some(4.0)),
            (100, 0.5, Some(10.0)),
            (201, 1.0, None),
        ] {
            let row = spent(cost, margin, &days).payback();
            assert_eq!((row.value, row.reason.is_none()), (day, day.is_some()));
        }
    }

    #[test]
    fn returns_and_what_is_left_of_them() {
        let spent = spent(200, 0.5, &[]);
        assert_eq!(spent.acquisition_cost().value, Some(50.0));
        assert_eq!(spent.return_on_ad_spend().value, Some(2.5));
        let row = spent.return_on_investment();
        assert_eq!((row.value, row.numerator.1), (Some(0.25), Some(50)));
        let row = spent.blended_cost(0);
        assert_eq!((row.value, row.reason.is_some()), (None, true));
    }
}
