//! Which problems there are here, and what they are told as.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode, Uri};
use utoipa::IntoResponses;
use utoipa::openapi::schema::{Array, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use whence_core::problem::{FieldProblem, Problem};
use whence_core::store::StoreError;

/// When to ask again what is away: long enough for a restart, short enough for somebody who waits.
pub(crate) const RETRY_SECONDS: u32 = 2;

/// The name of the schema that problems have in the API's description.
pub(crate) const SCHEMA: &str = "Problem";

/// The link store cannot answer.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Unavailable(reason) => {
            tracing::warn!(%reason, "the link store is unavailable");
            Problem::unavailable("the link store is unavailable", RETRY_SECONDS)
        }
        StoreError::Unreadable { key, reason } => {
            tracing::error!(%key, %reason, "the link store holds something unreadable");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the link store holds something that cannot be read",
            )
        }
    }
}

/// ClickHouse does not answer.
pub(crate) fn away() -> Problem {
    Problem::unavailable(
        "ClickHouse is unavailable, so there are no reports",
        RETRY_SECONDS,
    )
}

/// One field is not as it must be.
pub(crate) fn field(status: StatusCode, name: &str, detail: impl ToString) -> Problem {
    Problem::fields(status, vec![FieldProblem::new(name, detail)])
}

/// There is nothing at this path.
pub(crate) async fn no_route(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {path}; what there is stands in /api/v1/openapi.json"),
    )
}

/// There is something at this path, but not by this method.
pub(crate) async fn no_method(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not possible here; what is stands in the Allow header"),
    )
}

/// Every answer but the good one, for the API's description.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem = Content::new(Some(Ref::from_schema_name(SCHEMA)));
        let response = ResponseBuilder::new()
            .description("Refused: the problem says why, and names the fields at fault")
            .content("application/problem+json", problem);
        BTreeMap::from([("default".to_owned(), response.build().into())])
    }
}

/// Where another schema has a problem in it.
pub(crate) fn reference() -> RefOr<Schema> {
    Ref::from_schema_name(SCHEMA).into()
}

/// The schema of a problem.
pub(crate) fn schema() -> Schema {
    let text = || Object::with_type(Type::String);
    let errors = ObjectBuilder::new()
        .property("field", text())
        .property("detail", text())
        .required("field")
        .required("detail");
    ObjectBuilder::new()
        .description(Some("RFC 9457 problem details"))
        .property("type", text())
        .property("title", text())
        .property("status", Object::with_type(Type::Integer))
        .property("detail", text())
        .property("errors", Array::new(errors))
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .into()
}
