//! Many edits in one request, each with its own result.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::desk::Desk;
use super::draft::{Draft, LinkChange, NewLink, Patch};
use super::edit::{self, Done, Target, Task};
use super::large::{self, MOST, Passwords};
use super::view::LinkView;
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{self, Refusals, field};
use crate::revision::Wanted;

/// How much of links is told back, in bytes of their JSON: ten thousand of ordinary length.
const TOLD_BYTES: usize = 16 << 20;
/// After how many edits others get their turn on this thread.
const BREATH: usize = 200;

/// Many edits.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "described, and read field by field")]
pub(crate) struct Edits {
    /// At most 10,000; they are done in this order.
    #[schema(max_items = 10_000)]
    edits: Vec<OneEdit>,
}

/// One edit: an object with one key.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "described, and read field by field")]
pub(crate) enum OneEdit {
    /// Makes a link.
    Create(Box<NewLink>),
    /// Changes the link with this `id`, or without one that with this `external_id`, if it is at this
    /// `revision`, where one is given.
    Change(ChangeOf),
    /// Deletes the link with this `id` or `external_id`.
    Delete(Which),
}

/// A change, and of which link.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "described, and read field by field")]
pub(crate) struct ChangeOf {
    /// Which link.
    #[serde(flatten)]
    which: Which,
    /// What is to change.
    #[serde(flatten)]
    change: LinkChange,
}

/// Which link.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "described, and read field by field")]
pub(crate) struct Which {
    /// Its id.
    id: Option<String>,
    /// Its external id.
    external_id: Option<String>,
    /// The revision that it must be at.
    revision: Option<u64>,
}

/// What became of the edits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Results {
    /// One for each edit, in their order.
    results: Vec<OneResult>,
}

/// What became of an edit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneResult {
    /// The status that the edit alone would have been answered with.
    status: u16,
    /// The link as it is now; of very long ones the first 16 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkView>,
    /// The link's id, where the link itself is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = problems::reference)]
    problem: Option<Problem>,
}

/// Makes, changes and deletes up to 10,000 links, each by itself: what is wrong with one stops no other.
#[utoipa::path(
    post, path = "/api/v1/links/bulk", tag = "links", request_body = Edits,
    responses((status = 200, body = Results, description = "Each edit has its own result"), Refusals),
)]
pub(crate) async fn bulk(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    body: axum::body::Body,
) -> Result<Json<Results>, Problem> {
    let workspace = caller.with(Right::Links)?;
    let large = large::read(workspace, body).await?;
    let sent = Sent::read(&large.bytes)?;
    let mut desk = Desk::of(&api, workspace).await?;
    let mut passwords = Passwords::default();
    let mut results = Vec::with_capacity(sent.0.len());
    let mut told = 0;
    let mut left = sent.0.as_slice();
    while !left.is_empty() {
        let next = large::window(left.iter().map(|edit| edit.get().len()));
        let (window, rest) = left.split_at(next);
        left = rest;
        // Others may have changed the workspace and its domains meanwhile. Where that cannot be read, what
        // held a moment ago goes on to hold.
        if !results.is_empty()
            && let Ok(now) = Desk::of(&api, workspace).await
        {
            desk = now;
        }
        let mut tasks = Vec::with_capacity(window.len());
        for (n, edit) in window.iter().enumerate() {
            let task = task(&desk, edit, &mut passwords).await;
            tasks.push(task.unwrap_or_else(Task::Refused));
            if n % BREATH == 0 {
                tokio::task::yield_now().await;
            }
        }
        let done = edit::many(&api, &desk, tasks).await;
        results.extend(
            done.into_iter()
                .map(|done| OneResult::of(done, &api, &mut told)),
        );
    }
    Ok(Json(Results { results }))
}

/// The edits of a request, not yet taken apart.
struct Sent<'b>(Vec<&'b RawValue>);

