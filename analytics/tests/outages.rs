//! What reports say when ClickHouse cannot answer, and that nothing else minds.

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
