//! The short domains of a workspace: claimed, listed, read, changed, given up.

mod change;
mod links;
mod logo;

pub(crate) use change::{__path_change, change};
pub(crate) use logo::logo;

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use whence_core::domain::{Domain, DomainSpec};
use whence_core::key::Right;
use whence_core::link::Host;
use whence_core::problem::Problem;
use whence_core::store::{ChangeError, ClaimError};
use whence_core::workspace::WorkspaceId;

use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, field, store_problem};
use crate::revision::{etag, stale};

/// The most domains of a workspace.
const MOST: usize = 1_000;

/// A short domain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Domain)]
pub(crate) struct DomainView {
    /// Its host name, without scheme, port or path.
    #[schema(value_type = String, max_length = 253)]
    host: Host,
    /// What its owner says of it.
    #[serde(flatten)]
    spec: DomainSpec,
    /// Counts the changes, from 1; also the ETag.
    revision: u64,
}

impl From<Domain> for DomainView {
    fn from(domain: Domain) -> Self {
        Self {
            host: domain.host,
            spec: domain.spec,
            revision: domain.revision,
        }
    }
}

/// A domain to be claimed.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "described, and read field by field")]
pub(crate) struct NewDomain {
    /// Its host name, without scheme, port or path.
    #[schema(max_length = 253)]
    host: String,
}

/// A workspace's domains.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DomainList {
    /// In alphabetical order; a link without a domain of its own stands on the first.
    domains: Vec<DomainView>,
}

/// Claims a domain for the workspace; claiming one's own again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/domains", tag = "domains", request_body = NewDomain,
    responses((status = 201, body = DomainView, headers(
        ("Location" = String, description = "The domain's path in this API"),
        ("ETag" = String, description = "The revision"),
    )), Refusals),
)]
pub(crate) async fn claim(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    mut body: Body,
) -> Result<Response, Problem> {
    let workspace = caller.with(Right::Links)?;
    let host = body.required("host");
    body.finish()?;
    let host: Host = host.expect("a missing field is refused by finish");
    let has = api.store.domains(workspace).await;
    let has = has.map_err(|e| store_problem(&e))?;
    if has.len() >= MOST && has.iter().all(|domain| domain.host != host) {
        let detail = format!("the workspace has {MOST} domains, and may have no more");
        return Err(field(StatusCode::CONFLICT, "host", detail));
    }
    match api.store.claim_domain(&host, workspace).await {
        Ok(()) => {
            let domain = find(&api, workspace, &host).await?;
            let location = HeaderValue::try_from(format!("/api/v1/domains/{host}"))
                .expect("a host name needs no escaping");
            let mut response = answer(StatusCode::CREATED, domain);
            response.headers_mut().insert(header::LOCATION, location);
            Ok(response)
        }
        Err(error @ ClaimError::Taken) => Err(field(StatusCode::CONFLICT, "host", error)),
        Err(ClaimError::Store(error)) => Err(store_problem(&error)),
    }
}

/// Lists the workspace's domains.
#[utoipa::path(
    get, path = "/api/v1/domains", tag = "domains",
    responses((status = 200, body = DomainList), Refusals),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<DomainList>, Problem> {
    let workspace = caller.with(Right::Links)?;
    let domains = api.store.domains(workspace).await;
    let domains = domains.map_err(|e| store_problem(&e))?;
    Ok(Json(DomainList {
        domains: domains.into_iter().map(DomainView::from).collect(),
    }))
}

/// Reads a domain.
#[utoipa::path(
    get, path = "/api/v1/domains/{host}", tag = "domains",
    params(("host" = String, Path, description = "The domain's host name")),
    responses((status = 200, body = DomainView, headers(("ETag" = String, description = "The revision"))), Refusals),
)]
pub(crate) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Name(host): Name,
    _: NoQuery,
) -> Result<Response, Problem> {
    let domain = find(&api, caller.with(Right::Links)?, &host).await?;
    Ok(answer(StatusCode::OK, domain))
}

/// Gives a domain up, so that another workspace can claim it; refused while links stand on it, since these
/// would answer nobody and yet keep their slugs from whoever comes next.
#[utoipa::path(
    delete, path = "/api/v1/domains/{host}", tag = "domains",
    params(("host" = String, Path, description = "The domain's host name")),
    responses((status = 204, description = "It is given up"), Refusals),
)]
pub(crate) async fn release(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Name(host): Name,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let workspace = caller.with(Right::Links)?;
    if headers.contains_key(header::IF_MATCH) {
        // The store gives up whatever stands there; to pretend otherwise would lose somebody's change.
        let detail = "is not possible with DELETE of a domain";
        return Err(field(StatusCode::BAD_REQUEST, "If-Match", detail));
    }
    find(&api, workspace, &host).await?;
    if let Some(link) = links::some(&api, workspace, &host, 1, |_| true)
        .await?
        .first()
    {
        let detail = format!(
            "links stand on it, such as {} at /{}; delete them first",
            link.id, link.slug
        );
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    match api.store.release_domain(&host, workspace).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(refusal(&error)),
    }
}

/// A domain of the workspace.
pub(crate) async fn find(
    api: &Api,
    workspace: &WorkspaceId,
    host: &Host,
) -> Result<Domain, Problem> {
    let found = api.store.domain_at(host.as_str()).await;
    let found = found.map_err(|e| store_problem(&e))?;
    found
        .map(|(domain, _)| domain)
        .filter(|domain| domain.workspace == *workspace)
        .ok_or_else(no_such_domain)
}

/// The host in a path. A text that is no host names no domain, just as a host that nobody has claimed.
pub(crate) struct Name(Host);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let host = text.ok().and_then(|Path(text)| text.parse().ok());
        host.map(Self).ok_or_else(no_such_domain)
    }
}

fn answer(status: StatusCode, domain: Domain) -> Response {
    let tag = etag(domain.revision);
    (status, tag, Json(DomainView::from(domain))).into_response()
}

fn refusal(error: &ChangeError) -> Problem {
    match error {
        ChangeError::NotFound => no_such_domain(),
        ChangeError::Revision { current } => stale(*current),
        // No change of a domain has to do with one.
        ChangeError::ExternalIdTaken => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        }
        ChangeError::Store(error) => store_problem(error),
    }
}

fn no_such_domain() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "the workspace has no such domain")
}
