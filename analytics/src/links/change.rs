//! Changing a link: only what is named changes, and nobody's change is lost under another's.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;
use utoipa::ToSchema;
use whence_core::key::Right;
use whence_core::link::{Destination, Label, Link, RedirectStatus};
use whence_core::problem::Problem;
use whence_core::store::ChangeError;

use super::view::LinkView;
use super::{Id, answer, no_such_link};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, field, store_problem};

/// How often a change is tried again after somebody else's came first.
const TRIES: usize = 5;

/// What is to change; what is left out stays.
#[derive(Debug, ToSchema)]
pub(crate) struct LinkChange {
    /// Where it leads.
    #[schema(value_type = Option<String>, max_length = 4096)]
    destination: Option<Destination>,
    /// How the redirect is answered: 301, 302, 307 or 308.
    #[schema(value_type = Option<u16>)]
    status: Option<RedirectStatus>,
    /// The channel; null for none.
    #[schema(value_type = Option<String>, max_length = 128)]
    channel: Option<Option<Label>>,
    /// The campaign; null for none.
    #[schema(value_type = Option<String>, max_length = 128)]
    campaign: Option<Option<Label>>,
    /// The referral program; null for none.
    #[schema(value_type = Option<String>, max_length = 128)]
    program: Option<Option<Label>>,
    /// The advocate; null for none.
    #[schema(value_type = Option<String>, max_length = 128)]
    advocate: Option<Option<Label>>,
}

impl LinkChange {
    fn read(mut body: Body) -> Result<Self, Problem> {
        let change = Self {
            destination: body.changed("destination"),
            status: body.changed("status"),
            channel: body.changed("channel"),
            campaign: body.changed("campaign"),
            program: body.changed("program"),
            advocate: body.changed("advocate"),
        };
        for name in ["domain", "slug"] {
            body.read(name, |_: Value| {
                Err::<(), _>("cannot be changed: people have shared it; make another link")
            });
        }
        body.finish()?;
        Ok(change)
    }

    /// The link as it is after the change.
    fn applied_to(&self, link: Link) -> Link {
        let label = |change: &Option<Option<Label>>, old| change.clone().unwrap_or(old);
        Link {
            destination: self.destination.clone().unwrap_or(link.destination),
            status: self.status.unwrap_or(link.status),
            channel: label(&self.channel, link.channel),
            campaign: label(&self.campaign, link.campaign),
            program: label(&self.program, link.program),
            advocate: label(&self.advocate, link.advocate),
            revision: link.revision + 1,
            updated_at: Timestamp::now(),
            ..link
        }
    }
}

/// Changes a link. With `If-Match` only if it is still at that revision.
#[utoipa::path(
    patch, path = "/api/v1/links/{id}", tag = "links", request_body = LinkChange,
    params(
        ("id" = String, Path, description = "The link's id"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses((status = 200, body = LinkView, headers(("ETag" = String, description = "The revision"))), Refusals),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let workspace = caller.with(Right::Links)?;
    let wanted = if_match(&headers)?;
    let change = LinkChange::read(body)?;
    for _ in 0..TRIES {
        let found = api.store.link(workspace, id).await;
        let link = found
            .map_err(|e| store_problem(&e))?
            .ok_or_else(no_such_link)?;
        if wanted
            .as_ref()
            .is_some_and(|wanted| !wanted.contains(&link.revision))
        {
            return Err(stale(link.revision));
        }
        let changed = change.applied_to(link);
        match api.store.change_link(&changed).await {
            Ok(()) => return Ok(answer(StatusCode::OK, &changed, &api)),
            Err(ChangeError::Revision { current }) if wanted.is_some() => {
                return Err(stale(current));
            }
            Err(ChangeError::Revision { .. }) => {}
            Err(ChangeError::NotFound) => return Err(no_such_link()),
            Err(ChangeError::Store(error)) => return Err(store_problem(&error)),
        }
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "others keep changing this link; read it and try again",
    ))
}

/// The revisions that the caller has seen; none for any.
fn if_match(headers: &HeaderMap) -> Result<Option<Vec<u64>>, Problem> {
    let mut revisions = Vec::new();
    for value in headers.get_all(header::IF_MATCH) {
        let tags = value.to_str().unwrap_or_default();
        if tags.trim() == "*" {
            return Ok(None);
        }
        for tag in tags.split(',') {
            let bare = tag
                .trim()
                .strip_prefix('"')
                .and_then(|tag| tag.strip_suffix('"'));
            match bare.map(str::parse) {
                Some(Ok(revision)) => revisions.push(revision),
                // A tag that we never gave matches nothing.
                Some(Err(_)) => {}
                None => {
                    let detail = "must be an ETag as it was read, such as \"3\" with its quotes";
                    return Err(field(StatusCode::BAD_REQUEST, "If-Match", detail));
                }
            }
        }
    }
    let given = headers.contains_key(header::IF_MATCH);
    Ok(given.then_some(revisions))
}

fn stale(current: u64) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        format!("the link is at revision {current} now; read it and try again"),
    )
}
