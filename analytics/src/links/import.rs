//! Links from a file: each line is an edit of its own, and told about by its number.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use whence_core::key::Right;
use whence_core::problem::{FieldProblem, Problem};
use whence_core::workspace::WorkspaceId;

use super::desk::Desk;
use super::draft::Draft;
use super::edit::{self, Done, Target, Task, WINDOW};
use super::large::{self, MOST, Passwords, WINDOW_BYTES};
use super::row::Format;
use super::sheet;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, Query};
use crate::problems::Refusals;
use crate::revision::Wanted;

/// What is done where a link stands already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OnConflict {
    /// The line fails.
    #[default]
    Error,
    /// The link stays as it is.
    Skip,
    /// The link says what the line says.
    Replace,
}

impl FromStr for OnConflict {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "error" => Ok(Self::Error),
            "skip" => Ok(Self::Skip),
            "replace" => Ok(Self::Replace),
            _ => Err("must be error, skip or replace"),
        }
    }
}

/// What became of a file.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// How many links were made.
    made: usize,
    /// How many were replaced.
    replaced: usize,
    /// How many said the same already.
    unchanged: usize,
    /// How many were left as they are, because of `on_conflict=skip`.
    skipped: usize,
    /// How many lines failed.
    failed: usize,
    /// Each line that is not empty, in their order.
    lines: Vec<LineResult>,
}

/// What became of a line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineResult {
    /// Its number in the file, from 1, where a CSV file has its column names.
    line: u64,
    /// `made`, `replaced`, `unchanged`, `skipped` or `failed`.
    result: &'static str,
    /// The link's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The status that the line alone would have been answered with, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What is wrong with it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What is wrong with its fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    errors: Vec<FieldProblem>,
}

/// After how many lines others get their turn on this thread.
const BREATH: usize = 200;

/// Makes the links of a file, such as an export, up to 10,000 lines. A line that is wrong stops no other.
#[utoipa::path(
    post, path = "/api/v1/links/import", tag = "links",
    params(
        ("format" = Option<String>, Query, description = "`csv` or `jsonl`; or Content-Type: text/csv or application/jsonl"),
        ("on_conflict" = Option<String>, Query, description = "Where a link stands already: `error` (the default), `skip` or `replace`"),
    ),
    request_body(content((String = "text/csv"), (String = "application/jsonl"))),
    responses((status = 200, body = Imported, description = "Each line has its own result"), Refusals),
)]
pub(crate) async fn import(
    State(api): State<Arc<Api>>,
    caller: Caller,
    headers: HeaderMap,
    mut query: Query,
    body: axum::body::Body,
) -> Result<Json<Imported>, Problem> {
    let workspace = caller.with(Right::Links)?;
    let format = query.optional("format");
    let on_conflict = query.optional("on_conflict").unwrap_or_default();
    query.finish()?;
    let format = Format::chosen(format, &headers, header::CONTENT_TYPE)?;
    let large = large::read(workspace, body).await?;
    // What Windows writes before a text.
    let text = large.bytes.strip_prefix(b"\xef\xbb\xbf");
    let text = text.unwrap_or(&large.bytes);
    // Before the first of them is made: a file is refused as a whole, or not at all.
    let count = match format {
        Format::Csv => csv_count(text).await,
        Format::Jsonl => json_count(text),
    };
    if count > MOST {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("at most {MOST} links in one request; send the file in parts"),
        ));
    }
    let mut tasks = Tasks {
        desk: Desk::of(&api, workspace).await?,
        api: &api,
        workspace,
        format,
        on_conflict,
        passwords: Passwords::default(),
        numbers: Vec::new(),
        tasks: Vec::new(),
        bytes: 0,
        imported: Imported::default(),
    };
    match format {
        Format::Csv => csv_lines(text, &mut tasks).await?,
        Format::Jsonl => json_lines(text, &mut tasks).await,
    }
    tasks.work().await;
    Ok(Json(tasks.imported))
}

/// What the lines ask for. They are taken apart and worked on window by window, since all at once could take
/// many times the file's length.
struct Tasks<'d> {
    api: &'d Api,
    workspace: &'d WorkspaceId,
    desk: Desk,
    format: Format,
    on_conflict: OnConflict,
    passwords: Passwords,
    numbers: Vec<u64>,
    tasks: Vec<Task>,
    /// How long the lines are that wait.
    bytes: usize,
    imported: Imported,
}

