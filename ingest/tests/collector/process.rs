//! The program as its operator meets it: a bad configuration, an orderly end, its figures.

use std::net::TcpListener;
use std::process::Output;
use std::time::Duration;

use whence_core::config;
use whence_core::test_support::Engine;
use whence_core::test_support::http::ask;

use crate::support::{Collector, PATIENCE, program, wait_for};

fn run(settings: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec![
        format!("data_dir={}", folder.path().display()),
        format!("click_id_key={}", "0".repeat(32)),
        "ingest.token=t".into(),
        "ingest.listen=127.0.0.1:0".into(),
        "ingest.admin=127.0.0.1:0".into(),
    ];
    all.extend(settings.iter().map(|&setting| setting.to_owned()));
    program(&all).output().unwrap()
}

#[test]
fn a_bad_configuration_ends_with_64_and_names_the_key() {
    let table = [
        ("ingest.token=", "ingest.token"),
        ("click_id_key=", "click_id_key"),
        ("click_id_key=xyz", "click_id_key"),
        ("databases.places=/no/such.mmdb", "databases.places"),
        ("databases.crawlers=/no/such.json", "databases.crawlers"),
        ("ingest.lissten=1", "lissten"),
        ("ingest.listen=nowhere", "ingest.listen"),
    ];
    for (setting, key) in table {
        let output = run(&[setting]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{setting}: {told}");
        assert!(told.contains(key), "{setting}: {told}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for key in ["ingest.listen", "ingest.admin"] {
        let output = run(&[&format!("{key}={address}")]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(70), "{told}");
        assert!(
            told.contains(key) && told.contains(&address.to_string()),
            "{told}"
        );
    }
}

/// What was accepted is shipped before an orderly end, and synced before an answer where that is asked.
#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_ships_what_was_accepted() {
    let engine = Engine::migrated().await;
    let mut collector =
        Collector::start_with(&engine.config(), &["ingest.journal.durability=power"]).await;
    let got = collector
        .convert(r#"{"event_id":"last","kind":"lead"}"#)
        .await;
    assert_eq!(got.status, 200, "{got:?}");
    let status = collector.terminate();
    assert_eq!(status.code(), Some(0));
    wait_for(&engine.client(), "SELECT count() FROM conversions", 1).await;
}

/// Without ClickHouse it starts, takes conversions, ends in time, and ships them the next time.
#[tokio::test(flavor = "multi_thread")]
async fn it_starts_and_ends_without_clickhouse() {
    let nowhere = config::ClickHouse {
        url: "http://127.0.0.1:9".into(),
        ..config::ClickHouse::default()
    };
    let mut collector = Collector::start_with(&nowhere, &["ingest.drain_ms=300"]).await;
    let got = collector.convert(r#"{"event_id":"1","kind":"lead"}"#).await;
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(collector.terminate().code(), Some(0));
    assert!(
        collector
            .folder()
            .join("journal/ingest/conversions")
            .is_dir()
    );
    collector.launch().await;
    let again = collector.convert(r#"{"event_id":"1","kind":"lead"}"#).await;
    assert_eq!(
        (again.header("idempotent-replayed"), &again.body),
        ("true", &got.body)
    );

    // The figure of the journal is taken at every look at it.
    let started = std::time::Instant::now();
    while collector
        .metric("whence_ingest_journal_backlog_records")
        .await
        != 1.0
    {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let got = ask(collector.admin, "GET", "/metrics", &[], "")
        .await
        .unwrap();
    for line in [
        "whence_ingest_blocks_total{answer=\"inserted\"} 0",
        "whence_ingest_clicks_total 0",
        "whence_ingest_records_skipped_total{table=\"clicks\"} 0",
        "whence_ingest_conversions_total{source=\"server\",answer=\"replayed\"} 1",
        "whence_ingest_conversions_total{source=\"pixel\",answer=\"refused\"} 0",
        "whence_ingest_conversions_unverified_total 0",
        "whence_ingest_insert_seconds_count{table=\"conversions\"} 0",
    ] {
        assert!(
            got.body.lines().any(|found| found == line),
            "{line} is missing in {}",
            got.body
        );
    }
}
