//! The command `whence`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use whence_core::secret::Secret;
use whence_embedded::engine::{self, EngineArgs, PASSWORD_VARIABLE};

/// Link tracking and click analytics on one machine.
#[derive(Debug, Parser)]
#[command(name = "whence", version)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run ClickHouse's engine behind its HTTP interface
    Clickhouse(EngineArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .init();
    let result = match cli.command {
        Command::Clickhouse(args) => {
            let password = Secret::new(std::env::var(PASSWORD_VARIABLE).unwrap_or_default());
            engine::serve(args, password)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("whence: {error}");
            ExitCode::FAILURE
        }
    }
}
