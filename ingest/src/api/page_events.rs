//! `POST /v1/page`, an event from a page's script, and `POST /v1/page-events`, many from the merchant's server.
//!
//! Both are answered when what was taken stands in the journal. What a page says of an event is its visitor's: taken only
//! as far as the workspace's mode goes, lowered for who asks not to be followed. What a server says is the merchant's own.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use whence_core::body;
use whence_core::page_event::{PageEvent, PageEventSource};
use whence_core::problem::Problem;
use whence_core::workspace::{PrivacyMode, WorkspaceId};

use super::told::Told;
use super::{Shared, batch, caller, page, receive};
use crate::fields::form::Form;
use crate::fields::sheet::{self, Row};
use crate::metrics::PageEventAnswer;
use crate::page_event::check::check;
use crate::page_event::desk::Taken;

/// The longest event of a page: twice its longest fields.
const LONGEST_EVENT: usize = 16 << 10;
/// How long so little may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most events of a server at a time.
const MOST_EVENTS: usize = 1_000;
/// The longest body with so many: some kilobytes each, of which usual ones have a tenth.
const LONGEST_BODY: usize = 4 << 20;

/// Takes an event of a page.
pub(super) async fn of_page(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let response = match take_of_page(&shared, &headers, body).await {
        Ok(answer) => {
            shared.metrics.page_event(PageEventSource::Beacon, answer);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(problem) => {
            count_problem(&shared, PageEventSource::Beacon, &problem);
            problem.into_response()
        }
    };
    page::readable_by(&headers, response)
}

async fn take_of_page(
    shared: &Shared,
    headers: &HeaderMap,
    body: Body,
) -> Result<PageEventAnswer, Problem> {
    page::check_media_type(headers)?;
    let body = body::read(body, LONGEST_EVENT, PATIENCE).await?;
    let form = Form::from_json(&body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let unfit = |errors| Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, errors);
    let (source, now_ms) = (PageEventSource::Beacon, receive::now_ms());
    let said = check(form, source, &shared.key, now_ms).map_err(unfit)?;
    let id = said.workspace.clone().expect("the field is required");
    let turn = shared.page_event_turns.try_acquire();
    let _turn = turn.map_err(|_| Problem::unavailable("too many page events at a time", 5))?;
    let workspace = receive::workspace(shared, &id).await?;
    if caller::mode(&workspace, headers) == PrivacyMode::CountOnly {
        return Ok(PageEventAnswer::Unwanted);
    }
    let visitor = caller::visitor(shared, &workspace, headers);
    let event = said.of(id, visitor, source, now_ms).map_err(unfit)?;
    if !shared.page_event_pace.allows(&event) {
        let detail = "too many events of one person; send fewer";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
    }
    let taken = shared.page_events.take(&[event]).await.pop();
    match taken.expect("an answer for each") {
        Ok(Taken::New) => Ok(PageEventAnswer::Accepted),
        Ok(Taken::Again) => Ok(PageEventAnswer::Repeated),
        Err(error) => Err(Problem::unavailable(error.to_string(), 5)),
    }
}

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// In the journal.
    Accepted,
    /// Was taken before.
    Repeated,
    /// Something is wrong with it.
    Invalid,
    /// There is no room for it now: send it again.
    Unavailable,
}

/// What is said of all.
#[derive(Debug, Default, Serialize)]
struct Answer {
    accepted: u64,
    repeated: u64,
    invalid: u64,
    unavailable: u64,
    results: Vec<Told<Outcome>>,
}

/// Takes events of a server.
pub(super) async fn of_server(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let result = take_of_server(&shared, &headers, body).await;
    if let Err(problem) = &result {
        count_problem(&shared, PageEventSource::Server, problem);
    }
    Ok(Json(result?).into_response())
}

async fn take_of_server(
    shared: &Shared,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answer, Problem> {
    let workspace = caller::merchant(shared, headers).await?;
    let writing = batch::writing(headers)?;
    // Whoever waits here has sent nothing yet that would take memory.
    let _turn = shared.page_event_batch_turns.take().await?;
    let body = body::read(body, LONGEST_BODY, body::PATIENCE).await?;
    let rows = sheet::rows(&body, writing, MOST_EVENTS).map_err(batch::uncut)?;
    drop(body);
    let mut told = Vec::with_capacity(rows.len());
    let mut events = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    let now_ms = receive::now_ms();
    for row in rows {
        let (row, event) = read(shared, &workspace, row, now_ms);
        if let Some(event) = event {
            places.push(told.len());
            events.push(event);
        }
        told.push(row);
    }
    let taken = shared.page_events.take(&events).await;
    for (place, taken) in places.into_iter().zip(taken) {
        let row = &mut told[place];
        match taken {
            Ok(Taken::New) => row.result = Outcome::Accepted,
            Ok(Taken::Again) => row.result = Outcome::Repeated,
            Err(error) => {
                row.result = Outcome::Unavailable;
                row.detail = Some(error.to_string());
            }
        }
    }
    Ok(Answer::of(shared, told))
}

/// The event of a row, or what is wrong with it.
fn read(
    shared: &Shared,
    workspace: &WorkspaceId,
    Row { line, form }: Row,
    now_ms: u64,
) -> (Told<Outcome>, Option<PageEvent>) {
    let source = PageEventSource::Server;
    let mut told = Told {
        line,
        event_id: None,
        result: Outcome::Invalid,
        detail: None,
        errors: Vec::new(),
    };
    let form = match form {
        Ok(form) => form,
        Err(detail) => {
            told.detail = Some(detail);
            return (told, None);
        }
    };
    let checked = check(form, source, &shared.key, now_ms).and_then(|said| {
        told.event_id.clone_from(&said.event_id);
        said.of(workspace.clone(), None, source, now_ms)
    });
    match checked {
        Ok(event) => (told, Some(event)),
        Err(errors) => {
            told.errors = errors;
            (told, None)
        }
    }
}

impl Answer {
    fn of(shared: &Shared, results: Vec<Told<Outcome>>) -> Self {
        let mut answer = Self::default();
        for told in &results {
            let (sum, counted) = match told.result {
                Outcome::Accepted => (&mut answer.accepted, PageEventAnswer::Accepted),
                Outcome::Repeated => (&mut answer.repeated, PageEventAnswer::Repeated),
                Outcome::Invalid => (&mut answer.invalid, PageEventAnswer::Refused),
                Outcome::Unavailable => (&mut answer.unavailable, PageEventAnswer::Unavailable),
            };
            *sum += 1;
            shared.metrics.page_event(PageEventSource::Server, counted);
        }
        answer.results = results;
        answer
    }
}

fn count_problem(shared: &Shared, source: PageEventSource, problem: &Problem) {
    let answer = match problem.status() {
        status if status.is_server_error() => PageEventAnswer::Unavailable,
        StatusCode::TOO_MANY_REQUESTS => PageEventAnswer::Limited,
        _ => PageEventAnswer::Refused,
    };
    shared.metrics.page_event(source, answer);
}
