//! What judging again has changed, or would change.

use std::collections::BTreeMap;

use serde::Serialize;

use super::change::Change;
use crate::enrich::{RULES, Verdict};
use crate::stored::StoredClick;

/// How many different moves from channel to channel are told apart. Channels can be anybody's own words.
const MOST_MOVES: usize = 1_000;

/// Clicks that were one thing and are another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// What they were.
    pub from: String,
    /// What they are.
    pub to: String,
    /// How many.
    pub clicks: u64,
}

/// What judging again has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The rules that were gone by.
    pub rules: u16,
    /// Clicks that were judged again.
    pub clicks: u64,
    /// Of these, clicks that other rules had judged.
    pub of_other_rules: u64,
    /// Clicks of which too little is stored.
    pub left: u64,
    /// Clicks whose channel stays as it is, because what led there is no longer kept or their workspace's own rules are
    /// not known.
    pub left_channels: u64,
    /// Clicks of which anything changes.
    pub changed: u64,
    /// Of these, clicks that get another verdict, by what it was and is.
    pub verdicts: Vec<Moved>,
    /// Clicks that get another channel.
    pub channels: Vec<Moved>,
    /// Clicks that get other reasons.
    pub reasons: u64,
    /// Clicks that get another source.
    pub sources: u64,
    /// Clicks that get another browser, system, device, model or app, or another version.
    pub software: u64,
}

/// A summary while it is made.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) left: u64,
    pub(super) left_channels: u64,
    clicks: u64,
    of_other_rules: u64,
    changed: u64,
    verdicts: BTreeMap<(&'static str, &'static str), u64>,
    channels: BTreeMap<(String, String), u64>,
    reasons: u64,
    sources: u64,
    software: u64,
}

impl Counts {
    /// Counts a click that was judged again.
    pub(super) fn count(&mut self, stored: &StoredClick, change: Option<&Change>) {
        self.clicks += 1;
        self.of_other_rules += u64::from(stored.rules != RULES);
        let Some(change) = change else { return };
        self.changed += 1;
        if stored.verdict != change.verdict {
            let moved = (verdict(stored.verdict), verdict(change.verdict));
            *self.verdicts.entry(moved).or_default() += 1;
        }
        if stored.channel != change.channel {
            let mut moved = (stored.channel.clone(), change.channel.clone());
            if self.channels.len() >= MOST_MOVES && !self.channels.contains_key(&moved) {
                moved = ("…".into(), "…".into());
            }
            *self.channels.entry(moved).or_default() += 1;
        }
        self.reasons += u64::from(stored.reasons != change.reasons);
        self.sources += u64::from(stored.source != change.source);
        self.software += u64::from(stored.software() != change.software());
    }

    /// What was counted, most first.
    pub(super) fn summary(self) -> Summary {
        let moves = self.verdicts.into_iter();
        let verdicts = moves.map(|((from, to), clicks)| ((from.into(), to.into()), clicks));
        Summary {
            rules: RULES,
            clicks: self.clicks,
            of_other_rules: self.of_other_rules,
            left: self.left,
            left_channels: self.left_channels,
            changed: self.changed,
            verdicts: most_first(verdicts),
            channels: most_first(self.channels.into_iter()),
            reasons: self.reasons,
            sources: self.sources,
            software: self.software,
        }
    }
}

fn most_first(moves: impl Iterator<Item = ((String, String), u64)>) -> Vec<Moved> {
    let moves = moves.map(|((from, to), clicks)| Moved { from, to, clicks });
    let mut moves: Vec<_> = moves.collect();
    moves.sort_by_key(|moved| std::cmp::Reverse(moved.clicks));
    moves
}

/// A verdict by its number in the table.
fn verdict(number: i8) -> &'static str {
    let known = [
        Verdict::Human,
        Verdict::Bot,
        Verdict::Preview,
        Verdict::Prefetch,
        Verdict::Scanner,
        Verdict::Monitor,
        Verdict::Duplicate,
        Verdict::Suspect,
    ];
    let found = known.into_iter().find(|known| *known as i8 == number);
    found.map_or("unknown", Verdict::as_str)
}
