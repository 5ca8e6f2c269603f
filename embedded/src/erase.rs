//! `whence erase`: takes a person out of everything that this installation keeps, and proves it.
//!
//! What they did stays, so that sums do; that it was they is gone. In order:
//!
//! 1. waits until the journals have handed on what they held when it began ([`lanes`]);
//! 2. finds everything that belongs to the person, and shows how much it is ([`crate::person`]);
//! 3. changes the blocks that were set aside on this machine, then the tables ([`tables`]), then overwrites what the journals
//!    have delivered and still have on disk ([`journals`]);
//! 4. asks every place again whether anything is left, and says so ([`proof`]).
//!
//! An erasure that was begun is kept in the table `persons` until nothing is left anywhere: killed at any moment, it is
//! finished by the next `whence erase`.

mod journals;
mod lanes;
mod proof;
mod tables;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use clickhouse::Client;
use whence_core::clickhouse::{client, pending};
use whence_core::config::Config;
use whence_core::erased::{ErasedEvents, StandIns};
use whence_core::journal::LaneId;
use whence_core::process::{self, Failure, Flags};

use crate::journal::{Lane, lanes_here};
use crate::person::{Found, Person, Purpose, Subject, Who, aside, clear_abandoned, open_erasures};
use proof::Receipt;

/// Something of the person is left, or may be.
const SOMETHING_LEFT: u8 = 1;

/// Who is erased, and how it is told.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Who.
    #[command(flatten)]
    who: Who,
    /// Only finish erasures that were begun, on this machine too
    #[arg(long)]
    resume: bool,
    /// Only say what would be erased
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// How long to wait for journals to hand on what they hold, and for ClickHouse to remove what was replaced, each in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: u64,
    /// A journal lane on another machine whose files are gone, or were overwritten there by `whence journal wipe`; may be given
    /// again
    #[arg(long, value_name = "LANE", value_parser = whence_analytics::audit::parse_lane)]
    wiped: Vec<LaneId>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Write the receipt to a file, as JSON
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

/// Erases. The exit code is 0 where nothing is left, 1 where something is, and that of every other command where it could
/// not be done.
pub fn main(flags: &Flags, args: &EraseArgs) -> ExitCode {
    let mut is_clean = true;
    let code = process::main(flags, async |config| {
        is_clean = run(&config, args).await?;
        Ok(())
    });
    match is_clean {
        true => code,
        false => SOMETHING_LEFT.into(),
    }
}

/// What every step needs.
struct Eraser<'a> {
    client: Client,
    args: &'a EraseArgs,
    lanes: Vec<Lane>,
    events: ErasedEvents,
}

async fn run(config: &Config, args: &EraseArgs) -> Result<bool, Failure> {
    let key = config.click_id_key().map_err(Failure::Config)?;
    let person = match args.resume {
        true if args.who.is_nobody() => None,
        true => return Err(Failure::Config("--resume goes without a person".into())),
        false => Some(args.who.person()?),
    };
    let eraser = Eraser {
        client: client(&config.clickhouse),
        args,
        lanes: lanes_here(config)?,
        events: ErasedEvents::of(&key),
    };
    let missing = pending(&eraser.client).await;
    match missing.map_err(Failure::runtime)? {
        0 => {}
        count => {
            return Err(Failure::Runtime(format!(
                "ClickHouse lacks {count} of this version's migrations; apply them first (whence migrate)"
            )));
        }
    }
    clear_abandoned(&eraser.client).await?;
    let mut is_clean = true;
    for open in open_erasures(&eraser.client).await? {
        let begun = open.subject.begun_at;
        eprintln!("finishing the erasure that was begun at {begun} …");
        let waiting = eraser.settle().await?;
        open.refresh(&eraser.lanes).await?;
        is_clean &= eraser.finish(open, waiting).await?;
    }
    if let Some(person) = person {
        let subject = person.subject(Purpose::Look, &key);
        is_clean &= eraser.erase(&person, subject).await?;
    }
    Ok(is_clean)
}

