//! One event counts once and is answered alike: years later, and at two collectors at once.

use std::collections::HashSet;

use whence_core::test_support::Engine;

use crate::support::{Collector, minted, number, wait_for};

/// What was accepted years ago is known from the table alone: by a collector that has never heard of it, with an empty
/// journal, after the rows were dated back.
#[tokio::test(flavor = "multi_thread")]
async fn years_later_the_first_answer_comes_again() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let click = minted();
    let bodies = [
        r#"{"event_id":"lead","kind":"lead","name":"trial","customer":"c"}"#.to_owned(),
        format!(
            r#"{{"invoice_id":"sale","kind":"sale","click_id":"{click}","amount":1999,"currency":"EUR","occurred_at":"2026-11-20T12:00:00Z"}}"#
        ),
        r#"{"event_id":"refund","kind":"refund","reference":"sale","amount":99,"currency":"EUR"}"#
            .to_owned(),
        r#"{"event_id":"cancellation","kind":"cancellation","reference":"sale"}"#.to_owned(),
    ];
    let mut first = Vec::new();
    let collector = Collector::start(&engine.config()).await;
    for body in &bodies {
        let got = collector.convert(body).await;
        assert_eq!(got.status, 200, "{got:?}");
        first.push(got.body);
    }
    wait_for(&client, "SELECT count() FROM conversions", 4).await;
    drop(collector);
    // The version by which rows replace each other reckons with the time, so they are written anew.
    for statement in [
        "CREATE TABLE aged AS conversions ENGINE = Memory",
        "INSERT INTO aged SELECT * REPLACE (received_at - toIntervalYear(7) AS received_at) FROM conversions",
        "TRUNCATE TABLE conversions",
        "INSERT INTO conversions SELECT * FROM aged",
        "OPTIMIZE TABLE conversions FINAL",
        "SYSTEM DROP MARK CACHE",
    ] {
        client
            .query(statement)
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let collector = Collector::start(&engine.config()).await;
    for (body, first) in bodies.iter().zip(&first) {
        let again = collector.convert(body).await;
        assert_eq!(
            (
                again.status.as_u16(),
                again.header("idempotent-replayed"),
                &again.body
            ),
            (200, "true", first)
        );
    }
    for (body, field) in [
        (bodies[0].replace("trial", "demo"), "name"),
        (bodies[0].replace(r#""c""#, r#""d""#), "customer"),
        (bodies[1].replace("1999", "2000"), "amount"),
        (bodies[1].replace("EUR", "USD"), "currency"),
        (bodies[1].replace("T12", "T13"), "occurred_at"),
        (
            bodies[1].replace(&click.to_string(), &minted().to_string()),
            "click_id",
        ),
        (bodies[2].replace(r#""sale""#, r#""lead""#), "reference"),
        (
            r#"{"event_id":"cancellation","kind":"lead"}"#.to_owned(),
            "kind",
        ),
    ] {
        let got = collector.convert(&body).await;
        assert_eq!(got.status, 409, "{body}: {got:?}");
        let problem = got.json();
        let fields: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["field"].as_str().unwrap())
            .collect();
        assert_eq!(fields[0], "event_id");
        assert!(fields.contains(&field), "{body}: {fields:?}");
    }
    assert_eq!(number(&client, "SELECT count() FROM conversions").await, 4);
}

/// Two collectors that know nothing of each other: whoever is asked, whenever, the same body has the same answer, and
/// one row stands for the event.
#[tokio::test(flavor = "multi_thread")]
async fn two_collectors_at_once() {
    const EVENTS: u64 = 20;
    let engine = Engine::migrated().await;
    let config = engine.config();
    let both = [
        Collector::start(&config).await,
        Collector::start(&config).await,
    ];
    let client = engine.client();
    let body = |name: &str, minor: u64| {
        format!(r#"{{"event_id":"{name}","kind":"sale","amount":{minor},"currency":"EUR"}}"#)
    };
    // On a busy machine one of them may already have told ClickHouse before the other is asked, and then the other knows.
    // That is no fault and no meeting: they are asked again about something new.
    let mut names = Vec::new();
    for attempt in 0..10 {
        names = (0..EVENTS)
            .map(|event| format!("e-{attempt}-{event}"))
            .collect();
        // Of even events all say the same, of odd ones each collector hears something else.
        let mut asked = Vec::new();
        for (event, name) in names.iter().enumerate() {
            for round in 0..6_usize {
                let differs = event % 2 == 1 && round % 2 == 1;
                asked.push((event, round % 2, body(name, 7 + u64::from(differs))));
            }
        }
        let answers = asked
            .iter()
            .map(|(_, which, body)| both[*which].convert(body));
        let got = futures::future::join_all(answers).await;
        for event in 0..EVENTS as usize {
            let of_event = asked.iter().zip(&got).filter(|((of, ..), _)| *of == event);
            let answers: HashSet<(u16, &str)> = of_event
                .map(|(_, got)| (got.status.as_u16(), got.body.as_str()))
                .filter(|(status, _)| *status != 409 || event % 2 == 0)
                .collect();
            assert!(
                answers.iter().all(|(status, _)| *status == 200),
                "{answers:?}"
            );
            assert_eq!(answers.len(), 1, "one event has one answer");
        }
        if got.iter().all(|got| got.status == 200) {
            break;
        }
        assert!(attempt < 9, "they never met");
    }
    let of_names = format!("event_id IN ('{}')", names.join("', '"));
    let waiting = format!(
        "SELECT toUInt64(count()) FROM (SELECT event_id FROM conversion_numbers WHERE {of_names} GROUP BY event_id HAVING uniqExact(lane) = 2)"
    );
    wait_for(&client, &waiting, EVENTS).await;
    assert_eq!(
        number(
            &client,
            &format!("SELECT count() FROM conversions FINAL WHERE {of_names}")
        )
        .await,
        EVENTS
    );
    // From now on both say the same of the odd ones too: of two bodies one was first.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    for event in names.iter().skip(1).step_by(2) {
        let mut taken = Vec::new();
        for minor in [7, 8] {
            let [one, other] = [
                both[0].convert(&body(event, minor)).await.status.as_u16(),
                both[1].convert(&body(event, minor)).await.status.as_u16(),
            ];
            assert_eq!(one, other, "of event {event}, {minor}");
            taken.push(one);
        }
        taken.sort_unstable();
        assert_eq!(taken, [200, 409], "of event {event}");
    }
}
