//! `whence journal`: what waits in the journal of this machine, and the blocks that were set aside in it: looked
//! at, taken out, sent again, dropped.
//!
//! It works beside the services that have the lanes open: it takes no lock and writes nothing but requests.

mod find;
mod list;
mod records;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use whence_core::config::Config;
use whence_core::process::Failure;

use crate::links::part::PartFile;
use find::Found;
pub(crate) use find::{Lane, blocks, lanes_here};
pub(crate) use records::line;

/// What is done with the journal.
#[derive(Debug, Subcommand)]
pub enum Journal {
    /// List the lanes of this machine, what waits in them, and the blocks that were set aside
    List {
        /// Where to look.
        #[command(flatten)]
        place: Place,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the records of a block that was set aside, one JSON object on each line
    Show {
        /// Which.
        #[command(flatten)]
        block: Block,
    },
    /// Write a block that was set aside to a file
    Export {
        /// Which.
        #[command(flatten)]
        block: Block,
        /// The file
        file: PathBuf,
        /// How it is written
        #[arg(long, default_value = "wire")]
        format: Format,
    },
    /// Have blocks that were set aside sent again
    Resend(Resend),
    /// Overwrite what was delivered and still lies in the journal's files
    Wipe {
        /// Where to look.
        #[command(flatten)]
        place: Place,
    },
    /// Forget a block that was set aside, for good
    Drop {
        /// Which.
        #[command(flatten)]
        block: Block,
        /// Say that its records may be lost
        #[arg(long)]
        yes: bool,
    },
}

/// Where the journal is.
#[derive(Debug, Args)]
pub struct Place {
    /// A lane, or a directory of lanes; by default those of the configuration
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// A block that was set aside.
#[derive(Debug, Args)]
pub struct Block {
    /// Its id as `list` shows it, or the beginning of it
    block: String,
    /// Where to look.
    #[command(flatten)]
    place: Place,
}

/// Blocks to be sent again.
#[derive(Debug, Args)]
pub struct Resend {
    /// The block's id as `list` shows it, or the beginning of it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    block: Option<String>,
    /// Every block that was set aside
    #[arg(long)]
    all: bool,
    /// Where to look.
    #[command(flatten)]
    place: Place,
}

/// How a block is written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Byte for byte as it travels: what `POST /v1/blocks` of ingest takes
    Wire,
    /// A JSON object for each record
    Jsonl,
}

/// Does it.
pub fn run(config: &Config, journal: Journal) -> Result<(), Failure> {
    match journal {
        Journal::List { place, json } => list::run(&lanes(config, &place)?, json),
        Journal::Show { block } => {
            let found = one(config, &block)?;
            let read = found.read()?;
            let mut out = io::stdout().lock();
            let written = records::write(&mut out, &read, found.records());
            whole(written.and_then(|()| out.flush()))
        }
        Journal::Export {
            block,
            file,
            format,
        } => {
            let found = one(config, &block)?;
            let read = found.read()?;
            let mut part = PartFile::begin(&file)?;
            let written = match format {
                Format::Wire => part.write_all(read.wire()),
                Format::Jsonl => records::write(&mut part, &read, found.records()),
            };
            let failed = |error| Failure::Runtime(format!("{}: {error}", file.display()));
            written.and_then(|()| part.finish()).map_err(failed)?;
            eprintln!("wrote {} records to {}", read.count(), file.display());
            Ok(())
        }
        Journal::Resend(resend) => {
            let lanes = lanes(config, &resend.place)?;
            let blocks = match &resend.block {
                Some(block) => vec![find::block(&lanes, block)?],
                None => find::blocks(&lanes)?,
            };
            request(&blocks)
        }
        Journal::Wipe { place } => {
            let mut bytes = 0;
            for lane in lanes(config, &place)? {
                bytes += whence_core::journal::wipe(&lane.dir).map_err(Failure::runtime)?;
            }
            println!("{bytes} bytes of delivered records were overwritten");
            Ok(())
        }
        Journal::Drop { block, yes } => {
            let found = one(config, &block)?;
            if !yes {
                return Err(Failure::Config(format!(
                    "block {} has {} that are nowhere else; `whence journal export` keeps them, and --yes says that \
                     they may be lost",
                    found.entry.id,
                    found.what()
                )));
            }
            found
                .lane
                .aside
                .remove(found.entry.id)
                .map_err(Failure::runtime)?;
            eprintln!("dropped block {}", found.entry.id);
            Ok(())
        }
    }
}

fn lanes(config: &Config, place: &Place) -> Result<Vec<Lane>, Failure> {
    find::lanes(config, place.dir.as_deref())
}

fn one(config: &Config, block: &Block) -> Result<Found, Failure> {
    find::block(&lanes(config, &block.place)?, &block.block)
}

fn request(blocks: &[Found]) -> Result<(), Failure> {
    for found in blocks {
        let asked = found.lane.aside.request(found.entry.id);
        asked.map_err(Failure::runtime)?;
        eprintln!(
            "block {} with {} is to be sent again",
            found.entry.id,
            found.what()
        );
    }
    eprintln!(
        "{}",
        match blocks {
            [] => "no block is set aside",
            _ => {
                "the service that writes the lane sends it within seconds if it runs, else when it is started; once it has \
             arrived, or was refused again, `whence journal list` shows it"
            }
        }
    );
    Ok(())
}

/// Whoever reads what is printed may stop when they have seen enough.
fn whole(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::runtime),
    }
}

#[cfg(test)]
mod tests;
