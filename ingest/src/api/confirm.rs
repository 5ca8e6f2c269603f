//! `POST /v1/confirm`: the script on a landing page says that a browser has shown it.
//!
//! The click id is signed, so a made-up one is refused without a look-up; a genuine one is confirmed once, so that a
//! repeat is worth nothing. The same answer lets the page's site keep the id: as a cookie of ours where the collector
//! is on that site, else by telling the script that it may. Both only where the workspace's mode allows cookies.

mod site;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use whence_core::body;
use whence_core::confirmation::{Confirmation, Marks};
use whence_core::id::ClickId;
use whence_core::problem::{FieldProblem, Problem};
use whence_core::workspace::{PrivacyMode, WorkspaceId};

use self::site::Site;
use super::{Shared, caller, page, receive};
use crate::confirmation::desk::Taken;
use crate::metrics::ConfirmationAnswer;

/// The longest that a script has to say, several times over.
const LONGEST_BODY: usize = 4 << 10;
/// How long so little may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// How old a click may be when its page is shown. A page opened in another tab is looked at hours later; a URL that was
/// copied with its click id is opened by others for years.
const LATEST_MS: u64 = 24 * 60 * 60 * 1000;
/// A browser needs longer than this from a redirect to a page with a script that runs: three requests at least.
const HASTY_MS: u64 = 50;
/// The cookie that keeps the click id on the site.
const COOKIE: &str = "_wcid";

/// What the script says. It may be of another version than the collector, so unknown fields are passed over.
#[derive(Debug, Deserialize)]
struct Said {
    /// The workspace.
    ws: WorkspaceId,
    /// The click that led to the page.
    click_id: ClickId,
    /// Whether the site may keep the id.
    #[serde(default)]
    keep: bool,
    /// How long the page has been open, in milliseconds.
    #[serde(default)]
    page_ms: u32,
    /// `navigator.webdriver`.
    #[serde(default)]
    webdriver: bool,
    /// Whether the screen has no size.
    #[serde(default)]
    screenless: bool,
    /// Whether the page stands in another's frame.
    #[serde(default)]
    framed: bool,
    /// Whether the page was made ready before it was chosen.
    #[serde(default)]
    prerendered: bool,
}

/// How the site keeps the id.
enum Kept {
    /// It does not.
    No,
    /// By this cookie.
    Cookie(HeaderValue),
    /// By a cookie that the script sets.
    ByScript(KeptByScript),
}

/// Tells the script for how long it may keep the id.
#[derive(Serialize)]
struct KeptByScript {
    /// In days.
    days: u32,
}

/// Takes a confirmation.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let response = match take(&shared, &headers, body).await {
        Ok((answer, kept)) => {
            shared.metrics.confirmation(answer);
            respond(kept)
        }
        Err(problem) => {
            shared.metrics.confirmation(match problem.status() {
                status if status.is_server_error() => ConfirmationAnswer::Unavailable,
                _ => ConfirmationAnswer::Refused,
            });
            problem.into_response()
        }
    };
    page::readable_by(&headers, response)
}

