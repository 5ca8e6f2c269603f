//! The proof anyone can run: what the journals have given out against what ClickHouse holds.
//!
//! Every click and every conversion has a number in a lane, without gaps, so what is lost and what is there
//! twice can be counted. A lane's account says how many numbers it gave out and how many it is done with
//! (`core/src/account.rs`); the rows say which have arrived. [`Auditor`] compares the two, and the tables that
//! are derived from others with those; [`Audit`] is what came out, one definition for API and command line.
//!
//! **Invariant:** accounts are read before rows. What an account is done with was stored before it said so, so
//! however much arrives meanwhile, nothing is called missing that was not. Who makes accounts does not belong here.

mod auditor;
mod events;
mod holes;
mod lanes;
mod reasons;
mod report;
mod rollup;
pub(crate) mod route;

pub use auditor::{AuditError, Auditor};
pub use report::{
    Audit, Cell, Duplicated, Event, Events, LaneAudit, Lanes, Missing, MissingRange, Range,
    Repeated, Rollup, Waiting,
};

use whence_core::journal::LaneId;

/// Reads a lane's name, as audits and journals write it.
pub fn parse_lane(text: &str) -> Result<LaneId, &'static str> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    id.map(LaneId::new)
        .ok_or("must be a lane: 16 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_read_as_it_is_written() {
        for id in [0, 1, u64::MAX] {
            let lane = LaneId::new(id);
            assert_eq!(parse_lane(&lane.to_string()), Ok(lane));
        }
        for wrong in [
            "",
            "1",
            "+000000000000001",
            "000000000000000g",
            "00000000000000000",
        ] {
            assert!(parse_lane(wrong).is_err(), "{wrong}");
        }
    }
}
