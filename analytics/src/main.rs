//! `whence-analytics`: the links API and the reports as a process of their own.

use std::process::ExitCode;

use clap::Parser;
use whence_analytics::Server;
use whence_core::process::Flags;
use whence_core::service;

/// Answers the links API and the reports.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    service::main::<Server>(&Command::parse().flags)
}
