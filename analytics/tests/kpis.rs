//! `/api/v1/kpis` where the answer is known beforehand, and where there is none.

use serde_json::{Value, json};
use whence_core::test_support::Engine;

use crate::events::{Click, Conversion, LEAD, SALE, insert};
use crate::support::{Service, about, problem};

/// 2026-06-01T12:00:00Z
const NOON: i64 = 1_780_315_200_000;
const DAY: i64 = 86_400_000;

async fn ask(service: &Service, body: &Value) -> Value {
    let got = service
        .ask(&service.acme, "POST", "/api/v1/kpis", body.to_string())
        .await;
    assert_eq!(got.status, 200, "{body}: {}", got.body);
    got.json()
}

fn row<'a>(answer: &'a Value, kpi: &str, variant: &str) -> &'a Value {
    let mut rows = answer["rows"].as_array().unwrap().iter();
    let found = rows.find(|row| row["kpi"] == kpi && row["variant"] == variant);
    found.unwrap_or_else(|| panic!("{kpi} {variant} in {answer}"))
}

fn sale(event: &str, customer: &str, day: i64, click: u128, minor: i64) -> Conversion {
    Conversion {
        customer: customer.into(),
        amount_minor: minor,
        currency: "EUR".into(),
        ..Conversion::new("acme", event, SALE, NOON + day * DAY, click)
    }
}

