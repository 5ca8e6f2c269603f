//! The short domains of a workspace.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use whence_core::key::Right;
use whence_core::link::Host;
use whence_core::problem::Problem;
use whence_core::store::ClaimError;

use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, field, store_problem};

/// A short domain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Domain {
    /// Its host name, without scheme, port or path.
    #[schema(value_type = String, max_length = 253)]
    host: Host,
}

/// A workspace's domains.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DomainList {
    /// In alphabetical order; a link without a domain of its own stands on the first.
    domains: Vec<Domain>,
}

/// Claims a domain for the workspace; claiming one's own again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/domains", tag = "domains", request_body = Domain,
    responses((status = 201, body = Domain), Refusals),
)]
pub(crate) async fn claim(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    mut body: Body,
) -> Result<(StatusCode, Json<Domain>), Problem> {
    let workspace = caller.with(Right::Links)?;
    let host = body.required("host");
    body.finish()?;
    let host: Host = host.expect("a missing field is refused by finish");
    match api.store.claim_domain(&host, workspace).await {
        Ok(()) => Ok((StatusCode::CREATED, Json(Domain { host }))),
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
    let hosts = api.store.domains(workspace).await;
    let hosts = hosts.map_err(|e| store_problem(&e))?;
    Ok(Json(DomainList {
        domains: hosts.into_iter().map(|host| Domain { host }).collect(),
    }))
}
