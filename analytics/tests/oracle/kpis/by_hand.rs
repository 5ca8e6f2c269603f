//! What each KPI must be, counted event by event in the words of docs/kpis.md.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{Market, Share};
use crate::events::{Click, LEAD, SALE};
use crate::oracle::people::{Person, of_conversion};
use crate::oracle::reference::{owed_to, refunded, standing};
use crate::oracle::stream::DAY;

/// A question, as a test asks it.
pub(super) struct Asked {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) cohort: (i64, i64),
    pub(super) window: i64,
    pub(super) now: i64,
    pub(super) goals: &'static [&'static str],
    pub(super) all_traffic: bool,
    pub(super) program: Option<&'static str>,
    /// Currency, channel, minor units.
    pub(super) costs: Vec<(&'static str, Option<&'static str>, u64)>,
    pub(super) margin: f64,
}

impl Asked {
    fn has(&self, at: i64) -> bool {
        (self.from..self.to).contains(&at)
    }

    fn counts(&self, click: &Click) -> bool {
        click.outcome == 1 && (self.all_traffic || click.is_a_persons())
    }

    fn is_advocates(&self, click: &Click) -> bool {
        !click.advocate.is_empty() && self.program.is_none_or(|program| click.program == program)
    }
}

/// What is told of a KPI.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) numerator: Option<i128>,
    pub(super) denominator: Option<i128>,
    pub(super) open: Option<u64>,
    pub(super) value: Option<f64>,
}

impl Told {
    pub(super) fn is(&self, other: &Self) -> bool {
        let close = match (self.value, other.value) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * b.abs().max(1.0),
            (a, b) => a == b,
        };
        close
            && self.numerator == other.numerator
            && self.denominator == other.denominator
            && self.open == other.open
    }
}

/// A lead or a sale and what there is to say of it.
struct Event<'m> {
    event_id: &'m str,
    is_sale: bool,
    at: i64,
    person: Person,
    worth: i128,
    currency: &'m str,
    click: Option<&'m Click>,
    /// Who referred it.
    referrer: Option<&'m str>,
}

/// How somebody became a customer.
#[derive(Clone)]
struct First<'m> {
    at: i64,
    referrer: Option<&'m str>,
    channel: &'m str,
}

/// All that is needed for an answer.
struct Books<'m> {
    asked: &'m Asked,
    market: &'m Market,
    events: Vec<Event<'m>>,
    firsts: BTreeMap<Person, First<'m>>,
    shares: Vec<&'m Share>,
    told: BTreeMap<String, Told>,
}

/// What every row must say, by its names.
pub(super) fn expected(asked: &Asked, market: &Market) -> BTreeMap<String, Told> {
    let world = &market.world;
    let standing = standing(world);
    let mut events = Vec::new();
    for conversion in &standing {
        if ![LEAD, SALE].contains(&conversion.kind) {
            continue;
        }
        let person = of_conversion(conversion, world);
        let owed = owed_to(conversion, &standing);
        let click = world
            .clicks
            .iter()
            .find(|click| owed == Some(click.click_id));
        let referrer = click
            .filter(|click| asked.counts(click) && asked.is_advocates(click))
            .filter(|click| click.time <= conversion.occurred_at)
            .map(|click| click.advocate.as_str())
            .filter(|advocate| person != Person::Customer((*advocate).to_owned()));
        let is_sale = conversion.kind == SALE;
        let given_back = refunded(conversion, &standing);
        events.push(Event {
            event_id: &conversion.event_id,
            is_sale,
            at: conversion.occurred_at,
            person,
            worth: if is_sale {
                (conversion.amount_minor - given_back).into()
            } else {
                0
            },
            currency: &conversion.currency,
            click,
            referrer,
        });
    }
    events.sort_by_key(|event| (event.at, event.event_id));
    let mut firsts = BTreeMap::new();
    for event in &events {
        let kind = if event.is_sale { "sale" } else { "lead" };
        if asked.goals.contains(&kind) && !matches!(event.person, Person::Event(_)) {
            firsts.entry(event.person.clone()).or_insert(First {
                at: event.at,
                referrer: event.referrer,
                channel: event.click.map_or("", |click| click.channel.as_str()),
            });
        }
    }
    let mut ids = BTreeSet::new();
    let mut shares: Vec<&Share> = market.shares.iter().collect();
    shares.retain(|share| share.name == "share" && ids.insert(share.event_id));
    let mut books = Books {
        asked,
        market,
        events,
        firsts,
        shares,
        told: BTreeMap::new(),
    };
    books.people();
    books.cohort();
    books.traffic();
    books.conversions();
    books.costs();
    books.told
}

