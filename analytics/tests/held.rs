//! Clicks that are held in memory: first behind an answer's back, then whatever comes to them at once, and never more than may be. That
//! what is counted of them is right, whatever becomes of them, is for `rollups` and `oracle` to show.

use std::time::{Duration, Instant};

use clickhouse::Client;
use serde_json::{Value, json};
use whence_core::test_support::Engine;

use crate::support::Service;

/// Clicks: more than a question waits for.
const CLICKS: u64 = 50_000;
const PATIENCE: Duration = Duration::from_secs(30);

/// Clicks of four days by some visitors who come again, some without a name, and machines; one in five hundred converts.
async fn fill(client: &Client, workspace: &str) {
    let clicks = format!(
        "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, link_id, visitor_id, country, device, channel, source, verdict)
         SELECT '{workspace}', at, toUInt128(number + 1), 1, number + 1, 'redirected', cityHash64(number) % 50,
             if(number % 40 = 0, 0, 1 + cityHash64(number, 'visitor') % 9000), ['DE', 'FR', ''][1 + number % 3], 'mobile',
             ['Email', 'Direct', 'Organic Social', 'SMS'][1 + cityHash64(number, 'channel') % 4], 'somewhere',
             if(number % 10 = 3, 'bot', 'human')
         FROM (SELECT number, toDateTime64('2025-06-02 00:00:00', 3, 'UTC') + toIntervalMillisecond(number * 6911) AS at FROM numbers({CLICKS}))"
    );
    let conversions = format!("INSERT INTO conversions (workspace, event_id, kind, visitor_id, amount_minor, currency, occurred_at, received_at, lane, seq)
         SELECT workspace, toString(seq), 'sale', visitor_id, 100, 'EUR', time + 1, time + 2, 2, seq
         FROM clicks WHERE workspace = '{workspace}' AND seq % 500 = 7");
    for statement in [clicks, conversions] {
        client.query(&statement).execute().await.unwrap();
    }
}

/// A report, without what it cost.
async fn report(service: &Service, name: &str, body: &Value) -> Value {
    let mut body = body.clone();
    body["from"] = json!("2025-06-02");
    body["to"] = json!("2025-06-05");
    let path = format!("/api/v1/{name}");
    let got = service
        .ask(&service.acme, "POST", &path, body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    let mut answer: Value = got.json();
    for cost in [
        "rows_read",
        "bytes_read",
        "freshness",
        "rollups",
        "held",
        "as_of",
    ] {
        answer.as_object_mut().unwrap().remove(cost);
    }
    answer
}

async fn is_held_of(service: &Service, key: &str) -> bool {
    let path = "/api/v1/overview?from=2025-06-02&to=2025-06-05";
    let got = service.ask(key, "GET", path, "").await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.json()["held"].as_bool().unwrap()
}

async fn is_held(service: &Service) -> bool {
    is_held_of(service, &service.acme).await
}

async fn until_held(service: &Service) {
    let started = Instant::now();
    while !is_held(service).await {
        assert!(started.elapsed() < PATIENCE, "clicks were never held");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn clicks(service: &Service) -> u64 {
    let answer = report(service, "overview", &json!({})).await;
    answer["totals"]["clicks"].as_u64().unwrap()
}

/// Reports that clicks in memory can answer.
fn reports() -> [(&'static str, Value); 4] {
    let steps = json!([{ "event": "click" }, { "event": "sale" }]);
    let markov = json!(["linear", "markov"]);
    [
        ("overview", json!({ "interval": "hour", "limit": 50 })),
        ("funnel", json!({ "steps": steps, "window": "365d" })),
        (
            "attribution",
            json!({ "models": markov, "look_back": "30d" }),
        ),
        ("attribution", json!({ "models": markov, "by": "link" })),
    ]
}

async fn all(service: &Service) -> Vec<Value> {
    let mut answers = Vec::new();
    for (name, body) in reports() {
        answers.push(report(service, name, &body).await);
    }
    answers
}

#[tokio::test]
async fn many_clicks_are_read_behind_an_answer_and_few_at_once() {
    let engine = Engine::migrated().await;
    fill(&engine.client(), "acme").await;
    let over = |mib| {
        let clickhouse = engine.config();
        Service::start_with(move |config| {
            config.clickhouse = clickhouse;
            config.analytics.held_mib = mib;
            config.analytics.held_least_clicks = 1_000;
        })
    };
    let without = all(&over(0).await).await;
    let service = over(64).await;
    assert!(!is_held(&service).await, "the first question waited");
    until_held(&service).await;
    for (expected, got) in without.iter().zip(all(&service).await) {
        assert_eq!(*expected, got);
    }

    let people = clicks(&service).await;
    let late = "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, visitor_id, channel, verdict)
        VALUES ('acme', '2025-06-03 10:00:00.000', 99, 3, 1, 'redirected', 77777, 'Push', 'human')";
    engine.client().query(late).execute().await.unwrap();
    assert!(is_held(&service).await);
    assert_eq!(clicks(&service).await, people + 1);
}

#[tokio::test]
async fn what_does_not_fit_or_is_not_worth_it_is_not_held() {
    let engine = Engine::migrated().await;
    fill(&engine.client(), "acme").await;
    for (mib, least) in [(1, 1_000), (0, 0), (256, CLICKS)] {
        let service = Service::start_with(|config| {
            config.clickhouse = engine.config();
            config.analytics.held_mib = mib;
            config.analytics.held_least_clicks = least;
        })
        .await;
        assert!(!is_held(&service).await);
        // Longer than reading them would take.
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!is_held(&service).await, "{mib} MiB, {least} clicks");
        service.stop().await;
    }
}

#[tokio::test]
async fn who_asked_lately_is_not_put_out_by_another() {
    let engine = Engine::migrated().await;
    for workspace in ["acme", "globex"] {
        fill(&engine.client(), workspace).await;
    }
    let service = Service::start_with(|config| {
        config.clickhouse = engine.config();
        // Room for one.
        config.analytics.held_mib = 5;
        config.analytics.held_least_clicks = 1_000;
    })
    .await;
    until_held(&service).await;
    for _ in 0..3 {
        assert!(!is_held_of(&service, &service.globex).await);
        assert!(is_held(&service).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
