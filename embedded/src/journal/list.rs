//! Lanes, what waits in them, and the blocks that were set aside: as tables or as JSON.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use whence_core::click::bounded;
use whence_core::journal::{Peek, PeekError, peek};
use whence_core::process::Failure;

use super::find::{Found, Lane, blocks};
use super::whole;

/// How much of a reason a table shows; `--json` has all of it.
const SHOWN_REASON: usize = 100;

#[derive(Serialize)]
struct Listing {
    lanes: Vec<LaneLine>,
    blocks_aside: Vec<BlockLine>,
}

#[derive(Serialize)]
struct LaneLine {
    dir: String,
    #[serde(flatten)]
    state: State,
    blocks_aside: usize,
}

#[derive(Serialize)]
#[serde(untagged)]
enum State {
    Seen {
        lane: String,
        taken: u64,
        freed: u64,
        waiting: u64,
        sealed_blocks: usize,
        oldest_sealed_seconds: Option<f64>,
        segment_bytes: u64,
    },
    Unreadable {
        error: String,
    },
}

#[derive(Serialize)]
struct BlockLine {
    block: String,
    dir: String,
    records: String,
    count: Option<u32>,
    bytes: u64,
    set_aside_at: Option<Timestamp>,
    refused_at: Option<Timestamp>,
    reason: Option<String>,
    is_requested: bool,
}

/// Prints it all.
pub(super) fn run(lanes: &[Lane], json: bool) -> Result<(), Failure> {
    let found = blocks(lanes)?;
    let listing = Listing {
        lanes: lanes.iter().map(|lane| lane_line(lane, &found)).collect(),
        blocks_aside: found.iter().map(block_line).collect(),
    };
    let text = if json {
        let text = serde_json::to_string_pretty(&listing).map_err(Failure::runtime)?;
        text + "\n"
    } else {
        tables(&listing, Timestamp::now())
    };
    whole(io::stdout().lock().write_all(text.as_bytes()))?;
    let unreadable = listing
        .lanes
        .iter()
        .filter(|lane| matches!(lane.state, State::Unreadable { .. }));
    match unreadable.count() {
        0 => Ok(()),
        count => Err(Failure::Runtime(format!("{count} lanes cannot be read"))),
    }
}

fn lane_line(lane: &Lane, found: &[Found]) -> LaneLine {
    let aside = found.iter().filter(|found| found.lane.dir == lane.dir);
    LaneLine {
        dir: lane.dir.display().to_string(),
        state: peek(&lane.dir).into(),
        blocks_aside: aside.count(),
    }
}

impl From<Result<Peek, PeekError>> for State {
    fn from(peek: Result<Peek, PeekError>) -> Self {
        match peek {
            Ok(peek) => Self::Seen {
                lane: peek.lane.to_string(),
                taken: peek.taken,
                freed: peek.freed,
                waiting: peek.taken.saturating_sub(peek.freed),
                sealed_blocks: peek.sealed,
                oldest_sealed_seconds: peek.oldest_sealed.map(|age| age.as_secs_f64()),
                segment_bytes: peek.segment_bytes,
            },
            Err(error) => Self::Unreadable {
                error: error.to_string(),
            },
        }
    }
}

fn block_line(found: &Found) -> BlockLine {
    let note = found.entry.note.as_ref();
    BlockLine {
        block: found.entry.id.to_string(),
        dir: found.lane.dir.display().to_string(),
        records: found.records().to_string(),
        count: note.map(|note| note.count),
        bytes: found.entry.bytes,
        set_aside_at: note.map(|note| note.set_aside_at),
        refused_at: note.map(|note| note.refused_at),
        reason: note.map(|note| note.reason.clone()),
        is_requested: found.entry.is_requested,
    }
}

fn tables(listing: &Listing, now: Timestamp) -> String {
    let head = [
        "LANE",
        "WAITING",
        "OLDEST BLOCK",
        "ON DISK",
        "SET ASIDE",
        "DIRECTORY",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut errors = String::new();
    for line in &listing.lanes {
        let aside = line.blocks_aside.to_string();
        rows.push(match &line.state {
            State::Seen {
                lane,
                waiting,
                oldest_sealed_seconds: oldest,
                segment_bytes,
                ..
            } => vec![
                lane.clone(),
                waiting.to_string(),
                oldest.map_or_else(|| "-".into(), |age| ago(Duration::from_secs_f64(age))),
                size(*segment_bytes),
                aside,
                line.dir.clone(),
            ],
            State::Unreadable { error } => {
                let _ = writeln!(errors, "{error}");
                let unknown = || "?".to_owned();
                vec![
                    unknown(),
                    unknown(),
                    unknown(),
                    unknown(),
                    aside,
                    line.dir.clone(),
                ]
            }
        });
    }
    let mut text = table(&rows) + &errors;
    if listing.blocks_aside.is_empty() {
        return text;
    }
    let head = ["BLOCK SET ASIDE", "RECORDS", "SIZE", "AGE", "REASON"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for line in &listing.blocks_aside {
        let count = line
            .count
            .map_or_else(|| "?".into(), |count| count.to_string());
        let age = line
            .set_aside_at
            .map(|at| now.duration_since(at).unsigned_abs());
        let reason = line
            .reason
            .as_deref()
            .unwrap_or("not known: its note is missing");
        let reason = reason.replace(['\n', '\r', '\t'], " ");
        let shown = bounded(reason.as_bytes(), SHOWN_REASON);
        let again = if line.is_requested {
            "to be sent again; "
        } else {
            ""
        };
        rows.push(vec![
            line.block.clone(),
            format!("{count} {}", line.records),
            size(line.bytes),
            age.map_or_else(|| "?".into(), ago),
            format!("{again}{shown}"),
        ]);
    }
    text.push('\n');
    text + &table(&rows)
}

fn table(rows: &[Vec<String>]) -> String {
    let mut widths = vec![0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn ago(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
