//! What `whence audit` says of the same run: an oracle of its own, which knows only numbers, and has to agree.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;
use tokio::time::sleep;

use super::fleet::Fleet;

/// Accounts of lanes come every ten seconds, and the last one must have come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two audits.
const LOOK: Duration = Duration::from_secs(1);

/// What an audit has found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Audited {
    /// Numbers of clicks that are missing, by the reason that is known.
    pub(super) missing: BTreeMap<String, u64>,
    /// The same of conversions.
    pub(super) conversions_missing: BTreeMap<String, u64>,
    /// Numbers that have not arrived yet.
    pub(super) waiting: u64,
    /// Whatever else there is that ought not to be: rows too many or without a number, events lost, hours that differ.
    pub(super) other: u64,
}

impl Audited {
    /// Whether it says the same as the oracle: these many clicks were destroyed, and nothing else happened to any. What
    /// a full journal refused was never answered. Why a number is missing, a redirector forgets that is killed before its
    /// next account; that it is missing, nobody forgets.
    pub(super) fn agrees(&self, destroyed: u64) -> bool {
        let lost = |missing: &BTreeMap<String, u64>, known: &[&str]| {
            let unrefused = missing.iter().filter(|(reason, _)| *reason != "refused");
            unrefused
                .map(|(reason, count)| known.contains(&reason.as_str()).then_some(*count))
                .sum::<Option<u64>>()
        };
        lost(&self.missing, &["damaged", "unknown"]) == Some(destroyed)
            && lost(&self.conversions_missing, &[]) == Some(0)
            && (self.waiting, self.other) == (0, 0)
    }
}

/// Audits until the audit agrees, or the last accounts have come for certain.
pub(super) async fn audit(fleet: &Fleet, destroyed: u64) -> Result<Audited> {
    let start = Instant::now();
    loop {
        // It says no with its exit code, too, where what was destroyed is missing.
        let said = fleet.whence(&["audit", "--json"]).await?;
        let answer: Value = serde_json::from_str(&said.out)
            .with_context(|| format!("whence audit: {}{}", said.out, said.err))?;
        let found = read(&answer);
        if found.agrees(destroyed) || start.elapsed() > PATIENCE {
            return Ok(found);
        }
        sleep(LOOK).await;
    }
}

fn read(answer: &Value) -> Audited {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let missing = |lanes: &Value| {
        let mut by_reason = BTreeMap::new();
        let lanes = lanes["lanes"].as_array().into_iter().flatten();
        for range in
            lanes.flat_map(|lane| lane["missing"]["ranges"].as_array().into_iter().flatten())
        {
            let reason = range["reason"].as_str().unwrap_or("unknown").to_owned();
            *by_reason.entry(reason).or_default() +=
                count(&range["last"]) + 1 - count(&range["first"]);
        }
        by_reason
    };
    let (clicks, conversions) = (&answer["clicks"], &answer["conversions"]);
    let other = [
        &clicks["duplicated"],
        &clicks["unnumbered"],
        &conversions["duplicated"],
        &conversions["unnumbered"],
        &answer["events"]["lost"],
        &answer["events"]["strange"],
        &answer["rollup"]["differing_hours"],
    ];
    Audited {
        missing: missing(clicks),
        conversions_missing: missing(conversions),
        waiting: count(&clicks["waiting"]) + count(&conversions["waiting"]),
        other: other.into_iter().map(count).sum(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_destroyed_and_what_was_refused_may_be_missing() {
        let lane = |reason| {
            json!({"lanes": [{"missing": {"ranges": [
                {"first": 3, "last": 4, "reason": reason}, {"first": 9, "last": 9, "reason": "refused"}]}}],
                "waiting": 0, "duplicated": 0, "unnumbered": 0})
        };
        let said = |clicks: Value, conversions: Value| {
            read(&json!({"clicks": clicks, "conversions": conversions,
                "events": {"lost": 0, "strange": 0}, "rollup": {"differing_hours": 0}}))
        };
        assert!(said(lane("damaged"), json!({})).agrees(2));
        assert!(!said(lane("damaged"), json!({})).agrees(1));
        assert!(said(lane("unknown"), json!({})).agrees(2));
        assert!(!said(lane("set_aside"), json!({})).agrees(2));
        assert!(!said(json!({}), lane("damaged")).agrees(0));
        assert!(said(json!({}), json!({})).agrees(0));
        assert!(!said(json!({"waiting": 1}), json!({})).agrees(0));
        assert!(!said(json!({"duplicated": 1}), json!({})).agrees(0));
    }
}
