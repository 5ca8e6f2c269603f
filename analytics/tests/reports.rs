//! The reports over a day that can be counted by hand. That they are right on any day is for `oracle`
//! to show.

use serde_json::{Value, json};
use whence_core::test_support::Engine;

use crate::events::{BOT, Click, Conversion, LEAD, SALE, insert};
use crate::support::Service;

/// 2024-10-27T00:00:00Z, the day on which clocks go back in Berlin: there it is two o'clock in summer,
/// and an hour later it is two o'clock again.
const DAY: i64 = 1_729_987_200_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Four clicks that count, a bot's, an orphan, one for each answer that leads nowhere, and conversions of
/// every sort.
async fn fill(engine: &Engine) {
    let client = engine.client();
    let click = |time: i64, unique, visitor, channel: &str| Click {
        channel: channel.into(),
        ..Click::new("acme", DAY + time, unique, visitor)
    };
    let tagged = |tags: &[&str], click: Click| Click {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        ..click
    };
    let email = tagged(&["may", "sale"], click(30 * MINUTE, 1, 7, "Email"));
    let email_again = tagged(&["sale"], click(90 * MINUTE, 2, 7, "Email"));
    let unknown_visitor = click(2 * HOUR, 3, 0, "SMS");
    let other = tagged(&["sale"], click(3 * HOUR, 4, 8, "SMS"));
    let bot = Click {
        verdict: BOT,
        ..click(4 * HOUR, 5, 9, "SMS")
    };
    let orphan = Click {
        outcome: 2,
        ..click(5 * HOUR, 6, 10, "SMS")
    };
    // Every answer but the redirect: disabled, pending, expired, used_up, locked, previewed, inspected.
    let unled = (3..=9).map(|outcome: i8| Click {
        outcome,
        ..click(5 * HOUR, 10 + outcome.unsigned_abs() as u32, 11, "SMS")
    });
    insert(&client, "clicks", &unled.collect::<Vec<_>>()).await;
    let conversion =
        |id: &str, kind, time: i64, of: u128| Conversion::new("acme", id, kind, DAY + time, of);
    let money = |conversion: Conversion, minor, currency: &str| Conversion {
        amount_minor: minor,
        currency: currency.into(),
        ..conversion
    };
    let of_customer = |conversion: Conversion| Conversion {
        customer: "k1".into(),
        ..conversion
    };
    let sale = money(
        conversion("sale", SALE, 3 * HOUR, email.click_id),
        1999,
        "EUR",
    );
    let conversions = [
        // At the very millisecond of its click; a lead's amount is no revenue.
        money(
            conversion("lead", LEAD, 30 * MINUTE, email.click_id),
            100,
            "EUR",
        ),
        sale.clone(),
        // The same event, told otherwise later: the first one stands.
        Conversion {
            amount_minor: 1,
            received_at: sale.received_at + 1,
            ..sale
        },
        of_customer(conversion(
            "k1 signs up",
            LEAD,
            4 * HOUR,
            unknown_visitor.click_id,
        )),
        of_customer(money(conversion("k1 pays", SALE, 5 * HOUR, 0), 500, "USD")),
        // Before anything is known of the customer.
        of_customer(money(
            conversion("k1 in the shop", SALE, HOUR, 0),
            300,
            "USD",
        )),
        money(conversion("nobody's", SALE, HOUR, 0), 200, "EUR"),
        conversion("of a bot", LEAD, 6 * HOUR, bot.click_id),
        conversion("of an orphan", LEAD, 6 * HOUR, orphan.click_id),
        conversion("not arrived", LEAD, 6 * HOUR, 12345),
        conversion("too early", LEAD, HOUR, other.click_id),
    ];
    insert(
        &client,
        "clicks",
        &[email, email_again, unknown_visitor, other, bot, orphan],
    )
    .await;
    for conversion in conversions {
        insert(&client, "conversions", &[conversion]).await;
    }
    // What is another workspace's is never in an answer.
    let stranger = Click {
        channel: "globex secret".into(),
        ..Click::new("globex", DAY, 1, 7)
    };
    insert(&client, "clicks", &[stranger]).await;
}

async fn berlin(engine: &Engine) -> Service {
    let service = Service::on(engine).await;
    let body = r#"{"time_zone": "Europe/Berlin"}"#;
    let got = service
        .ask(&service.acme, "PATCH", "/api/v1/workspace", body)
        .await;
    assert_eq!(got.status, 200);
    service
}

