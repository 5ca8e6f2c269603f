//! By which road a click came: what its query, its referrer, its app and its link say together. Judged once for clicks that
//! are alike in all of that, as most are, and kept for the next one.

mod own;

use std::sync::{Arc, OnceLock};

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use whence_core::channel_rule::ChannelRule;
use whence_core::click::Click;

use super::channel::{Judge, Origin};
use super::query::{self, Tags};
use super::referrer;
use own::{OwnRules, Ruled};

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

/// All that a road is judged by. A stored click has it too: as `workspace`, `link_channel`, `campaign`, `domain`, `query`,
/// `referrer` and `app`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traces<'a> {
    /// Whose rules apply.
    pub(super) workspace: &'a str,
    /// The channel that the link was made for.
    pub(super) channel: &'a str,
    /// The link's campaign, or what was stored as the click's.
    pub(super) campaign: &'a str,
    /// The host asked for.
    pub(super) domain: &'a str,
    /// The request's query.
    pub(super) query: &'a str,
    /// The referrer.
    pub(super) referrer: &'a str,
    /// The app whose own browser it is.
    pub(super) app: &'a str,
}

impl<'a> Traces<'a> {
    /// Those of a click that was opened in `app`.
    pub(super) fn of(click: &'a Click<'_>, app: &'a str) -> Self {
        Self {
            workspace: &click.workspace,
            channel: &click.channel,
            campaign: &click.campaign,
            domain: &click.domain,
            query: &click.query,
            referrer: &click.referrer,
            app,
        }
    }

    /// Under which the road is remembered. Workspaces without rules of their own share what is remembered.
    fn key(&self, rules: u64) -> Key<&'a str> {
        let texts = [
            self.query,
            self.referrer,
            self.channel,
            self.campaign,
            self.domain,
            self.app,
        ];
        Key { texts, rules }
    }
}

/// What a remembered road was judged by: its traces, and whose rules.
#[derive(Debug, Hash, PartialEq, Eq)]
struct Key<T> {
    texts: [T; 6],
    rules: u64,
}

impl Key<&str> {
    fn length(&self) -> usize {
        self.texts.iter().map(|text| text.len()).sum()
    }

    fn kept(&self) -> Key<Box<str>> {
        Key {
            texts: self.texts.map(Box::from),
            rules: self.rules,
        }
    }
}

impl Equivalent<Key<Box<str>>> for Key<&str> {
    fn equivalent(&self, kept: &Key<Box<str>>) -> bool {
        let mut texts = self.texts.iter().zip(&kept.texts);
        self.rules == kept.rules && texts.all(|(asked, kept)| **asked == **kept)
    }
}

/// Judges roads. Shared by threads.
#[derive(Debug)]
pub(super) struct Roads {
    judge: Judge,
    own: OwnRules,
    judged: Cache<Key<Box<str>>, Arc<Road>>,
}

impl Roads {
    /// By the built-in tables.
    pub(super) fn built_in() -> Self {
        Self {
            judge: Judge::built_in(),
            own: OwnRules::default(),
            judged: Cache::new(REMEMBERED),
        }
    }

    /// From now on these are the workspace's own rules.
    pub(super) fn follow(&self, workspace: &str, rules: &[ChannelRule]) {
        self.own.set(workspace, rules);
    }

    /// The road of a click.
    pub(super) fn of(&self, traces: &Traces<'_>) -> Arc<Road> {
        let own = self.own.of(traces.workspace);
        let key = traces.key(own.as_ref().map_or(0, |own| own.number));
        if let Some(known) = self.judged.get(&key) {
            return known;
        }
        let road = Arc::new(self.judge(traces, own.as_deref()));
        // A network's click id is never the same again.
        if road.tags.click_id.is_none() && key.length() <= LONGEST {
            self.judged.insert(key.kept(), Arc::clone(&road));
        }
        road
    }

    fn judge(&self, traces: &Traces<'_>, own: Option<&Ruled>) -> Road {
        let tags = Tags::of(traces.query);
        let referrer_host = referrer::host(traces.referrer);
        // The short link's own host led nobody to itself.
        let from = if referrer_host == traces.domain {
            ""
        } else {
            &referrer_host
        };
        let origin = self
            .judge
            .origin(own.map(|own| &own.rules), traces, &tags, from);
        Road {
            tags,
            referrer_host,
            origin,
            known_query: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests;
