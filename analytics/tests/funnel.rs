//! `/api/v1/funnel` where the answer is known beforehand, and where there is none. That it is right of any events is for
//! `oracle` to show.

use serde_json::{Value, json};
use whence_core::test_support::Engine;

use crate::events::{BOT, Click, Conversion, LEAD, PageEvent, REFUND, SALE, insert};
use crate::support::{Service, about, problem};

/// 2025-06-02T00:00:00Z, a Monday.
const DAY: i64 = 1_748_822_400_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Visitor 7 clicks twice, reads prices, tries and buys, all but 5 EUR of it kept; visitor 8 clicks and tries, and buys without
/// saying who, on another computer (visitor 9), but gives a name on both; a click without a visitor buys; a bot clicks.
async fn fill(engine: &Engine) {
    let client = engine.client();
    let click = |time: i64, unique, visitor, channel: &str| Click {
        channel: channel.into(),
        ..Click::new("acme", DAY + time, unique, visitor)
    };
    let alone = click(3 * HOUR, 4, 0, "SMS");
    let bot = Click {
        verdict: BOT,
        ..click(4 * HOUR, 5, 11, "SMS")
    };
    let clicks = [
        click(0, 1, 7, "Email"),
        click(HOUR, 2, 7, "SMS"),
        click(2 * HOUR, 3, 8, "SMS"),
        alone.clone(),
        bot,
        Click::new("globex", DAY, 6, 7),
    ];
    let sale = |id: &str, time: i64, minor: i64| Conversion {
        amount_minor: minor,
        currency: "EUR".into(),
        ..Conversion::new("acme", id, SALE, DAY + time, 0)
    };
    let lead = |id: &str, time: i64| Conversion::new("acme", id, LEAD, DAY + time, 0);
    let conversions = [
        Conversion {
            visitor_id: 7,
            ..lead("a", 2 * HOUR)
        },
        Conversion {
            visitor_id: 7,
            ..sale("b", 3 * HOUR, 1999)
        },
        Conversion {
            reference: "b".into(),
            amount_minor: -500,
            kind: REFUND,
            ..sale("b back", 9 * HOUR, 0)
        },
        Conversion {
            visitor_id: 8,
            customer: "k1".into(),
            ..lead("c", 3 * HOUR)
        },
        Conversion {
            visitor_id: 9,
            customer: "k1".into(),
            ..lead("d", 4 * HOUR)
        },
        Conversion {
            visitor_id: 9,
            ..sale("e", 5 * HOUR, 300)
        },
        Conversion {
            click_id: alone.click_id,
            ..sale("f", 3 * HOUR, 200)
        },
    ];
    let page = PageEvent {
        visitor_id: 7,
        page_path: "/pricing".into(),
        ..PageEvent::new("acme", 1 << 100, DAY + 90 * MINUTE)
    };
    insert(&client, "clicks", &clicks).await;
    insert(&client, "conversions", &conversions).await;
    insert(&client, "page_events", &[page]).await;
}

