//! Every lead and sale of a workspace, and what follows from them: who became a customer when, who referred whom, what it was worth.
//!
//! Here and not in the database: each of these is another look at the same rows, and there each look would read them again.

use std::collections::{BTreeMap, HashMap, HashSet};

use clickhouse::Row;
use serde::Deserialize;

use super::measured::{Clicks, Conversions, Customers, Selected, Sharer, Won};
use super::question::Stretch;
use crate::reports::money::Sums;
use crate::reports::range::Range;

/// The milliseconds of the days in which payback is counted.
const DAY_MS: i64 = 86_400_000;

/// A row of `sql/kpis/told.sql`, which says what each field is.
#[derive(Debug, Row, Deserialize)]
pub(super) struct Told {
    is_sale: bool,
    at: i64,
    worth: i64,
    paid_in: String,
    person: u128,
    is_customer: bool,
    is_somebody: bool,
    owed_to: u128,
    clicked_at: i64,
    clicked_by: u128,
    through: String,
    referrer: u128,
}

impl Told {
    fn is_in(&self, range: &Range) -> bool {
        has(range, self.at)
    }

    /// A sale whose worth can be added to others.
    fn has_worth(&self) -> bool {
        self.is_sale && !self.paid_in.is_empty()
    }
}

/// How a person became a customer.
#[derive(Clone, Copy, Debug)]
struct First {
    at: i64,
    /// The number of that lead or sale.
    place: usize,
    referrer: u128,
    is_customer: bool,
}

/// All leads and sales, and everybody's first.
#[derive(Debug)]
pub(super) struct Ledger {
    told: Vec<Told>,
    goals: &'static [&'static str],
    firsts: HashMap<u128, First>,
    /// By whom people were referred: when they became customers.
    referred: HashMap<u128, Vec<i64>>,
    /// How long members and clicks are looked at, and until when.
    window_ms: i64,
    now_ms: i64,
}

