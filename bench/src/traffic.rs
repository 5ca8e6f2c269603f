//! Clicks as they come in life, as many as are wanted: some links are clicked all the time, most hardly ever; visitors
//! come again; agents, places and referrers are those of a few hundred kinds; by day there are more than by night.
//!
//! All of it is made up, or blown up from an access log. What is random is seeded: the same seed gives the same
//! clicks, but for where the counter inside click ids begins. Where the clicks go does not belong here.

mod agents;
mod logged;
mod people;
mod places;
mod roads;

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::Result;
use fastrand::Rng;
use whence_core::click::{Click, Method, Outcome, Signs};
use whence_core::id::{ClickIdKey, LinkId, Minter, VisitorId};
use whence_core::workspace::PrivacyMode;

use logged::Logged;
use people::People;

/// Of a hundred clicks a day, how many in each hour; by UTC, for an audience in Europe and America.
const HOURS: [f64; 24] = [
    2.4, 2.0, 1.7, 1.6, 1.8, 2.3, 3.2, 4.0, 4.5, 4.7, 4.8, 5.0, 5.2, 5.1, 5.0, 5.0, 5.2, 5.6, 6.2,
    6.7, 6.4, 5.0, 3.8, 2.8,
];
const HOUR_MS: f64 = 3_600_000.0;
/// Who share the installation.
const WORKSPACES: usize = 4;
/// When the first link was made, in seconds since 1970.
const FIRST_LINK: u64 = 1_750_000_000;

/// What the traffic is like.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Shape {
    /// The same number gives the same clicks
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many links there are; the n-th most popular is clicked 1/n as often. With --log the log's paths are the links
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    links: u32,
    /// Clicks a day
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    daily: u32,
    /// Takes agents, referrers, paths and clients from an access log in combined format, and blows it up
    #[arg(long)]
    log: Option<PathBuf>,
}

/// A visit to a link, before it is a click.
struct Visit {
    /// Which link, number 0 being the most popular.
    link: usize,
    /// Where it stands, if that is not made from its number.
    slug: Option<String>,
    query: String,
    visitor: VisitorId,
    is_new: bool,
    address: IpAddr,
    agent: String,
    referrer: String,
    language: &'static str,
    is_head: bool,
}

/// Where visits come from.
enum Source {
    People(Box<People>),
    Log(Logged),
}

/// An endless row of clicks.
pub(crate) struct Traffic {
    random: Rng,
    source: Source,
    minter: Minter,
    /// When the last click was, in milliseconds since 1970.
    now_ms: f64,
    /// Clicks a day.
    daily: f64,
}

impl Traffic {
    /// Traffic from `start_ms` on, with ids that `key` signs.
    pub(crate) fn new(shape: &Shape, key: &ClickIdKey, start_ms: u64) -> Result<Self> {
        let mut random = Rng::with_seed(shape.seed);
        let source = match &shape.log {
            Some(path) => Source::Log(Logged::read(path, &mut random)?),
            None => Source::People(Box::new(People::new(shape.links as usize, &mut random))),
        };
        let minter = Minter::for_threads(key, 1).pop();
        Ok(Self {
            random,
            source,
            minter: minter.expect("one was asked for"),
            now_ms: start_ms as f64,
            daily: f64::from(shape.daily),
        })
    }

    /// How many links are clicked.
    pub(crate) fn links(&self, shape: &Shape) -> usize {
        match &self.source {
            Source::People(_) => shape.links as usize,
            Source::Log(logged) => logged.links(),
        }
    }

