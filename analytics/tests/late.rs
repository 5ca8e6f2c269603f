//! What comes late still counts: a conversion before its click's block, one weeks after its click, a refund before
//! its sale. Each is shown as it is known, and joined when the rest comes.

use serde_json::{Value, json};
use whence_core::test_support::Engine;

use crate::events::{CANCELLATION, Click, Conversion, LEAD, REFUND, SALE, insert};
use crate::support::{Service, add_key, add_workspace};
use whence_core::key::Right;

/// 2026-06-01T12:00:00Z
const NOON: i64 = 1_780_315_200_000;
const DAY: i64 = 86_400_000;

async fn breakdown(service: &Service, key: &str) -> Value {
    let path = "/api/v1/reports/breakdown?by=channel&from=2026-06-01&to=2026-09-30";
    let got = service.ask(key, "GET", path, "").await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.json()
}

fn euros(minor: i64) -> Value {
    json!([{"currency": "EUR", "amount_minor": minor}])
}

fn of(event: &str, kind: i8, at: i64, click: u128, minor: i64) -> Conversion {
    Conversion {
        amount_minor: minor,
        currency: if minor == 0 { "" } else { "EUR" }.into(),
        ..Conversion::new("late", event, kind, at, click)
    }
}

fn back(event: &str, kind: i8, of_sale: &str, at: i64, minor: i64) -> Conversion {
    Conversion {
        reference: of_sale.into(),
        ..of(event, kind, at, 0, minor)
    }
}

#[tokio::test]
async fn what_comes_late_is_joined() {
    let engine = Engine::migrated().await;
    let service = Service::start_with(|config| config.clickhouse = engine.config()).await;
    add_workspace(&*service.store, "late", "UTC").await;
    let key = add_key(&*service.store, "late", &[Right::Reports]).await;
    let client = engine.client();
    let click = Click::new("late", NOON, 1, 7);

    // The click waits in a redirector's journal while its conversions are stored already.
    let soon = of("soon", LEAD, NOON + 1000, click.click_id, 0);
    let weeks = of("weeks after", SALE, NOON + 60 * DAY, click.click_id, 5000);
    let nobodys = of("nobody's", SALE, NOON + DAY, 0, 300);
    insert(&client, "conversions", &[soon, weeks]).await;
    insert(&client, "conversions", &[nobodys]).await;
    insert(
        &client,
        "conversions",
        &[back("r", REFUND, "weeks after", NOON + 70 * DAY, -2000)],
    )
    .await;
    insert(
        &client,
        "conversions",
        &[back("x", REFUND, "not yet", NOON + DAY, -40)],
    )
    .await;
    let report = breakdown(&service, &key).await;
    assert_eq!(report["totals"]["conversions"], 0, "{report}");
    let expected = json!([
        {"reason": "no_click", "leads": 0, "sales": 1, "conversions": 1, "revenue": euros(300), "refunded": []},
        {"reason": "no_sale", "leads": 0, "sales": 0, "conversions": 0, "revenue": euros(-40), "refunded": euros(40)},
        {"reason": "unknown_click", "leads": 1, "sales": 1, "conversions": 2, "revenue": euros(3000), "refunded": euros(2000)},
    ]);
    assert_eq!(report["unattributed"], expected);

    // It comes, and so does the sale that was refunded before.
    insert(&client, "clicks", std::slice::from_ref(&click)).await;
    insert(
        &client,
        "conversions",
        &[of("not yet", SALE, NOON + DAY, click.click_id, 100)],
    )
    .await;
    let report = breakdown(&service, &key).await;
    let totals = &report["totals"];
    assert_eq!([&totals["leads"], &totals["sales"]], [1, 2], "{report}");
    assert_eq!(
        (&totals["revenue"], &totals["refunded"]),
        (&euros(3060), &euros(2040))
    );
    assert_eq!(
        report["unattributed"].as_array().unwrap().len(),
        1,
        "nobody's is kept: {report}"
    );

    // A cancellation takes all that is left back; the sale is still one.
    insert(
        &client,
        "conversions",
        &[back("c", CANCELLATION, "weeks after", NOON + 80 * DAY, 0)],
    )
    .await;
    let totals = &breakdown(&service, &key).await["totals"];
    assert_eq!(
        (&totals["sales"], &totals["converted_clicks"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        (&totals["revenue"], &totals["refunded"]),
        (&euros(60), &euros(5040))
    );
}
