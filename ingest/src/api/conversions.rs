//! `POST /v1/conversions`: a conversion from the merchant's server, with an API key.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use whence_core::body;
use whence_core::conversion::ConversionSource;
use whence_core::problem::Problem;

use super::{Shared, caller, receive};
use crate::conversion::check::Names;
use crate::fields::form::Form;

/// What a server's fields are called, one by one or many at a time.
pub(super) const NAMES: Names = Names {
    workspace: None,
    kind: "kind",
    click_id: "click_id",
    ignored: &[],
    is_server: true,
};

/// Takes a conversion.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let result = take(&shared, &headers, body).await;
    receive::count(&shared, ConversionSource::Server, &result);
    result
}

async fn take(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let workspace = caller::merchant(shared, headers).await?;
    let body = body::read(body, receive::LONGEST_BODY, body::PATIENCE).await?;
    let form = Form::from_json(&body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let now_ms = receive::now_ms();
    let said = receive::said(shared, form, &NAMES, now_ms)?;
    receive::accept(
        shared,
        said,
        workspace,
        None,
        ConversionSource::Server,
        now_ms,
    )
    .await
}
