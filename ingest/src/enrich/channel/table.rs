//! Rules of channels, in their order: those that this build carries in `data/channels.toml`, and a workspace's own.
//!
//! What a click shows of itself is gathered in `channel`; here is only which rule holds.

use std::borrow::Cow;
use std::collections::HashMap;

use regex::Regex;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use whence_core::channel_rule::{ChannelRule, Pattern};
use whence_core::link::Host;

use super::super::sources::{Kind, Source};

/// The table that this build carries.
const TABLE: &str = include_str!("../../../data/channels.toml");

/// As a rule's channel: the one that the link was made for.
const OF_LINK: &str = "*";

/// What a click shows of itself. Texts are in small letters, and empty where there is nothing.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    /// The channel that the link was made for.
    pub(super) link_channel: Cow<'a, str>,
    /// The link's campaign, else `utm_campaign`.
    pub(super) campaign: Cow<'a, str>,
    /// `utm_source`.
    pub(super) utm_source: Cow<'a, str>,
    /// `utm_medium`.
    pub(super) utm_medium: Cow<'a, str>,
    /// `utm_campaign`.
    pub(super) utm_campaign: Cow<'a, str>,
    /// `utm_medium`, else what the network's click identifier stands for.
    pub(super) medium: Cow<'a, str>,
    /// The place that its tags name, where the table of sources knows it.
    pub(super) told: Option<&'a Source>,
    /// The place that led here by its referrer or app, where the table knows it.
    pub(super) nearby: Option<&'a Source>,
    /// The source as reports show it.
    pub(super) source: Cow<'a, str>,
    /// The referrer's host.
    pub(super) referrer_host: &'a str,
    /// The app whose own browser it is.
    pub(super) app: Cow<'a, str>,
}

/// A rule: what is not said of a condition holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// The channel it names.
    channel: Box<str>,
    #[serde(default)]
    link_channel: Box<[Pattern]>,
    #[serde(default)]
    kind: Box<[Kind]>,
    /// The name of the place in the table of sources.
    #[serde(default)]
    source: Box<[Pattern]>,
    #[serde(default)]
    paid: bool,
    #[serde(default)]
    medium: Box<[Pattern]>,
    #[serde(default)]
    utm_source: Box<[Pattern]>,
    #[serde(default)]
    utm_campaign: Box<[Pattern]>,
    #[serde(default, deserialize_with = "expression")]
    utm_campaign_matches: Option<Regex>,
    #[serde(default)]
    referrer: bool,
    /// Whether it says so little that the place nearby may say more.
    #[serde(default)]
    vague: bool,
}

fn expression<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    Regex::new(&text).map(Some).map_err(D::Error::custom)
}

/// Whether a text fits one of the patterns, or nothing is asked of it.
fn fits(patterns: &[Pattern], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(text))
}

impl Rule {
    fn holds(&self, seen: &Evidence<'_>, place: Option<&Source>, paid: bool) -> bool {
        let name = || place.map_or("", |place| &place.small_name);
        let is_kind = || place.is_some_and(|place| self.kind.contains(&place.kind));
        (!self.paid || paid)
            && (self.kind.is_empty() || is_kind())
            && (!self.referrer || !seen.referrer_host.is_empty())
            && fits(&self.link_channel, &seen.link_channel)
            && (self.source.is_empty() || fits(&self.source, name()))
            && fits(&self.medium, &seen.medium)
            && fits(&self.utm_source, &seen.utm_source)
            && fits(&self.utm_campaign, &seen.utm_campaign)
            && self
                .utm_campaign_matches
                .as_ref()
                .is_none_or(|expression| expression.is_match(&seen.utm_campaign))
    }

    /// Whether it holds on every click.
    fn is_unconditional(&self) -> bool {
        let texts = [
            &self.link_channel,
            &self.source,
            &self.medium,
            &self.utm_source,
            &self.utm_campaign,
        ];
        !(self.paid || self.referrer)
            && self.kind.is_empty()
            && self.utm_campaign_matches.is_none()
            && texts.iter().all(|patterns| patterns.is_empty())
    }
}

/// The table contradicts itself or cannot be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum TableError {
    /// Not TOML of our layout.
    #[error("{0}")]
    Syntax(String),
    /// A click on which no rule holds would have no channel.
    #[error("the last rule must have no condition")]
    Last,
    /// A rule behind it could never hold.
    #[error("rule {0} has no condition, and is not the last")]
    Unconditional(usize),
    /// The link's own channel is asked for where there may be none.
    #[error("rule {0} names the link's own channel and does not ask for one")]
    OfLink(usize),
    /// A name for a channel that no rule names.
    #[error("{0:?} is the name of no channel")]
    Name(String),
}

/// The table of this build, or another of its form.
#[derive(Debug)]
pub(super) struct Table {
    paid: Box<[Pattern]>,
    paid_sources: Box<[Pattern]>,
    rules: Box<[Rule]>,
    /// The name that a channel is shown under, by what a link may call it in small letters.
    names: HashMap<String, Box<str>>,
}

