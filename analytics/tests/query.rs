//! `POST /api/v1/query` where the answer is known beforehand, and where there is none.

use serde_json::{Value, json};
use whence_core::test_support::Engine;

use crate::events::{Click, Conversion, SALE, insert};
use crate::support::Service;

/// Noon of a Monday.
const NOON: i64 = 1_795_435_200_000;

async fn ask(service: &Service, body: &Value) -> (u16, Value) {
    let got = service
        .ask(&service.acme, "POST", "/api/v1/query", body.to_string())
        .await;
    (got.status.as_u16(), got.json())
}

#[tokio::test]
async fn pages_orders_and_the_hours_of_a_week() {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    let mut clicks = Vec::new();
    for (source, count) in [("a", 1), ("b", 3), ("c", 2), ("d", 3)] {
        for _ in 0..count {
            let unique = clicks.len() as u32 + 1;
            clicks.push(Click {
                source: source.into(),
                ..Click::new("acme", NOON + i64::from(unique), unique, u128::from(unique))
            });
        }
    }
    let sale = Conversion {
        amount_minor: 500,
        currency: "EUR".into(),
        ..Conversion::new("acme", "e1", SALE, NOON + 1_000, clicks[0].click_id)
    };
    insert(&engine.client(), "clicks", &clicks).await;
    insert(&engine.client(), "conversions", &[sale]).await;

    let base = json!({
        "from": "2026-11-23", "to": "2026-11-23", "metrics": ["clicks"], "dimensions": ["source"],
        "limit": 3,
    });
    let (status, page) = ask(&service, &base).await;
    assert_eq!(status, 200, "{page}");
    let keys = |page: &Value| -> Vec<String> {
        let rows = page["rows"].as_array().unwrap();
        rows.iter()
            .map(|row| row["source"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(&page), ["b", "d", "c"]);
    assert_eq!(
        (&page["groups"], &page["totals"]["clicks"]),
        (&json!(4), &json!(9))
    );
    let mut next = base.clone();
    next["cursor"] = page["cursor"].clone();
    let (_, page) = ask(&service, &next).await;
    assert_eq!(
        (keys(&page), &page["cursor"]),
        (vec!["a".to_owned()], &Value::Null)
    );

    let mut by_money = base.clone();
    by_money["order"] = json!(["-revenue", "-source"]);
    by_money["currency"] = json!("EUR");
    let (status, page) = ask(&service, &by_money).await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(keys(&page), ["a", "d", "c"]);

    let by_hour =
        json!({ "from": "2026-11-23", "to": "2026-11-23", "dimensions": ["hour_of_week"] });
    let (_, page) = ask(&service, &by_hour).await;
    assert_eq!(page["rows"][0]["hour_of_week"], "12", "{page}");
    let only = json!({
        "from": "2026-11-23", "to": "2026-11-23", "filter": {"dimension": "hour_of_week", "is": "13"},
    });
    let (_, page) = ask(&service, &only).await;
    assert_eq!(page["totals"]["clicks"], 0, "{page}");
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place() {
    let service = Service::start().await;
    let deep = (0..9).fold(
        json!({"dimension": "tag", "is": ""}),
        |filter, _| json!({"not": filter}),
    );
    for (body, field, told) in [
        (
            json!({"metrics": ["click"]}),
            "metrics",
            "must be one of clicks, visitors",
        ),
        (
            json!({"metrics": ["clicks", "clicks"]}),
            "metrics",
            "must not name one twice",
        ),
        (
            json!({"dimensions": ["visitor_id"]}),
            "dimensions",
            "must be one of channel",
        ),
        (
            json!({"dimensions": ["os", "device", "browser", "app"]}),
            "dimensions",
            "at most 3",
        ),
        (
            json!({"interval": "fortnight"}),
            "interval",
            "must be minute",
        ),
        (
            json!({"period": "today", "from": "2026-11-01"}),
            "period",
            "excludes from and to",
        ),
        (
            json!({"compare": "last_year"}),
            "compare",
            "previous_period or previous_year",
        ),
        (json!({"traffic": "unique"}), "traffic", "unique:30m"),
        (json!({"traffic": "unique:31d"}), "traffic", "up to 30d"),
        (
            json!({"order": ["-revenue"]}),
            "order",
            "revenue needs a currency",
        ),
        (
            json!({"order": ["channel"]}),
            "order",
            "must be a dimension that is asked for",
        ),
        (json!({"limit": 10_001}), "limit", "from 1 to 10000"),
        (json!({"cursor": "x"}), "cursor", "is no cursor"),
        (json!({"currency": "eur"}), "currency", "ISO 4217"),
        (json!({"filter": {}}), "filter", "needs a dimension"),
        (
            json!({"filter": {"and": []}}),
            "filter.and",
            "must not be empty",
        ),
        (
            json!({"filter": {"and": [{"dimension": "os", "is": "iOS"}, {"dimension": "Tag", "is": "a"}]}}),
            "filter.and[1].dimension",
            "must be one of",
        ),
        (
            json!({"filter": {"dimension": "os", "like": "a"}}),
            "filter.like",
            "is not known",
        ),
        (
            json!({"filter": {"dimension": "os", "is": 5}}),
            "filter.is",
            "must be a text",
        ),
        (
            json!({"filter": {"dimension": "os", "in": []}}),
            "filter.in",
            "1 to 1000",
        ),
        (
            json!({"filter": {"dimension": "os", "matches": "("}}),
            "filter.matches",
            "no regular expression",
        ),
        (
            json!({"filter": {"dimension": "link", "is": "?"}}),
            "filter.is",
            "is no link's id",
        ),
        (
            json!({"filter": {"dimension": "link", "contains": "0"}}),
            "filter.contains",
            "cannot be asked",
        ),
        (json!({"filter": deep}), "filter.not.not", "nested too deep"),
        (json!({"metric": ["clicks"]}), "metric", "is not known here"),
    ] {
        let (status, problem) = ask(&service, &body).await;
        assert_eq!(status, 422, "{body}: {problem}");
        let first = &problem["errors"][0];
        let found = (
            first["field"].as_str().unwrap(),
            first["detail"].as_str().unwrap(),
        );
        assert!(
            found.0.starts_with(field) && found.1.contains(told),
            "{body}: {problem}"
        );
    }
}

#[tokio::test]
async fn an_overview_names_what_is_wrong_with_it() {
    let service = Service::start().await;
    for (body, field) in [
        (json!({ "breakdowns": "channel" }), "breakdowns"),
        (json!({ "breakdowns": ["chanel"] }), "breakdowns"),
        (json!({ "breakdowns": ["link", "link"] }), "breakdowns"),
        (json!({ "limit": 0 }), "limit"),
        (json!({ "limit": 51 }), "limit"),
        (json!({ "rollups": "no" }), "rollups"),
        (json!({ "interval": "moment" }), "interval"),
        (json!({ "metrics": ["clicks"] }), "metrics"),
        (
            json!({ "from": "2026-01-01", "to": "2026-12-31", "interval": "minute" }),
            "interval",
        ),
        (
            json!({ "filter": { "dimension": "colour", "is": "red" } }),
            "filter.dimension",
        ),
    ] {
        let got = service
            .ask(&service.acme, "POST", "/api/v1/overview", body.to_string())
            .await;
        assert_eq!(got.status, 422, "{body}: {}", got.body);
        let problem: Value = got.json();
        assert_eq!(problem["errors"][0]["field"], json!(field), "{problem}");
    }
}
