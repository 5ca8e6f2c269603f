//! `whence-redirector`: the edge as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use whence_core::process::{self, Failure, Flags};
use whence_core::store;
use whence_redirector::Server;

/// Answers short links, journals every click, and ships the clicks to ingest.
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
        tracing::info!(address = %server.address(), admin = %server.admin_address(), "redirector");
        Ok(server.run(process::shutdown()).await?)
    })
}
