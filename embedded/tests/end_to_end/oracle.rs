//! Compares what was answered, by whoever asked, with the rows in ClickHouse.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::installation::Client;
use crate::load::Seen;

/// How long the last ones have to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until each click and conversion that was answered is stored; none may ever be stored twice.
pub(crate) async fn each_is_stored_once(whence: &Client, seen: &Seen) {
    let deadline = Instant::now() + PATIENCE;
    let (mut lost_clicks, mut lost_conversions);
    loop {
        let stored_clicks = whence.stored_clicks().await;
        let stored_conversions = whence.stored_conversions().await;
        for (id, times) in stored_clicks.iter().chain(&stored_conversions) {
            assert_eq!(*times, 1, "{id} is stored {times} times");
        }
        lost_clicks = missing(&seen.clicks, &stored_clicks);
        lost_conversions = missing(&seen.conversions, &stored_conversions);
        if lost_clicks.is_empty() && lost_conversions.is_empty() || Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(
        lost_clicks.is_empty(),
        "answered and not stored: {lost_clicks:?}"
    );
    assert!(
        lost_conversions.is_empty(),
        "accepted and not stored: {lost_conversions:?}"
    );
}

/// Where every click that was sent was answered, nothing else may be stored, and the rollup counts the same.
pub(crate) async fn nothing_else_is_stored(whence: &Client, clicks: &[String]) {
    let mut stored: Vec<_> = whence.stored_clicks().await.into_keys().collect();
    let mut answered = clicks.to_vec();
    stored.sort_unstable();
    answered.sort_unstable();
    assert_eq!(stored, answered, "stored, and answered");
    let rows = whence
        .select("SELECT 'rolled up', countMerge(`count()`) FROM mergeTreeProjection(whence, 'clicks', 'click_hours')")
        .await;
    assert_eq!(rows, [("rolled up".to_owned(), answered.len() as u64)]);
}

fn missing(said: &[String], stored: &HashMap<String, u64>) -> Vec<String> {
    said.iter()
        .filter(|id| !stored.contains_key(*id))
        .cloned()
        .collect()
}
