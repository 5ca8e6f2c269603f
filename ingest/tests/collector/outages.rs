//! ClickHouse away, disk full: conversions are answered or turned away, never answered and lost.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use whence_core::test_support::Engine;

use crate::support::{Collector, PATIENCE, number, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn conversions_are_answered_while_clickhouse_is_away_and_stored_once() {
    let mut engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let body = |number: u32| {
        format!(r#"{{"event_id":"{number}","kind":"sale","amount":{number},"currency":"EUR"}}"#)
    };
    let mut answers = Vec::new();
    for number in 0..300 {
        if number == 100 {
            engine.kill();
        }
        let got = collector.convert(&body(number)).await;
        assert_eq!(got.status, 200, "{got:?}");
        answers.push(got.body);
    }
    let check = async |collector: &Collector| {
        // What is not yet in ClickHouse is known without it, also after a restart.
        for number in 200..300 {
            let again = collector.convert(&body(number)).await;
            assert_eq!(
                (again.status.as_u16(), again.header("idempotent-replayed")),
                (200, "true"),
                "{again:?}"
            );
            assert_eq!(again.body, answers[number as usize]);
            let other = format!(r#"{{"event_id":"{number}","kind":"lead"}}"#);
            assert_eq!(collector.convert(&other).await.status, 409);
        }
    };
    check(&collector).await;
    collector.kill();
    collector.launch().await;
    check(&collector).await;

    engine.start_again();
    let client = engine.client();
    // Its number is the last of a conversion to be stored, under the block's token. The row itself may lie there twice
    // where ClickHouse died between the two, until FINAL or a merge lets one stand.
    wait_for(&client, "SELECT count() FROM conversion_numbers", 300).await;
    let each = "SELECT uniqExact(lane, seq) FROM conversion_numbers";
    assert_eq!(number(&client, each).await, 300);
    let stored = "SELECT count() FROM conversions FINAL";
    assert_eq!(number(&client, stored).await, 300);
    let amount = "SELECT toUInt64(sum(amount_minor)) FROM conversions FINAL";
    assert_eq!(number(&client, amount).await, (0..300).sum::<u64>());
}

/// While ClickHouse is away an event that only it knows is accepted again; the first one counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_that_nobody_can_know_leaves_the_first_standing() {
    let mut engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    collector
        .convert(r#"{"event_id":"1","kind":"sale","amount":1,"currency":"EUR"}"#)
        .await;
    wait_for(&client, "SELECT count() FROM conversions", 1).await;
    // The event has arrived; a moment later the collector has let go of it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    engine.kill();
    let got = collector
        .convert(r#"{"event_id":"1","kind":"sale","amount":2,"currency":"EUR"}"#)
        .await;
    assert_eq!(got.status, 200, "{got:?}");
    engine.start_again();
    wait_for(&client, "SELECT count() FROM conversions", 2).await;
    let amount = "SELECT toUInt64(sum(amount_minor)) FROM conversions FINAL";
    assert_eq!(number(&client, amount).await, 1);
    // From the moment when the collector has let go of the repeat, the first is known again.
    let started = Instant::now();
    loop {
        let got = collector
            .convert(r#"{"event_id":"1","kind":"sale","amount":2,"currency":"EUR"}"#)
            .await;
        if got.status == 409 {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{got:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_turns_conversions_away_and_loses_none() {
    let mut engine = Engine::migrated().await;
    let collector =
        Collector::start_with(&engine.config(), &["ingest.journal.max_megabytes=2"]).await;
    engine.kill();
    let text = "x".repeat(128);
    let mut accepted = HashSet::new();
    let mut refusal = None;
    for hundred in 0..200 {
        let ids: Vec<String> = (0..100)
            .map(|one| format!("{hundred}-{one}-{}", &text[..100]))
            .collect();
        let bodies = ids.iter().map(|id| {
            format!(r#"{{"event_id":"{id}","kind":"lead","name":"{text}","customer":"{text}"}}"#)
        });
        let bodies: Vec<String> = bodies.collect();
        let got =
            futures::future::join_all(bodies.iter().map(|body| collector.convert(body))).await;
        for (id, got) in ids.into_iter().zip(got) {
            match got.status.as_u16() {
                200 => assert!(accepted.insert(id)),
                _ => refusal = Some(got),
            }
        }
        if refusal.is_some() {
            break;
        }
    }
    let refusal = refusal.expect("two megabytes are soon full");
    assert_eq!(
        (refusal.status.as_u16(), refusal.header("retry-after")),
        (503, "5"),
        "{refusal:?}"
    );
    assert!(refusal.body.contains("journal is full"), "{refusal:?}");
    let pixel = crate::browsers::pixel(
        &collector,
        "GET",
        "/p.gif?ws=acme&event=lead&event_id=p",
        &[],
    )
    .await;
    // A small one may still fit; the answer is an image in any case.
    assert!(matches!(pixel.0, 200 | 503), "{pixel:?}");

    engine.start_again();
    let client = engine.client();
    let expected = accepted.len() as u64;
    wait_for(
        &client,
        "SELECT uniqExact(event_id) FROM conversions WHERE event_id != 'p'",
        expected,
    )
    .await;
    assert_eq!(
        number(
            &client,
            "SELECT count() FROM conversions WHERE event_id != 'p'"
        )
        .await,
        expected
    );
    let stored = client
        .query("SELECT event_id FROM conversions WHERE event_id != 'p'")
        .fetch_all::<String>()
        .await
        .unwrap();
    assert_eq!(stored.into_iter().collect::<HashSet<_>>(), accepted);
    // A row is there a moment before its room in the journal is free.
    let started = Instant::now();
    loop {
        let got = collector
            .convert(r#"{"event_id":"after","kind":"lead"}"#)
            .await;
        if got.status == 200 {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{got:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
