//! Everything of a fleet but Redis is restarted, one process after the other, under load: visitors do not notice,
//! nothing is lost and nothing counts twice.

use std::time::Duration;

use crate::installation::{Installation, Plan};
use crate::load::Load;
use crate::oracle;

/// Between two restarts, as an orchestrator waits.
const PAUSE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_is_not_noticed() {
    let mut whence = Installation::fleet_of(&Plan {
        redirectors: 2,
        ingests: 2,
        settings: &[],
        engine_path: None,
    })
    .await;
    whence
        .make_link("hello", "https://shop.example/?from=test")
        .await;
    let load = Load::start(&whence);
    tokio::time::sleep(PAUSE).await;
    for name in [
        "whence-redirector",
        "whence-ingest",
        "clickhouse",
        "whence-analytics",
    ] {
        for place in whence.places_of(name) {
            whence.restart(place).await;
            tokio::time::sleep(PAUSE).await;
        }
    }
    let seen = load.stop().await;
    assert_eq!(seen.failed, Vec::<String>::new());
    assert!(
        seen.clicks.len() > 100 && seen.conversions.len() > 20,
        "only {} clicks and {} conversions",
        seen.clicks.len(),
        seen.conversions.len()
    );
    oracle::each_is_stored_once(&whence, &seen).await;
    oracle::nothing_else_is_stored(&whence, &seen.clicks).await;
    whence.stop().await;
}
