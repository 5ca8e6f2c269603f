//! The workspace itself: its name, the zone that cuts its days, what may be known of its visitors.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use whence_core::channel_rule::{self, ChannelRule};
use whence_core::key::Right;
use whence_core::link::{Label, SchemeName};
use whence_core::problem::Problem;
use whence_core::store::ChangeError;
use whence_core::workspace::{PrivacyMode, Workspace, WorkspaceId};

use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, store_problem};
use crate::revision::{Wanted, contended, etag, stale};

/// The longest name of a query parameter that carries click ids.
const LONGEST_PARAMETER: usize = 32;
/// The most schemes beside http and https.
const MOST_SCHEMES: usize = 20;
/// How often a change is tried again after somebody else's came first.
const TRIES: usize = 5;

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workspace)]
pub(crate) struct WorkspaceView {
    /// Its id; a pixel carries it.
    id: String,
    /// What its people call it.
    name: String,
    /// IANA time zone in which its reports cut days.
    time_zone: String,
    /// `full` (cookies), `cookieless` (click ids, and nothing that is kept in the browser) or `count_only`
    /// (clicks are counted, visitors are not known).
    #[schema(value_type = String)]
    privacy: PrivacyMode,
    /// Whether the addresses of visitors in the mode `full` are stored as they are, and not their networks alone.
    keep_addresses: bool,
    /// The query parameter that carries the click id to the destination.
    click_id_parameter: String,
    /// Schemes that destinations may have beside http and https.
    allowed_schemes: Vec<SchemeName>,
    /// Its own rules of channels, asked in their order before the built-in ones.
    channel_rules: Vec<ChannelRule>,
    /// Counts the changes, from 1; also the ETag.
    revision: u64,
}

impl From<Workspace> for WorkspaceView {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name,
            time_zone: workspace.time_zone,
            privacy: workspace.privacy,
            keep_addresses: workspace.keep_addresses,
            click_id_parameter: workspace.click_id_parameter,
            allowed_schemes: workspace.allowed_schemes,
            channel_rules: workspace.channel_rules,
            revision: workspace.revision,
        }
    }
}

/// What is to change; what is left out stays.
#[derive(Debug, ToSchema)]
pub(crate) struct WorkspaceChange {
    /// What its people call it.
    #[schema(value_type = Option<String>, max_length = 128)]
    name: Option<Label>,
    /// IANA time zone in which its reports cut days, such as Europe/Berlin.
    time_zone: Option<String>,
    /// `full` (cookies), `cookieless` (click ids, and nothing that is kept in the browser) or `count_only`
    /// (clicks are counted, visitors are not known).
    #[schema(value_type = Option<String>)]
    privacy: Option<PrivacyMode>,
    /// Whether the addresses of visitors in the mode `full` are stored as they are, and not their networks alone.
    keep_addresses: Option<bool>,
    /// The query parameter that carries the click id: 1 to 32 of A-Z a-z 0-9 _ . -
    #[schema(max_length = 32)]
    click_id_parameter: Option<String>,
    /// Schemes that destinations may have beside http and https, such as mailto or an app's own; none that
    /// run code. Links that have one already keep it.
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    allowed_schemes: Option<Vec<SchemeName>>,
    /// Its own rules of channels: the first that holds names a click's channel, before the link's own and the
    /// built-in rules. In its texts, which are compared in any letter case, * stands for any characters. They
    /// count within ten seconds, for clicks that come in from then on.
    #[schema(max_items = 50)]
    channel_rules: Option<Vec<ChannelRule>>,
}

impl WorkspaceChange {
    fn read(mut body: Body) -> Result<Self, Problem> {
        let change = Self {
            name: body.changed("name"),
            time_zone: body.read("time_zone", zone_name),
            privacy: body.changed("privacy"),
            keep_addresses: body.changed("keep_addresses"),
            click_id_parameter: body.read("click_id_parameter", parameter),
            allowed_schemes: body.read("allowed_schemes", schemes),
            channel_rules: body.read_within("channel_rules", channel_rules),
        };
        body.read("id", |_: Value| Err::<(), _>("cannot be changed"));
        body.finish()?;
        Ok(change)
    }

    /// The workspace at its next revision.
    fn applied_to(&self, old: Workspace) -> Workspace {
        let text = |new: &Option<String>, old| new.clone().unwrap_or(old);
        Workspace {
            name: self.name.clone().map_or(old.name, String::from),
            time_zone: text(&self.time_zone, old.time_zone),
            privacy: self.privacy.unwrap_or(old.privacy),
            keep_addresses: self.keep_addresses.unwrap_or(old.keep_addresses),
            click_id_parameter: text(&self.click_id_parameter, old.click_id_parameter),
            allowed_schemes: self.allowed_schemes.clone().unwrap_or(old.allowed_schemes),
            channel_rules: self.channel_rules.clone().unwrap_or(old.channel_rules),
            revision: old.revision + 1,
            ..old
        }
    }
}

