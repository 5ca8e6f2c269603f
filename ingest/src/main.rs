//! `whence-ingest`: the collector as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use whence_core::process::{self, Failure, Flags};
use whence_core::store;
use whence_ingest::Server;

/// Takes clicks from redirectors and conversions from sites, and brings them into ClickHouse.
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
        tracing::info!(address = %server.address(), admin = %server.admin_address(), "ingest");
        Ok(server.run(process::shutdown()).await?)
    })
}
