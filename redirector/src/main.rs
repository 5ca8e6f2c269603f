//! `whence-redirector`: the edge as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use whence_core::process::Flags;
use whence_core::service;
use whence_redirector::Server;

/// Answers short links, journals every click, and ships the clicks to ingest.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    service::main::<Server>(&Command::parse().flags)
}