fn respond(kept: Kept) -> Response {
    match kept {
        Kept::No => StatusCode::NO_CONTENT.into_response(),
        Kept::Cookie(cookie) => {
            (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
        }
        Kept::ByScript(days) => Json(days).into_response(),
    }
}

async fn take(
    shared: &Shared,
    headers: &HeaderMap,
    body: Body,
) -> Result<(ConfirmationAnswer, Kept), Problem> {
    page::check_media_type(headers)?;
    let body = body::read(body, LONGEST_BODY, PATIENCE).await?;
    let said = said(&body)?;
    let field = |status, field: &str, detail: &dyn std::fmt::Display| {
        Problem::fields(status, vec![FieldProblem::new(field, detail)])
    };
    let verified = shared.key.verify(said.click_id);
    verified.map_err(|forged| field(StatusCode::UNPROCESSABLE_ENTITY, "click_id", &forged))?;
    // From here on it waits for what is behind us; who has no click of ours has not come so far.
    let turn = shared.confirmation_turns.try_acquire();
    let _turn = turn.map_err(|_| Problem::unavailable("too many confirmations at a time", 5))?;
    let workspace = receive::workspace(shared, &said.ws).await?;

    let mode = caller::mode(&workspace, headers);
    let now_ms = receive::now_ms();
    let age_ms = now_ms.saturating_sub(said.click_id.unix_ms());
    let answer = if mode == PrivacyMode::CountOnly {
        ConfirmationAnswer::Unwanted
    } else if age_ms > LATEST_MS {
        ConfirmationAnswer::Late
    } else {
        let confirmation = Confirmation {
            workspace: said.ws.clone(),
            click: said.click_id,
            confirmed_ms: now_ms,
            page_ms: said.page_ms,
            marks: marks(shared, &said, headers, age_ms),
        };
        match shared.confirmations.take(&confirmation).await {
            Ok(Taken::New) => ConfirmationAnswer::Accepted,
            Ok(Taken::Again) => ConfirmationAnswer::Repeated,
            Err(error) => {
                // The journal tells once that it is full, and the figures tell how many it turned away.
                return Err(Problem::unavailable(error.to_string(), 5));
            }
        }
    };
    let kept = match mode {
        PrivacyMode::Full if said.keep => keep(&said, headers, shared.cookie_days),
        PrivacyMode::Full | PrivacyMode::Cookieless | PrivacyMode::CountOnly => Kept::No,
    };
    Ok((answer, kept))
}

/// Reads what the script says.
fn said(body: &[u8]) -> Result<Said, Problem> {
    let no_object = |error: &serde_json::Error| {
        let detail = format!("the body must be one JSON object: {error}");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let said = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let cause = error.inner();
        if !cause.is_data() {
            return no_object(cause);
        }
        let errors = vec![FieldProblem::new(error.path().to_string(), cause)];
        Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, errors)
    })?;
    json.end().map_err(|error| no_object(&error))?;
    Ok(said)
}

/// What is told and seen of the browser.
fn marks(shared: &Shared, said: &Said, headers: &HeaderMap, age_ms: u64) -> Marks {
    let text = |name| {
        let value = headers.get(name).map(HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or_default())
    };
    // Of a script's `fetch`: a navigation, a form or an image says something else.
    let is_fetch = matches!(&*text("sec-fetch-mode"), "cors" | "no-cors" | "same-origin")
        && text("sec-fetch-dest") == "empty";
    Marks::default()
        .with_if(Marks::WEBDRIVER, said.webdriver)
        .with_if(Marks::SCREENLESS, said.screenless)
        .with_if(Marks::FRAMED, said.framed)
        .with_if(Marks::PRERENDERED, said.prerendered)
        .with_if(
            Marks::MACHINE,
            shared.enricher.is_machine(&text("user-agent")),
        )
        .with_if(Marks::HASTY, age_ms < HASTY_MS)
        .with_if(Marks::NO_PAGE, !headers.contains_key(header::ORIGIN))
        .with_if(Marks::FETCH, is_fetch)
}

/// How the page's site may keep the id for so many days.
fn keep(said: &Said, headers: &HeaderMap, days: u32) -> Kept {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(header::ORIGIN)
        .zip(text(header::HOST))
        .and_then(|(origin, host)| Site::shared(origin, host));
    let Some(site) = site else {
        return Kept::ByScript(KeptByScript { days });
    };
    let seconds = u64::from(days) * 24 * 60 * 60;
    let mut cookie = format!(
        "{COOKIE}={}; Path=/; Max-Age={seconds}; SameSite=Lax",
        said.click_id
    );
    if let Some(domain) = site.domain {
        cookie += "; Domain=";
        cookie += &domain;
    }
    if site.is_secure {
        cookie += "; Secure";
    }
    Kept::Cookie(HeaderValue::try_from(cookie).expect("a host is printable ASCII"))
}
