//! `POST /v1/lanes`: what the lanes of a redirector say of themselves, so that an audit needs to ask nobody but
//! ClickHouse.
//!
//! Answered when ClickHouse has it: what was found out once is not told again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use whence_core::account::LaneAccount;
use whence_core::body;
use whence_core::problem::{FieldProblem, Problem};

use super::{Shared, caller};
use crate::accounts::AccountError;

/// Room for the gaps of some lanes; a process with more to tell sends several.
const LONGEST_BODY: usize = 4 << 20;
/// The most lanes in one request: a redirector has one for each core.
const MOST_LANES: usize = 1_024;

/// Takes accounts.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    caller::redirector(&shared, &headers)?;
    let _turn = shared.account_turns.take().await?;
    let body = body::read(body, LONGEST_BODY, body::PATIENCE).await?;
    let accounts = parse(&body)?;
    match shared.inserts.account(&accounts).await {
        Ok(()) => Ok(StatusCode::OK),
        Err(AccountError::Field(field)) => Err(unprocessable(field)),
        Err(AccountError::Insert(error)) => {
            tracing::warn!(%error, "accounts of lanes are not stored yet");
            Err(Problem::unavailable(error.to_string(), 1))
        }
    }
}

fn parse(body: &[u8]) -> Result<Vec<LaneAccount>, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let accounts: Vec<LaneAccount> =
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            if error.inner().is_data() {
                unprocessable(FieldProblem::new(error.path().to_string(), error.inner()))
            } else {
                Problem::new(StatusCode::BAD_REQUEST, error.to_string())
            }
        })?;
    json.end()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    if accounts.len() > MOST_LANES {
        let detail = format!("at most {MOST_LANES} lanes are taken at a time");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(accounts)
}

fn unprocessable(field: FieldProblem) -> Problem {
    Problem::fields(StatusCode::UNPROCESSABLE_ENTITY, vec![field])
}
