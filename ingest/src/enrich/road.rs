//! By which road a click came: what its query, its referrer and its link say together. Judged once for clicks that are
//! alike in all of that, as most are, and kept for the next one.

use std::sync::{Arc, OnceLock};

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use whence_core::click::Click;

use super::channel::{self, Origin};
use super::query::{self, Tags};
use super::referrer;
use super::sources::Sources;

/// How many roads are remembered. At up to a kibibyte each this is a few megabytes, whatever somebody makes up.
const REMEMBERED: usize = 4096;
/// What is longer is judged anew each time: it is hardly ever the same again.
const LONGEST: usize = 512;

/// What was found out.
#[derive(Debug)]
pub(super) struct Road {
    /// The tags of the query.
    pub(super) tags: Tags,
    /// The host that the visitor came from.
    pub(super) referrer_host: String,
    /// Channel and source.
    pub(super) origin: Origin,
    /// The query with nothing but known marks, once somebody has asked for it.
    known_query: OnceLock<String>,
}

impl Road {
    /// The query that led here, with nothing but known marks.
    pub(super) fn known_query(&self, query: &str) -> &str {
        self.known_query.get_or_init(|| query::known(query))
    }
}

/// All that a road is judged by.
#[derive(Debug, Hash, PartialEq, Eq)]
struct Signs<T> {
    channel: T,
    domain: T,
    query: T,
    referrer: T,
}

impl<'c> Signs<&'c str> {
    fn of(click: &'c Click<'_>) -> Self {
        Self {
            channel: &click.channel,
            domain: &click.domain,
            query: &click.query,
            referrer: &click.referrer,
        }
    }

    fn length(&self) -> usize {
        self.channel.len() + self.domain.len() + self.query.len() + self.referrer.len()
    }

    fn kept(&self) -> Signs<Box<str>> {
        Signs {
            channel: self.channel.into(),
            domain: self.domain.into(),
            query: self.query.into(),
            referrer: self.referrer.into(),
        }
    }
}

impl Equivalent<Signs<Box<str>>> for Signs<&str> {
    fn equivalent(&self, kept: &Signs<Box<str>>) -> bool {
        *self.query == *kept.query
            && *self.referrer == *kept.referrer
            && *self.channel == *kept.channel
            && *self.domain == *kept.domain
    }
}

/// Judges roads. Shared by threads.
#[derive(Debug)]
pub(super) struct Roads {
    sources: Sources,
    judged: Cache<Signs<Box<str>>, Arc<Road>>,
}

impl Roads {
    /// By the built-in table of sources.
    pub(super) fn built_in() -> Self {
        Self {
            sources: Sources::built_in(),
            judged: Cache::new(REMEMBERED),
        }
    }

    /// The road of a click.
    pub(super) fn of(&self, click: &Click<'_>) -> Arc<Road> {
        let signs = Signs::of(click);
        if let Some(known) = self.judged.get(&signs) {
            return known;
        }
        let road = Arc::new(self.judge(&signs));
        // A network's click id is never the same again.
        if road.tags.click_id.is_none() && signs.length() <= LONGEST {
            self.judged.insert(signs.kept(), Arc::clone(&road));
        }
        road
    }

    fn judge(&self, signs: &Signs<&str>) -> Road {
        let tags = Tags::of(signs.query);
        let referrer_host = referrer::host(signs.referrer);
        // The short link's own host led nobody to itself.
        let from = if referrer_host == signs.domain {
            ""
        } else {
            &referrer_host
        };
        let origin = channel::origin(&self.sources, signs.channel, &tags, from);
        Road {
            tags,
            referrer_host,
            origin,
            known_query: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use whence_core::test_support;

    use super::*;

    fn click<'a>(signs: &Signs<&'a str>) -> Click<'a> {
        Click {
            domain: signs.domain.into(),
            query: signs.query.into(),
            referrer: signs.referrer.into(),
            channel: signs.channel.into(),
            ..test_support::click()
        }
    }

    #[test]
    fn what_is_alike_is_judged_once_and_memory_is_bounded() {
        let roads = Roads::built_in();
        let signs = Signs {
            channel: "",
            domain: "go.example",
            query: "utm_source=news",
            referrer: "https://t.co/x",
        };
        let first = roads.of(&click(&signs));
        assert!(Arc::ptr_eq(&first, &roads.of(&click(&signs))));
        let long = "x".repeat(LONGEST);
        for query in ["gclid=abc", &long] {
            let signs = Signs { query, ..signs };
            let once = roads.of(&click(&signs));
            assert!(!Arc::ptr_eq(&once, &roads.of(&click(&signs))), "{query}");
        }
        for number in 0..2 * REMEMBERED {
            let query = format!("utm_source={number}");
            let signs = Signs {
                query: query.as_str(),
                ..signs
            };
            let _ = roads.of(&click(&signs));
        }
        assert!(roads.judged.len() <= REMEMBERED);
    }

    proptest! {
        /// Whatever was asked before, the answer is that of somebody who remembers nothing.
        #[test]
        fn memory_changes_nothing(
            asked in prop::collection::vec(prop::array::uniform4(prop::sample::select(vec![
                "", "email", "go.example", "utm_source=a", "a=utm_source", "https://go.example/", "https://t.co/x",
                "fbclid=x&utm_medium=cpc",
            ])), 1..40),
        ) {
            let roads = Roads::built_in();
            for [channel, domain, query, referrer] in asked {
                let signs = Signs { channel, domain, query, referrer };
                let (known, fresh) = (roads.of(&click(&signs)), roads.judge(&signs));
                prop_assert_eq!(&known.origin, &fresh.origin);
                prop_assert_eq!(&known.tags, &fresh.tags);
                prop_assert_eq!(&known.referrer_host, &fresh.referrer_host);
            }
        }
    }
}
