//! What a lane says of itself, so that an audit can tell what waits from what is lost: how many numbers it has
//! given out, how many are done with, and which did not arrive and why.
//!
//! Redirectors post it to ingest as JSON (`POST /v1/lanes`), ingest keeps it in the tables `lanes` and `lane_gaps`.
//! Where it is collected and when it is sent does not belong here.

use serde::{Deserialize, Serialize};

use crate::journal::Seq;

/// The most gaps in one account; a lane with more sends several.
pub const MOST_GAPS: usize = 1_000;

/// One lane's account, as of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneAccount {
    /// The lane, in 16 hexadecimal digits.
    pub lane: String,
    /// The service that writes it.
    pub service: String,
    /// The machine that it is on.
    pub node: String,
    /// The name of its directory there.
    pub name: String,
    /// The highest number that was given out; 0 where none was.
    pub taken: Seq,
    /// All numbers up to it were delivered, set aside or lost.
    pub freed: Seq,
    /// What was found out since the last account that arrived, at most [`MOST_GAPS`].
    pub gaps: Vec<Gap>,
}

/// Numbers that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
    /// Why.
    pub reason: GapReason,
    /// What more is known, for people.
    pub detail: String,
}

/// Why numbers did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The journal had no room, or the record was above its limit.
    Refused,
    /// Damaged on the journal's disk.
    Damaged,
    /// Ingest could not make a row of it.
    Unreadable,
    /// Refused for good by ingest or ClickHouse; kept on the node until somebody sends it again.
    SetAside,
}