fn sharer(share: &Share) -> Option<Person> {
    let name = [&share.advocate, &share.customer];
    let name = name.into_iter().find(|name| !name.is_empty())?;
    Some(Person::Customer(name.clone()))
}

fn customer(name: &str) -> Person {
    Person::Customer(name.to_owned())
}

/// Of an even number the lower of the two in the middle.
fn median(mut values: Vec<i64>) -> Option<f64> {
    values.sort_unstable();
    let place = values.len().checked_sub(1)? / 2;
    Some(values[place] as f64 / 1000.0)
}

impl<'m> Books<'m> {
    fn tell(&mut self, name: &str, numerator: usize, denominator: usize, open: Option<usize>) {
        let told = Told {
            numerator: Some(numerator as i128),
            denominator: Some(denominator as i128),
            open: open.map(|open| open as u64),
            value: (denominator > 0).then(|| numerator as f64 / denominator as f64),
        };
        self.told.insert(format!("{name} - -"), told);
    }

    /// Of what cannot be told without shares.
    fn tell_shared(
        &mut self,
        name: &str,
        numerator: usize,
        denominator: usize,
        open: Option<usize>,
    ) {
        if self.shares.is_empty() || self.asked.program.is_some() {
            self.missing(name);
        } else {
            self.tell(name, numerator, denominator, open);
        }
    }

    fn missing(&mut self, name: &str) {
        let nothing = Told {
            numerator: None,
            denominator: None,
            open: None,
            value: None,
        };
        self.told.insert(format!("{name} - -"), nothing);
    }

    /// Whom somebody referred, by when they became customers.
    fn referred(&self, by: &Person) -> Vec<i64> {
        let theirs = self.firsts.values();
        let theirs = theirs.filter(|first| first.referrer.map(customer).as_ref() == Some(by));
        theirs.map(|first| first.at).collect()
    }

    fn shared(&self, by: &Person) -> Vec<i64> {
        let theirs = self.shares.iter();
        let theirs = theirs.filter(|share| sharer(share).as_ref() == Some(by));
        theirs.map(|share| share.occurred_at).collect()
    }

