//! Paths and cohorts where the answer is known beforehand, and where there is none.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use whence_core::test_support::Engine;

use crate::events::{Click, Conversion, SALE, insert};
use crate::support::{Service, about, problem};

/// Noon of a Monday.
const NOON: i64 = 1_795_435_200_000;
const HOUR: i64 = 3_600_000;

async fn ask(service: &Service, path: &str, body: &Value) -> Value {
    let got = service
        .ask(&service.acme, "POST", path, body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    got.json()
}

fn click(unique: u32, at: i64, visitor: u128, channel: &str) -> Click {
    Click {
        channel: channel.into(),
        ..Click::new("acme", at, unique, visitor)
    }
}

fn sale(event_id: &str, at: i64, click_id: u128, customer: &str, minor: i64) -> Conversion {
    Conversion {
        customer: customer.into(),
        amount_minor: minor,
        currency: "EUR".into(),
        ..Conversion::new("acme", event_id, SALE, at, click_id)
    }
}

#[tokio::test]
async fn two_ways_to_buy_and_one_to_leave() {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    let clicks = [
        click(1, NOON, 7, "Email"),
        click(2, NOON + HOUR, 7, "Email"),
        click(3, NOON + 2 * HOUR, 7, "Direct"),
        click(4, NOON, 8, "Direct"),
        click(5, NOON + HOUR, 9, "Email"),
        click(6, NOON + 2 * HOUR, 9, "Direct"),
    ];
    let sales = [
        sale("a", NOON + 4 * HOUR, clicks[2].click_id, "ada", 500),
        sale("b", NOON + HOUR, clicks[3].click_id, "", 300),
    ];
    insert(&engine.client(), "clicks", &clicks).await;
    insert(&engine.client(), "conversions", &sales).await;
    let base = json!({ "from": "2026-11-23", "to": "2026-11-23" });
    let paths = ask(&service, "/api/v1/paths", &base).await;
    let row = |row: &Value| {
        (
            row["path"].as_str().unwrap().to_owned(),
            row["people"].as_u64(),
            row["conversions"].as_u64(),
            row["time_to_convert"]["p50"].as_f64(),
        )
    };
    let rows: Vec<_> = paths["rows"].as_array().unwrap().iter().map(row).collect();
    assert_eq!(
        rows,
        [
            (
                "Email > Direct".to_owned(),
                Some(2),
                Some(1),
                Some(4.0 * 3600.0)
            ),
            ("Direct".to_owned(), Some(1), Some(1), Some(3600.0)),
        ]
    );
    assert_eq!(paths["rows"][0]["conversion_rate"]["value"], 0.5);
    assert_eq!(paths["totals"]["people"], 3);
    let step = json!({"from": "Email", "to": "Direct", "count": 2});
    let transitions = paths["transitions"].as_array().unwrap();
    let found = transitions
        .iter()
        .find(|row| row["from"] == "Email" && row["to"] == "Direct")
        .unwrap();
    assert_eq!(
        (&found["count"], &found["share"]["value"]),
        (&step["count"], &json!(1.0))
    );

    // Of 13 o'clock only, which is the hour from 13:00 on.
    let mut hour = base.clone();
    hour["filter"] = json!({"dimension": "hour_of_week", "is": "13"});
    let paths = ask(&service, "/api/v1/paths", &hour).await;
    assert_eq!(paths["rows"][0]["path"], "Email");
    assert_eq!(paths["totals"]["people"], 2);
    assert_eq!(paths["without_touch"]["conversions"], 1);
    hour["interval"] = json!("day");
    let cohorts = ask(&service, "/api/v1/cohorts", &hour).await;
    // Who first clicked at noon came at noon.
    assert_eq!(cohorts["totals"]["people"], 1, "{cohorts}");
}

#[tokio::test]
async fn a_period_that_is_not_over_is_open() {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    let now = Timestamp::now();
    let day = |days: i64| now.as_millisecond() - days * 24 * HOUR;
    let clicks = [
        click(1, day(2), 7, "Email"),
        click(2, day(1), 7, "Email"),
        click(3, day(2), 8, "Email"),
    ];
    let sales = [
        sale("a", day(2), clicks[0].click_id, "ada", 500),
        sale("b", day(1), 0, "ada", 250),
        sale("c", day(2), 0, "bob", 100),
    ];
    insert(&engine.client(), "clicks", &clicks).await;
    insert(&engine.client(), "conversions", &sales).await;
    let (first, last) = (now - 72.hours(), now);
    let body = json!({
        "from": first.to_string(), "to": last.to_string(), "interval": "day", "periods": 5,
        "active": "click",
    });
    let got = ask(&service, "/api/v1/cohorts", &body).await;
    let row = |row: &Value| {
        (
            row["open"].as_bool().unwrap(),
            row["active_people"].as_u64().unwrap(),
            row["retention"]["value"].as_f64(),
            row["lifetime_value"][0]["amount_minor"].as_f64(),
        )
    };
    let rows: Vec<_> = got["rows"].as_array().unwrap().iter().map(row).collect();
    let [over @ .., last_row] = &rows[..] else {
        panic!("{got}");
    };
    assert_eq!(over[0], (false, 2, Some(1.0), Some(250.0)));
    assert_eq!(over[1], (false, 1, Some(0.5), Some(375.0)));
    assert_eq!(*last_row, (true, 0, None, None), "today");
    // It is one more where midnight has passed meanwhile.
    assert!((2..=3).contains(&over.len()), "{got}");
    assert_eq!(got["curve"].as_array().unwrap().len(), over.len());

    let body = json!({ "from": first.to_string(), "to": last.to_string(), "window": "1s" });
    let got = ask(&service, "/api/v1/cohorts/referred", &body).await;
    assert_eq!(got["rows"][0]["customers"], 1);
    assert_eq!(got["rows"][1]["customers"], 1);
    assert_eq!(got["difference"]["lifetime_value"][0]["value"], 400.0);
    assert_eq!(got["difference"]["lifetime_value"][0]["low"], Value::Null);
    let body = json!({ "from": first.to_string(), "to": last.to_string(), "window": "30d" });
    let got = ask(&service, "/api/v1/cohorts/referred", &body).await;
    assert_eq!(
        (&got["rows"][0]["customers"], &got["rows"][0]["open"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(got["rows"][0]["repeat_rate"], Value::Null);
}

#[tokio::test]
async fn fields_that_cannot_be() {
    let service = Service::start().await;
    for (path, body, fields) in [
        ("/api/v1/paths", json!({"by": "tag"}), vec!["by"]),
        (
            "/api/v1/paths",
            json!({"steps": 11, "limit": 0}),
            vec!["steps", "limit"],
        ),
        (
            "/api/v1/paths",
            json!({"collapse": "yes"}),
            vec!["collapse"],
        ),
        ("/api/v1/paths", json!({"order": "-people"}), vec!["order"]),
        (
            "/api/v1/paths",
            json!({"look_back": "366d", "kinds": []}),
            vec!["look_back", "kinds"],
        ),
        (
            "/api/v1/paths",
            json!({"filter": {"and": [{"dimension": "colour", "is": "red"}]}}),
            vec!["filter.and[0].dimension"],
        ),
        (
            "/api/v1/paths",
            json!({"models": ["first"]}),
            vec!["models"],
        ),
        (
            "/api/v1/cohorts",
            json!({"interval": "hour"}),
            vec!["interval"],
        ),
        ("/api/v1/cohorts", json!({"by": "tag"}), vec!["by"]),
        ("/api/v1/cohorts", json!({"by": "hour_of_week"}), vec!["by"]),
        (
            "/api/v1/cohorts",
            json!({"active": "sale", "periods": 367}),
            vec!["active", "periods"],
        ),
        (
            "/api/v1/cohorts",
            json!({"acquisition": "page"}),
            vec!["acquisition"],
        ),
        (
            "/api/v1/cohorts",
            json!({"interval": "day", "period": "last_year", "periods": 366}),
            vec!["periods"],
        ),
        (
            "/api/v1/cohorts/referred",
            json!({"window": "1y"}),
            vec!["window"],
        ),
        (
            "/api/v1/cohorts/referred",
            json!({"interval": "day"}),
            vec!["interval"],
        ),
    ] {
        let got = service
            .ask(&service.acme, "POST", path, body.to_string())
            .await;
        about(&problem(&got, 422), &fields);
    }
}
