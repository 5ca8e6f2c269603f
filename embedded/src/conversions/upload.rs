//! A file of conversions, part by part. A row that is refused stops no other; it is told by its line, and can
//! be kept in a file of its own. Whatever breaks off is sent again as a whole: an event counts once.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use whence_core::process::Failure;

use crate::links::api::{self, Api, ApiError};
use crate::links::batches::{Batch, Batches, Limits};
use crate::links::progress::Progress;
use crate::links::rejects::Rejects;
use crate::links::{Access, Format, named};

/// A tenth of what the API takes in one request: the bar moves on, and a part that breaks off is soon sent again.
const LIMITS: Limits = Limits {
    rows: 1_000,
    bytes: 1 << 20,
};
/// How often a part is sent for which there is no room.
const ATTEMPTS: u32 = 10;
/// How long is waited in between: what the API says itself.
const WAIT: Duration = Duration::from_secs(5);
/// How many refusals are told one by one: enough to see what is wrong, few enough to be read.
const TOLD: u64 = 500;

/// A file to be sent.
#[derive(Debug, Args)]
pub struct Upload {
    /// The file; - is standard input
    file: PathBuf,
    /// How it is written; by default as its name says
    #[arg(long)]
    format: Option<Format>,
    /// Write the rows that are refused to this file, to be mended and sent again
    #[arg(long, value_name = "FILE")]
    failed: Option<PathBuf>,
    /// Which collector, and who asks.
    #[command(flatten)]
    pub(super) access: Access,
}

/// What the API says of a part.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    accepted: u64,
    replayed: u64,
    conflicts: u64,
    invalid: u64,
    unavailable: u64,
    results: Vec<Told>,
}

/// What became of a row.
#[derive(Debug, Deserialize)]
struct Told {
    line: u64,
    result: String,
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<FieldError>,
}

#[derive(Debug, Deserialize)]
struct FieldError {
    field: String,
    detail: String,
}

impl Answer {
    fn add(&mut self, part: &Self) {
        self.accepted += part.accepted;
        self.replayed += part.replayed;
        self.conflicts += part.conflicts;
        self.invalid += part.invalid;
    }

    fn refused(&self) -> u64 {
        self.conflicts + self.invalid
    }

    fn rows(&self) -> u64 {
        self.accepted + self.replayed + self.refused()
    }

    fn summary(&self) -> String {
        format!(
            "{} rows: {} accepted, {} known already, {} in conflict with what is known, {} invalid",
            self.rows(),
            self.accepted,
            self.replayed,
            self.conflicts,
            self.invalid
        )
    }
}

/// Does it.
pub(super) async fn run(api: &Api, asked: &Upload) -> Result<(), Failure> {
    let name = named(Some(&asked.file));
    let format = Format::of(asked.format, name)?;
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Runtime(format!("{}: {error}", asked.file.display()))
    };
    let source = match name {
        // Read without a buffer of its own, as a file is.
        None => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        Some(path) => File::open(path),
    };
    let source = source.map_err(|error| failed(&error))?;
    let metadata = source.metadata().map_err(|error| failed(&error))?;
    let bytes = metadata.is_file().then_some(metadata.len());
    let mut rejects = match &asked.failed {
        None => None,
        Some(path) => Some(Rejects::begin(path, &metadata, false)?),
    };
    let mut batches = Batches::begin(source, format).map_err(|error| failed(&error))?;
    let progress = Progress::begin("sent", "conversions", bytes);
    let mut sum = Answer::default();
    let ended = loop {
        let batch = match batches.next(1, LIMITS) {
            Ok(Some(batch)) => batch,
            Ok(None) => break Ok(()),
            Err(error) => break Err(failed(&error)),
        };
        let part = match send(api, format, &batch).await {
            Ok(part) => part,
            Err(error) => break Err(again(&error)),
        };
        if let Err(error) = tell(&progress, &mut rejects, &batch, &part, sum.refused()) {
            break Err(Failure::Runtime(format!("--failed: {error}")));
        }
        sum.add(&part);
        progress.milestone(batch.read_to, sum.rows());
    };
    progress.end();
    eprintln!("{}", sum.summary());
    if let Some(rejects) = rejects {
        let kept = match ended {
            Ok(()) => rejects.finish(),
            Err(_) => rejects.break_off(),
        };
        kept.map_err(Failure::runtime)?;
    }
    ended?;
    match sum.refused() {
        0 => Ok(()),
        refused => Err(Failure::Runtime(format!(
            "{refused} of {} rows were refused",
            sum.rows()
        ))),
    }
}

fn again(error: &str) -> Failure {
    Failure::Runtime(format!(
        "{error}\n       send the whole file again: what has arrived is recognised and counts once"
    ))
}

/// Sends a part until there is room for all of it.
async fn send(api: &Api, format: Format, batch: &Batch) -> Result<Answer, String> {
    let mut attempt = 1;
    loop {
        let body = Bytes::from(batch.body.clone());
        let body = Some((format.media_type(), body));
        let asked = api.ask(Method::POST, "/v1/conversions/batch", body).await;
        let lack = match asked {
            Ok(answer) => {
                let text = api::read(answer).await?;
                let part: Answer = serde_json::from_slice(&text)
                    .map_err(|error| format!("the API's answer is not understood: {error}"))?;
                let (told, sent) = (part.results.len(), batch.rows.len());
                if told != sent {
                    return Err(format!("the API tells of {told} rows and was sent {sent}"));
                }
                if part.unavailable == 0 {
                    return Ok(part);
                }
                format!("there is no room for {} rows", part.unavailable)
            }
            Err(ApiError::Refused { status, detail, .. })
                if status == StatusCode::SERVICE_UNAVAILABLE =>
            {
                detail
            }
            Err(error) => return Err(error.to_string()),
        };
        if attempt == ATTEMPTS {
            return Err(lack);
        }
        attempt += 1;
        tokio::time::sleep(WAIT).await;
    }
}

/// Says which rows of a part were refused and why, by their lines in the file, and keeps them.
fn tell(
    progress: &Progress,
    rejects: &mut Option<Rejects>,
    batch: &Batch,
    part: &Answer,
    before: u64,
) -> io::Result<()> {
    let mut refusals = before;
    for (told, row) in part.results.iter().zip(&batch.rows) {
        if !matches!(told.result.as_str(), "conflict" | "invalid") {
            continue;
        }
        // The API counts lines as we do; should it ever not, the order of rows is the same.
        let row = batch.row_at(told.line).unwrap_or(row);
        refusals += 1;
        if refusals <= TOLD {
            let reasons = told.errors.iter();
            let reasons = reasons.map(|error| format!("{}: {}", error.field, error.detail));
            for reason in told.detail.iter().cloned().chain(reasons) {
                progress.say(&format!("line {}: {reason}", row.line));
            }
        } else if refusals == TOLD + 1 {
            progress.say("… and more; --failed FILE keeps all of them");
        }
        if let Some(rejects) = rejects {
            rejects.keep(batch, &batch.body[row.bytes.clone()])?;
        }
    }
    Ok(())
}
