//! What reports say when ClickHouse cannot answer, and that nothing else minds.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use whence_core::test_support::Engine;

use crate::support::{Service, problem};

#[tokio::test]
async fn without_clickhouse_links_go_on_and_reports_say_why() {
    let service = Service::start().await;
    for path in [
        "reports/clicks",
        "reports/breakdown?by=channel",
        "funnel?steps=click,sale",
    ] {
        let got = service
            .ask(&service.acme, "GET", &format!("/api/v1/{path}"), "")
            .await;
        let detail = problem(&got, 503)["detail"].to_string();
        assert!(detail.contains("ClickHouse is unavailable"), "{detail}");
        assert_ne!(got.header("retry-after"), "");
    }
    service
        .make(r#"{"destination": "https://example.com/"}"#)
        .await;
}

#[tokio::test]
async fn a_clickhouse_that_cannot_answer_is_told_apart_from_one_that_is_slow() {
    let mut engine = Engine::start();
    let service = Service::on(&engine).await;
    let ask = async |service: &Service| {
        service
            .ask(
                &service.acme,
                "GET",
                "/api/v1/reports/breakdown?by=channel",
                "",
            )
            .await
    };
    // Not migrated yet.
    problem(&ask(&service).await, 503);
    whence_core::clickhouse::migrate(&engine.client(), &engine.config().database)
        .await
        .unwrap();
    assert_eq!(ask(&service).await.status, 200);
    engine.kill();
    let away = ask(&service).await;
    problem(&away, 503);
    assert_ne!(away.header("retry-after"), "");
    engine.start_again();
    assert_eq!(ask(&service).await.status, 200);

    // More clicks than can be grouped in a millisecond.
    let many = "INSERT INTO clicks (workspace, time, click_id, slug, verdict, outcome)
        SELECT 'acme', now() - number / 10, number, toString(number), 'human', 'redirected'
        FROM numbers(1000000)";
    engine.client().query(many).execute().await.unwrap();
    let modest = Service::start_with(|config| {
        config.clickhouse = engine.config();
        config.analytics.query_memory_mib = 8;
    })
    .await;
    let got = modest
        .ask(&modest.acme, "GET", "/api/v1/reports/breakdown?by=slug", "")
        .await;
    let detail = problem(&got, 413)["detail"].to_string();
    assert!(
        detail.contains("memory bound (analytics.query_memory_mib)"),
        "{detail}"
    );
    assert!(detail.contains("ask for a shorter range"), "{detail}");
    modest.stop().await;

    let hasty = Service::start_with(|config| {
        config.clickhouse = engine.config();
        config.analytics.query_timeout_ms = 1;
    })
    .await;
    let got = hasty
        .ask(&hasty.acme, "GET", "/api/v1/reports/breakdown?by=slug", "")
        .await;
    let detail = problem(&got, 504)["detail"].to_string();
    assert!(detail.contains("took too long"), "{detail}");
}

/// The query would take minutes: each of 100 patterns is looked for in long texts, and none of them is there.
#[tokio::test]
async fn who_hangs_up_ends_the_query() {
    let engine = Engine::migrated().await;
    let many = "INSERT INTO clicks (workspace, time, click_id, referrer, verdict, outcome)
        SELECT 'acme', now() - number / 10, number, repeat(toString(number), 50), 'human', 'redirected'
        FROM numbers(300000)";
    engine.client().query(many).execute().await.unwrap();
    let service = Service::start_with(|config| {
        config.clickhouse = engine.config();
        config.analytics.query_timeout_ms = 600_000;
    })
    .await;
    let patterns: Vec<_> = (0..100)
        .map(|number| json!({"dimension": "referrer", "matches": format!("[0-4].*[3-8].*[a-f]{{1,{}}}", number + 2)}))
        .collect();
    let body = json!({"filter": {"or": patterns}}).to_string();
    let mut caller = TcpStream::connect(service.address).await.unwrap();
    let head = format!(
        "POST /api/v1/query HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        service.acme,
        body.len()
    );
    caller.write_all(head.as_bytes()).await.unwrap();
    until(&engine, 1).await;
    drop(caller);
    until(&engine, 0).await;
    service.stop().await;
}

/// Waits until so many queries with patterns run.
async fn until(engine: &Engine, expected: u64) {
    const RUNNING: &str = "SELECT count() FROM system.processes
        WHERE query LIKE '%match(toString(%' AND query NOT LIKE '%system.processes%'";
    let looked = async {
        loop {
            let running: u64 = engine.client().query(RUNNING).fetch_one().await.unwrap();
            if running == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looked).await;
    found.unwrap_or_else(|_| panic!("there never were {expected} queries with patterns"));
}
