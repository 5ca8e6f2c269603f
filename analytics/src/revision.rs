//! Which revision a caller has seen: `ETag` and `If-Match`, the same for links, domains and workspaces.

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use whence_core::problem::Problem;

use crate::problems::field;

/// What a change may be made to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Whatever is there: the caller does not say.
    #[default]
    Whatever,
    /// What is there, at any revision: `*`.
    Existing,
    /// One of these revisions.
    At(Vec<u64>),
}

impl Wanted {
    /// What the caller's `If-Match` says.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut revisions = Vec::new();
        for value in headers.get_all(header::IF_MATCH) {
            let tags = value.to_str().unwrap_or_default();
            if tags.trim() == "*" {
                return Ok(Self::Existing);
            }
            for tag in tags.split(',') {
                let tag = tag.trim();
                let (is_weak, tag) = match tag.strip_prefix("W/") {
                    Some(tag) => (true, tag),
                    None => (false, tag),
                };
                let bare = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                match bare.map(str::parse) {
                    Some(Ok(revision)) if !is_weak => revisions.push(revision),
                    // A tag that we never gave matches nothing, and neither does a weak one.
                    Some(Ok(_) | Err(_)) => {}
                    None => {
                        let detail =
                            "must be an ETag as it was read, such as \"3\" with its quotes";
                        return Err(field(StatusCode::BAD_REQUEST, "If-Match", detail));
                    }
                }
            }
        }
        Ok(match headers.contains_key(header::IF_MATCH) {
            true => Self::At(revisions),
            false => Self::Whatever,
        })
    }

    /// Only this revision; any where there is none.
    pub(crate) fn only(revision: Option<u64>) -> Self {
        revision.map_or(Self::Whatever, |revision| Self::At(vec![revision]))
    }

    /// Whether any revision will do.
    pub(crate) fn is_any(&self) -> bool {
        !matches!(self, Self::At(_))
    }

    /// Whether there may be nothing yet.
    pub(crate) fn may_be_new(&self) -> bool {
        *self == Self::Whatever
    }

    /// Refuses a revision that the caller has not seen.
    pub(crate) fn check(&self, current: u64) -> Result<(), Problem> {
        match self {
            Self::At(wanted) if !wanted.contains(&current) => Err(stale(current)),
            Self::Whatever | Self::Existing | Self::At(_) => Ok(()),
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