/// Ada buys; ben and cy come by her link, ben after four days and cy after eight; she comes by it herself, too.
#[tokio::test]
async fn a_friend_of_a_friend() {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    let click = |unique: u32, day: i64, advocate: &str| Click {
        advocate: advocate.into(),
        channel: "WhatsApp".into(),
        ..Click::new("acme", NOON + day * DAY, unique, unique.into())
    };
    let clicks = [
        click(1, 3, "ada"),
        click(2, 7, "ada"),
        click(3, 9, "ada"),
        click(4, 9, ""),
    ];
    let conversions = [
        sale("a", "ada", 0, 0, 1_000),
        sale("b", "ben", 4, clicks[0].click_id, 600),
        sale("c", "cy", 8, clicks[1].click_id, 400),
        sale("own", "ada", 9, clicks[2].click_id, 5_000),
        sale("again", "ben", 10, 0, 3_000),
    ];
    insert(&engine.client(), "clicks", &clicks).await;
    insert(&engine.client(), "conversions", &conversions).await;
    service
        .make(r#"{"destination": "https://shop.example/", "advocate": "ada"}"#)
        .await;
    let body = json!({
        "from": "2026-06-01", "to": "2026-06-30", "cohort": "entered", "window": "5d", "compare": "previous_period",
        "costs": [{"currency": "EUR", "amount_minor": 1_500}, {"currency": "EUR", "amount_minor": 500, "channel": "Email"}],
        "margin": 0.5,
    });
    let answer = ask(&service, &body).await;
    let value = |kpi: &str, variant: &str| row(&answer, kpi, variant)["value"].clone();
    assert_eq!(value("referrer_rate", "customers_who_referred"), 1.0 / 3.0);
    assert_eq!(value("participation", "customers_with_link"), 1.0 / 3.0);
    // Cy came too late for the window.
    assert_eq!(
        value("viral_coefficient", "referred_per_customer"),
        1.0 / 3.0
    );
    assert_eq!(
        value("viral_cycle_time", "customer_to_customer"),
        4.0 * 86_400.0
    );
    assert_eq!(value("sale_conversion", "clicks_with_sale"), 2.0 / 3.0);
    assert_eq!(value("referral_share", "of_new_customers"), 2.0 / 3.0);
    // Ben's second sale is owed to ada's link too: he is known by his first. Her own is not.
    assert_eq!(value("referral_share", "of_revenue"), 0.4);
    assert_eq!(
        value("referral_share", "of_revenue_by_referred_customers"),
        0.4
    );
    assert_eq!(value("acquisition_cost", "per_referred_customer"), 1_000.0);
    assert_eq!(value("return_on_ad_spend", "referred_sales"), 2.0);
    assert_eq!(value("return_on_investment", "referred_sales"), 0.0);
    assert_eq!(value("payback", "referred_customers"), 7.0);
    let email = answer["rows"].as_array().unwrap().iter();
    let email: Vec<_> = email.filter(|row| row["channel"] == "Email").collect();
    assert_eq!(email.len(), 4, "nobody came by it, and it cost");
    assert_eq!(
        email[0]["reason"],
        "there are no referred people whose first conversion is in the range"
    );
    let share = row(&answer, "share_rate", "shares_per_customer");
    let (value, reason) = (&share["value"], &share["reason"]);
    assert_eq!(
        (value, reason),
        (&Value::Null, &json!("no share was ever recorded"))
    );
    let lead = row(&answer, "lead_conversion", "clicks_with_lead");
    assert_eq!(lead["reason"], "no lead was ever recorded");
    let before = &row(&answer, "referrer_rate", "customers_who_referred")["previous"];
    assert_eq!(
        (&before["value"], &before["denominator"]["count"]),
        (&Value::Null, &json!(0))
    );

    let by_query = "/api/v1/kpis?from=2026-06-01&to=2026-06-30&cohort=entered&window=5d&compare=previous_period\
                    &costs=EUR:1500,EUR:500:Email&margin=0.5";
    assert_eq!(service.get(by_query).await["rows"], answer["rows"]);
    let few = service
        .get("/api/v1/kpis?kpis=payback,referral_share")
        .await;
    let mut families = few["rows"].as_array().unwrap().iter();
    assert!(families.all(|row| row["kpi"] == "referral_share"), "{few}");
}

#[tokio::test]
async fn every_variant_is_in_the_documentation() {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    let lead = Conversion::new("acme", "l", LEAD, NOON, 0);
    insert(&engine.client(), "conversions", &[lead]).await;
    let costs = json!({ "costs": [{"currency": "EUR", "amount_minor": 1}] });
    let answer = ask(&service, &costs).await;
    let rows = answer["rows"].as_array().unwrap();
    assert!(rows.len() > 35, "{}", rows.len());
    let text = include_str!("../../docs/kpis.md");
    for row in rows {
        for field in ["kpi", "variant", "unit"] {
            let name = row[field].as_str().unwrap();
            assert!(text.contains(&format!("`{name}`")), "{name} is in no table");
        }
        for field in row.as_object().unwrap().keys() {
            assert!(
                text.contains(&format!("`{field}`")),
                "{field} is in no table"
            );
        }
        assert_eq!(row["value"].is_null(), row["reason"].is_string(), "{row}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place() {
    let service = Service::start().await;
    let eur = |more: Value| json!({ "costs": [{"currency": "EUR", "amount_minor": 5}, more] });
    for (body, field, told) in [
        (
            json!({"kpis": ["virality"]}),
            "kpis",
            "must be one of referrer_rate, participation",
        ),
        (json!({"kpis": []}), "kpis", "must have 1 to 13"),
        (
            json!({"kpis": ["payback", "payback"]}),
            "kpis",
            "must not name one twice",
        ),
        (json!({"window": "366d"}), "window", "at most 365d"),
        (json!({"window": 5}), "window", "must be a text"),
        (
            json!({"cohort": "open"}),
            "cohort",
            "must be one of closed, entered",
        ),
        (
            json!({"customer_by": "click"}),
            "customer_by",
            "must be one of conversion, sale, lead",
        ),
        (
            json!({"traffic": "unique:1d"}),
            "traffic",
            "must be one of human, all",
        ),
        (json!({"program": ""}), "program", "1 to 128 bytes"),
        (json!({"margin": 0.5}), "margin", "needs costs"),
        (
            json!({"period": "today", "to": "2026-06-01"}),
            "period",
            "excludes from and to",
        ),
        (
            json!({"compare": "yesterday"}),
            "compare",
            "previous_period or previous_year",
        ),
        (
            eur(json!({"currency": "EUR"})),
            "costs[1].amount_minor",
            "whole number",
        ),
        (
            eur(json!({"amount_minor": 1})),
            "costs[1].currency",
            "ISO 4217",
        ),
        (
            eur(json!({"currency": "EUR", "amount_minor": 1, "channel": 1})),
            "costs[1].channel",
            "text",
        ),
        (json!({"cost": []}), "cost", "is not known here"),
    ] {
        let got = service
            .ask(&service.acme, "POST", "/api/v1/kpis", body.to_string())
            .await;
        let problem = problem(&got, 422);
        about(&problem, &[field]);
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(told), "{body}: {problem}");
    }
    for (query, field) in [
        ("costs=EUR", "costs[0].amount_minor"),
        ("costs=EUR:1&margin=all", "margin"),
        ("window=1d&window=2d", "window"),
        ("kpis=", "kpis"),
    ] {
        let path = format!("/api/v1/kpis?{query}");
        let got = service.ask(&service.acme, "GET", &path, "").await;
        about(&problem(&got, 422), &[field]);
    }
}
