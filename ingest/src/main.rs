//! `whence-ingest`: the collector as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use whence_core::process::Flags;
use whence_core::service;
use whence_ingest::Server;

/// Takes clicks from redirectors and conversions from sites, and brings them into ClickHouse.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    service::main::<Server>(&Command::parse().flags)
}
