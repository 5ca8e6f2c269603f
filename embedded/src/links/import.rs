//! Links out of a file, part by part. A row that fails stops no other; it is told by its line, and can be
//! kept in a file of its own to be mended and sent again.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use hyper::Method;
use serde::Deserialize;
use whence_core::process::Failure;

use super::api::{self, Api};
use super::batches::{Batch, Batches, Limits};
use super::progress::Progress;
use super::rejects::Rejects;
use super::{Access, Format, named};

/// The most links that the API takes in one request, and a quarter of the bytes.
const LIMITS: Limits = Limits {
    rows: 10_000,
    bytes: 16 << 20,
};
/// How many failures are told one by one: enough to see what is wrong, few enough to be read.
const TOLD: u64 = 500;

/// A file to be read.
#[derive(Debug, Args)]
pub struct Import {
    /// The file; - is standard input
    file: PathBuf,
    /// How it is written; by default as its name says
    #[arg(long)]
    format: Option<Format>,
    /// What is done where a link stands already
    #[arg(long, value_enum, default_value_t = OnConflict::Error)]
    on_conflict: OnConflict,
    /// Begin at this line of the file, as an import that broke off says
    #[arg(long, value_name = "LINE", default_value_t = 1)]
    from_line: u64,
    /// Write the rows that fail to this file, to be mended and imported again; with --from-line they are
    /// added to what is in it
    #[arg(long, value_name = "FILE")]
    failed: Option<PathBuf>,
    /// Which API, and who asks.
    #[command(flatten)]
    pub(super) access: Access,
}

/// What is done where a link stands already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnConflict {
    /// The row fails
    Error,
    /// The link stays as it is
    Skip,
    /// The link says what the row says
    Replace,
}

impl OnConflict {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Skip => "skip",
            Self::Replace => "replace",
        }
    }
}

/// What the API says of a part.
#[derive(Debug, Default, Deserialize)]
struct Imported {
    made: u64,
    replaced: u64,
    unchanged: u64,
    skipped: u64,
    failed: u64,
    lines: Vec<Line>,
}

/// What became of a row.
#[derive(Debug, Deserialize)]
struct Line {
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

impl Line {
    /// What is wrong with the row, a field a text.
    fn reasons(&self) -> Vec<String> {
        if self.errors.is_empty() {
            return vec![self.detail.clone().unwrap_or_else(|| "failed".into())];
        }
        self.errors
            .iter()
            .map(|error| format!("{}: {}", error.field, error.detail))
            .collect()
    }
}

impl Imported {
    fn add(&mut self, part: &Self) {
        self.made += part.made;
        self.replaced += part.replaced;
        self.unchanged += part.unchanged;
        self.skipped += part.skipped;
        self.failed += part.failed;
    }

    fn rows(&self) -> u64 {
        self.made + self.replaced + self.unchanged + self.skipped + self.failed
    }

