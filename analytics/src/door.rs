//! Who is let in: the key of a request or the session that one has opened, its limit, and the only way in which a handler
//! learns its workspace.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use whence_core::key::{ApiKey, KeyHash, Right};
use whence_core::problem::Problem;
use whence_core::workspace::WorkspaceId;

use crate::api::Api;
use crate::dashboard;
use crate::limits::Allowance;
use crate::problems::store_problem;

/// The longest text that is looked at as a key; keys have 68 characters.
const LONGEST_KEY: usize = 256;

/// Whoever holds the key of this request.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Arc<ApiKey>);

impl Caller {
    /// The workspace in which the caller has this right. There is no other way to it, so that no
    /// handler can forget to ask.
    pub(crate) fn with(&self, right: Right) -> Result<&WorkspaceId, Problem> {
        if self.0.may(right) {
            return Ok(&self.0.workspace);
        }
        let name = match right {
            Right::Links => "links",
            Right::Reports => "reports",
            Right::Conversions => "conversions",
            Right::Audit => "audit",
        };
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!("this API key lacks the right {name:?}"),
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // `let_in` stands before every handler that asks for a caller; should one day a route be
        // added beside it, that route lets nobody in.
        parts.extensions.get::<Self>().cloned().ok_or_else(no_key)
    }
}

/// Stands before every route that needs a key.
pub(crate) async fn let_in(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&api, request.headers()).await {
        Ok((caller, allowance)) => {
            request.extensions_mut().insert(caller);
            let mut response = next.run(request).await;
            allowance.write(response.headers_mut());
            response
        }
        Err(refusal) => *refusal,
    }
}

async fn admit(api: &Api, headers: &HeaderMap) -> Result<(Caller, Allowance), Box<Response>> {
    let refuse = |problem: Problem| Box::new(problem.into_response());
    let (hash, in_session) = match headers.contains_key(AUTHORIZATION) {
        true => (presented(headers).map_err(refuse)?, false),
        false => {
            let session = dashboard::presented(api, headers).map_err(refuse)?;
            (session.ok_or_else(|| refuse(no_key()))?, true)
        }
    };
    let found = api.keys.find(hash).await;
    let key = found
        .map_err(|error| refuse(store_problem(&error)))?
        .ok_or_else(|| {
            refuse(Problem::new(
                StatusCode::UNAUTHORIZED,
                "this API key is not known",
            ))
        })?;
    let key = match in_session {
        true => Arc::new(dashboard::within_session(&key)),
        false => key,
    };
    match api.limits.admit(hash) {
        Ok(allowance) => Ok((Caller(key), allowance)),
        Err(too_many) => {
            api.metrics.limited.inc();
            let seconds = too_many.wait.as_secs_f64().ceil().max(1.0);
            let problem = Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("this API key has asked too often; ask again in {seconds} s"),
            );
            let mut response = problem.into_response();
            let retry_after = (seconds as u64).into();
            response.headers_mut().insert("retry-after", retry_after);
            too_many.allowance.write(response.headers_mut());
            Err(Box::new(response))
        }
    }
}

/// The hash of the key in `Authorization: Bearer …`.
fn presented(headers: &HeaderMap) -> Result<KeyHash, Problem> {
    let value = headers.get(AUTHORIZATION).ok_or_else(no_key)?;
    let key = value.to_str().ok().and_then(|text| {
        let (scheme, key) = text.split_once(' ')?;
        let key = key.trim();
        let plausible = scheme.eq_ignore_ascii_case("bearer")
            && key.starts_with("whk_")
            && key.len() <= LONGEST_KEY;
        plausible.then_some(key)
    });
    key.map(KeyHash::of).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "the Authorization header must be: Bearer whk_…",
        )
    })
}

fn no_key() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "an API key is required: send the header Authorization: Bearer whk_…",
    )
}