/// Reads the workspace.
#[utoipa::path(
    get, path = "/api/v1/workspace", tag = "workspace",
    responses((status = 200, body = WorkspaceView, headers(("ETag" = String, description = "The revision"))), Refusals),
)]
pub(crate) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
) -> Result<Response, Problem> {
    let workspace = find(&api, caller.with(Right::Links)?).await?;
    Ok(answer(workspace))
}

/// Changes the workspace. With `If-Match` only if it is still at that revision.
#[utoipa::path(
    patch, path = "/api/v1/workspace", tag = "workspace", request_body = WorkspaceChange,
    params(("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    responses((status = 200, body = WorkspaceView, headers(("ETag" = String, description = "The revision"))), Refusals),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = caller.with(Right::Links)?;
    let wanted = Wanted::read(&headers)?;
    let change = WorkspaceChange::read(body)?;
    for _ in 0..TRIES {
        let old = find(&api, id).await?;
        wanted.check(old.revision)?;
        let new = change.applied_to(old);
        match api.store.change_workspace(&new).await {
            Ok(()) => return Ok(answer(new)),
            Err(ChangeError::Revision { .. }) if wanted.is_any() => {}
            Err(ChangeError::Revision { current }) => return Err(stale(current)),
            // No change of a workspace has to do with an external id.
            Err(ChangeError::NotFound | ChangeError::ExternalIdTaken) => return Err(gone()),
            Err(ChangeError::Store(error)) => return Err(store_problem(&error)),
        }
    }
    Err(contended())
}

fn answer(workspace: Workspace) -> Response {
    let tag = etag(workspace.revision);
    (tag, Json(WorkspaceView::from(workspace))).into_response()
}

/// The caller's workspace.
pub(crate) async fn find(api: &Api, id: &WorkspaceId) -> Result<Workspace, Problem> {
    let found = api.store.workspace(id).await;
    found.map_err(|e| store_problem(&e))?.ok_or_else(gone)
}

fn gone() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "the workspace of this API key is gone",
    )
}

/// The time zone of this name.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    let zone = TimeZone::get(name).ok()?;
    (!zone.is_unknown()).then_some(zone)
}

/// The name of a time zone as the IANA database writes it.
fn zone_name(value: Value) -> Result<String, &'static str> {
    let zone = value.as_str().and_then(zone);
    zone.as_ref()
        .and_then(TimeZone::iana_name)
        .map(str::to_owned)
        .ok_or("must be a time zone of the IANA database, such as Europe/Berlin")
}

fn schemes(value: Value) -> Result<Vec<SchemeName>, String> {
    let mut schemes: Vec<SchemeName> =
        serde_json::from_value(value).map_err(|error| error.to_string())?;
    schemes.sort();
    schemes.dedup();
    match schemes.len() {
        0..=MOST_SCHEMES => Ok(schemes),
        _ => Err(format!("must be at most {MOST_SCHEMES}")),
    }
}

/// The rules, or the place within them that is wrong and why.
fn channel_rules(value: Value) -> Result<Vec<ChannelRule>, (String, String)> {
    let rules: Vec<ChannelRule> = serde_path_to_error::deserialize(value).map_err(|error| {
        let place = match error.path().iter().len() {
            0 => String::new(),
            _ => error.path().to_string(),
        };
        (place, error.into_inner().to_string())
    })?;
    channel_rule::check(&rules).map_err(|error| (error.place(), error.to_string()))?;
    Ok(rules)
}

fn parameter(value: Value) -> Result<String, &'static str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    match value {
        Value::String(name)
            if (1..=LONGEST_PARAMETER).contains(&name.len()) && name.bytes().all(allowed) =>
        {
            Ok(name)
        }
        _ => Err("must be 1 to 32 of A-Z, a-z, 0-9, _, . and -"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_and_written_as_the_database_does() {
        for (given, kept) in [
            ("UTC", "UTC"),
            ("europe/berlin", "Europe/Berlin"),
            ("Asia/Kolkata", "Asia/Kolkata"),
        ] {
            assert_eq!(zone_name(given.into()), Ok(kept.to_owned()));
        }
        for bad in [
            "",
            "Mars/Olympus",
            "CET-1CEST",
            "+01:00",
            "Etc/Unknown",
            "Europe/Berlin\0",
        ] {
            assert!(zone_name(bad.into()).is_err(), "{bad:?}");
        }
        assert!(zone_name(Value::Null).is_err());
    }

    #[test]
    fn parameters_need_no_escaping_in_a_query() {
        for good in ["wcid", "click.id", "a-b_C9"] {
            assert_eq!(parameter(good.into()), Ok(good.to_owned()));
        }
        let long = "a".repeat(33);
        for bad in ["", "a b", "a&b", "a=b", "é", &long] {
            assert!(parameter(bad.into()).is_err(), "{bad:?}");
        }
    }
}
