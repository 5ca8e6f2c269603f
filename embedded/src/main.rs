//! The command `whence`: everything on one machine, and what is done by hand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use whence_core::config::{Log, LogFormat};
use whence_core::process::{self, Failure, Flags};
use whence_core::secret::Secret;
use whence_core::telemetry;
use whence_embedded::attribute::{self, AttributeArgs};
use whence_embedded::audit::{self, AuditArgs};
use whence_embedded::classify::{self, ClassifyArgs};
use whence_embedded::conversions::{self, Conversions};
use whence_embedded::engine::{self, EngineArgs, PASSWORD_VARIABLE};
use whence_embedded::erase::{self, EraseArgs};
use whence_embedded::export::{self, ExportArgs};
use whence_embedded::journal::{self, Journal};
use whence_embedded::links::{self, Links};
use whence_embedded::manage::{self, New};
use whence_embedded::reclassify::{self, ReclassifyArgs};
use whence_embedded::up;

/// Link tracking and click analytics for referral marketing.
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
    /// Run redirector, ingest, analytics and ClickHouse on this machine
    Up(Flags),
    /// Say whether a configuration can be used, without starting anything
    Check(Flags),
    /// Bring the database up to date
    Migrate(Flags),
    /// Make a workspace or an API key
    New {
        /// What to make.
        #[command(subcommand)]
        what: New,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Export or import links over the API
    Links {
        /// Which of both.
        #[command(subcommand)]
        links: Links,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Prove that every click and conversion is in ClickHouse, once
    Audit {
        /// What is audited, and how it is told.
        #[command(flatten)]
        args: AuditArgs,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Run the attribution models over a file of paths
    Attribute(AttributeArgs),
    /// Look at the journal of this machine, and at blocks that were set aside in it
    Journal {
        /// What to do.
        #[command(subcommand)]
        journal: Journal,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Send conversions from a file
    Conversions {
        /// What is done with them.
        #[command(subcommand)]
        conversions: Conversions,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Erase a person from everything that is kept, and prove it
    Erase {
        /// Who, and how it is told.
        #[command(flatten)]
        args: EraseArgs,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Give a person everything that is known of them, as JSON Lines
    Export {
        /// Who, and where it goes.
        #[command(flatten)]
        args: ExportArgs,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Say what becomes of agents, referrers or whole requests: verdict, channel, device, place
    Classify {
        /// What is read.
        #[command(flatten)]
        args: ClassifyArgs,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Judge stored clicks again, by today's rules
    Reclassify {
        /// Which clicks, and how it is told.
        #[command(flatten)]
        args: ReclassifyArgs,
        /// Where the configuration is.
        #[command(flatten)]
        flags: Flags,
    },
    /// Run only ClickHouse's engine behind its HTTP interface
    Clickhouse(EngineArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Up(flags) => {
            // A first start has no secrets yet; they are a layer of the configuration from then on.
            let prepared = flags
                .load()
                .and_then(|config| up::ensure_secrets(&config).map_err(Failure::runtime));
            match prepared {
                Ok(()) => process::main(&flags, up::up),
                Err(failure) => failure.report(),
            }
        }
        Command::Check(flags) => process::main(&flags, async |config| manage::check(&config)),
        Command::Migrate(flags) => process::main(&flags, manage::migrate),
        Command::New { what, flags } => {
            process::main(&flags, async |config| manage::make(config, what).await)
        }
        Command::Links { links, flags } => {
            process::main(&flags, async |config| links::run(config, links).await)
        }
        Command::Attribute(args) => attribute::main(&args),
        Command::Audit { args, flags } => audit::main(&flags, &args),
        Command::Journal { journal, flags } => {
            process::main(&flags, async |config| journal::run(&config, journal))
        }
        Command::Conversions { conversions, flags } => process::main(&flags, async |config| {
            conversions::run(config, conversions).await
        }),
        Command::Erase { args, flags } => erase::main(&flags, &args),
        Command::Export { args, flags } => {
            process::main(&flags, async |config| export::run(config, args).await)
        }
        Command::Classify { args, flags } => classify::main(&flags, &args),
        Command::Reclassify { args, flags } => {
            process::main(&flags, async |config| reclassify::run(config, args).await)
        }
        Command::Clickhouse(args) => {
            let log = Log {
                filter: "info".into(),
                format: LogFormat::Text,
            };
            let password = Secret::new(std::env::var(PASSWORD_VARIABLE).unwrap_or_default());
            let served = telemetry::init(&log)
                .map_err(Failure::Config)
                .and_then(|()| engine::serve(args, password).map_err(Failure::runtime));
            served.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
        }
    }
}