    /// The next click.
    pub(crate) fn next(&mut self) -> Click<'static> {
        let unix_ms = self.next_time();
        let random = &mut self.random;
        let visit = match &mut self.source {
            Source::People(people) => people.next(random),
            Source::Log(logged) => logged.next(random),
        };
        let missed = random.u8(..50) == 0;
        let link = if missed {
            LinkId(0)
        } else {
            link_id(visit.link)
        };
        let brand = visit.link % WORKSPACES;
        let slug = visit
            .slug
            .unwrap_or_else(|| crate::links::slug_text(visit.link as u32));
        Click {
            id: self.minter.mint(unix_ms, link),
            unix_ms,
            outcome: if missed {
                Outcome::NotFound
            } else {
                Outcome::Redirected
            },
            method: if visit.is_head {
                Method::Head
            } else {
                Method::Get
            },
            workspace: format!("brand-{brand}").into(),
            link,
            domain: format!("go.brand-{brand}.example").into(),
            slug: slug.into(),
            query: visit.query.into(),
            visitor: Some(visit.visitor),
            new_visitor: visit.is_new,
            address: visit.address,
            user_agent: visit.agent.into(),
            referrer: visit.referrer.into(),
            language: visit.language.into(),
            purpose: "".into(),
            channel: label(
                visit.link,
                &["", "", "instagram", "whatsapp", "email", "podcast"],
            ),
            campaign: label(visit.link / 7, &["", "", "spring", "autumn", "launch"]),
            program: label(visit.link / 3, &["friends", "", "partners"]),
            advocate: advocate(visit.link).into(),
            variant: label(visit.link / 5, &["", "", "", "blue", "green"]),
            tags: label(
                visit.link / 11,
                &["", "summer", "summer,50% off", "evergreen"],
            ),
            privacy: PrivacyMode::Full,
            signs: Signs::KNOWN
                | Signs::ACCEPT
                | Signs::HTML
                | Signs::LANGUAGE
                | Signs::ENCODING
                | Signs::SECURE,
            hints: "".into(),
        }
    }

    /// Gaps between independent arrivals are exponentially distributed.
    fn next_time(&mut self) -> u64 {
        let hour = (self.now_ms / HOUR_MS) as u64 % 24;
        let mean_ms = HOUR_MS / (self.daily * HOURS[hour as usize] / 100.0);
        // 1 - f64() is never 0.
        self.now_ms -= (1.0 - self.random.f64()).ln() * mean_ms;
        self.now_ms as u64
    }
}

/// As the product makes them: the second, then 32 bits that nobody can guess.
fn link_id(number: usize) -> LinkId {
    let mut random = Rng::with_seed(number as u64);
    LinkId((FIRST_LINK + number as u64 * 61) << 32 | u64::from(random.u32(1..)))
}

/// What a link says of itself, the same for each of its clicks.
fn label(number: usize, labels: &[&'static str]) -> std::borrow::Cow<'static, str> {
    labels[number % labels.len()].into()
}

/// Two links of three are somebody's own.
fn advocate(link: usize) -> String {
    match link % 3 {
        0 => String::new(),
        _ => format!("advocate-{}", link / 2),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn shape() -> Shape {
        Shape {
            seed: 7,
            links: 1_000,
            daily: 100_000,
            log: None,
        }
    }

    fn clicks(count: usize) -> Vec<Click<'static>> {
        let key = ClickIdKey::new([1; 16]);
        let mut traffic = Traffic::new(&shape(), &key, 1_790_000_000_000).unwrap();
        (0..count).map(|_| traffic.next()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_clicks() {
        let without_ids = || -> Vec<_> {
            let mut clicks = clicks(2_000);
            clicks.iter_mut().for_each(|click| click.id.0 = 0);
            clicks
        };
        assert_eq!(without_ids(), without_ids());
    }

    #[test]
    fn traffic_is_like_life() {
        let clicks = clicks(100_000);
        assert!((HOURS.iter().sum::<f64>() - 100.0).abs() < 0.01);
        // A day's clicks take a day.
        let took = (clicks[99_999].unix_ms - clicks[0].unix_ms) as f64 / (24.0 * HOUR_MS);
        assert!((0.9..1.1).contains(&took), "{took}");
        assert!(clicks.is_sorted_by_key(|click| click.unix_ms));
        assert!(
            clicks
                .iter()
                .all(|click| click.id.unix_ms() == click.unix_ms)
        );
        let visitors: HashSet<_> = clicks.iter().map(|click| click.visitor).collect();
        let share = visitors.len() as f64 / clicks.len() as f64;
        assert!((0.35..0.45).contains(&share), "{share}");
        let mut by_link: HashMap<_, u32> = HashMap::new();
        for click in &clicks {
            *by_link.entry(click.link).or_default() += 1;
        }
        assert!(by_link.len() > 900, "{}", by_link.len());
        let most = by_link.values().max().copied().unwrap_or_default();
        assert!(most > 8_000, "{most}");
        let ids: HashSet<_> = clicks.iter().map(|click| click.id).collect();
        assert_eq!(ids.len(), clicks.len());
    }
}
