//! What other clicks of the last minutes say of one: a repeat, a mail scanner that opens every link, a burst, a network
//! that looks at a link before it shows it.
//!
//! Everything here goes by what is stored of a click ([`Trace`]), and by the clicks' own times: in which order they
//! arrive, late or again, changes nothing of what is counted, and a click is never counted against itself. So stored
//! clicks can be judged again, and a lane that was cut off for an hour disturbs none of the others.
//!
//! Memory is given once and never grows: where a table is over-full, what is oldest is forgotten, and a forgotten click
//! only makes less known. What follows from it is the verdict's to say.
//!
//! Nothing is known of clicks that are only counted (`count_only`): what would tell visitors apart is not kept of them.

#[cfg(test)]
mod model;
mod network;
mod table;
mod trace;
mod visits;

use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use whence_core::agent::Agent;
use whence_core::click::Click;

use network::{Looks, Networks};
use trace::Key;
pub(crate) use trace::Trace;
use visits::Visits;

/// A visitor who comes back to a link within this has not come a second time, in milliseconds: the idle time after which
/// Google Analytics 4 and others begin a new session ("Sessions: 30 minutes").
const REPEAT_MS: u64 = 30 * 60 * 1000;
/// The same for a click without a visitor who is known again: a double click or a reload. Two people behind one address
/// with the same browser are further apart, hardly ever within ten seconds on one link by one road.
const RELOAD_MS: u64 = 10 * 1000;
/// How far apart two clicks of one network are that still belong together: clicks fall into slices of two seconds, and
/// two slices side by side are looked at. So what lies within two seconds is always seen together, and what lies four
/// apart never is. Mail scanners open a mail's links within a second or two.
const SLICE_MS: u64 = 2 * 1000;
/// So many different links of a workspace, opened by one visitor within that time, is more than a hand can do. Most mails
/// have as many links.
const FAN_OUT_LINKS: usize = 5;
/// So many clicks within that time are a burst: four a second from one person, which no hand does either. Where a
/// visitor is told only by network and agent, a crowd can do it too, and so it is a weak sign.
const BURST_CLICKS: u32 = 16;
/// X asks with one GET and three HEADs within seconds (dub#2309): slices of five seconds, two side by side.
const LOOK_SLICE_MS: u64 = 5 * 1000;
/// So many HEADs of one link are several.
const LOOK_HEADS: usize = 2;

/// How much later a click may be that still changes what is known of one: the rest of two slices.
pub(crate) const AHEAD_MS: u64 = if SLICE_MS > LOOK_SLICE_MS {
    2 * SLICE_MS
} else {
    2 * LOOK_SLICE_MS
};
/// How much earlier a click may be that changes what is known of one.
pub(crate) const BEHIND_MS: u64 = REPEAT_MS;

/// What the windows take, where nothing is configured: enough for 400 clicks a second of different visitors on
/// different links, for as long as they may be repeated.
pub const WINDOWS_BYTES: usize = 32 << 20;

/// Traces that are looked at before others get a turn: some tens of microseconds.
const AT_A_TIME: usize = 256;

/// What the other clicks say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// The same visitor was at the same link within half an hour before; without a visitor who is known again, the same
    /// network and browser by the same road within ten seconds.
    pub repeat: bool,
    /// One visitor opened many links within seconds; without a visitor who is known again, one network and agent did.
    pub fan_out: bool,
    /// As before, many clicks, be it on one link.
    pub burst: bool,
    /// One network asked for a link once with a browser's agent, and within seconds several times with HEAD.
    pub looked_at: bool,
}

/// The clicks of the last minutes, as far as they fit. Shared by threads.
pub(crate) struct Windows {
    seeds: RandomState,
    tables: Mutex<Tables>,
}

struct Tables {
    /// By visitor and link.
    visits: Visits,
    /// By network, browser, road and link.
    reloads: Visits,
    /// By visitor, or network and browser.
    networks: Networks,
    /// By network and link.
    looks: Looks,
}

impl std::fmt::Debug for Windows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Windows").finish_non_exhaustive()
    }
}

impl Windows {
    /// Empty windows that take at most `bytes`, and at least some kilobytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let tables = Tables {
            visits: Visits::new(bytes / 2, REPEAT_MS),
            reloads: Visits::new(bytes / 8, RELOAD_MS),
            networks: Networks::new(bytes / 4),
            looks: Looks::new(bytes / 8),
        };
        Self {
            seeds: RandomState::default(),
            tables: Mutex::new(tables),
        }
    }

    /// What is remembered of a click and asked about it. Its language as it is stored.
    pub(crate) fn trace(&self, click: &Click<'_>, language: &str, agent: &Agent) -> Trace {
        Trace::of(&self.seeds, click, language, agent.is_browser())
    }

    /// Remembers clicks.
    pub(crate) fn note<'t>(&self, traces: impl IntoIterator<Item = &'t Trace>) {
        let mut tables = self.tables();
        traces.into_iter().for_each(|trace| tables.note(trace));
    }

    /// What those that are remembered say of one.
    pub(crate) fn judge(&self, trace: &Trace) -> Recent {
        self.tables().judge(trace)
    }

    /// Remembers clicks, and says of each in turn what others say, those behind it too as far as they matter: a scanner
    /// is known from its first click on where its others stand in the same block.
    pub(crate) fn pass<'t>(
        &self,
        traces: impl ExactSizeIterator<Item = &'t Trace> + Clone,
    ) -> Vec<Recent> {
        let mut said = Vec::with_capacity(traces.len());
        let (mut ahead, mut noted) = (traces.clone().peekable(), 0);
        let mut traces = traces.peekable();
        while traces.peek().is_some() {
            let mut tables = self.tables();
            for trace in traces.by_ref().take(AT_A_TIME) {
                let last = trace.at.saturating_add(AHEAD_MS);
                // By place too: a clock may have been set back.
                while let Some(next) = ahead.next_if(|next| noted <= said.len() || next.at <= last)
                {
                    tables.note(next);
                    noted += 1;
                }
                said.push(tables.judge(trace));
            }
        }
        said
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Whoever panicked left whole entries behind: there is nothing else in there.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn note(&mut self, trace: &Trace) {
        let (at, id) = (trace.at, trace.id);
        if let Some(Key(key)) = trace.visit {
            self.visits.note(key, at, id);
        }
        if let Some(Key(key)) = trace.reload {
            self.reloads.note(key, at, id);
        }
        if let Some(Key(key)) = trace.network {
            self.networks.note(key, at, id, trace.link);
        }
        if let Some(Key(key)) = trace.look {
            self.looks.note(key, at, id, trace.is_head);
        }
    }

    fn judge(&self, trace: &Trace) -> Recent {
        let (at, id) = (trace.at, trace.id);
        let visit = |Key(key)| self.visits.is_repeat(key, at, id);
        let reload = |Key(key)| self.reloads.is_repeat(key, at, id);
        let network = trace.network.map(|Key(key)| self.networks.around(key, at));
        let network = network.unwrap_or_default();
        let look = |Key(key)| self.looks.is_looked_at(key, at);
        Recent {
            repeat: trace.visit.is_some_and(visit) || trace.reload.is_some_and(reload),
            fan_out: network.links >= FAN_OUT_LINKS,
            burst: network.clicks >= BURST_CLICKS,
            looked_at: trace.may_be_a_look && trace.look.is_some_and(look),
        }
    }
}
