//! Conversions: by each way they arrive as rows, and each event counts once.

use std::collections::HashSet;

use whence_core::id::VisitorId;
use whence_core::test_support::Engine;

use crate::support::{Collector, minted, number, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn each_way_leads_into_the_table() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let (click, visitor) = (minted(), VisitorId(12345));
    let cookie = format!("other=1; whv={visitor}");

    let body = format!(
        r#"{{"event_id":"by-server","kind":"sale","name":"order","click_id":"{click}","customer":"c-1","amount":1999,"currency":"EUR","occurred_at":"2026-11-20T12:00:00.250Z"}}"#
    );
    let got = collector.convert(&body).await;
    assert_eq!(
        (got.status.as_u16(), got.header("idempotent-replayed")),
        (200, ""),
        "{got:?}"
    );
    let answer = got.json();
    assert_eq!(
        (answer["event_id"].as_str(), answer["kind"].as_str()),
        (Some("by-server"), Some("sale"))
    );
    let received = jiff::Timestamp::now().as_millisecond();

    let body =
        format!(r#"{{"ws":"acme","event_id":"by-beacon","kind":"lead","click_id":"{click}"}}"#);
    let headers = [
        ("content-type", "text/plain;charset=UTF-8"),
        ("cookie", cookie.as_str()),
    ];
    let got = collector.ask("POST", "/v1/events", &headers, body).await;
    assert_eq!(got.status, 200, "{got:?}");

    let path = format!(
        "/p.gif?ws=acme&event=sale&event_id=by-pixel&wcid={click}&amount=5&currency=JPY&customer=&cb=1"
    );
    let opted_out = vec![("cookie", cookie.as_str()), ("sec-gpc", "1")];
    let with_cookie = vec![("cookie", cookie.as_str())];
    for (path, headers) in [
        (path.as_str(), &with_cookie),
        ("/p.gif?ws=acme&event=lead&event_id=opted-out", &opted_out),
        ("/p.gif?ws=quiet&event=lead&event_id=by-pixel", &with_cookie),
    ] {
        let got = gif(&collector, path, headers).await;
        assert_eq!(got, (200, String::new()), "{path}");
    }

    let client = engine.client();
    wait_for(&client, "SELECT count() FROM conversions", 5).await;
    let rows = "SELECT toString(tuple(workspace, event_id, kind, name, click_id, visitor_id, customer, amount_minor, currency, source, seq))
        FROM conversions ORDER BY seq";
    let rows = client.query(rows).fetch_all::<String>().await.unwrap();
    let (click, visitor) = (click.0, visitor.0);
    let expected = [
        format!("('acme','by-server','sale','order',{click},0,'c-1',1999,'EUR','server',1)"),
        format!("('acme','by-beacon','lead','',{click},{visitor},'',0,'','beacon',2)"),
        format!("('acme','by-pixel','sale','',{click},{visitor},'',5,'JPY','pixel',3)"),
        "('acme','opted-out','lead','',0,0,'',0,'','pixel',4)".into(),
        "('quiet','by-pixel','lead','',0,0,'',0,'','pixel',5)".into(),
    ];
    assert_eq!(rows, expected);
    let times = "SELECT toUnixTimestamp64Milli(occurred_at), toUnixTimestamp64Milli(received_at) FROM conversions WHERE event_id = 'by-server'";
    let times = client.query(times).fetch_one::<(i64, i64)>().await.unwrap();
    assert_eq!(times.0, 1_795_176_000_250);
    assert!((received - times.1).abs() < 10_000, "{times:?}");
    let on_arrival = "SELECT count() FROM conversions WHERE occurred_at = received_at";
    assert_eq!(number(&client, on_arrival).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_answered_the_same_for_good() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let body = r#"{"event_id":"o-1","kind":"sale","amount":1999,"currency":"EUR"}"#;
    let first = collector.convert(body).await;
    assert_eq!(
        (first.status.as_u16(), first.header("idempotent-replayed")),
        (200, "")
    );

    // From memory, and then from ClickHouse.
    for stored in [0, 1] {
        wait_for(&client, "SELECT count() FROM conversions", stored).await;
        for repeat in [
            body,
            // The same facts in other words.
            r#"{ "currency":"EUR", "amount":1999, "name":null, "kind":"sale", "event_id":"o-1" }"#,
        ] {
            let again = collector.convert(repeat).await;
            assert_eq!(
                (again.status.as_u16(), again.header("idempotent-replayed")),
                (200, "true"),
                "{again:?}"
            );
            assert_eq!(again.body, first.body);
        }
        let pixel = gif(
            &collector,
            "/p.gif?ws=acme&event=sale&event_id=o-1&amount=1999&currency=EUR",
            &[],
        )
        .await;
        assert_eq!(pixel.0, 200, "the same facts by another way");

        for contradiction in [
            r#"{"event_id":"o-1","kind":"sale","amount":2000,"currency":"EUR"}"#,
            r#"{"event_id":"o-1","kind":"lead"}"#,
            r#"{"event_id":"o-1","kind":"sale","amount":1999,"currency":"EUR","customer":"c"}"#,
        ] {
            let got = collector.convert(contradiction).await;
            assert_eq!(got.status, 409, "{got:?}");
            assert_eq!(got.json()["errors"][0]["field"], "event_id");
            let differing = got.json()["errors"][1]["field"].clone();
            let expected = ["amount", "kind", "customer"];
            assert!(expected.iter().any(|field| differing == *field), "{got:?}");
        }
        let pixel = gif(&collector, "/p.gif?ws=acme&event=lead&event_id=o-1", &[]).await;
        assert_eq!(
            pixel,
            (409, "event_id: was accepted before with other facts".into())
        );
        // An event of another workspace is another event.
        let pixel = gif(&collector, "/p.gif?ws=quiet&event=lead&event_id=o-1", &[]).await;
        assert_eq!(pixel.0, 200);
        if stored == 0 {
            wait_for(
                &client,
                "SELECT count() FROM conversions WHERE workspace = 'acme'",
                1,
            )
            .await;
            wait_for(
                &client,
                "SELECT count() FROM conversions WHERE workspace = 'quiet'",
                1,
            )
            .await;
            client.query("ALTER TABLE conversions DELETE WHERE workspace = 'quiet' SETTINGS mutations_sync = 2").execute().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_one_is_first() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    for round in 0..4 {
        // In even rounds all say the same, in odd ones each something else.
        let bodies: Vec<String> = (0..50)
            .map(|sender| {
                let amount = if round % 2 == 0 { 1 } else { sender };
                format!(
                    r#"{{"event_id":"r-{round}","kind":"sale","amount":{amount},"currency":"EUR"}}"#
                )
            })
            .collect();
        let got =
            futures::future::join_all(bodies.iter().map(|body| collector.convert(body))).await;
        let first = got
            .iter()
            .filter(|got| got.status == 200 && got.header("idempotent-replayed").is_empty());
        assert_eq!(first.count(), 1, "round {round}");
        let others = if round % 2 == 0 { 200 } else { 409 };
        assert_eq!(
            got.iter().filter(|got| got.status == others).count(),
            if others == 200 { 50 } else { 49 }
        );
        let answers: HashSet<&str> = got
            .iter()
            .filter(|got| got.status == 200)
            .map(|got| got.body.as_str())
            .collect();
        assert_eq!(answers.len(), 1, "one event has one answer");
    }
    let client = engine.client();
    wait_for(&client, "SELECT uniqExact(event_id) FROM conversions", 4).await;
    assert_eq!(
        number(&client, "SELECT count() FROM conversions").await,
        4,
        "without FINAL"
    );
    assert_eq!(
        collector.metric("whence_ingest_conversions_total").await,
        200.0
    );
}

/// The pixel's status and error.
async fn gif(collector: &Collector, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let (status, error, _) = crate::browsers::pixel(collector, "GET", path, headers).await;
    (status, error)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_a_servers_event_id_away() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    // The server speaks while the browser's word is in memory, and once it is in ClickHouse.
    for (round, event) in ["o-1", "o-2"].into_iter().enumerate() {
        let squat = format!("/p.gif?ws=acme&event=lead&event_id={event}");
        assert_eq!(gif(&collector, &squat, &[]).await.0, 200);
        if round == 1 {
            wait_for(
                &client,
                "SELECT count() FROM conversions WHERE event_id = 'o-2'",
                1,
            )
            .await;
        }
        let sale = format!(r#"{{"event_id":"{event}","kind":"sale","amount":5,"currency":"EUR"}}"#);
        for replayed in ["", "true"] {
            let got = collector.convert(&sale).await;
            assert_eq!(
                (got.status.as_u16(), got.header("idempotent-replayed")),
                (200, replayed),
                "{got:?}"
            );
        }
        let stored = format!(
            "SELECT count() FROM conversions FINAL WHERE event_id = '{event}' AND kind = 'sale' AND source = 'server'"
        );
        wait_for(&client, &stored, 1).await;
        assert_eq!(gif(&collector, &squat, &[]).await.0, 409);
        let other = sale.replace(":5,", ":6,");
        assert_eq!(collector.convert(&other).await.status, 409);
    }
    let merged = "SELECT count() FROM conversions FINAL";
    assert_eq!(number(&client, merged).await, 2);
}
