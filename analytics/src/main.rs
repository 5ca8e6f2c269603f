//! `whence-analytics`: the links API and the reports as a process of their own.

use std::process::ExitCode;

use clap::Parser;
use whence_analytics::Server;
use whence_core::process::{self, Failure, Flags};
use whence_core::store;

/// Answers the links API and the reports.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    process::main(&Command::parse().flags, async |config| {
        let store = store::open(&config.store_url())
            .await
            .map_err(Failure::runtime)?;
        let server = Server::bind(&config, store).await?;
        tracing::info!(address = %server.address(), admin = %server.admin_address(), "analytics");
        Ok(server.run(process::shutdown()).await?)
    })
}
