//! How an HTTP interface says no: RFC 9457 problem details, the same from every service.
//!
//! Which problems there are is each service's business.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};

/// A field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The field, as the sender wrote it.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldProblem {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<String>, detail: impl ToString) -> Self {
        Self {
            field: field.into(),
            detail: detail.to_string(),
        }
    }
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldProblem>,
    retry_after: Option<u32>,
    challenge: bool,
}

impl Problem {
    /// A problem of the request as a whole.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            challenge: status == StatusCode::UNAUTHORIZED,
        }
    }

    /// A problem of single fields; the first one is told in words.
    #[must_use]
    pub fn fields(status: StatusCode, errors: Vec<FieldProblem>) -> Self {
        let first = errors.first();
        let detail = first
            .map(|e| format!("{}: {}", e.field, e.detail))
            .unwrap_or_default();
        Self {
            errors,
            ..Self::new(status, detail)
        }
    }

    /// Something behind us is away: the same request may be sent again.
    pub fn unavailable(detail: impl Into<String>, retry_after_seconds: u32) -> Self {
        Self {
            retry_after: Some(retry_after_seconds),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    /// Too much was asked at a time: the same request may be sent again.
    pub fn too_many(detail: impl Into<String>, retry_after_seconds: u32) -> Self {
        Self {
            retry_after: Some(retry_after_seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }

    /// The answer's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, in words.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with single fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldProblem] {
        &self.errors
    }

    fn body(&self) -> Body<'_> {
        Body {
            // Where the status says it all, RFC 9457 has no type of its own.
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        }
    }
}

/// As one of several answers in a body.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body().serialize(serializer)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_is_told_in_words() {
        let errors = vec![
            FieldProblem::new("amount", "must not be negative"),
            FieldProblem::new("currency", "is required"),
        ];
        let problem = Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, errors);
        assert_eq!(problem.detail(), "amount: must not be negative");
        let response = problem.into_response();
        assert_eq!(response.status(), 422);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }

    #[test]
    fn headers_that_a_client_acts_on() {
        let response = Problem::unavailable("away", 2).into_response();
        assert_eq!(response.headers()["retry-after"], "2");
        let response = Problem::new(StatusCode::UNAUTHORIZED, "who?").into_response();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
}
