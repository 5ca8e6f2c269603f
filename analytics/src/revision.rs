//! Which revision a caller has seen: `ETag` and `If-Match`, the same for links, domains and workspaces.

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use whence_core::problem::Problem;

use crate::problems::field;

/// The revisions that a change may be made to; any where the caller does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted(Option<Vec<u64>>);

impl Wanted {
    /// What the caller's `If-Match` says.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut revisions = Vec::new();
        for value in headers.get_all(header::IF_MATCH) {
            let tags = value.to_str().unwrap_or_default();
            if tags.trim() == "*" {
                return Ok(Self(None));
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
                        let detail =
                            "must be an ETag as it was read, such as \"3\" with its quotes";
                        return Err(field(StatusCode::BAD_REQUEST, "If-Match", detail));
                    }
                }
            }
        }
        let given = headers.contains_key(header::IF_MATCH);
        Ok(Self(given.then_some(revisions)))
    }

    /// Only this revision; any where there is none.
    pub(crate) fn only(revision: Option<u64>) -> Self {
        Self(revision.map(|revision| vec![revision]))
    }

    /// Whether any will do.
    pub(crate) fn is_any(&self) -> bool {
        self.0.is_none()
    }

    /// Refuses a revision that the caller has not seen.
    pub(crate) fn check(&self, current: u64) -> Result<(), Problem> {
        match &self.0 {
            Some(wanted) if !wanted.contains(&current) => Err(stale(current)),
            Some(_) | None => Ok(()),
        }
    }
}

/// The revision as an answer's `ETag`.
pub(crate) fn etag(revision: u64) -> [(HeaderName, String); 1] {
    [(header::ETAG, format!("\"{revision}\""))]
}

/// Somebody else's change came first.
pub(crate) fn stale(current: u64) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        format!("it is at revision {current} now; read it and try again"),
    )
}

/// Somebody else's change came first each time.
pub(crate) fn contended() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "others keep changing this; read it and try again",
    )
}
