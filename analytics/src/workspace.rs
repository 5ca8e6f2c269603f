//! The workspace itself: its name, the zone that cuts its days, what may be known of its visitors.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use whence_core::key::Right;
use whence_core::link::Label;
use whence_core::problem::Problem;
use whence_core::workspace::{PrivacyMode, Workspace, WorkspaceId};

use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, store_problem};

/// The longest name of a query parameter that carries click ids.
const LONGEST_PARAMETER: usize = 32;

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
    /// `full` (cookies) or `count_only` (clicks are counted, visitors are not known).
    #[schema(value_type = String)]
    privacy: PrivacyMode,
    /// The query parameter that carries the click id to the destination.
    click_id_parameter: String,
}

impl From<Workspace> for WorkspaceView {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name,
            time_zone: workspace.time_zone,
            privacy: workspace.privacy,
            click_id_parameter: workspace.click_id_parameter,
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
    /// `full` (cookies) or `count_only` (clicks are counted, visitors are not known).
    #[schema(value_type = Option<String>)]
    privacy: Option<PrivacyMode>,
    /// The query parameter that carries the click id: 1 to 32 of A-Z a-z 0-9 _ . -
    #[schema(max_length = 32)]
    click_id_parameter: Option<String>,
}

impl WorkspaceChange {
    fn read(mut body: Body) -> Result<Self, Problem> {
        let change = Self {
            name: body.changed("name"),
            time_zone: body.read("time_zone", zone_name),
            privacy: body.changed("privacy"),
            click_id_parameter: body.read("click_id_parameter", parameter),
        };
        body.read("id", |_: Value| Err::<(), _>("cannot be changed"));
        body.finish()?;
        Ok(change)
    }
}

/// Reads the workspace.
#[utoipa::path(
    get, path = "/api/v1/workspace", tag = "workspace",
    responses((status = 200, body = WorkspaceView), Refusals),
)]
pub(crate) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<WorkspaceView>, Problem> {
    let workspace = find(&api, caller.with(Right::Links)?).await?;
    Ok(Json(workspace.into()))
}

/// Changes the workspace.
#[utoipa::path(
    patch, path = "/api/v1/workspace", tag = "workspace", request_body = WorkspaceChange,
    responses((status = 200, body = WorkspaceView), Refusals),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    body: Body,
) -> Result<Json<WorkspaceView>, Problem> {
    let id = caller.with(Right::Links)?;
    let change = WorkspaceChange::read(body)?;
    let old = find(&api, id).await?;
    let new = Workspace {
        id: old.id,
        name: change.name.map_or(old.name, String::from),
        time_zone: change.time_zone.unwrap_or(old.time_zone),
        privacy: change.privacy.unwrap_or(old.privacy),
        click_id_parameter: change.click_id_parameter.unwrap_or(old.click_id_parameter),
    };
    let stored = api.store.put_workspace(&new).await;
    stored.map_err(|e| store_problem(&e))?;
    Ok(Json(new.into()))
}

/// The caller's workspace.
pub(crate) async fn find(api: &Api, id: &WorkspaceId) -> Result<Workspace, Problem> {
    let found = api.store.workspace(id).await;
    found.map_err(|e| store_problem(&e))?.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "the workspace of this API key is gone",
        )
    })
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