impl Ledger {
    /// Of leads and sales in their order.
    pub(super) fn new(
        told: Vec<Told>,
        goals: &'static [&'static str],
        window_ms: i64,
        now_ms: i64,
    ) -> Self {
        let mut ledger = Self {
            told,
            goals,
            firsts: HashMap::new(),
            referred: HashMap::new(),
            window_ms,
            now_ms,
        };
        for (place, told) in ledger.told.iter().enumerate() {
            if told.is_somebody && ledger.makes_customer(told) {
                ledger.firsts.entry(told.person).or_insert(First {
                    at: told.at,
                    place,
                    referrer: told.referrer,
                    is_customer: told.is_customer,
                });
            }
        }
        for first in ledger.firsts.values().filter(|first| first.referrer != 0) {
            let by = ledger.referred.entry(first.referrer).or_default();
            by.push(first.at);
        }
        ledger
    }

    fn makes_customer(&self, told: &Told) -> bool {
        let kind = if told.is_sale { "sale" } else { "lead" };
        self.goals.contains(&kind)
    }

    /// What is counted by people.
    pub(super) fn customers(
        &self,
        stretch: &Stretch,
        selected: &Selected,
        sharers: &[Sharer],
    ) -> Customers {
        let range = &stretch.range;
        let clicked: HashSet<u128> = selected.advocates.iter().copied().collect();
        let mut shared: HashMap<u128, Vec<i64>> = HashMap::new();
        for share in sharers {
            shared.entry(share.person).or_default().push(share.at);
        }
        let any = |times: Option<&Vec<i64>>| {
            times.is_some_and(|times| times.iter().any(|at| has(range, *at)))
        };
        let has_referred = |person: &u128| any(self.referred.get(person));
        let has_shared = |person: &u128| any(shared.get(person));
        let active: HashSet<u128> = self
            .told
            .iter()
            .filter(|told| told.is_customer && told.is_in(range) && self.makes_customer(told))
            .map(|told| told.person)
            .collect();
        let mut found = Customers {
            active_customers: count(active.iter()),
            active_who_shared: count(active.iter().filter(|person| has_shared(person))),
            clicked_advocates: count(clicked.iter()),
            clicked_advocates_who_referred: count(clicked.iter().filter(|one| has_referred(one))),
            sharers: count(shared.keys().filter(|person| has_shared(person))),
            ..Customers::default()
        };
        let (mut cycles, mut waits) = (Vec::new(), Vec::new());
        for (person, first) in &self.firsts {
            if has(range, first.at) {
                found.new_people += 1;
                found.new_referred += u64::from(first.referrer != 0);
            }
            if !first.is_customer {
                continue;
            }
            found.earlier_customers += u64::from(first.at < range.from.as_millisecond());
            if first.at < range.to.as_millisecond() {
                found.customers += 1;
                found.customers_who_referred += u64::from(has_referred(person));
                found.customers_who_were_clicked += u64::from(clicked.contains(person));
            }
            if !has(&stretch.cohort, first.at) {
                continue;
            }
            if first.at + self.window_ms > self.now_ms {
                found.open_members += 1;
                continue;
            }
            found.members += 1;
            // Each by the time since the member's own first conversion.
            let within = |times: Option<&Vec<i64>>| -> Vec<i64> {
                let since = times.into_iter().flatten().map(|at| at - first.at);
                since
                    .filter(|after| (0..=self.window_ms).contains(after))
                    .collect()
            };
            let brought = within(self.referred.get(person));
            // In their order, since shares come in theirs.
            let invites = within(shared.get(person));
            found.members_who_referred += u64::from(!brought.is_empty());
            found.members_who_shared += u64::from(!invites.is_empty());
            found.members_shared += count(invites.iter());
            for after in brought {
                cycles.push(after);
                let before = invites.partition_point(|invite| *invite <= after);
                waits.extend(before.checked_sub(1).map(|last| after - invites[last]));
            }
        }
        found.members_referred = count(cycles.iter());
        found.members_invited = count(waits.iter());
        found.median_cycle_ms = median(cycles);
        found.median_invite_ms = median(waits);
        found
    }

    /// Leads, sales and revenue of a range.
    pub(super) fn conversions(&self, range: &Range) -> Conversions {
        let mut found = Conversions::default();
        let mut sums: BTreeMap<&str, [i128; 3]> = BTreeMap::new();
        for told in &self.told {
            let (one, is_referred) = (u64::from(told.is_in(range)), told.referrer != 0);
            let referred = if is_referred { one } else { 0 };
            if told.is_sale {
                found.sales_ever += 1;
                found.sales += one;
                found.referred_sales += referred;
            } else {
                found.leads_ever += 1;
                found.leads += one;
                found.referred_leads += referred;
            }
            found.nameless += if told.is_somebody { 0 } else { one };
            if one == 0 || !told.has_worth() {
                continue;
            }
            let by_referred = self
                .firsts
                .get(&told.person)
                .is_some_and(|first| first.referrer != 0 && told.at >= first.at);
            let worth = i128::from(told.worth);
            let sums = sums.entry(&told.paid_in).or_default();
            sums[0] += worth;
            sums[1] += if is_referred { worth } else { 0 };
            sums[2] += if by_referred { worth } else { 0 };
        }
        let each = |place: usize| -> Sums {
            let sums = sums.iter();
            sums.map(|(currency, sums)| ((*currency).to_owned(), sums[place]))
                .unzip()
        };
        found.revenue = each(0);
        found.referred_revenue = each(1);
        found.revenue_of_referred = each(2);
        found
    }

    /// Clicks of a range with what they led to within the window.
    pub(super) fn clicks(&self, range: &Range, selected: &Selected) -> Clicks {
        let open: HashSet<u128> = selected.open_converters.iter().copied().collect();
        let led_to = |is_sale: bool| {
            let mut clicks = HashSet::new();
            let mut visitors = HashSet::new();
            let mut open_clicks = 0;
            for told in &self.told {
                let is_meant = told.is_sale == is_sale
                    && told.referrer != 0
                    && has(range, told.clicked_at)
                    && told.at <= told.clicked_at + self.window_ms;
                if is_meant && clicks.insert(told.owed_to) {
                    open_clicks += u64::from(told.clicked_at + self.window_ms > self.now_ms);
                    if told.clicked_by != 0 {
                        visitors.insert(told.clicked_by);
                    }
                }
            }
            let open_visitors = count(visitors.intersection(&open));
            (
                count(clicks.iter()),
                count(visitors.iter()),
                selected.open_clicks.saturating_sub(open_clicks),
                selected.open_visitors.saturating_sub(open_visitors),
            )
        };
        let (led_clicks, led_visitors, open_led_clicks, open_led_visitors) = led_to(false);
        let (sold_clicks, sold_visitors, open_sold_clicks, open_sold_visitors) = led_to(true);
        Clicks {
            clicks: selected.clicks,
            led_clicks,
            sold_clicks,
            open_led_clicks,
            open_sold_clicks,
            visitors: selected.visitors,
            led_visitors,
            sold_visitors,
            open_led_visitors,
            open_sold_visitors,
        }
    }

    /// By channel whom a range won by referral, and what referral earned.
    pub(super) fn won(&self, range: &Range) -> BTreeMap<String, Won> {
        let mut by_channel: BTreeMap<String, Won> = BTreeMap::new();
        for (place, told) in self.told.iter().enumerate() {
            let worth = i128::from(told.worth);
            if told.has_worth() && told.referrer != 0 && told.is_in(range) {
                let won = by_channel.entry(told.through.clone()).or_default();
                *won.revenue.entry(told.paid_in.clone()).or_default() += worth;
            }
            let first = self.firsts.get(&told.person);
            let first = first.filter(|first| first.referrer != 0 && has(range, first.at));
            let Some(first) = first.filter(|first| told.at >= first.at) else {
                continue;
            };
            let channel = &self.told[first.place].through;
            let won = by_channel.entry(channel.clone()).or_default();
            won.acquired += u64::from(first.place == place);
            if told.has_worth() {
                let day = (told.at - first.at) / DAY_MS;
                *won.earned.entry((told.paid_in.clone(), day)).or_default() += worth;
            }
        }
        by_channel
    }
}

fn has(range: &Range, at: i64) -> bool {
    (range.from.as_millisecond()..range.to.as_millisecond()).contains(&at)
}

fn count<T>(of: impl Iterator<Item = T>) -> u64 {
    of.count() as u64
}

/// Of an even number the lower of the two in the middle; 0 of none.
fn median(mut values: Vec<i64>) -> i64 {
    let Some(last) = values.len().checked_sub(1) else {
        return 0;
    };
    *values.select_nth_unstable(last / 2).1
}
