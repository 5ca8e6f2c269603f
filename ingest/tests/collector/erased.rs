//! Events whose customer was erased: known when they are sent again, and taken back by their refunds.

use whence_core::erased::ErasedEvents;
use whence_core::id::ClickIdKey;
use whence_core::page_event::PageEventId;
use whence_core::test_support::Engine;

use crate::support::{CLICK_ID_KEY, Collector, wait_for};

fn sale(event: &str, minor: u64) -> String {
    format!(
        r#"{{"event_id":"{event}","kind":"sale","amount":{minor},"currency":"EUR","customer":"c"}}"#
    )
}

fn refund(event: &str, minor: u64) -> String {
    format!(
        r#"{{"event_id":"{event}","kind":"refund","reference":"order","amount":{minor},"currency":"EUR"}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_order_neither_comes_back_nor_counts_twice() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    assert_eq!(collector.convert(&sale("order", 1000)).await.status, 200);
    assert_eq!(collector.convert(&refund("back-1", 300)).await.status, 200);
    let count = "SELECT count() FROM conversions FINAL";
    wait_for(&client, count, 2).await;
    wait_for(&client, "SELECT count() FROM refunds", 1).await;

    // As `whence erase` leaves the rows.
    let key = u128::from_str_radix(CLICK_ID_KEY, 16).unwrap();
    let erased = ErasedEvents::of(&ClickIdKey::new(key.to_be_bytes()));
    let (order, back) = (erased.name("acme", "order"), erased.name("acme", "back-1"));
    for statement in [
        format!(
            "INSERT INTO conversions (workspace, event_id, kind, name, customer, amount_minor, currency, occurred_at, received_at, source, body_digest, reference, lane, seq)
            SELECT workspace, if(kind = 'sale', '{order}', '{back}'), kind, name, '', amount_minor, currency, occurred_at, received_at, 'pixel', 0, if(kind = 'sale', '', '{order}'), lane, seq FROM conversions"
        ),
        "ALTER TABLE conversions DELETE WHERE event_id IN ('order', 'back-1') SETTINGS mutations_sync = 2".into(),
        format!("INSERT INTO refunds VALUES ('acme', '{order}', '{back}')"),
        "ALTER TABLE refunds DELETE WHERE reference = 'order' SETTINGS mutations_sync = 2".into(),
    ] {
        let done = client.query(&statement).execute().await;
        done.unwrap_or_else(|error| panic!("{error}: {statement}"));
    }

    // Whatever is said of it now, even by a server of what a browser had said: it was accepted before.
    for body in [sale("order", 1000), sale("order", 5), refund("back-1", 300)] {
        let again = collector.convert(&body).await;
        assert_eq!(again.status, 200, "{again:?}");
        assert_eq!(again.header("idempotent-replayed"), "true", "{again:?}");
    }
    // What was given back before the erasure and after it is known together.
    let more = collector.convert(&refund("back-2", 701)).await;
    assert_eq!(more.status, 422, "{more:?}");
    assert_eq!(more.json()["errors"][0]["field"], "amount");
    assert_eq!(collector.convert(&refund("back-2", 600)).await.status, 200);
    // At once, while the last one is in the journal only.
    assert_eq!(collector.convert(&refund("back-3", 101)).await.status, 422);
    assert_eq!(collector.convert(&refund("back-3", 100)).await.status, 200);
    wait_for(&client, count, 4).await;
    let of_order = format!("SELECT count() FROM conversions FINAL WHERE reference = '{order}'");
    wait_for(&client, &of_order, 3).await;
    wait_for(
        &client,
        "SELECT count() FROM conversions WHERE event_id = 'order' OR reference = 'order'",
        0,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_page_event_does_not_come_back() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let key = u128::from_str_radix(CLICK_ID_KEY, 16).unwrap();
    let erased = ErasedEvents::of(&ClickIdKey::new(key.to_be_bytes()));
    let stand_in = erased.page_event("acme", PageEventId::of("view-1")).0;
    let left = format!(
        "INSERT INTO page_events (workspace, event_id, name, occurred_at, received_at, source)
        VALUES ('acme', toUInt128('{stand_in}'), 'page', now64(3) - 7200, now64(3) - 7200, 'beacon')"
    );
    client.query(&left).execute().await.unwrap();
    for id in ["view-1", "view-2"] {
        let body = format!(r#"{{"ws":"acme","event_id":"{id}","name":"page","customer":"c-1"}}"#);
        let got = collector.ask("POST", "/v1/page", &[], body).await;
        assert_eq!(got.status, 204, "{got:?}");
    }
    wait_for(&client, "SELECT count() FROM page_events", 2).await;
    let came_back = PageEventId::of("view-1").0;
    let query =
        format!("SELECT count() FROM page_events WHERE event_id = toUInt128('{came_back}')");
    wait_for(&client, &query, 0).await;
}
