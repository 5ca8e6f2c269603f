//! Volumes that are really full: the journal's, with either word on what to do then, and ClickHouse's.
//!
//! Where this process may not mount a volume of its own, each test says so and is skipped.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use whence_core::id::ClickId;
use whence_core::test_support::Volume;

use crate::installation::{Client, Installation, Plan, Victim, click_id};
use crate::load::{Load, Seen};
use crate::oracle;

/// The journal's volume: a few segments of a MiB.
const JOURNAL_KIB: u32 = 5 << 10;
/// ClickHouse's volume: what it needs to start, several times over.
const CLICKHOUSE_KIB: u32 = 256 << 10;
/// What is left of it when it is as good as full: less than there must be for an insert to begin, and enough for those
/// that have begun.
const LEFT_KIB: u64 = 16 << 10;
/// Clicks that are lost, or refused, before ingest comes back.
const BEYOND: usize = 60;
/// More clicks than find room in the journal's volume.
const TOO_MANY: usize = 20_000;
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const DROPPED: &str = "whence_redirector_events_dropped_total";
const FAILURES: &str = "whence_redirector_delivery_failures_total";

/// A fleet whose redirector's journal is alone on a small volume; the volume outlives the fleet.
async fn on_a_small_journal(on_full: &str) -> Option<(Installation, Volume, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let volume = Volume::mount(folder.path(), JOURNAL_KIB)?;
    let whence = Installation::fleet_of(&Plan {
        redirectors: 1,
        ingests: 1,
        settings: &[
            ("redirector.threads", "1".into()),
            ("redirector.on_full", on_full.into()),
            (
                "redirector.journal.dir",
                folder.path().join("journal").display().to_string(),
            ),
        ],
        engine_path: None,
    })
    .await;
    whence
        .make_link("hello", "https://shop.example/?from=test")
        .await;
    Some((whence, volume, folder))
}

/// A click whose record takes a few KiB.
fn large() -> String {
    format!("hello?q={}", "x".repeat(4_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_redirects_and_the_gap_is_what_it_counted() {
    let Some((mut whence, _volume, _folder)) = on_a_small_journal("serve").await else {
        return;
    };
    // One visitor on one lane: the n-th click has the number n.
    let mut answered = Vec::new();
    for _ in 0..20 {
        answered.push(whence.click("hello").await.unwrap());
    }
    let ingest = Victim::Started(whence.places_of("whence-ingest")[0]);
    whence.kill(ingest).await;
    while whence.redirector_figure(DROPPED).await < BEYOND as u64 {
        for _ in 0..BEYOND {
            answered.push(whence.click(&large()).await.unwrap());
        }
        assert!(answered.len() < TOO_MANY, "the volume has no end");
    }
    whence.restore(ingest).await;
    // It goes on by itself once blocks were freed: this one closes the gap.
    let start = Instant::now();
    loop {
        let before = whence.redirector_figure(DROPPED).await;
        answered.push(whence.click("hello").await.unwrap());
        if whence.redirector_figure(DROPPED).await == before {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "clicks are still lost");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let dropped = whence.redirector_figure(DROPPED).await;
    let stored = stored_numbers(&whence, answered.len() as u64 - dropped).await;
    let mut lost = 0;
    for (number, id) in (1_u64..).zip(&answered) {
        match stored.get(id) {
            Some(&found) => assert_eq!(found, number, "the number of {id}"),
            None => lost += 1,
        }
    }
    assert_eq!(lost, dropped, "what is missing is what was counted");
    oracle::each_is_stored_once(&whence, &Seen::default()).await;
    whence.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_refuses_and_loses_nothing_that_it_answered() {
    let Some((mut whence, _volume, _folder)) = on_a_small_journal("refuse").await else {
        return;
    };
    let ingest = Victim::Started(whence.places_of("whence-ingest")[0]);
    whence.kill(ingest).await;
    let mut answered = vec![whence.click("hello").await.unwrap()];
    let mut refused = 0;
    let path = format!("/{}", large());
    while refused < BEYOND {
        let got = whence.beside(&path).await.unwrap();
        match got.status.as_u16() {
            302 => answered.push(click_id(&got).unwrap()),
            503 => {
                let seconds: u32 = got.header("retry-after").parse().unwrap();
                assert!(seconds > 0, "{got:?}");
                refused += 1;
            }
            _ => panic!("{got:?}"),
        }
        assert!(answered.len() < TOO_MANY, "the volume has no end");
    }
    assert_eq!(whence.redirector_figure(DROPPED).await, 0);

    whence.restore(ingest).await;
    let start = Instant::now();
    loop {
        let got = whence.beside(&path).await.unwrap();
        if let Some(id) = click_id(&got) {
            answered.push(id);
            break;
        }
        assert!(start.elapsed() < PATIENCE, "still {got:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let seen = Seen {
        clicks: answered,
        ..Seen::default()
    };
    oracle::each_is_stored_once(&whence, &seen).await;
    oracle::nothing_else_is_stored(&whence, &seen.clicks).await;
    assert_eq!(whence.redirector_figure(DROPPED).await, 0);
    whence.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_of_clickhouse_holds_up_blocks_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let Some(volume) = Volume::mount(folder.path(), CLICKHOUSE_KIB) else {
        return;
    };
    let mut whence = Installation::fleet_of(&Plan {
        redirectors: 1,
        ingests: 1,
        settings: &[],
        engine_path: Some(&folder.path().join("clickhouse")),
    })
    .await;
    whence
        .make_link("hello", "https://shop.example/?from=test")
        .await;
    let load = Load::start(&whence);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let filler = volume.fill(LEFT_KIB);
    let start = Instant::now();
    while whence.redirector_figure(FAILURES).await < 3 {
        assert!(start.elapsed() < PATIENCE, "the volume is not full");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ingest = whence.places_of("whence-ingest")[0];
    let said = whence.log(ingest);
    assert!(said.contains("space"), "not for want of room:\n{said}");
    std::fs::remove_file(filler).unwrap();
    let seen = load.stop().await;
    assert_eq!(seen.failed, Vec::<String>::new());
    oracle::each_is_stored_once(&whence, &seen).await;
    oracle::nothing_else_is_stored(&whence, &seen.clicks).await;
    whence.stop().await;
}

/// The number of each stored click, once there are so many.
async fn stored_numbers(whence: &Client, expected: u64) -> HashMap<String, u64> {
    let start = Instant::now();
    loop {
        let rows = whence
            .select("SELECT click_id, seq FROM whence.clicks")
            .await;
        if rows.len() as u64 >= expected || start.elapsed() > PATIENCE {
            assert_eq!(
                rows.len() as u64,
                expected,
                "stored, and answered and not lost"
            );
            let id = |number: &str| ClickId(number.parse().unwrap()).to_string();
            return rows.iter().map(|(click, seq)| (id(click), *seq)).collect();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
