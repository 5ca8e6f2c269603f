//! `whence conversions`: conversions out of a file, over the API like anybody else.
//!
//! What a line of a file means is the API's to say; files are cut into requests as `links` does.

mod upload;

use clap::Subcommand;
use whence_core::config::Config;
use whence_core::process::Failure;

use crate::links::api::Api;

/// What is done with many conversions.
#[derive(Debug, Subcommand)]
pub enum Conversions {
    /// Send the conversions in a file; one that was sent before counts once, so a whole file may be sent again
    Upload(upload::Upload),
}

/// Does it.
pub async fn run(config: Config, conversions: Conversions) -> Result<(), Failure> {
    match conversions {
        Conversions::Upload(asked) => {
            let api = Api::open_at(config.ingest.listen, &config, &asked.access)?;
            upload::run(&api, &asked).await
        }
    }
}