impl Table {
    /// The table of this build.
    pub(super) fn built_in() -> Self {
        Self::parse(TABLE).expect("a test has read the table")
    }

    fn parse(text: &str) -> Result<Self, TableError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            paid: Box<[Pattern]>,
            paid_sources: Box<[Pattern]>,
            other_names: HashMap<String, Box<str>>,
            rule: Box<[Rule]>,
        }
        let file: File = toml::from_str(text).map_err(|e| TableError::Syntax(e.to_string()))?;
        let last = file.rule.len().checked_sub(1).ok_or(TableError::Last)?;
        for (place, rule) in file.rule.iter().enumerate() {
            match rule.is_unconditional() {
                true if place < last => return Err(TableError::Unconditional(place)),
                false if place == last => return Err(TableError::Last),
                _ => {}
            }
            if *rule.channel == *OF_LINK && rule.link_channel.is_empty() {
                return Err(TableError::OfLink(place));
            }
        }
        let channels = file.rule.iter().map(|rule| &rule.channel);
        let mut names: HashMap<_, _> = channels
            .filter(|channel| ***channel != *OF_LINK)
            .map(|channel| (channel.to_lowercase(), channel.clone()))
            .collect();
        for (name, channel) in file.other_names {
            if names.get(&channel.to_lowercase()) != Some(&channel) {
                return Err(TableError::Name(channel.into()));
            }
            names.insert(name.to_lowercase(), channel);
        }
        Ok(Self {
            paid: file.paid,
            paid_sources: file.paid_sources,
            rules: file.rule,
            names,
        })
    }

    /// The channel of a click; `own` is the channel that its link was made for, as it is.
    pub(super) fn channel<'t>(&'t self, seen: &Evidence<'_>, own: &'t str) -> &'t str {
        match &*self.deciding(seen).channel {
            OF_LINK => self.name(own),
            channel => channel,
        }
    }

    /// The rule that names the channel: the first that holds by what the tags say; where that is vague, the first by the
    /// place nearby.
    fn deciding(&self, seen: &Evidence<'_>) -> &Rule {
        let told = &self.rules[self.first(seen, seen.told)];
        match seen.nearby {
            Some(nearby) if seen.told.is_none() && told.vague => {
                &self.rules[self.first(seen, Some(nearby))]
            }
            _ => told,
        }
    }

    /// Where the first rule stands that holds on a click from this place.
    fn first(&self, seen: &Evidence<'_>, place: Option<&Source>) -> usize {
        let paid = self.is_paid(seen);
        let mut rules = self.rules.iter();
        let first = rules.position(|rule| rule.holds(seen, place, paid));
        first.unwrap_or(self.rules.len() - 1)
    }

    fn is_paid(&self, seen: &Evidence<'_>) -> bool {
        let (patterns, text) = if seen.medium.is_empty() {
            (&self.paid_sources, &seen.utm_source)
        } else {
            (&self.paid, &seen.medium)
        };
        patterns.iter().any(|pattern| pattern.fits(text))
    }

    /// The name under which the channel of a link or of a workspace's rule is shown: it may be one of the table's.
    pub(super) fn name<'t>(&'t self, own: &'t str) -> &'t str {
        self.names.get(&own.to_lowercase()).map_or(own, |name| name)
    }
}

/// A workspace's own rules.
#[derive(Debug)]
pub(in super::super) struct Own(Box<[ChannelRule]>);

impl Own {
    /// These rules.
    pub(in super::super) fn new(rules: &[ChannelRule]) -> Self {
        Self(rules.into())
    }

    /// The channel of a click, if one of the rules holds on it.
    pub(super) fn channel(&self, seen: &Evidence<'_>) -> Option<&str> {
        let first = self.0.iter().find(|rule| own_holds(rule, seen))?;
        Some(first.channel.as_str())
    }

    /// Whether these are the same rules.
    pub(in super::super) fn is(&self, rules: &[ChannelRule]) -> bool {
        *self.0 == *rules
    }
}

fn own_holds(rule: &ChannelRule, seen: &Evidence<'_>) -> bool {
    fits(&rule.link_channel, &seen.link_channel)
        && fits(&rule.campaign, &seen.campaign)
        && fits(&rule.utm_source, &seen.utm_source)
        && fits(&rule.utm_medium, &seen.utm_medium)
        && fits(&rule.source, &seen.source)
        && fits(&rule.app, &seen.app)
        && (rule.referrer_host.is_empty()
            || rule
                .referrer_host
                .iter()
                .any(|host| is_at_or_below(seen.referrer_host, host)))
}

/// Whether a host is this one or lies below it, label by label.
fn is_at_or_below(host: &str, above: &Host) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let below = host.strip_suffix(above.as_str());
    below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests;
