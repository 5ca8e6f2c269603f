//! One click and one conversion all the way through real processes, and then `kill -9` for each of them.
//!
//! Told twice: on one machine, as `make up` runs it, and as a fleet over a real Redis. The oracle is
//! outside: what was answered is written down by whoever asked, and compared with the rows in ClickHouse.
//! Full volumes, a rolling restart, a browser and the dashboard have stories of their own.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

mod browser;
mod chromium;
mod dashboard;
mod full;
mod installation;
mod load;
mod oracle;
mod privacy;
mod process;
mod rolling;

use std::time::{Duration, Instant};

use installation::Installation;
use load::Load;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn on_one_machine() {
    story(Installation::one_machine().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_a_fleet() {
    story(Installation::fleet().await).await;
}

async fn story(mut whence: Installation) {
    whence
        .make_link("hello", "https://shop.example/?from=test")
        .await;
    edge_and_api_agree_on_the_short_url(&whence).await;
    a_click_and_its_conversions_show_within_two_seconds(&whence).await;
    nothing_is_lost_and_nothing_twice_through_every_kill(&mut whence).await;
    stopping_drains_and_starting_finds_everything(&mut whence).await;
}

/// Two QR codes are alike where the URL in them is.
async fn edge_and_api_agree_on_the_short_url(whence: &Installation) {
    let listed = whence.api("GET", "/api/v1/links", "").await.unwrap();
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    let id = listed["links"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/links/{id}/qr");
    let shown = whence.api("GET", &path, "").await.unwrap();
    let scanned = whence.beside("/hello.qr").await.unwrap();
    assert_eq!((shown.status.as_u16(), scanned.status.as_u16()), (200, 200));
    assert_eq!(scanned.body, shown.body);
}

async fn a_click_and_its_conversions_show_within_two_seconds(whence: &Installation) {
    // The first insert of a new table is slower than any other; the promise is not about that one.
    whence.click("hello").await.unwrap();
    wait_for(
        whence,
        |row| row["clicks"] == json!(1),
        Duration::from_secs(30),
    )
    .await;

    let clicked = Instant::now();
    let click = whence.click("hello").await.unwrap();
    let lead = json!({"event_id": "lead-1", "kind": "lead", "click_id": click, "customer": "c-1"});
    let sale = json!({"event_id": "sale-1", "kind": "sale", "customer": "c-1", "amount": 1999, "currency": "EUR"});
    for conversion in [&lead, &sale] {
        let got = whence.convert(conversion).await.unwrap();
        assert!(got.status.is_success(), "{got:?}");
    }
    let pixel = format!(
        "/p.gif?ws={}&event=lead&event_id=pixel-1&wcid={click}",
        whence.workspace
    );
    let got = whence.ingest("GET", &pixel, "").await.unwrap();
    assert_eq!(
        (got.status.as_u16(), got.header("content-type")),
        (200, "image/gif"),
        "{got:?}"
    );
    let seen = |row: &Value| {
        row["clicks"] == json!(2) && row["leads"] == json!(2) && row["sales"] == json!(1)
    };
    wait_for(
        whence,
        seen,
        Duration::from_secs(2).saturating_sub(clicked.elapsed()),
    )
    .await;

    let repeated = whence.convert(&sale).await.unwrap();
    assert!(repeated.status.is_success(), "{repeated:?}");
    let contradicted = json!({"event_id": "sale-1", "kind": "sale", "customer": "c-1", "amount": 1, "currency": "EUR"});
    assert_eq!(
        whence.convert(&contradicted).await.unwrap().status.as_u16(),
        409
    );
}

async fn nothing_is_lost_and_nothing_twice_through_every_kill(whence: &mut Installation) {
    let load = Load::start(whence);
    for victim in whence.victims() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        whence.kill(victim).await;
        // Down for a moment, as in life.
        tokio::time::sleep(Duration::from_millis(500)).await;
        whence.restore(victim).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let seen = load.stop().await;
    assert!(
        seen.clicks.len() > 100,
        "only {} clicks were answered",
        seen.clicks.len()
    );
    assert!(
        seen.conversions.len() > 20,
        "only {} conversions were accepted",
        seen.conversions.len()
    );
    oracle::each_is_stored_once(whence, &seen).await;
}

async fn stopping_drains_and_starting_finds_everything(whence: &mut Installation) {
    let click = whence.click("hello").await.unwrap();
    whence.stop().await;
    whence.start().await;
    assert_eq!(
        whence.stored_clicks().await.get(&click),
        Some(&1),
        "a drain stores the last click"
    );
    let again = whence.click("hello").await.unwrap();
    assert_ne!(again, click);
    whence.stop().await;
}

/// Asks the report until its only channel looks right.
async fn wait_for(whence: &Installation, is_right: impl Fn(&Value) -> bool, patience: Duration) {
    let start = Instant::now();
    loop {
        let report = whence
            .api("GET", "/api/v1/reports/breakdown?by=channel", "")
            .await
            .unwrap()
            .json();
        let row = &report["rows"][0];
        if is_right(row) {
            return;
        }
        assert!(
            start.elapsed() < patience,
            "after {:?} still {report:#}",
            start.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