async fn ask(service: &Service, more: &Value) -> Value {
    let mut body = json!({ "from": "2025-06-02", "to": "2025-06-02" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let got = service
        .ask(&service.acme, "POST", "/api/v1/funnel", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    got.json()
}

fn people(rows: &Value) -> Vec<u64> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["people"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_day_that_can_be_counted_by_hand() {
    let engine = Engine::migrated().await;
    fill(&engine).await;
    let service = Service::on(&engine).await;
    let steps = json!([{ "event": "click" }, { "event": "lead" }, { "event": "sale" }]);
    let got = ask(&service, &json!({ "steps": steps })).await;
    assert_eq!(people(&got["totals"]), [3, 2, 2]);
    assert_eq!(got["rows"], got["totals"]);
    assert_eq!(got["rows"][0]["rate_from_last"], Value::Null);
    assert_eq!(got["rows"][1]["rate_from_last"]["value"], json!(2.0 / 3.0));
    // The leads came 2 h and 1 h after the entry; the sales 1 h and 2 h later.
    let waits = json!({ "p50": 3600.0, "p90": 7200.0 });
    assert_eq!(got["rows"][1]["time_from_last"], waits);
    assert_eq!(got["rows"][2]["time_from_last"], waits);
    let waits = json!({ "p50": 10800.0, "p90": 10800.0 });
    assert_eq!(got["rows"][2]["time_from_first"], waits);
    let revenue = json!([{ "currency": "EUR", "amount_minor": 1999 - 500 + 300 }]);
    assert_eq!(got["rows"][2]["revenue"], revenue);
    assert_eq!(
        (&got["rows"][2]["open"], &got["exact"]),
        (&json!(0), &json!(true))
    );

    let page =
        json!({ "event": "page", "filter": { "dimension": "page_path", "matches": "^/pri" } });
    let dear = json!({ "event": "sale", "currency": "EUR", "min_amount_minor": 1000 });
    for (asked, expected) in [
        (
            json!({ "steps": [{ "event": "click" }, page, dear] }),
            vec![3, 1, 1],
        ),
        // Customer k1 has a lead of 3 h and one of 4 h: from the second it is an hour to the sale.
        (
            json!({ "steps": [{ "event": "click" }, { "event": "lead" }, { "event": "sale", "within": "1h" }] }),
            vec![3, 2, 2],
        ),
        (
            json!({ "steps": [{ "event": "click" }, { "event": "lead" }, { "event": "sale", "within": "3599s" }] }),
            vec![3, 2, 0],
        ),
        (json!({ "steps": steps, "window": "3h" }), vec![3, 2, 2]),
        (json!({ "steps": steps, "window": "10799s" }), vec![3, 2, 0]),
        // Whoever read about prices in between is out there.
        (
            json!({ "steps": steps, "exclude": [{ "event": "page", "between": [1, 2] }] }),
            vec![3, 1, 1],
        ),
        (
            json!({ "steps": steps, "exclude": [{ "event": "page", "between": [2, 3] }] }),
            vec![3, 2, 2],
        ),
        // A second click is the first step again; a page between is no step of the first funnel, but of the second.
        (json!({ "steps": steps, "order": "strict" }), vec![3, 2, 2]),
        (
            json!({ "steps": [{ "event": "click" }, { "event": "sale" }, page], "order": "strict" }),
            vec![3, 2, 0],
        ),
        // In any order four have done one of them, two of them both.
        (
            json!({ "steps": [{ "event": "sale" }, { "event": "lead" }], "order": "any" }),
            vec![3, 2],
        ),
        (json!({ "steps": steps, "traffic": "all" }), vec![4, 2, 2]),
        (
            json!({ "steps": [{ "event": "click", "filter": { "dimension": "channel", "is": "SMS" } }, { "event": "sale" }] }),
            vec![3, 3],
        ),
    ] {
        let got = ask(&service, &asked).await;
        assert_eq!(people(&got["rows"]), expected, "{asked}: {got}");
    }

    let by = json!({ "steps": steps, "by": "channel", "interval": "day" });
    let got = ask(&service, &by).await;
    let keys: Vec<_> = got["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["channel"].as_str().unwrap(),
                row["people"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("SMS", 2),
        ("SMS", 1),
        ("SMS", 1),
        ("Email", 1),
        ("Email", 1),
        ("Email", 1),
    ];
    assert_eq!(keys, expected);
    assert_eq!(got["rows"][0]["time"], "2025-06-02T00:00:00+00:00");

    // The form for a query string, and what is another workspace's.
    let path = "/api/v1/funnel?from=2025-06-02&to=2025-06-02&steps=page:/pricing,sale&within=2h&window=7d&limit=5";
    assert_eq!(people(&service.get(path).await["rows"]), [1, 1]);
    let path = "/api/v1/funnel?from=2025-06-02&to=2025-06-02&steps=click,conversion&by=channel";
    let got = service.ask(&service.globex, "GET", path, "").await;
    assert_eq!(people(&got.json()["rows"]), [1, 0]);
    assert!(!got.body.contains("SMS"), "{}", got.body);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place() {
    let service = Service::start().await;
    let click = json!({ "event": "click" });
    let two = json!([click, { "event": "sale" }]);
    let step = |step: Value| json!({ "steps": [click, step] });
    let sale = |more: Value| {
        let mut sale = json!({ "event": "sale" });
        for (name, value) in more.as_object().unwrap() {
            sale[name] = value.clone();
        }
        step(sale)
    };
    let filter = |dimension: &str| json!({ "and": [{ "dimension": dimension, "is": "a" }] });
    for (body, field) in [
        (json!({}), "steps"),
        (json!({ "steps": [click] }), "steps"),
        (json!({ "steps": vec![click.clone(); 11] }), "steps"),
        (json!({ "steps": "click" }), "steps"),
        (step(json!("sale")), "steps[1]"),
        (step(json!({})), "steps[1]"),
        (step(json!({ "event": "visit" })), "steps[1].event"),
        (
            step(json!({ "event": "click", "name": "x" })),
            "steps[1].name",
        ),
        (
            step(json!({ "event": "event", "name": "" })),
            "steps[1].name",
        ),
        (
            step(json!({ "event": "page", "currency": "EUR" })),
            "steps[1].currency",
        ),
        (sale(json!({ "currency": "eur" })), "steps[1].currency"),
        (sale(json!({ "min_amount_minor": 5 })), "steps[1].currency"),
        (
            sale(json!({ "max_amount_minor": 0.5 })),
            "steps[1].max_amount_minor",
        ),
        (sale(json!({ "within": "366d" })), "steps[1].within"),
        (sale(json!({ "between": [1, 2] })), "steps[1].between"),
        (
            sale(json!({ "filter": filter("page_path") })),
            "steps[1].filter.and[0].dimension",
        ),
        (
            step(json!({ "event": "page", "filter": filter("channel") })),
            "steps[1].filter.and[0].dimension",
        ),
        (
            json!({ "steps": [{ "event": "click", "within": "1d" }, click] }),
            "steps[0].within",
        ),
        (json!({ "steps": two, "window": "0d" }), "window"),
        (json!({ "steps": two, "window": "366d" }), "window"),
        (json!({ "steps": two, "order": "random" }), "order"),
        (json!({ "steps": two, "by": "visitor_id" }), "by"),
        (json!({ "steps": two, "limit": 0 }), "limit"),
        (json!({ "steps": two, "traffic": "unique:1d" }), "traffic"),
        (json!({ "steps": two, "interval": "era" }), "interval"),
        (json!({ "steps": two, "exclude": [click] }), "exclude[0]"),
        (
            json!({ "steps": two, "exclude": [{ "event": "page", "between": [2, 2] }] }),
            "exclude[0].between",
        ),
        (
            json!({ "steps": two, "exclude": [{ "event": "page", "between": [1, 3] }] }),
            "exclude[0].between",
        ),
        (
            json!({ "steps": two, "exclude": [{ "event": "page", "between": [1, 2] }], "order": "any" }),
            "exclude",
        ),
        (
            json!({ "steps": [click, { "event": "sale", "within": "1d" }], "order": "any" }),
            "steps[1].within",
        ),
    ] {
        let got = service
            .ask(&service.acme, "POST", "/api/v1/funnel", body.to_string())
            .await;
        about(&problem(&got, 422), &[field]);
    }
    let got = service
        .ask(
            &service.acme,
            "GET",
            "/api/v1/funnel?steps=click,sale&within=1d,2d",
            "",
        )
        .await;
    about(&problem(&got, 400), &["within"]);
}