#[tokio::test]
async fn a_day_that_can_be_counted_by_hand() {
    let engine = Engine::migrated().await;
    fill(&engine).await;
    let service = berlin(&engine).await;
    over_time(&service).await;
    by_channel(&service).await;
    by_tag(&service).await;
    by_other_dimensions(&service).await;
    nothing_of_anothers(&service).await;
}

async fn over_time(service: &Service) {
    let report = service
        .get("/api/v1/reports/clicks?from=2024-10-27&to=2024-10-27&interval=hour")
        .await;
    let series = report["series"].as_array().unwrap();
    assert_eq!(series.len(), 25);
    assert_eq!(
        series[2],
        json!({"time": "2024-10-27T02:00:00+02:00", "clicks": 1, "visitors": 1})
    );
    assert_eq!(
        series[3],
        json!({"time": "2024-10-27T02:00:00+01:00", "clicks": 1, "visitors": 1})
    );
    assert_eq!(
        series[4],
        json!({"time": "2024-10-27T03:00:00+01:00", "clicks": 1, "visitors": 0})
    );
    assert_eq!(
        series[6],
        json!({"time": "2024-10-27T05:00:00+01:00", "clicks": 0, "visitors": 0})
    );
    assert_eq!(report["totals"], json!({"clicks": 4, "visitors": 2}));
    for (part, expected) in [
        ("time_zone", json!("Europe/Berlin")),
        ("from", json!("2024-10-27T00:00:00+02:00")),
        ("to", json!("2024-10-28T00:00:00+01:00")),
        ("traffic", json!("human")),
        ("exact", json!(true)),
        ("interval", json!("hour")),
        (
            "freshness",
            json!({
                "last_click": "2024-10-27T05:00:00+01:00",
                "last_conversion": "2024-10-27T07:00:00+01:00",
            }),
        ),
    ] {
        assert_eq!(report[part], expected, "{part}");
    }
    assert!(report["definition"]["clicks"].is_string());
    assert!(report["rows_read"].as_u64().unwrap() >= 6, "{report}");
    assert!(report["bytes_read"].as_u64().unwrap() > 0);

    let all = "/api/v1/reports/clicks?from=2024-10-27&to=2024-10-27&traffic=all&interval=month";
    let report = service.get(all).await;
    let month = json!([{"time": "2024-10-01T00:00:00+02:00", "clicks": 5, "visitors": 3}]);
    assert_eq!(report["series"], month);
    let one = "/api/v1/reports/clicks?from=2024-10-27T00:30:00Z&to=2024-10-27T00:30:00.001Z";
    assert_eq!(service.get(one).await["totals"]["clicks"], 1);
    assert_eq!(
        service
            .get("/api/v1/reports/clicks?from=2024-10-28&to=2024-10-28")
            .await["totals"]["clicks"],
        0
    );
}

async fn by_channel(service: &Service) {
    let path = "/api/v1/reports/breakdown?by=channel&from=2024-10-27&to=2024-10-27";
    let report = service.get(path).await;
    let email = json!({
        "key": "Email", "clicks": 2, "visitors": 1, "leads": 1, "sales": 1, "conversions": 2,
        "converted_clicks": 1, "conversion_rate": 0.5, "revenue": [{"currency": "EUR", "amount_minor": 1999}], "refunded": [],
    });
    let sms = json!({
        "key": "SMS", "clicks": 2, "visitors": 1, "leads": 1, "sales": 1, "conversions": 2,
        "converted_clicks": 1, "conversion_rate": 0.5, "revenue": [{"currency": "USD", "amount_minor": 500}], "refunded": [],
    });
    assert_eq!(report["rows"], json!([email, sms]));
    let totals = json!({
        "clicks": 4, "visitors": 2, "leads": 2, "sales": 2, "conversions": 4, "converted_clicks": 2,
        "conversion_rate": 0.5,
        "revenue": [{"currency": "EUR", "amount_minor": 1999}, {"currency": "USD", "amount_minor": 500}],
        "refunded": [],
    });
    assert_eq!(report["totals"], totals);
    assert_eq!(report["keys"], 2);
    let unattributed = |reason: &str, leads: u64, sales: u64, revenue: Value| {
        json!({
            "reason": reason, "leads": leads, "sales": sales, "conversions": leads + sales, "revenue": revenue,
            "refunded": [],
        })
    };
    let revenue =
        json!([{"currency": "EUR", "amount_minor": 200}, {"currency": "USD", "amount_minor": 300}]);
    let expected = json!([
        unattributed("before_click", 1, 0, json!([])),
        unattributed("excluded_click", 2, 0, json!([])),
        unattributed("no_click", 0, 2, revenue),
        unattributed("unknown_click", 1, 0, json!([])),
    ]);
    assert_eq!(report["unattributed"], expected);

    let first = service.get(&format!("{path}&limit=1")).await;
    assert_eq!(first["rows"], json!([email]), "of equals the first by name");
    assert_eq!(
        (&first["keys"], &first["totals"]),
        (&json!(2), &totals),
        "totals are of all"
    );

    // With bots a bot's lead counts; an orphan's never does.
    let all = service.get(&format!("{path}&traffic=all")).await;
    assert_eq!(all["totals"]["clicks"], 5);
    assert_eq!(all["totals"]["leads"], 3);
    assert_eq!(
        all["unattributed"][1],
        unattributed("excluded_click", 1, 0, json!([]))
    );
}

