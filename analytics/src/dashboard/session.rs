//! A browser's session: an API key is shown once, and what the browser keeps instead can only ask reports.
//!
//! The session is a cookie that scripts cannot read. Cookies are sent by themselves, also with a request that another site on the same
//! machine or domain has made the browser send; so whatever is asked in a session must carry a header that only a page of our own can
//! add, since no answer of ours ever allows another origin to.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, COOKIE, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use whence_core::key::{ApiKey, KeyHash, Right};
use whence_core::problem::Problem;

use super::seal::LIFE;
use crate::api::Api;
use crate::fields::Body;
use crate::problems::{field, store_problem};
use crate::workspace;

/// The cookie that holds a session.
const NAME: &str = "whence_session";
/// What only a page of our own can send along.
const HEADER: HeaderName = HeaderName::from_static("x-whence-dashboard");
/// What a session may do, whatever else its key may.
const RIGHT: Right = Right::Reports;

/// The session of a request; nothing where it carries none.
pub(crate) fn presented(api: &Api, headers: &HeaderMap) -> Result<Option<KeyHash>, Problem> {
    let Some(text) = cookie(headers) else {
        return Ok(None);
    };
    guarded(headers)?;
    match api.sessions.open(text, Timestamp::now()) {
        Some((holder, _)) => Ok(Some(holder)),
        None => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "the session is over: sign in again",
        )),
    }
}

/// What of a key a session has.
pub(crate) fn within_session(key: &ApiKey) -> ApiKey {
    let rights = key.rights.iter().copied();
    ApiKey {
        rights: rights.filter(|right| *right == RIGHT).collect(),
        ..key.clone()
    }
}

/// Tells whose session it is.
pub(super) async fn read(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    answer(found(&api, &headers).await)
}

/// Opens a session for the holder of a key.
pub(super) async fn open(State(api): State<Arc<Api>>, headers: HeaderMap, body: Body) -> Response {
    answer(opened(&api, &headers, body).await)
}

/// Makes the browser forget its session.
pub(super) async fn close(headers: HeaderMap) -> Response {
    let closed = guarded(&headers).map(|()| {
        let gone = [(SET_COOKIE, set_cookie("", 0, &headers))];
        (StatusCode::NO_CONTENT, gone).into_response()
    });
    answer(closed)
}

/// No answer about a session is for a cache.
fn answer(result: Result<Response, Problem>) -> Response {
    let never = [(CACHE_CONTROL, "no-store")];
    match result {
        Ok(response) => (never, response).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn found(api: &Api, headers: &HeaderMap) -> Result<Response, Problem> {
    let nobody = || Json(json!({ "session": null })).into_response();
    let Some(text) = cookie(headers) else {
        return Ok(nobody());
    };
    guarded(headers)?;
    let Some((holder, until)) = api.sessions.open(text, Timestamp::now()) else {
        return Ok(nobody());
    };
    let found = api.keys.find(holder).await;
    match found.map_err(|error| store_problem(&error))? {
        Some(key) if key.may(RIGHT) => Ok(Json(told(api, &key, until).await?).into_response()),
        _ => Ok(nobody()),
    }
}

async fn opened(api: &Api, headers: &HeaderMap, mut body: Body) -> Result<Response, Problem> {
    guarded(headers)?;
    let text: Option<String> = body.required("key");
    body.finish()?;
    let wrong = |detail: &str| field(StatusCode::UNPROCESSABLE_ENTITY, "key", detail);
    let text = text.unwrap_or_default();
    let text = text.trim();
    if !text.starts_with("whk_") {
        return Err(wrong("is no API key: those begin with whk_"));
    }
    let holder = KeyHash::of(text);
    let found = api.keys.find(holder).await;
    let key = found
        .map_err(|error| store_problem(&error))?
        .ok_or_else(|| wrong("is not known; maybe a part of it is missing, or it was withdrawn"))?;
    if !key.may(RIGHT) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this API key lacks the right \"reports\", which the dashboard needs",
        ));
    }
    // To the second, which is what the session keeps.
    let now = Timestamp::now().as_second();
    let until = now.saturating_add_unsigned(LIFE.as_secs());
    let until = Timestamp::from_second(until).unwrap_or(Timestamp::MAX);
    let session = api.sessions.seal(holder, until);
    let kept = [(SET_COOKIE, set_cookie(&session, LIFE.as_secs(), headers))];
    Ok((kept, Json(told(api, &key, until).await?)).into_response())
}

/// What the page shows of a session.
async fn told(api: &Api, key: &ApiKey, until: Timestamp) -> Result<Value, Problem> {
    let workspace = workspace::find(api, &key.workspace).await?;
    Ok(json!({ "session": {
        "key": key.name,
        "expires_at": until.to_string(),
        "workspace": { "id": workspace.id.as_str(), "name": workspace.name, "time_zone": workspace.time_zone },
    } }))
}

/// Refuses what another site may have sent.
fn guarded(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.contains_key(HEADER) {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "a request in a session needs the header X-Whence-Dashboard, which only the dashboard's own page can send",
        )),
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(COOKIE).iter();
    let mut pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == NAME).then_some(value))
}

fn set_cookie(session: &str, seconds: u64, headers: &HeaderMap) -> String {
    // TLS may end before us, and the page's own origin says whether it came over it.
    let origin = headers.get(ORIGIN).and_then(|value| value.to_str().ok());
    let secure = match origin.is_some_and(|origin| origin.starts_with("https://")) {
        true => "; Secure",
        false => "",
    };
    format!("{NAME}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}