    fn clicks(&self) -> Vec<&'m Click> {
        let asked = self.asked;
        let clicks = self.market.world.clicks.iter();
        clicks
            .filter(|click| {
                asked.has(click.time) && asked.counts(click) && asked.is_advocates(click)
            })
            .collect()
    }

    fn shares_in_range(&self) -> Vec<&'m Share> {
        let shares = self.shares.iter().copied();
        shares
            .filter(|share| self.asked.has(share.occurred_at))
            .collect()
    }

    fn people(&mut self) {
        let asked = self.asked;
        let is_customer = |person: &&Person| matches!(person, Person::Customer(_));
        let became = |person: &Person| self.firsts[person].at;
        let all: Vec<Person> = self.firsts.keys().filter(is_customer).cloned().collect();
        let customers: Vec<&Person> = all.iter().filter(|one| became(one) < asked.to).collect();
        let earlier = all.iter().filter(|one| became(one) < asked.from).count();
        let active: BTreeSet<&Person> = all
            .iter()
            .filter(|one| {
                self.events.iter().any(|event| {
                    let kind = if event.is_sale { "sale" } else { "lead" };
                    event.person == **one && asked.has(event.at) && asked.goals.contains(&kind)
                })
            })
            .collect();
        let referred_now = |one: &Person| self.referred(one).into_iter().any(|at| asked.has(at));
        let clicked: BTreeSet<Person> = self
            .clicks()
            .iter()
            .map(|click| customer(&click.advocate))
            .collect();
        let shares = self.shares_in_range();
        let sharers: BTreeSet<Person> = shares.iter().filter_map(|share| sharer(share)).collect();
        let new: Vec<&First<'_>> = self
            .firsts
            .values()
            .filter(|first| asked.has(first.at))
            .collect();
        let new_referred = new.iter().filter(|first| first.referrer.is_some()).count();
        let (count, new) = (customers.len(), new.len());
        let who_referred = customers.iter().filter(|one| referred_now(one)).count();
        let with_clicks = customers.iter().filter(|one| clicked.contains(one)).count();
        let clicked_who_referred = clicked.iter().filter(|one| referred_now(one)).count();
        let active_who_shared = active.iter().filter(|one| sharers.contains(one)).count();
        let visitors: BTreeSet<u128> = self.clicks().iter().map(|click| click.visitor_id).collect();
        let visitors = visitors.iter().filter(|visitor| **visitor != 0).count();
        let (active, clicks) = (active.len(), self.clicks().len());
        self.tell(
            "referrer_rate customers_who_referred",
            who_referred,
            count,
            None,
        );
        self.tell(
            "referrer_rate customers_with_clicks",
            with_clicks,
            count,
            None,
        );
        self.tell(
            "referrer_rate clicked_advocates_who_referred",
            clicked_who_referred,
            clicked.len(),
            None,
        );
        self.tell_shared(
            "referrer_rate new_customers_per_sharer",
            new_referred,
            sharers.len(),
            None,
        );
        self.tell_shared(
            "participation customers_who_shared",
            active_who_shared,
            active,
            None,
        );
        self.tell_shared(
            "participation sharers_per_customer",
            sharers.len(),
            active,
            None,
        );
        self.tell_shared("share_rate shares_per_customer", shares.len(), active, None);
        self.tell_shared(
            "share_rate shares_per_sharer",
            shares.len(),
            sharers.len(),
            None,
        );
        self.tell_shared(
            "share_click_through clicks_per_share",
            clicks,
            shares.len(),
            None,
        );
        self.tell_shared(
            "share_click_through visitors_per_sharer",
            visitors,
            sharers.len(),
            None,
        );
        self.tell("referral_share of_new_customers", new_referred, new, None);
        self.tell(
            "viral_coefficient referred_per_earlier_customer",
            new_referred,
            earlier,
            None,
        );
        self.enrolled();
    }

    fn enrolled(&mut self) {
        let standing = standing(&self.market.world);
        let named: BTreeSet<&str> = standing
            .iter()
            .filter(|conversion| self.asked.has(conversion.occurred_at))
            .filter(|conversion| match conversion.kind {
                LEAD => self.asked.goals.contains(&"lead"),
                SALE => self.asked.goals.contains(&"sale"),
                _ => false,
            })
            .map(|conversion| conversion.customer.as_str())
            .filter(|customer| !customer.is_empty())
            .collect();
        let has_link = |name: &&&str| {
            let mut links = self.market.links.iter();
            links.any(|(advocate, program)| {
                advocate == *name && self.asked.program.is_none_or(|asked| asked == *program)
            })
        };
        let advocates = named.iter().filter(has_link).count();
        self.tell(
            "participation customers_with_link",
            advocates,
            named.len(),
            None,
        );
    }

    fn cohort(&mut self) {
        let (asked, window) = (self.asked, self.asked.window);
        let (mut members, mut open) = (0, 0);
        let (mut who_referred, mut who_shared, mut shares) = (0, 0, 0);
        let (mut cycles, mut waits) = (Vec::new(), Vec::new());
        for (person, first) in self.firsts.clone() {
            let in_cohort = (asked.cohort.0..asked.cohort.1).contains(&first.at);
            if !matches!(person, Person::Customer(_)) || !in_cohort {
                continue;
            }
            if first.at + window > asked.now {
                open += 1;
                continue;
            }
            members += 1;
            let within = first.at..=first.at + window;
            let brought = self.referred(&person).into_iter();
            let brought: Vec<i64> = brought.filter(|at| within.contains(at)).collect();
            let invites = self.shared(&person).into_iter();
            let invites: Vec<i64> = invites.filter(|at| within.contains(at)).collect();
            who_referred += usize::from(!brought.is_empty());
            who_shared += usize::from(!invites.is_empty());
            shares += invites.len();
            for at in brought {
                cycles.push(at - first.at);
                let before = invites.iter().filter(|invite| **invite <= at).max();
                waits.extend(before.map(|invite| at - invite));
            }
        }
        let open = Some(open);
        let (brought, invited) = (cycles.len(), waits.len());
        self.tell(
            "referrer_rate cohort_who_referred",
            who_referred,
            members,
            open,
        );
        self.tell_shared("participation cohort_who_shared", who_shared, members, open);
        self.tell(
            "viral_coefficient referred_per_customer",
            brought,
            members,
            open,
        );
        self.tell_shared(
            "viral_coefficient invites_times_conversion",
            invited,
            members,
            open,
        );
        self.tell_shared(
            "viral_coefficient invites_per_customer",
            shares,
            members,
            open,
        );
        self.tell_shared(
            "viral_coefficient conversion_of_invites",
            invited,
            shares,
            open,
        );
        self.tell("viral_cycle_time customer_to_customer", 0, brought, open);
        self.tell_shared("viral_cycle_time share_to_customer", 0, invited, open);
        for (name, times) in [
            ("customer_to_customer", cycles),
            ("share_to_customer", waits),
        ] {
            let told = self
                .told
                .get_mut(&format!("viral_cycle_time {name} - -"))
                .unwrap();
            told.numerator = None;
            if told.denominator.is_some() {
                told.value = median(times);
            }
        }
    }

    fn traffic(&mut self) {
        let (asked, window) = (self.asked, self.asked.window);
        let clicks = self.clicks();
        for (kpi, is_sale, what) in [
            ("lead_conversion", false, "lead"),
            ("sale_conversion", true, "sale"),
        ] {
            if !self.events.iter().any(|event| event.is_sale == is_sale) {
                self.missing(&format!("{kpi} clicks_with_{what}"));
                self.missing(&format!("{kpi} visitors_with_{what}"));
                self.missing(&format!("{kpi} {what}s_per_click"));
                continue;
            }
            let led = |click: &Click| {
                self.events.iter().any(|event| {
                    event.is_sale == is_sale
                        && event.referrer.is_some()
                        && event.click.is_some_and(|of| of.click_id == click.click_id)
                        && event.at <= click.time + window
                })
            };
            let is_open = |click: &Click| click.time + window > asked.now && !led(click);
            let count = clicks.iter().filter(|click| led(click)).count();
            let open = clicks.iter().filter(|click| is_open(click)).count();
            let mut visitors: BTreeMap<u128, (bool, bool)> = BTreeMap::new();
            for click in clicks.iter().filter(|click| click.visitor_id != 0) {
                let visitor = visitors.entry(click.visitor_id).or_default();
                visitor.0 |= led(click);
                visitor.1 |= is_open(click);
            }
            let led_visitors = visitors.values().filter(|(led, _)| *led).count();
            let open_visitors = visitors
                .values()
                .filter(|(led, open)| !led && *open)
                .count();
            let referred = self.events.iter().filter(|event| {
                event.is_sale == is_sale && asked.has(event.at) && event.referrer.is_some()
            });
            let referred = referred.count();
            self.tell(
                &format!("{kpi} clicks_with_{what}"),
                count,
                clicks.len(),
                Some(open),
            );
            self.tell(
                &format!("{kpi} visitors_with_{what}"),
                led_visitors,
                visitors.len(),
                Some(open_visitors),
            );
            self.tell(
                &format!("{kpi} {what}s_per_click"),
                referred,
                clicks.len(),
                None,
            );
        }
        let mut shared: BTreeMap<u64, i64> = BTreeMap::new();
        for share in self.shares_in_range() {
            let first = shared.entry(share.link_id).or_insert(share.occurred_at);
            *first = share.occurred_at.min(*first);
        }
        shared.remove(&0);
        let all = shared.len();
        shared.retain(|_, at| *at + window <= asked.now);
        let clicked = shared.iter().filter(|(link, at)| {
            let mut clicks = self.market.world.clicks.iter();
            clicks.any(|click| {
                click.link_id == **link
                    && asked.counts(click)
                    && (**at..=**at + window).contains(&click.time)
            })
        });
        let clicked = clicked.count();
        self.tell_shared(
            "share_click_through shared_links_clicked",
            clicked,
            shared.len(),
            Some(all - shared.len()),
        );
    }

    fn conversions(&mut self) {
        let asked = self.asked;
        for (is_sale, name) in [(false, "of_leads"), (true, "of_sales")] {
            let name = format!("referral_share {name}");
            if !self.events.iter().any(|event| event.is_sale == is_sale) {
                self.missing(&name);
                continue;
            }
            let of_range = self.events.iter();
            let of_range: Vec<_> = of_range
                .filter(|event| event.is_sale == is_sale && asked.has(event.at))
                .collect();
            let referred = of_range
                .iter()
                .filter(|event| event.referrer.is_some())
                .count();
            let all = of_range.len();
            self.tell(&name, referred, all, None);
        }
        let mut sums: BTreeMap<&str, [i128; 3]> = BTreeMap::new();
        for event in &self.events {
            if !event.is_sale || event.currency.is_empty() || !asked.has(event.at) {
                continue;
            }
            let first = self.firsts.get(&event.person);
            let by_referred =
                first.is_some_and(|first| first.referrer.is_some() && event.at >= first.at);
            let sums = sums.entry(event.currency).or_default();
            sums[0] += event.worth;
            sums[1] += if event.referrer.is_some() {
                event.worth
            } else {
                0
            };
            sums[2] += if by_referred { event.worth } else { 0 };
        }
        for (place, name) in [(1, "of_revenue"), (2, "of_revenue_by_referred_customers")] {
            if sums.is_empty() {
                self.missing(&format!("referral_share {name}"));
            }
            for (currency, sums) in &sums {
                let told = Told {
                    numerator: Some(sums[place]),
                    denominator: Some(sums[0]),
                    open: None,
                    value: (sums[0] != 0).then(|| sums[place] as f64 / sums[0] as f64),
                };
                self.told
                    .insert(format!("referral_share {name} {currency} -"), told);
            }
        }
    }

    fn costs(&mut self) {
        let asked = self.asked;
        let currencies: BTreeSet<&str> = asked.costs.iter().map(|cost| cost.0).collect();
        for currency in currencies {
            let of = asked.costs.iter().filter(|cost| cost.0 == currency);
            let cost = of.clone().map(|cost| cost.2).sum();
            self.cost(currency, None, cost);
            for (_, channel, cost) in of.filter(|cost| cost.1.is_some()) {
                self.cost(currency, *channel, *cost);
            }
        }
    }

    fn cost(&mut self, currency: &str, channel: Option<&str>, cost: u64) {
        let (asked, units) = (self.asked, i128::from(cost));
        let through = |found: &str| channel.is_none_or(|channel| channel == found);
        let is_won = |first: &First<'_>| {
            asked.has(first.at) && first.referrer.is_some() && through(first.channel)
        };
        let won = self.firsts.values().filter(|first| is_won(first)).count();
        let new = self
            .firsts
            .values()
            .filter(|first| asked.has(first.at))
            .count();
        let (mut revenue, mut all) = (0, 0);
        let mut by_age = BTreeMap::new();
        for event in self
            .events
            .iter()
            .filter(|event| event.is_sale && event.currency == currency)
        {
            let channel = event.click.map_or("", |click| click.channel.as_str());
            if asked.has(event.at) && event.referrer.is_some() && through(channel) {
                revenue += event.worth;
            }
            if let Some(first) = self.firsts.get(&event.person)
                && is_won(first)
                && event.at >= first.at
            {
                *by_age.entry((event.at - first.at) / DAY).or_insert(0) += event.worth;
                all += event.worth;
            }
        }
        let mut sum = 0;
        let day = by_age.iter().find_map(|(day, worth)| {
            sum += worth;
            (asked.margin * sum as f64 >= cost as f64).then_some(*day)
        });
        let gain = asked.margin * revenue as f64 - cost as f64;
        let per = |people: usize| Told {
            numerator: Some(units),
            denominator: Some(people as i128),
            open: None,
            value: (people > 0).then(|| cost as f64 / people as f64),
        };
        let by_cost = |part: i128, value| Told {
            numerator: Some(part),
            denominator: Some(units),
            open: None,
            value: Some(value),
        };
        let payback = Told {
            numerator: Some(units),
            denominator: Some((asked.margin * all as f64).round() as i128),
            open: None,
            value: day.map(|day| (day + 1) as f64),
        };
        let mut rows = vec![
            ("acquisition_cost per_referred_customer", per(won)),
            (
                "return_on_ad_spend referred_sales",
                by_cost(revenue, revenue as f64 / cost as f64),
            ),
            (
                "return_on_investment referred_sales",
                by_cost(gain.round() as i128, gain / cost as f64),
            ),
            ("payback referred_customers", payback),
        ];
        if channel.is_none() {
            rows.push(("acquisition_cost per_new_customer", per(new)));
        }
        for (name, told) in rows {
            let name = format!("{name} {currency} {}", channel.unwrap_or("-"));
            self.told.insert(name, told);
        }
    }
}