/// A click of two tags counts under both and once in the totals, and so does what it led to.
async fn by_tag(service: &Service) {
    let path = "/api/v1/reports/breakdown?by=tag&from=2024-10-27&to=2024-10-27";
    let report = service.get(path).await;
    let expected = json!([
        {
            "key": "sale", "clicks": 3, "visitors": 2, "leads": 1, "sales": 1, "conversions": 2,
            "converted_clicks": 1, "conversion_rate": 1.0 / 3.0,
            "revenue": [{"currency": "EUR", "amount_minor": 1999}], "refunded": [],
        },
        {
            "key": "", "clicks": 1, "visitors": 0, "leads": 1, "sales": 1, "conversions": 2,
            "converted_clicks": 1, "conversion_rate": 1.0,
            "revenue": [{"currency": "USD", "amount_minor": 500}], "refunded": [],
        },
        {
            "key": "may", "clicks": 1, "visitors": 1, "leads": 1, "sales": 1, "conversions": 2,
            "converted_clicks": 1, "conversion_rate": 1.0,
            "revenue": [{"currency": "EUR", "amount_minor": 1999}], "refunded": [],
        },
    ]);
    assert_eq!(report["rows"], expected);
    assert_eq!(report["keys"], 3);
    let by_channel = service.get(&path.replace("by=tag", "by=channel")).await;
    assert_eq!(report["totals"], by_channel["totals"]);
    let told = report["definition"]["key"].as_str().unwrap();
    assert!(told.contains("rows may sum to more than totals"), "{told}");
}

async fn by_other_dimensions(service: &Service) {
    for by in [
        "source",
        "campaign",
        "domain",
        "slug",
        "referrer_host",
        "country",
        "browser",
        "os",
        "device",
        "agent_class",
        "verdict",
        "method",
        "language",
        "program",
        "advocate",
        "variant",
    ] {
        let path = format!("/api/v1/reports/breakdown?by={by}&from=2024-10-27&to=2024-10-27");
        let report = service.get(&path).await;
        let key = match by {
            "agent_class" => "none",
            "verdict" => "human",
            "method" => "GET",
            _ => "",
        };
        assert_eq!(report["rows"][0]["key"], key, "{by}");
        assert_eq!(report["rows"][0]["clicks"], 4, "{by}");
    }
    let report = service
        .get("/api/v1/reports/breakdown?by=link&from=2024-10-27&to=2024-10-27&link=00000000001")
        .await;
    assert_eq!(
        report["rows"][0]["key"], "00000000001",
        "an id as the API writes it"
    );
    assert_eq!(report["rows"][0]["clicks"], 4);
    let other = service
        .get("/api/v1/reports/breakdown?by=link&from=2024-10-27&to=2024-10-27&link=00000000002")
        .await;
    assert_eq!(other["rows"], json!([]));
    assert_eq!(other["totals"]["conversion_rate"], Value::Null);
}

async fn nothing_of_anothers(service: &Service) {
    for path in ["clicks", "breakdown?by=channel", "breakdown?by=link"] {
        let range = "from=2024-10-26&to=2024-10-28&traffic=all";
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("/api/v1/reports/{path}{joint}{range}");
        let acme = service.get(&path).await.to_string();
        assert!(!acme.contains("globex"), "{acme}");
        let got = service.ask(&service.globex, "GET", &path, "").await;
        assert_eq!(got.status, 200);
        for secret in ["Email", "SMS", "EUR"] {
            assert!(!got.body.contains(secret), "{}", got.body);
        }
        let json = got.json();
        let clicks = json["totals"]["clicks"].as_u64();
        assert_eq!(clicks, Some(1), "its own click and no other: {json}");
    }
}