impl Eraser<'_> {
    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.args.wait)
    }

    /// Waits until what the journals hold now has arrived; answers what has not.
    async fn settle(&self) -> Result<Vec<String>, Failure> {
        lanes::settle(&self.client, &self.lanes, &self.args.wiped, self.deadline()).await
    }

    async fn erase(&self, person: &Person, subject: Subject) -> Result<bool, Failure> {
        let waiting = match self.args.dry_run {
            true => Vec::new(),
            false => self.settle().await?,
        };
        let mut found = Found::begin(&self.client, person, subject).await?;
        match self.look(&found, person).await {
            Ok(true) => {
                found.is_to_be_erased().await?;
                self.finish(found, waiting).await
            }
            Ok(false) => {
                found.forget().await?;
                Ok(true)
            }
            Err(error) => {
                found.forget().await?;
                Err(error)
            }
        }
    }

    /// Finds and shows everything, and asks; whether it is to be erased.
    async fn look(&self, found: &Found, person: &Person) -> Result<bool, Failure> {
        let ids = found.all(person, &self.lanes).await?;
        let places = proof::everywhere(found, &self.lanes, &ids).await?;
        eprint!("{}", proof::overview(&ids, &places));
        if self.args.dry_run {
            return Ok(false);
        }
        if self.args.yes {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            let say = "nobody is there to be asked; --yes says that it is meant";
            return Err(Failure::Config(say.into()));
        }
        eprint!("this cannot be undone; type `erase` to go on: ");
        std::io::stderr().flush().map_err(Failure::runtime)?;
        let mut answer = String::new();
        std::io::stdin()
            .read_line(&mut answer)
            .map_err(Failure::runtime)?;
        Ok(answer.trim() == "erase")
    }

    /// Erases what was found, and proves it. What had not arrived by now is `waiting`.
    async fn finish(&self, found: Found, waiting: Vec<String>) -> Result<bool, Failure> {
        let ids = found.every_id().await?;
        let workspace = found.workspace.clone();
        let name = |event: &str| self.events.name(&workspace, event);
        found.name_events(&ids, name).await?;
        let name = |event| self.events.page_event(&workspace, event);
        found.name_page_events(&ids, name).await?;
        let before = proof::everywhere(&found, &self.lanes, &ids).await?;
        let stand_ins = StandIns::new(found.salt().await?);
        // Before the tables, so that what is sent again meanwhile is erased there or here.
        let blocks = aside::erase(&self.lanes, &ids, &stand_ins, &self.events)?;
        tables::erase(&self.client, &found, &blocks).await?;
        let overwritten = journals::wipe(&self.lanes)?;
        let here = lanes::numbers(&self.lanes)?;
        found.were_wiped(&here).await?;
        let told: Vec<u64> = self.args.wiped.iter().map(|lane| lane.get()).collect();
        found.were_wiped(&told).await?;

        let mut elsewhere = waiting;
        elsewhere.extend(tables::wait_for_removal(&self.client, self.deadline()).await?);
        elsewhere.extend(lanes::elsewhere(&self.client, &found.wiped().await?).await?);
        elsewhere.extend(proof::detached(&self.client).await?);
        let after = proof::everywhere(&found, &self.lanes, &ids).await?;
        let receipt = Receipt::of(&found, before, after, overwritten, elsewhere);
        if receipt.clean {
            found.forget().await?;
            tables::wait_for_removal(&self.client, self.deadline()).await?;
        }
        self.tell(&receipt)?;
        Ok(receipt.clean)
    }

    fn tell(&self, receipt: &Receipt) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(receipt).map_err(Failure::runtime)? + "\n";
        if let Some(file) = &self.args.receipt {
            std::fs::write(file, &json)
                .map_err(|error| Failure::Runtime(format!("{}: {error}", file.display())))?;
        }
        let text = match self.args.json {
            true => json,
            false => receipt.table(),
        };
        std::io::stdout()
            .lock()
            .write_all(text.as_bytes())
            .map_err(|error| Failure::Runtime(format!("standard output: {error}")))
    }
}
