//! Judging again: what today's rules say of clicks that are stored, written over what was found when they came.
//!
//! Clicks are read in time's order, beginning as much earlier as a click can matter to another, and go through the same
//! code as on arrival. What changes is gathered ([`change`]) and written by ClickHouse itself ([`apply`]), which changes
//! whole parts or none, so that the projection `click_hours`, which lies in them, follows. A run that is killed leaves
//! changes that are right, and the next one finds the rest: nothing is ever changed but to what today's rules say.
//!
//! Not judged again: the place, since its address is not stored; what was only counted, and what is no longer kept.

mod apply;
mod change;
mod summary;

use std::collections::{HashSet, VecDeque};

use clickhouse::Client;
use thiserror::Error;
use whence_core::channel_rule::ChannelRule;

use crate::enrich::{AHEAD_MS, BEHIND_MS, Enricher, Glance};
use crate::stored::{self, Part, Span, StoredClick};
pub use apply::ApplyError;
use apply::Changes;
use change::Change;
use summary::Counts;
pub use summary::{Moved, Summary};

/// How many changes are gathered before they are written. ClickHouse has them in memory while it does, at some 200 bytes
/// each.
const MOST_STAGED: usize = 250_000;
/// After how many clicks it is said how far it has come.
const SAID_EVERY: u64 = 1_000;

/// Clicks could not be judged again.
#[derive(Debug, Error)]
pub enum ReclassifyError {
    /// They cannot be read.
    #[error("reading clicks: {0}")]
    Read(#[source] clickhouse::error::Error),
    /// What was found cannot be written.
    #[error("writing verdicts: {0}")]
    Write(#[from] ApplyError),
}

/// What is judged again.
#[derive(Clone, Debug)]
pub struct Asked {
    /// From when on, in milliseconds since 1970.
    pub from_ms: i64,
    /// Until when, without it.
    pub to_ms: i64,
    /// Since when all is kept that tells visitors and machines apart: earlier clicks are left as they are.
    pub verdicts_from_ms: i64,
    /// Since when queries and referrers are kept: of earlier clicks, the channel cannot be told again.
    pub roads_from_ms: i64,
    /// Whose clicks; everybody's where nothing is said.
    pub workspace: Option<String>,
    /// Whether nothing is written.
    pub dry_run: bool,
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Clicks read.
    pub read: u64,
    /// Of so many.
    pub total: u64,
    /// Whether ClickHouse is writing what was found.
    pub writing: bool,
}

/// Judges again.
#[derive(Debug)]
pub struct Reclassifier {
    client: Client,
    enricher: Enricher,
    ruled: Ruled,
}

/// Of which workspaces the own rules of channels are known. Of others, the channels stay as they are.
#[derive(Debug)]
enum Ruled {
    /// These.
    Some(HashSet<String>),
    /// All that there are.
    All,
}

impl Reclassifier {
    /// By the rules of `enricher`, which must not be used for anything else: it remembers the clicks that it sees.
    ///
    /// Until it is told, no workspace's own rules of channels are known.
    #[must_use]
    pub fn new(client: Client, enricher: Enricher) -> Self {
        Self {
            client,
            enricher,
            ruled: Ruled::Some(HashSet::new()),
        }
    }

    /// These are the workspace's own rules of channels.
    pub fn follow(&mut self, workspace: &str, rules: &[ChannelRule]) {
        self.enricher.follow(workspace, rules);
        if let Ruled::Some(known) = &mut self.ruled {
            known.insert(workspace.to_owned());
        }
    }

    /// Workspaces that were not told of have none.
    pub fn follow_no_others(&mut self) {
        self.ruled = Ruled::All;
    }

    /// Judges again what was asked for, and says now and then how far it has come.
    pub async fn run(
        &self,
        asked: &Asked,
        mut said: impl FnMut(Progress),
    ) -> Result<Summary, ReclassifyError> {
        let workspace = asked.workspace.clone().unwrap_or_default();
        let around = Span {
            from: asked.from_ms.saturating_sub(BEHIND_MS as i64),
            to: asked.to_ms.saturating_add(AHEAD_MS as i64),
            workspace: workspace.clone(),
        };
        if !asked.dry_run {
            apply::clean(&self.client).await?;
        }
        let parts = stored::parts(&self.client, &around);
        let parts = parts.await.map_err(ReclassifyError::Read)?;
        let mut progress = Progress {
            read: 0,
            total: parts.iter().map(|part| part.clicks).sum(),
            writing: false,
        };
        let mut pass = Pass::new(self, asked);
        for part in &parts {
            self.read(part, &workspace, &mut pass, |read| {
                said(Progress {
                    read: progress.read + read,
                    ..progress
                });
            })
            .await
            .map_err(ReclassifyError::Read)?;
            progress.read += part.clicks;
            if pass.changes.len() >= MOST_STAGED {
                self.write(&mut pass, progress, &mut said).await?;
            }
        }
        pass.judge_until(i64::MAX);
        if !asked.dry_run {
            self.write(&mut pass, progress, &mut said).await?;
            let span = Span {
                from: asked.from_ms.max(asked.verdicts_from_ms),
                to: asked.to_ms,
                workspace,
            };
            apply::renumber(&self.client, &span).await?;
        }
        Ok(pass.counts.summary())
    }

    async fn read(
        &self,
        part: &Part,
        workspace: &str,
        pass: &mut Pass<'_>,
        mut said: impl FnMut(u64),
    ) -> Result<(), clickhouse::error::Error> {
        let mut clicks = stored::read(&self.client, part, workspace)?;
        let mut read = 0;
        while let Some(click) = clicks.next().await? {
            pass.take(click);
            read += 1;
            if read % SAID_EVERY == 0 {
                said(read);
            }
        }
        Ok(())
    }

    async fn write(
        &self,
        pass: &mut Pass<'_>,
        progress: Progress,
        said: &mut impl FnMut(Progress),
    ) -> Result<(), ReclassifyError> {
        said(Progress {
            writing: true,
            ..progress
        });
        Ok(pass.changes.apply(&self.client).await?)
    }

    fn knows_road(&self, workspace: &str) -> bool {
        match &self.ruled {
            Ruled::Some(known) => known.contains(workspace),
            Ruled::All => true,
        }
    }
}

/// Clicks on their way through the rules.
struct Pass<'r> {
    by: &'r Reclassifier,
    asked: &'r Asked,
    /// Noted and not yet judged: what comes soon behind a click matters to it.
    waiting: VecDeque<(StoredClick, Glance)>,
    changes: Changes,
    counts: Counts,
}

impl<'r> Pass<'r> {
    fn new(by: &'r Reclassifier, asked: &'r Asked) -> Self {
        Self {
            by,
            asked,
            waiting: VecDeque::new(),
            changes: Changes::default(),
            counts: Counts::default(),
        }
    }