    fn summary(&self) -> String {
        let Self {
            made,
            replaced,
            unchanged,
            skipped,
            failed,
            ..
        } = self;
        format!(
            "{} rows: {made} made, {replaced} replaced, {unchanged} unchanged, {skipped} skipped, {failed} failed",
            self.rows()
        )
    }
}

/// Does it.
pub(super) async fn run(api: &Api, asked: &Import) -> Result<(), Failure> {
    let name = named(Some(&asked.file));
    let format = Format::of(asked.format, name)?;
    let failed = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::Runtime(format!("{}: {error}", path.display()))
    };
    let source = match name {
        // Read without a buffer of its own, as a file is.
        None => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        Some(path) => File::open(path),
    };
    let source = source.map_err(|error| failed(&asked.file, &error))?;
    let metadata = source.metadata();
    let metadata = metadata.map_err(|error| failed(&asked.file, &error))?;
    let bytes = metadata.is_file().then_some(metadata.len());
    let mut rejects = match &asked.failed {
        None => None,
        Some(path) => Some(Rejects::begin(path, &metadata, asked.from_line > 1)?),
    };
    let mut batches =
        Batches::begin(source, format).map_err(|error| failed(&asked.file, &error))?;
    let path = format!(
        "/api/v1/links/import?format={}&on_conflict={}",
        format.name(),
        asked.on_conflict.name()
    );
    let progress = Progress::begin("imported", "links", bytes);
    let mut sum = Imported::default();
    loop {
        let batch = match batches.next(asked.from_line, LIMITS) {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(error) => {
                progress.end();
                eprintln!("{}", sum.summary());
                break_off(rejects);
                return Err(failed(&asked.file, &error));
            }
        };
        match send(api, &path, format, &batch).await {
            Ok(part) => {
                tell(&progress, &mut rejects, &batch, &part, sum.failed).map_err(|error| {
                    failed(asked.failed.as_ref().unwrap_or(&asked.file), &error)
                })?;
                sum.add(&part);
                progress.milestone(batch.read_to, sum.rows());
            }
            Err(error) => {
                progress.end();
                eprintln!("{}", sum.summary());
                break_off(rejects);
                let first = batch.rows.first().map_or(1, |row| row.line);
                return Err(Failure::Runtime(format!(
                    "{error}\n       the rows before line {first} are done; of those from there on nothing was \
                     heard. Go on with --from-line {first} --on-conflict {}\n       where a row has neither a slug \
                     nor an external_id, look first whether it was done: it would be made a second time",
                    match asked.on_conflict {
                        // Those of the part that were made all the same are no mistake.
                        OnConflict::Error | OnConflict::Skip => "skip",
                        OnConflict::Replace => "replace",
                    }
                )));
            }
        }
    }
    progress.end();
    if let Some(rejects) = rejects {
        rejects.finish().map_err(Failure::runtime)?;
    }
    eprintln!("{}", sum.summary());
    if sum.failed > 0 {
        return Err(Failure::Runtime(format!(
            "{} of {} rows failed",
            sum.failed,
            sum.rows()
        )));
    }
    Ok(())
}

/// Keeps the rows that have failed until now. Should that fail too, the way on is still what matters.
fn break_off(rejects: Option<Rejects>) {
    if let Some(Err(error)) = rejects.map(Rejects::break_off) {
        eprintln!("the rows that failed are not kept: {error}");
    }
}

async fn send(api: &Api, path: &str, format: Format, batch: &Batch) -> Result<Imported, String> {
    let body = Bytes::from(batch.body.clone());
    let answer = api
        .ask(Method::POST, path, Some((format.media_type(), body)))
        .await
        .map_err(|error| error.to_string())?;
    let text = api::read(answer).await?;
    let part: Imported = serde_json::from_slice(&text)
        .map_err(|error| format!("the API's answer is not understood: {error}"))?;
    if part.lines.len() != batch.rows.len() {
        return Err(format!(
            "the API tells of {} rows and was sent {}",
            part.lines.len(),
            batch.rows.len()
        ));
    }
    Ok(part)
}

/// Says which rows of a part failed and why, by their lines in the file, and keeps them.
fn tell(
    progress: &Progress,
    rejects: &mut Option<Rejects>,
    batch: &Batch,
    part: &Imported,
    before: u64,
) -> io::Result<()> {
    let mut failures = before;
    for (told, row) in part.lines.iter().zip(&batch.rows) {
        if told.result != "failed" {
            continue;
        }
        // The API counts lines as we do; should it ever not, the order of rows is the same.
        let row = batch.row_at(told.line).unwrap_or(row);
        failures += 1;
        if failures <= TOLD {
            for reason in told.reasons() {
                progress.say(&format!("line {}: {reason}", row.line));
            }
        } else if failures == TOLD + 1 {
            progress.say("… and more; --failed FILE keeps all of them");
        }
        if let Some(rejects) = rejects {
            rejects.keep(batch, &batch.body[row.bytes.clone()])?;
        }
    }
    Ok(())
}
