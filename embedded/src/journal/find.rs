//! The lanes of this machine, and the blocks that were set aside in them.

use std::io;
use std::path::{Path, PathBuf};

use whence_core::config::Config;
use whence_core::journal::Block;
use whence_core::process::Failure;
use whence_core::ship::Records;
use whence_core::ship::aside::{Aside, Entry};

/// How deep lanes may lie below a directory that is named: `journal/redirector/lane-0` below `journal`.
const DEPTH: u32 = 2;

/// A lane's directory.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    /// The directory.
    pub(crate) dir: PathBuf,
    /// What was set aside.
    pub(crate) aside: Aside,
}

/// A block that was set aside, and where.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The lane.
    pub(crate) lane: Lane,
    /// The block.
    pub(crate) entry: Entry,
}

impl Found {
    /// Reads the block.
    pub(crate) fn read(&self) -> Result<Block, Failure> {
        let read = self.lane.aside.read(self.entry.id);
        read.map_err(Failure::runtime)
    }

    /// What is in it; where no note says so, the name of the lane does.
    pub(crate) fn records(&self) -> Records {
        let noted = self.entry.note.as_ref().map(|note| note.records);
        noted.unwrap_or_else(|| match self.lane.dir.file_name() {
            Some(name) if name == "conversions" => Records::Conversions,
            Some(name) if name == "confirmations" => Records::Confirmations,
            Some(name) if name == "page_events" => Records::PageEvents,
            _ => Records::Clicks,
        })
    }

    /// How much of what is in it.
    pub(super) fn what(&self) -> String {
        let records = self.records();
        match &self.entry.note {
            Some(note) => format!("{} {records}", note.count),
            None => records.to_string(),
        }
    }
}

/// The lanes below a directory, or else those that the configuration tells of; an error where there are none.
pub(super) fn lanes(config: &Config, dir: Option<&Path>) -> Result<Vec<Lane>, Failure> {
    let lanes = match dir {
        Some(dir) => below(&[dir.to_owned()], false)?,
        None => lanes_here(config)?,
    };
    if lanes.is_empty() {
        let roots = dir.map_or_else(|| roots(config), |dir| vec![dir.to_owned()]);
        let roots: Vec<_> = roots.iter().map(|it| it.display().to_string()).collect();
        return Err(Failure::Config(format!(
            "there is no journal lane in {}; --dir or the configuration (--config) says where it is",
            roots.join(" or ")
        )));
    }
    Ok(lanes)
}

/// The lanes of this machine, as far as the configuration tells of them; there may be none.
pub(crate) fn lanes_here(config: &Config) -> Result<Vec<Lane>, Failure> {
    // One that is not there may be a service that does not run here.
    below(&roots(config), true)
}

fn roots(config: &Config) -> Vec<PathBuf> {
    vec![
        config.journal_dir(&config.redirector.journal, "redirector"),
        config.journal_dir(&config.ingest.journal, "ingest"),
    ]
}

fn below(roots: &[PathBuf], may_miss: bool) -> Result<Vec<Lane>, Failure> {
    let mut lanes = Vec::new();
    for root in roots {
        match search(root, DEPTH, &mut lanes) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_miss => {}
            searched => searched
                .map_err(|error| Failure::Runtime(format!("{}: {error}", root.display())))?,
        }
    }
    lanes.sort_by(|one, other| one.dir.cmp(&other.dir));
    lanes.dedup_by(|one, other| one.dir == other.dir);
    Ok(lanes)
}

fn search(dir: &Path, depth: u32, lanes: &mut Vec<Lane>) -> io::Result<()> {
    if dir.join("lane").is_file() {
        lanes.push(Lane {
            dir: dir.to_owned(),
            aside: Aside::of(dir),
        });
        return Ok(());
    }
    for entry in dir.read_dir()? {
        let entry = entry?;
        if depth > 0 && entry.file_type()?.is_dir() {
            search(&entry.path(), depth - 1, lanes)?;
        }
    }
    Ok(())
}

/// Every block that was set aside.
pub(crate) fn blocks(lanes: &[Lane]) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for lane in lanes {
        for entry in lane.aside.list().map_err(Failure::runtime)? {
            let lane = lane.clone();
            found.push(Found { lane, entry });
        }
    }
    Ok(found)
}

/// The one block whose id begins so.
pub(super) fn block(lanes: &[Lane], id: &str) -> Result<Found, Failure> {
    let mut found = blocks(lanes)?;
    // A whole id may be the beginning of another one.
    let exact = found.iter().position(|it| it.entry.id.to_string() == id);
    if let Some(place) = exact {
        return Ok(found.swap_remove(place));
    }
    found.retain(|it| it.entry.id.to_string().starts_with(id));
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::Config(format!(
            "no block {id} is set aside; `whence journal list` shows those that are"
        ))),
        count => Err(Failure::Config(format!(
            "{count} blocks that are set aside begin with {id}; {} is one of them",
            found[0].entry.id
        ))),
    }
}
