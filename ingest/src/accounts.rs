//! What lanes say of themselves, checked and brought into the tables `lanes` and `lane_gaps`.
//!
//! Both tables replace: an account that is sent again changes nothing.

use std::borrow::Cow;
use std::time::Duration;

use clickhouse::Row;
use serde::Serialize;
use thiserror::Error;
use tokio::time::timeout;
use whence_core::account::{Gap, GapReason, LaneAccount, MOST_GAPS};
use whence_core::click::bounded;
use whence_core::journal::{BlockId, LaneId};
use whence_core::problem::FieldProblem;

use crate::insert::{InsertError, Inserts};
use crate::unreadable::Unreadable;

/// The longest name of a service, a node or a lane: what DNS and file systems allow.
const LONGEST_NAME: usize = 255;
/// How much of a gap's detail is kept.
const LONGEST_DETAIL: usize = 1_000;
/// How long a block waits for its gaps to be written, which it would be stored without.
const GAPS_TIMEOUT: Duration = Duration::from_secs(3);

/// Why accounts were not stored.
#[derive(Debug, Error)]
pub(crate) enum AccountError {
    /// One of them says what cannot be.
    #[error("{}: {}", .0.field, .0.detail)]
    Field(FieldProblem),
    /// ClickHouse does not have them.
    #[error(transparent)]
    Insert(#[from] InsertError),
}

#[derive(Debug, Row, Serialize)]
struct LaneRow<'a> {
    lane: u64,
    service: &'a str,
    node: &'a str,
    name: &'a str,
    taken: u64,
    freed: u64,
    reported_at: i64,
}

#[derive(Debug, Row, Serialize)]
struct GapRow<'a> {
    lane: u64,
    first: u64,
    last: u64,
    reason: i8,
    detail: Cow<'a, str>,
    reported_at: i64,
}

impl<'a> GapRow<'a> {
    fn new(lane: LaneId, gap: &'a Gap, reported_at: i64) -> Self {
        Self {
            lane: lane.get(),
            first: gap.first,
            last: gap.last,
            reason: match gap.reason {
                GapReason::Refused => 1,
                GapReason::Damaged => 2,
                GapReason::Unreadable => 3,
                GapReason::SetAside => 4,
            },
            detail: bounded(gap.detail.as_bytes(), LONGEST_DETAIL),
            reported_at,
        }
    }
}

impl Inserts {
    /// Answers once ClickHouse has the accounts of these lanes, each as of now.
    pub(crate) async fn account(&self, accounts: &[LaneAccount]) -> Result<(), AccountError> {
        let lanes: Vec<(LaneId, &LaneAccount)> = accounts
            .iter()
            .enumerate()
            .map(|(place, account)| Ok((checked(place, account)?, account)))
            .collect::<Result<_, _>>()
            .map_err(AccountError::Field)?;
        let now = now_ms();
        // First what is missing and why, so that nothing is missing without a reason between the two.
        if accounts.iter().any(|account| !account.gaps.is_empty()) {
            let gaps = lanes.iter().flat_map(|&(lane, account)| {
                let gaps = account.gaps.iter();
                gaps.map(move |gap| GapRow::new(lane, gap, now))
            });
            self.replace::<GapRow<'_>>("lane_gaps", Box::new(gaps))
                .await?;
        }
        let rows = lanes.iter().map(|&(lane, account)| LaneRow {
            lane: lane.get(),
            service: &account.service,
            node: &account.node,
            name: &account.name,
            taken: account.taken,
            freed: account.freed,
            reported_at: now,
        });
        Ok(self.replace::<LaneRow<'_>>("lanes", Box::new(rows)).await?)
    }

    /// Notes why numbers of a block have no rows. Their block is stored all the same: where this fails, the audit
    /// finds them missing and does not know why.
    pub(crate) async fn note(&self, block: BlockId, unreadable: &Unreadable<'_>) {
        let gaps = unreadable.gaps();
        if gaps.is_empty() {
            return;
        }
        let now = now_ms();
        let rows = gaps.iter().map(|gap| GapRow::new(block.lane, gap, now));
        let noted = self.replace::<GapRow<'_>>("lane_gaps", Box::new(rows));
        match timeout(GAPS_TIMEOUT, noted).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%block, %error, "gaps were not noted"),
            Err(_) => tracing::warn!(%block, "gaps were not noted in time"),
        }
    }
}

/// The lane of an account in which nothing contradicts itself.
fn checked(place: usize, account: &LaneAccount) -> Result<LaneId, FieldProblem> {
    let problem =
        |field: &str, detail: &str| Err(FieldProblem::new(format!("[{place}].{field}"), detail));
    let digits = account.lane.as_bytes();
    let is_lane = digits.len() == 16 && digits.iter().all(u8::is_ascii_hexdigit);
    let Some(lane) = u64::from_str_radix(&account.lane, 16)
        .ok()
        .filter(|_| is_lane)
    else {
        return problem("lane", "must be 16 hexadecimal digits");
    };
    for (field, text) in [
        ("service", &account.service),
        ("node", &account.node),
        ("name", &account.name),
    ] {
        if text.len() > LONGEST_NAME {
            return problem(field, &format!("must be at most {LONGEST_NAME} bytes"));
        }
    }
    if account.freed > account.taken {
        return problem("freed", "must not be above taken");
    }
    if account.gaps.len() > MOST_GAPS {
        return problem("gaps", &format!("must be at most {MOST_GAPS}"));
    }
    let reversed = |gap: &Gap| gap.first == 0 || gap.first > gap.last;
    if let Some(gap) = account.gaps.iter().position(reversed) {
        let field = format!("gaps[{gap}].last");
        return problem(&field, "must not be below first, which counts from 1");
    }
    Ok(LaneId::new(lane))
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
