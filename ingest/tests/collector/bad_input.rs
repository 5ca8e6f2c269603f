//! What is wrong is told by its field, in the same form from every way in.

use whence_core::test_support::Engine;

use crate::support::{Collector, number};

#[tokio::test(flavor = "multi_thread")]
async fn conversions_that_cannot_be_taken() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let large = format!(
        r#"{{"event_id":"1","kind":"lead","name":"{}"}}"#,
        "x".repeat(64 << 10)
    );
    let table = [
        (
            r#"{"event_id":"1","kind":"lead","click_id":"0000000000000000000001"}"#,
            422,
            "click_id",
        ),
        (
            r#"{"event_id":"1","kind":"lead","click_id":"not an id"}"#,
            422,
            "click_id",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":-1,"currency":"EUR"}"#,
            422,
            "amount",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":9223372036854775808,"currency":"EUR"}"#,
            422,
            "amount",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":1.5,"currency":"EUR"}"#,
            422,
            "amount",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":1}"#,
            422,
            "currency",
        ),
        (
            r#"{"event_id":"1","kind":"sale","amount":1,"currency":"XXX"}"#,
            422,
            "currency",
        ),
        (
            r#"{"event_id":"1","kind":"lead","occurred_at":"2999-01-01T00:00:00Z"}"#,
            422,
            "occurred_at",
        ),
        (
            r#"{"event_id":"1","kind":"lead","ammount":1}"#,
            422,
            "ammount",
        ),
        (r#"{"kind":"lead"}"#, 422, "event_id"),
        (r#"{"event_id":"1"}"#, 422, "kind"),
        ("{", 400, ""),
        ("[]", 400, ""),
        ("", 400, ""),
        (large.as_str(), 413, ""),
    ];
    for (body, status, field) in table {
        let beacon = body.replacen('{', r#"{"ws":"acme","#, 1).replace(",}", "}");
        for got in [
            collector.convert(body).await,
            collector.ask("POST", "/v1/events", &[], beacon).await,
        ] {
            assert_eq!(got.status, status, "{body:.200}: {got:?}");
            assert_eq!(got.header("content-type"), "application/problem+json");
            let problem = got.json();
            assert_eq!(problem["status"], status);
            assert_eq!(
                problem["errors"][0]["field"].as_str().unwrap_or_default(),
                field,
                "{problem}"
            );
        }
    }
    let unknown = r#"{"ws":"nobody","event_id":"1","kind":"lead"}"#;
    let got = collector.ask("POST", "/v1/events", &[], unknown).await;
    assert_eq!(
        (
            got.status.as_u16(),
            got.json()["errors"][0]["field"].as_str()
        ),
        (404, Some("ws"))
    );
    // The key says whose conversion it is; a server may not name another.
    let named = collector
        .convert(r#"{"ws":"quiet","event_id":"1","kind":"lead"}"#)
        .await;
    assert_eq!(
        (
            named.status.as_u16(),
            named.json()["errors"][0]["field"].as_str()
        ),
        (422, Some("ws"))
    );
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(
        number(&engine.client(), "SELECT count() FROM conversions").await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_methods_and_paths() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let body = r#"{"event_id":"1","kind":"lead"}"#;
    let reports = format!("Bearer {}", collector.key_for_reports.expose());
    let raw = collector.key.expose().to_owned();
    let long = format!("Bearer {}", "k".repeat(10_000));
    let table = [
        (None, 401),
        (Some("Bearer whk_0000"), 401),
        (Some("Bearer "), 401),
        (Some("Basic d2hrXzpw"), 401),
        (Some(raw.as_str()), 401),
        (Some(long.as_str()), 401),
        (Some(reports.as_str()), 403),
    ];
    for (authorization, status) in table {
        let headers: Vec<_> = authorization
            .map(|value| ("authorization", value))
            .into_iter()
            .collect();
        let got = collector
            .ask("POST", "/v1/conversions", &headers, body)
            .await;
        assert_eq!(got.status, status, "{authorization:?}: {got:?}");
        assert_eq!(
            got.header("www-authenticate"),
            if status == 401 { "Bearer" } else { "" }
        );
        assert!(!got.body.contains("whk_0000"), "{got:?}");
    }
    for (method, path, status) in [
        ("GET", "/v1/conversions", 405),
        ("PUT", "/v1/blocks", 405),
        ("GET", "/v1/events", 405),
        ("POST", "/p.gif", 405),
        ("GET", "/", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/metrics", 404),
    ] {
        let got = collector.ask(method, path, &[], "").await;
        assert_eq!(got.status, status, "{method} {path}: {got:?}");
        assert_eq!(got.header("content-type"), "application/problem+json");
    }
}
