//! `GET /api/v1/audit`: the audit for whoever holds a key with the right to it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::Semaphore;
use utoipa::IntoParams;
use whence_core::config::Config;
use whence_core::journal::LaneId;
use whence_core::key::Right;
use whence_core::problem::Problem;

use super::{Audit, Auditor, parse_lane};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::Refusals;
use crate::reports;

/// When to ask again while somebody else's audit runs.
const RETRY_SECONDS: u32 = 10;

/// The audit as the API offers it.
#[derive(Debug)]
pub(crate) struct Desk {
    auditor: Auditor,
    /// One at a time: each reads the numbers of all clicks.
    turn: Semaphore,
}

impl Desk {
    /// With the configured ClickHouse and the time that reports have.
    pub(crate) fn new(config: &Config) -> Self {
        let limit = Duration::from_millis(config.analytics.query_timeout_ms);
        Self {
            auditor: Auditor::new(&config.clickhouse, limit),
            turn: Semaphore::new(1),
        }
    }
}

/// What is audited.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Scope {
    /// Only this lane: 16 hexadecimal digits. Everything where it is left out.
    #[param(value_type = Option<String>)]
    lane: Option<LaneId>,
}

/// Audits the whole installation, all workspaces: what is stored, waits, is missing or is there twice.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", params(Scope),
    responses((status = 200, body = Audit), Refusals),
)]
pub(crate) async fn audit(
    State(api): State<Arc<Api>>,
    caller: Caller,
    mut query: Query,
) -> Result<Json<Audit>, Problem> {
    caller.with(Right::Audit)?;
    let scope = Scope {
        lane: query.read("lane", |text| parse_lane(&text)),
    };
    query.finish()?;
    let Ok(_turn) = api.audits.turn.try_acquire() else {
        let detail = "an audit is running already";
        return Err(Problem::unavailable(detail, RETRY_SECONDS));
    };
    let lanes: Vec<_> = scope.lane.into_iter().collect();
    let audit = api.audits.auditor.audit(&lanes).await;
    audit.map(Json).map_err(|error| {
        let problem = reports::problem(error.question, &error.source);
        match problem.status() {
            StatusCode::GATEWAY_TIMEOUT => {
                let detail = "the audit took longer than analytics.query_timeout_ms; `whence audit` has more time";
                Problem::new(StatusCode::GATEWAY_TIMEOUT, detail)
            }
            _ => problem,
        }
    })
}
