//! Who is asking: a redirector by its token, a merchant by an API key, a browser by its cookie.

use axum::http::{HeaderMap, StatusCode, header};
use whence_core::id::VisitorId;
use whence_core::key::{KeyHash, Right};
use whence_core::problem::Problem;
use whence_core::store::StoreError;
use whence_core::workspace::{PrivacyMode, Workspace, WorkspaceId};

use super::Shared;

/// The longest credential that is looked at: a key has 68 characters.
const LONGEST: usize = 512;

/// Refuses whoever does not present the redirectors' token.
pub(super) fn redirector(shared: &Shared, headers: &HeaderMap) -> Result<(), Problem> {
    match bearer(headers) {
        Some(token) if shared.token.matches(token) => Ok(()),
        _ => {
            let detail =
                "ingest.token is required as Authorization: Bearer, the same on both sides";
            Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
        }
    }
}

/// The workspace of an API key that may send conversions.
pub(super) async fn merchant(shared: &Shared, headers: &HeaderMap) -> Result<WorkspaceId, Problem> {
    let unauthorized = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, detail);
    let key = bearer(headers)
        .ok_or_else(|| unauthorized("an API key is required as Authorization: Bearer whk_…"))?;
    let found = shared.known.key(KeyHash::of(key)).await.map_err(away)?;
    let key = found.ok_or_else(|| unauthorized("this API key is not known"))?;
    if !key.may(Right::Conversions) {
        let detail = "this API key lacks the right to send conversions";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(key.workspace.clone())
}

/// What may be known of whoever sends this: the workspace's mode, one step down for who asks not to be followed.
pub(super) fn mode(workspace: &Workspace, headers: &HeaderMap) -> PrivacyMode {
    let is_one = |name| headers.get(name).is_some_and(|value| value == "1");
    if is_one("sec-gpc") || is_one("dnt") {
        workspace.privacy.lowered()
    } else {
        workspace.privacy
    }
}

/// The visitor's cookie, where the workspace uses cookies and the browser has not opted out.
pub(super) fn visitor(
    shared: &Shared,
    workspace: &Workspace,
    headers: &HeaderMap,
) -> Option<VisitorId> {
    if mode(workspace, headers) != PrivacyMode::Full {
        return None;
    }
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == shared.visitor_cookie)
        .and_then(|(_, value)| value.parse().ok())
}

/// The link store cannot say who this is.
pub(super) fn away(error: StoreError) -> Problem {
    tracing::warn!(%error, "a conversion cannot be checked");
    Problem::unavailable("the link store is away", 2)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    let credential = credential.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer") && (1..=LONGEST).contains(&credential.len());
    fits.then_some(credential)
}
