//! Many conversions in one request: each has its answer, and a bad one spoils no other.

use serde_json::{Value, json};
use whence_core::test_support::Engine;
use whence_core::test_support::http::Got;

use crate::support::{Collector, number, wait_for};

async fn send(collector: &Collector, media_type: &str, body: impl Into<bytes::Bytes>) -> Got {
    let authorization = format!("Bearer {}", collector.key.expose());
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", media_type),
    ];
    collector
        .ask("POST", "/v1/conversions/batch", &headers, body)
        .await
}

fn results(answer: &Value) -> Vec<&str> {
    let results = answer["results"].as_array().unwrap().iter();
    results.map(|it| it["result"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_an_answer_of_its_own_in_its_order() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let body = json!([
        {"event_id": "a", "kind": "sale", "amount": 100, "currency": "EUR"},
        {"event_id": "b", "kind": "sale", "amount": -1, "currency": "EUR"},
        {"event_id": "r", "kind": "refund", "reference": "a", "amount": 60, "currency": "EUR"},
        {"event_id": "a", "kind": "sale", "amount": 100, "currency": "EUR"},
        "nonsense",
        {"event_id": "a", "kind": "lead"},
        {"event_id": "r2", "kind": "refund", "reference": "a", "amount": 60, "currency": "EUR"},
        {"event_id": "c", "kind": "lead"},
    ]);
    let got = send(&collector, "application/json", body.to_string()).await;
    assert_eq!(got.status, 200, "{got:?}");
    let answer = got.json();
    let expected = [
        "accepted", "invalid", "accepted", "replayed", "invalid", "conflict", "invalid", "accepted",
    ];
    assert_eq!(results(&answer), expected);
    let told = |at: usize| answer["results"][at]["errors"][0]["field"].clone();
    assert_eq!(
        [told(1), told(5), told(6)],
        ["amount", "event_id", "amount"]
    );
    assert_eq!(answer["results"][4]["detail"], "must be an object");
    assert_eq!(
        [
            &answer["accepted"],
            &answer["replayed"],
            &answer["conflicts"],
            &answer["invalid"],
            &answer["unavailable"]
        ],
        [3, 1, 1, 3, 0]
    );
    // The same once more, when ClickHouse has them: nothing is new.
    wait_for(&engine.client(), "SELECT count() FROM conversions", 3).await;
    let again = send(&collector, "application/json", body.to_string())
        .await
        .json();
    let expected = [
        "replayed", "invalid", "replayed", "replayed", "invalid", "conflict", "invalid", "replayed",
    ];
    assert_eq!(results(&again), expected);
    let csv = "event_id,kind,amount,currency,reference\r\na,sale,100,EUR,\r\nd,sale,1.50,EUR,\r\nr,refund,60,EUR,a\r\ne,lead\r\nf,lead,,,\r\n";
    let by_csv = send(&collector, "text/csv; charset=utf-8", csv)
        .await
        .json();
    assert_eq!(
        results(&by_csv),
        ["replayed", "invalid", "replayed", "invalid", "accepted"]
    );
    assert_eq!(by_csv["results"][1]["line"], 3);
    let lines = "{\"event_id\":\"f\",\"kind\":\"lead\"}\n\n{\"event_id\":\"g\"}\n";
    let by_lines = send(&collector, "application/x-ndjson", lines).await.json();
    assert_eq!(results(&by_lines), ["replayed", "invalid"]);
    assert_eq!(by_lines["results"][1]["line"], 3);
    wait_for(&engine.client(), "SELECT count() FROM conversions", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_and_what_cannot_be_taken() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let rows = |count: u32| -> String {
        let rows = (0..count).map(|n| {
            format!(
                "{{\"event_id\":\"e-{n}\",\"kind\":\"sale\",\"amount\":{n},\"currency\":\"EUR\"}}\n"
            )
        });
        rows.collect()
    };
    let first = send(&collector, "application/jsonl", rows(10_000)).await;
    assert_eq!(
        (first.status.as_u16(), &first.json()["accepted"]),
        (200, &json!(10_000))
    );
    let client = engine.client();
    wait_for(&client, "SELECT count() FROM conversions", 10_000).await;
    let again = send(&collector, "application/jsonl", rows(10_000))
        .await
        .json();
    assert_eq!(again["replayed"], 10_000);
    for (media_type, body, status) in [
        ("application/jsonl", rows(10_001), 413),
        ("application/json", "x".repeat((16 << 20) + 1), 413),
        ("application/json", "{}".into(), 400),
        ("application/json", "[{}".into(), 400),
        ("text/csv", String::new(), 400),
        ("text/plain", "[]".into(), 415),
    ] {
        let got = send(&collector, media_type, body).await;
        assert_eq!(got.status, status, "{media_type}: {got:?}");
        assert_eq!(got.header("content-type"), "application/problem+json");
    }
    let none = send(&collector, "application/json", "[]").await;
    assert_eq!(
        (none.status.as_u16(), &none.json()["results"]),
        (200, &json!([]))
    );
    let nobody = collector
        .ask("POST", "/v1/conversions/batch", &[], "[]")
        .await;
    assert_eq!(nobody.status, 401);
    assert_eq!(
        number(&client, "SELECT count() FROM conversions").await,
        10_000
    );
}
