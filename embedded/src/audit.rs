//! `whence audit`: asks ClickHouse itself whether everything is there, and says so in a table, as JSON, and by
//! the exit code. What an audit is stands in `analytics/src/audit.rs`; here it is only shown.

mod table;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use whence_analytics::audit::{Audit, Auditor, parse_lane};
use whence_core::config::Config;
use whence_core::journal::LaneId;
use whence_core::process::{self, Failure, Flags};

/// Something is missing, there twice, or differs.
const NOT_CLEAN: u8 = 1;

/// What is audited, and how it is told.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// As JSON, as GET /api/v1/audit has it
    #[arg(long)]
    json: bool,
    /// Only this lane, in 16 hexadecimal digits; may be given again
    #[arg(long, value_name = "LANE", value_parser = parse_lane)]
    lane: Vec<LaneId>,
    /// Show lanes too of which there is nothing to say
    #[arg(long)]
    all: bool,
    /// How long each question to ClickHouse may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

/// Audits. The exit code is 0 where everything is there, 1 where something is not, and that of every other command
/// where the question could not be asked.
pub fn main(flags: &Flags, args: &AuditArgs) -> ExitCode {
    let mut clean = true;
    let code = process::main(flags, async |config| {
        let audit = ask(&config, args).await?;
        clean = audit.clean;
        show(&audit, args)
    });
    match clean {
        true => code,
        false => NOT_CLEAN.into(),
    }
}

async fn ask(config: &Config, args: &AuditArgs) -> Result<Audit, Failure> {
    let auditor = Auditor::new(&config.clickhouse, Duration::from_secs(args.timeout));
    let audit = auditor.audit(&args.lane).await;
    audit.map_err(|error| Failure::Runtime(format!("the audit was not made: {error}")))
}

fn show(audit: &Audit, args: &AuditArgs) -> Result<(), Failure> {
    let text = match args.json {
        true => serde_json::to_string_pretty(audit).map_err(Failure::runtime)? + "\n",
        false => table::of(audit, args.all),
    };
    std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes())
        .map_err(|error| Failure::Runtime(format!("standard output: {error}")))
}
