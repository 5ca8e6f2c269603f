//! `whence-bench`: drives Whence from outside, with real traffic and against the clock.
//!
//! Each bench is a subcommand and a module of its own. It says on standard error what it does, and ends
//! with one line on standard output, `RESULT {json}`, which a script can read.
//!
//! Architecture invariant: no service's code is linked here. What is measured is the binaries that are
//! shipped, which lie beside this one, or an installation that runs already. (`enrich` measures one function: a
//! program of its own links it, and is started from here.)

mod binary;
mod callgrind;
mod cores;
mod cpu;
mod crash;
mod edge;
mod edits;
mod engine;
mod enrich;
mod http;
mod ingest;
mod journal;
mod links;
mod load;
mod median;
mod outage;
mod outcome;
mod redirect;
mod redis;
mod replay;
mod reports;
mod server;
mod traffic;
mod up;
mod zipf;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures Whence, and replays real traffic through it.
///
/// Every bench ends with one line on standard output: RESULT and a JSON object. Progress goes to standard
/// error. Build with --release before believing a time.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    bench: Bench,
}

// What each is for, its options say.
#[derive(Subcommand)]
enum Bench {
    Replay(replay::Options),
    Journal(journal::Options),
    #[command(hide = true)]
    JournalAppends(journal::appends::Options),
    Redirect(redirect::Options),
    Reports(reports::Options),
    Crash(crash::Options),
    Edits(edits::Options),
    Enrich(enrich::Options),
    Outage(outage::Options),
    Ingest(ingest::Options),
    #[command(hide = true)]
    BareHyper(redirect::bare::Options),
}

fn main() -> ExitCode {
    let done = match Command::parse().bench {
        Bench::Replay(options) => replay::run(&options),
        Bench::Journal(options) => journal::run(&options),
        Bench::JournalAppends(options) => journal::appends::run(&options),
        Bench::Redirect(options) => redirect::run(options),
        Bench::Reports(options) => reports::run(&options),
        Bench::Crash(options) => crash::run(&options),
        Bench::Edits(options) => edits::run(&options),
        Bench::Enrich(options) => enrich::run(&options),
        Bench::Outage(options) => outage::run(&options),
        Bench::Ingest(options) => ingest::run(&options),
        Bench::BareHyper(options) => redirect::bare::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