impl Tasks<'_> {
    /// The line of this number, so many bytes long, describes this link.
    async fn add(&mut self, number: u64, length: usize, link: Result<Map<String, Value>, Problem>) {
        if self.tasks.len() == WINDOW || self.bytes + length > WINDOW_BYTES {
            self.work().await;
            // Others may have changed the workspace and its domains meanwhile. Where that cannot be read, what
            // held a moment ago goes on to hold.
            if let Ok(now) = Desk::of(self.api, self.workspace).await {
                self.desk = now;
            }
        }
        let task = match link {
            Ok(link) => self.task(link).await,
            Err(problem) => Err(problem),
        };
        self.numbers.push(number);
        self.tasks.push(task.unwrap_or_else(Task::Refused));
        self.bytes += length;
        if self.tasks.len().is_multiple_of(BREATH) {
            tokio::task::yield_now().await;
        }
    }

    /// Does what the lines ask for that have come so far.
    async fn work(&mut self) {
        self.bytes = 0;
        let tasks = std::mem::take(&mut self.tasks);
        let results = edit::many(self.api, &self.desk, tasks).await;
        for (line, result) in self.numbers.drain(..).zip(results) {
            self.imported
                .note(line, result, self.on_conflict, self.format);
        }
    }

    async fn task(&mut self, link: Map<String, Value>) -> Result<Task, Problem> {
        if link.get("password").is_some_and(Value::is_string) {
            let one_more = self.passwords.one_more();
            one_more.map_err(|detail| wrong(vec![FieldProblem::new("password", detail)]))?;
        }
        let draft = Draft::read_row(&self.desk, Body::of(link)).await?;
        if self.on_conflict != OnConflict::Replace {
            return Ok(Task::Create(draft));
        }
        let target = match (&draft.place.slug, &draft.spec.external_id) {
            (None, Some(name)) => Target::External(name.clone()),
            (Some(_), _) | (None, None) => Target::Place,
        };
        Ok(Task::Put(target, draft, Wanted::default()))
    }
}

impl Imported {
    fn note(
        &mut self,
        line: u64,
        result: Result<Done, Problem>,
        on_conflict: OnConflict,
        format: Format,
    ) {
        let mut told = LineResult {
            line,
            result: "failed",
            id: None,
            status: None,
            detail: None,
            errors: Vec::new(),
        };
        let (word, count, link) = match result {
            Ok(Done::Made(link)) => ("made", &mut self.made, Some(link)),
            Ok(Done::Changed(link)) => ("replaced", &mut self.replaced, Some(link)),
            Ok(Done::Same(link)) => ("unchanged", &mut self.unchanged, Some(link)),
            Ok(Done::Deleted) => unreachable!("no line deletes"),
            Err(problem)
                if on_conflict == OnConflict::Skip && problem.status() == StatusCode::CONFLICT =>
            {
                ("skipped", &mut self.skipped, None)
            }
            Err(mut problem) => {
                told.errors = problem.errors().to_vec();
                if format == Format::Csv && !told.errors.is_empty() {
                    for error in &mut told.errors {
                        error.field = sheet::column(&error.field);
                    }
                    problem = Problem::fields(problem.status(), told.errors.clone());
                }
                told.status = Some(problem.status().as_u16());
                told.detail = Some(problem.detail().to_owned());
                ("failed", &mut self.failed, None)
            }
        };
        *count += 1;
        told.result = word;
        told.id = link.map(|link| link.id.to_string());
        self.lines.push(told);
    }
}

fn wrong(errors: Vec<FieldProblem>) -> Problem {
    Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, errors)
}

fn json_count(text: &[u8]) -> usize {
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().is_empty()).count()
}

async fn json_lines(text: &[u8], tasks: &mut Tasks<'_>) {
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let link = large::bounded(line.len()).and_then(|()| {
            serde_json::from_slice(line).map_err(|error| {
                let detail = format!("the line must be one JSON object: {error}");
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
            })
        });
        tasks.add(number, line.len(), link).await;
    }
}

/// How many rows there are, or one more than there may be.
async fn csv_count(text: &[u8]) -> usize {
    let mut reader = csv_reader(text);
    let mut record = csv::ByteRecord::new();
    let mut count = 0;
    // What cannot be read is told about with its line.
    while count <= MOST && reader.read_byte_record(&mut record).unwrap_or(true) {
        count += 1;
        if count % BREATH == 0 {
            tokio::task::yield_now().await;
        }
    }
    count
}

fn csv_reader(text: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().flexible(true).from_reader(text)
}

async fn csv_lines(text: &[u8], tasks: &mut Tasks<'_>) -> Result<(), Problem> {
    let no_text = |error: csv::Error| {
        let detail = format!("the first line must be the names of columns: {error}");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    };
    let mut reader = csv_reader(text);
    let header = sheet::Header::read(reader.headers().map_err(no_text)?.iter()).map_err(wrong)?;
    let mut record = csv::StringRecord::new();
    let mut place = Place::default();
    loop {
        let number = place.of(text, reader.position().byte());
        let link = match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => large::bounded(record.as_slice().len())
                .and_then(|()| header.link(record.len(), record.iter())),
            Err(error) => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("the line cannot be read: {error}"),
            )),
        };
        tasks.add(number, record.as_slice().len(), link).await;
    }
}

/// Counts lines. The reader's own count is one behind where lines end as on Windows.
#[derive(Default)]
struct Place {
    byte: usize,
    ended: u64,
}

impl Place {
    /// The number of the line that begins at this byte, or after the line ends that stand there.
    fn of(&mut self, text: &[u8], byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(text.len()).min(text.len());
        let ends = text[byte..]
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let passed = text.get(self.byte..byte + ends).unwrap_or_default();
        self.ended += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.byte = byte + ends;
        self.ended + 1
    }
}