    /// Takes in the next click.
    fn take(&mut self, stored: StoredClick) {
        let time = stored.time;
        let is_asked_for = (self.asked.from_ms..self.asked.to_ms).contains(&time);
        match stored
            .click()
            .filter(|_| time >= self.asked.verdicts_from_ms)
        {
            Some(click) => {
                let glance = self.by.enricher.note(&click);
                if is_asked_for {
                    self.waiting.push_back((stored, glance));
                }
            }
            None => self.counts.left += u64::from(is_asked_for),
        }
        self.judge_until(time.saturating_sub(AHEAD_MS as i64));
    }

    /// The first of those that wait, if it was before a time.
    fn next_before(&mut self, time: i64) -> Option<(StoredClick, Glance)> {
        let (first, _) = self.waiting.front()?;
        if first.time >= time {
            return None;
        }
        self.waiting.pop_front()
    }

    /// Judges what waits and was before a time.
    fn judge_until(&mut self, time: i64) {
        while let Some((stored, glance)) = self.next_before(time) {
            let Some(click) = stored.click() else {
                continue;
            };
            let seen = self
                .by
                .enricher
                .see_again(&click, glance, stored.asn, stored.confirmed);
            let row = seen.row(&click, stored.lane, stored.seq);
            let knows_road = self.by.knows_road(&stored.workspace)
                && stored.time >= self.asked.roads_from_ms
                && stored.has_road();
            self.counts.left_channels += u64::from(!knows_road);
            let change = Change::of(&stored, &row, knows_road);
            self.counts.count(&stored, change.as_ref());
            if let Some(change) = change.filter(|_| !self.asked.dry_run) {
                self.changes.add(stored.time, change);
            }
        }
    }
}