impl<'b> Sent<'b> {
    fn read(body: &'b [u8]) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole<'b> {
            #[serde(borrow)]
            edits: Sent<'b>,
        }
        let whole: Whole<'b> = serde_json::from_slice(body).map_err(|error| {
            match error.is_data() && body.trim_ascii_start().starts_with(b"{") {
                true => field(StatusCode::UNPROCESSABLE_ENTITY, "edits", error),
                false => Problem::new(
                    StatusCode::BAD_REQUEST,
                    format!("the body must be one JSON object: {error}"),
                ),
            }
        })?;
        Ok(whole.edits)
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Sent<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Edits;
        impl<'de> Visitor<'de> for Edits {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MOST} edits")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut edits = Vec::new();
                while let Some(edit) = list.next_element()? {
                    if edits.len() == MOST {
                        return Err(A::Error::custom(format!("must be at most {MOST}")));
                    }
                    edits.push(edit);
                }
                Ok(edits)
            }
        }
        deserializer.deserialize_seq(Edits).map(Self)
    }
}

impl OneResult {
    /// The result, with its link unless too much was `told` already.
    fn of(result: Result<Done, Problem>, api: &Api, told: &mut usize) -> Self {
        let (status, link, problem) = match result {
            Ok(Done::Made(link)) => (StatusCode::CREATED, Some(link), None),
            Ok(Done::Changed(link) | Done::Same(link)) => (StatusCode::OK, Some(link), None),
            Ok(Done::Deleted) => (StatusCode::NO_CONTENT, None, None),
            Err(problem) => (problem.status(), None, Some(problem)),
        };
        *told += link.as_ref().map_or(0, |link| link.spec.json_bytes());
        let (link, id) = match link {
            Some(link) if *told > TOLD_BYTES => (None, Some(link.id.to_string())),
            link => (link.map(|link| LinkView::of(link, &api.config)), None),
        };
        Self {
            status: status.as_u16(),
            link,
            id,
            problem,
        }
    }
}

/// What an edit asks for.
async fn task(desk: &Desk, edit: &RawValue, passwords: &mut Passwords) -> Result<Task, Problem> {
    large::bounded(edit.get().len())?;
    let shape = || {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "an edit must be an object with one key, create, change or delete, whose value is an object",
        )
    };
    let edit: Map<String, Value> = serde_json::from_str(edit.get()).map_err(|_| shape())?;
    let mut parts = edit.into_iter();
    let (Some((kind, Value::Object(fields))), None) = (parts.next(), parts.next()) else {
        return Err(shape());
    };
    if fields.get("password").is_some_and(Value::is_string) {
        passwords
            .one_more()
            .map_err(|detail| field(StatusCode::UNPROCESSABLE_ENTITY, "password", detail))?;
    }
    match kind.as_str() {
        "create" => Ok(Task::Create(Draft::read(desk, Body::of(fields)).await?)),
        "change" => {
            let (target, wanted, rest) = which(fields)?;
            Ok(Task::Change(target, Patch::new(rest), wanted))
        }
        "delete" => {
            let (target, wanted, rest) = which(fields)?;
            let mut rest = Body::of(rest);
            rest.read("id", |_| Ok::<_, String>(()));
            rest.finish()?;
            Ok(Task::Delete(target, wanted))
        }
        _ => Err(shape()),
    }
}

/// The link that is meant and the revision that it must be at, and what else was sent.
fn which(mut fields: Map<String, Value>) -> Result<(Target, Wanted, Map<String, Value>), Problem> {
    let has_id = fields.contains_key("id");
    let mut own = Map::new();
    for name in ["id", "revision"] {
        own.extend(fields.remove_entry(name));
    }
    if !has_id {
        own.extend(fields.remove_entry("external_id"));
    }
    let mut own = Body::of(own);
    let id: Option<LinkId> = own.optional("id");
    let revision = own.optional("revision");
    let external_id = own.optional("external_id").map(Target::External);
    let target = id.map(Target::Id).or(external_id);
    if target.is_none() && own.is_sound() {
        own.wrong("id", "is required, or external_id in its place");
    }
    own.finish()?;
    let target = target.expect("a missing one is refused by finish");
    Ok((target, Wanted::only(revision), fields))
}
