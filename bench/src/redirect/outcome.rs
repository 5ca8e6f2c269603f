//! What a run came to: the figures that targets are set for, and all others behind them.

use anyhow::Result;
use serde::Serialize;

use super::Options;
use super::cell::Cell;
use super::instructions::Instructions;
use super::memory::Memory;
use super::size::{Size, Store};
use crate::edits;
use crate::load::Way;
use crate::outcome::PROFILE;

/// The most links of those that the first figures are about: more are for who asks for them.
const USUAL: u32 = 1_000_000;

/// A run's result.
#[derive(Serialize)]
pub(super) struct Outcome {
    /// On the way and with the links of `of`.
    cpu_ratio_vs_hyper: f64,
    cpu_ratio_vs_nginx: Option<f64>,
    p99_ratio_vs_hyper: f64,
    /// What a cached link takes beside its texts, in bytes.
    link_overhead_bytes: Option<f64>,
    /// From the start of the process until a million links are cached, where there were as many.
    warm_million_s: Option<f64>,
    /// From an acknowledged edit to the first answer with it.
    edit_visible_p99_ms: Option<f64>,
    /// Which of the table's cells the ratios above are taken from.
    of: Of,
    table: Vec<Cell>,
    sizes: Vec<Size>,
    memory: Option<Memory>,
    edits: Option<edits::Outcome>,
    /// Where they were asked for.
    instructions: Option<Instructions>,
    /// Redirects of the redirector in the table.
    requests: u64,
    /// Answers other than 302 and broken connections, of all servers; visitors who were never served.
    errors: u64,
    /// Clicks that the journal had no room for.
    events_dropped: u64,
    store: Store,
    connections: u16,
    threads: u8,
    profile: &'static str,
}

#[derive(Serialize)]
struct Of {
    way: Way,
    links: u32,
}

impl Outcome {
    /// The outcome of these.
    ///
    /// # Panics
    /// Where nothing was measured.
    pub(super) fn new(
        mut sizes: Vec<Size>,
        memory: Option<Memory>,
        edits: Option<edits::Outcome>,
        instructions: Option<Instructions>,
        threads: u8,
        options: &Options,
    ) -> Self {
        let table: Vec<Cell> = sizes
            .iter_mut()
            .flat_map(|size| std::mem::take(&mut size.cells))
            .collect();
        let first = usual(&table).expect("every run measures a cell");
        let warm = sizes.iter().find(|size| size.links == 1_000_000);
        Self {
            cpu_ratio_vs_hyper: first.cpu_ratio_vs_hyper,
            cpu_ratio_vs_nginx: first.cpu_ratio_vs_nginx,
            p99_ratio_vs_hyper: first.p99_ratio_vs_hyper,
            link_overhead_bytes: memory.as_ref().map(|memory| memory.overhead_bytes),
            warm_million_s: warm.and_then(|size| size.warm_s),
            edit_visible_p99_ms: edits.as_ref().map(edits::Outcome::visible_p99_ms),
            of: Of {
                way: first.way,
                links: first.links,
            },
            requests: sizes.iter().map(|size| size.tally.redirects).sum(),
            errors: sizes.iter().map(|size| size.tally.errors).sum(),
            events_dropped: sizes.iter().map(|size| size.figures.dropped).sum(),
            table,
            sizes,
            memory,
            edits,
            instructions,
            store: options.store,
            connections: options.connections,
            threads,
            profile: PROFILE,
        }
    }
}

impl Outcome {
    /// Refuses a run in which anything went wrong.
    pub(super) fn check(&self) -> Result<()> {
        self.sizes.iter().try_for_each(Size::check)?;
        self.edits.iter().try_for_each(edits::Outcome::check)
    }
}

/// The cell with the most links up to [`USUAL`], on connections that are kept where that way was measured.
fn usual(table: &[Cell]) -> Option<&Cell> {
    table
        .iter()
        .max_by_key(|cell| (cell.links <= USUAL, cell.way == Way::KeepAlive, cell.links))
}
