//! A real Chromium reads the dashboard of `whence up`: what it shows is what the API answers, a row narrows it, the address
//! names it, and nothing on the way breaks the page's own policy or stands in the way of who cannot see or click.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chromium::lead;
use crate::installation::Installation;

/// How long the whole visit may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long what was clicked may take into reports.
const VISIBLE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_shows_what_the_api_answers() {
    let whence = Installation::one_machine().await;
    clicks_and_conversions(&whence).await;
    let (analytics, key) = whence.for_marketers();
    let told = json!({
        "origin": format!("http://localhost:{}", analytics.port()),
        "key": key,
    });
    let out = lead("dashboard.mjs", told, PATIENCE).await;
    let seen: Value = serde_json::from_str(&out).unwrap();

    assert_eq!(seen["violations"], json!([]), "of the page's policy");
    assert_eq!(seen["errors"], json!([]), "in the browser's console");
    assert_eq!(seen["barriers"], json!([]), "found by axe");
    assert_eq!(seen["overflow"], json!({"wide": 0, "narrow": 0}));
    assert!(seen["wrong_key"].as_str().unwrap().contains("not known"));
    assert_eq!(
        seen["kept"],
        json!({"local": 0, "session": 0, "cookies": [{"name": "whence_session", "httpOnly": true, "sameSite": "Strict"}]})
    );

    let all = figures(&whence, json!({})).await;
    assert_eq!(all["clicks"], "6");
    assert_eq!(seen["all"], all);
    let email = json!({"filter": {"dimension": "channel", "is": "Email"}});
    let narrowed = figures(&whence, email).await;
    assert_eq!(narrowed["clicks"], "2");
    for place in ["narrowed", "loaded_again", "forward"] {
        assert_eq!(seen[place], narrowed, "{place}");
    }
    for place in ["back", "chip_removed"] {
        assert_eq!(seen[place], all, "{place}");
    }
    assert_eq!(seen["address"], "?channel=Email");
    // Bots count only where they are asked for.
    let bots = figures(&whence, json!({"traffic": "all"})).await;
    assert_eq!((&seen["bots"], &bots["clicks"]), (&bots, &json!("7")));
    assert_eq!(
        seen["channels"],
        json!([["Podcast", "3"], ["Email", "2"], ["WhatsApp", "1"]])
    );
    assert_eq!(seen["links"][0], "/cast");
    assert_eq!(seen["compared"], json!({"with": true, "without": false}));
    assert_eq!(seen["table"], json!(["6"]), "of the days with a click");
    assert_eq!(seen["keyboard"], true, "the arrow keys tell a day's figure");
    // The customer came by the podcast first and by mail last.
    assert_eq!(
        seen["attribution"],
        json!([["Email", "€0.00", "€49.99"], ["Podcast", "€49.99", "€0.00"]])
    );
    // Two of the six visitors are this customer.
    assert_eq!(all["visitors"], "6");
    assert_eq!(seen["funnel"], json!(["5", "1", "1"]));
    assert_eq!(seen["signed_out"], json!({"status": 401, "field": true}));
}

/// Six clicks of people and one of a bot, by three channels; one of the people becomes a lead and buys.
async fn clicks_and_conversions(whence: &Installation) {
    for (slug, channel) in [("cast", "Podcast"), ("mail", "Email"), ("chat", "WhatsApp")] {
        let body =
            json!({"slug": slug, "destination": "https://shop.example/", "channel": channel});
        let made = whence.api("POST", "/api/v1/links", &body.to_string()).await;
        assert_eq!(made.unwrap().status, 201);
    }
    let first = whence.click("cast").await.unwrap();
    for slug in ["cast", "cast", "mail", "chat"] {
        whence.click(slug).await.unwrap();
    }
    let last = whence.click("mail").await.unwrap();
    let bot = whence
        .beside_with("/cast", &[("user-agent", "Googlebot/2.1")])
        .await;
    assert_eq!(bot.unwrap().status, 302);
    let convert = async |event: &str, body: Value| {
        let mut body = body;
        body["event_id"] = json!(event);
        body["customer"] = json!("ada");
        let got = whence.convert(&body).await.unwrap();
        assert_eq!(got.status, 200, "{}", got.body);
    };
    convert("lead-1", json!({"kind": "lead", "click_id": first})).await;
    convert(
        "sale-1",
        json!({"kind": "sale", "click_id": last, "amount": 4999, "currency": "EUR"}),
    )
    .await;
    let start = Instant::now();
    loop {
        let seen = figures(whence, json!({"traffic": "all"})).await;
        if (&seen["clicks"], &seen["conversions"]) == (&json!("7"), &json!("2")) {
            return;
        }
        assert!(start.elapsed() < VISIBLE, "{seen}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The figures of the last 30 days as the dashboard writes them, out of the API's own numbers.
async fn figures(whence: &Installation, asked: Value) -> Value {
    let mut body = asked;
    body["metrics"] = json!([
        "clicks",
        "visitors",
        "conversions",
        "conversion_rate",
        "revenue"
    ]);
    body["period"] = json!("last_30_days");
    let got = whence.api("POST", "/api/v1/query", &body.to_string()).await;
    let got = got.unwrap();
    assert_eq!(got.status, 200, "{}", got.body);
    let totals = got.json()["totals"].clone();
    let rate = totals["conversion_rate"]["value"].as_f64();
    let revenue = totals["revenue"][0]["amount_minor"].as_i64();
    json!({
        "clicks": totals["clicks"].to_string(),
        "visitors": totals["visitors"].to_string(),
        "conversions": totals["conversions"].to_string(),
        "conversion_rate": rate.map(|rate| format!("{:.1}%", rate * 100.0)),
        "revenue": revenue.map(|minor| format!("€{}.{:02}", minor / 100, minor % 100)),
    })
}
