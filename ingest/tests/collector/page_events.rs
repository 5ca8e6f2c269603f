//! What is done on pages besides converting, as a page's script and a merchant's server say it.

use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use whence_core::id::LinkId;
use whence_core::page_event::PageEventId;
use whence_core::test_support::Engine;
use whence_core::test_support::http::Got;

use crate::support::{Collector, minted, number, wait_for};

const STORED: &str = "SELECT count() FROM page_events FINAL";
const HOUR_MS: i64 = 3_600_000;

/// What a browser sends on a page of a shop, on another site than the collector's.
const BROWSER: [(&str, &str); 2] = [
    ("origin", "https://www.shop.example"),
    ("content-type", "text/plain;charset=UTF-8"),
];

async fn of_page(collector: &Collector, more: &[(&str, &str)], body: &Value) -> Got {
    let headers = [&BROWSER[..], more].concat();
    collector
        .ask("POST", "/v1/page", &headers, body.to_string())
        .await
}

async fn of_server(collector: &Collector, media_type: &str, body: impl Into<String>) -> Got {
    let authorization = format!("Bearer {}", collector.key.expose());
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", media_type),
    ];
    collector
        .ask("POST", "/v1/page-events", &headers, body.into())
        .await
}

#[derive(Debug, PartialEq, Eq, Row, Deserialize)]
struct Stored {
    workspace: String,
    event_id: u128,
    name: String,
    click_id: u128,
    visitor_id: u128,
    customer: String,
    page_host: String,
    page_path: String,
    link_id: u64,
    advocate: String,
    shared_by: String,
    source: String,
    occurred_ms: i64,
}

async fn stored(engine: &Engine) -> Vec<Stored> {
    let query = "SELECT toString(workspace) AS workspace, event_id, toString(name) AS name, click_id, visitor_id, customer,
            toString(page_host) AS page_host, toString(page_path) AS page_path, link_id, toString(advocate) AS advocate,
            toString(shared_by) AS shared_by, toString(source) AS source, toUnixTimestamp64Milli(occurred_at) AS occurred_ms
        FROM page_events FINAL ORDER BY event_id";
    engine.client().query(query).fetch_all().await.unwrap()
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn text(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms)
        .unwrap()
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pages_and_servers_say_is_kept() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let (click, link) = (minted(), LinkId(5));
    let begun = now_ms();
    let page = json!({"ws": "acme", "event_id": "view-1", "name": "page", "click_id": click, "url": "https://www.shop.example/basket?mail=a@b"});
    let visitor = "0000000000000000000077";
    let cookie = format!("whv={visitor}");
    let more = [("cookie", cookie.as_str())];
    for _ in 0..2 {
        let got = of_page(&collector, &more, &page).await;
        assert_eq!(
            (got.status.as_u16(), got.body.as_str()),
            (204, ""),
            "{got:?}"
        );
        assert_eq!(
            got.header("access-control-allow-origin"),
            "https://www.shop.example"
        );
    }
    let share = json!([
        {"event_id": "share-1", "name": "share", "customer": "c-1", "link": link, "advocate": "ada", "by": "email",
            "occurred_at": "2026-01-31T08:00:00Z"},
        {"event_id": "share-1", "name": "share", "customer": "c-1", "occurred_at": "2026-01-31T09:30:00Z"},
        {"name": "page"},
        7,
        {"name": "configured", "click_id": click},
    ]);
    let got = of_server(&collector, "application/json", share.to_string()).await;
    let told = got.json();
    assert_eq!(got.status, 200, "{told}");
    let results: Vec<_> = told["results"].as_array().unwrap().iter().collect();
    let outcomes: Vec<_> = results.iter().map(|it| &it["result"]).collect();
    assert_eq!(
        outcomes,
        ["accepted", "repeated", "invalid", "invalid", "accepted"]
    );
    assert_eq!(results[2]["errors"][0]["field"], "customer");
    assert_eq!(
        (&told["accepted"], &told["invalid"]),
        (&json!(2), &json!(2))
    );

    wait_for(&engine.client(), STORED, 3).await;
    let rows = stored(&engine).await;
    let of = |id: u128| rows.iter().find(|row| row.event_id == id).unwrap();
    let view = of(PageEventId::of("view-1").0);
    assert!((begun..begun + 60_000).contains(&view.occurred_ms));
    let expected = Stored {
        workspace: "acme".into(),
        event_id: PageEventId::of("view-1").0,
        name: "page".into(),
        click_id: click.0,
        visitor_id: visitor.parse::<whence_core::id::VisitorId>().unwrap().0,
        customer: String::new(),
        page_host: "www.shop.example".into(),
        page_path: "/basket".into(),
        link_id: 0,
        advocate: String::new(),
        shared_by: String::new(),
        source: "beacon".into(),
        occurred_ms: view.occurred_ms,
    };
    assert_eq!(view, &expected);
    let share = of(PageEventId::of("share-1").0);
    let expected = Stored {
        workspace: "acme".into(),
        event_id: PageEventId::of("share-1").0,
        name: "share".into(),
        click_id: 0,
        visitor_id: 0,
        customer: "c-1".into(),
        page_host: String::new(),
        page_path: String::new(),
        link_id: link.0,
        advocate: "ada".into(),
        shared_by: "email".into(),
        source: "server".into(),
        occurred_ms: 1_769_846_400_000,
    };
    assert_eq!(share, &expected);
    assert_eq!(
        collector.metric("whence_ingest_page_events_total").await,
        7.0
    );
}

/// An event that is sent again has the time of its arrival: another hour, and so another key of the table.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_counts_once_within_a_day_whoever_repeats_it_and_when() {
    let engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let now = now_ms();
    let server = |name: &str, id: &str, at: i64| {
        json!([{"event_id": id, "name": name, "customer": "c-1", "occurred_at": text(at)}])
            .to_string()
    };
    let (first, other) = (now - 5 * HOUR_MS, now - 30 * HOUR_MS);
    for (id, at) in [("e-1", first), ("e-2", other)] {
        let got = of_server(&collector, "application/json", server("step", id, at)).await;
        assert_eq!(got.json()["accepted"], 1, "{got:?}");
    }
    wait_for(&engine.client(), STORED, 2).await;
    // Another process knows nothing of it; the table does. A browser's word does not take a server's place.
    assert_eq!(collector.terminate().code(), Some(0));
    collector.launch().await;
    for id in ["e-1", "e-2", "e-3"] {
        let event =
            json!({"ws": "acme", "event_id": id, "name": "said by a browser", "customer": "c-1"});
        assert_eq!(of_page(&collector, &[], &event).await.status, 204);
    }
    let third = server("step", "e-3", now - 2 * HOUR_MS);
    assert_eq!(
        of_server(&collector, "application/json", third)
            .await
            .json()["accepted"],
        1
    );
    // e-2 is more than a day ago: another event of that name.
    wait_for(&engine.client(), STORED, 4).await;
    wait_for(
        &engine.client(),
        "SELECT uniqExact(lane, seq) FROM page_events",
        6,
    )
    .await;
    let rows = stored(&engine).await;
    let of = |id: &str| -> Vec<_> {
        let id = PageEventId::of(id).0;
        let rows = rows.iter().filter(|row| row.event_id == id);
        rows.map(|row| (row.name.as_str(), row.occurred_ms))
            .collect()
    };
    assert_eq!(of("e-1"), [("step", first)]);
    assert_eq!(of("e-2").len(), 2);
    let third = of("e-3");
    assert_eq!((third.len(), third[0].0), (1, "step"), "the server's word");
    assert!(third[0].1 >= now, "at the time of the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_says_what_is_kept_of_a_page() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let cookie = [("cookie", "whv=0000000000000000000077")];
    let (gpc, dnt) = (("sec-gpc", "1"), ("dnt", "1"));
    // Workspace, what else is sent, and whether it is kept with its visitor.
    let table = [
        ("acme", vec![], Some(true)),
        ("acme", vec![gpc], Some(false)),
        ("acme", vec![dnt], Some(false)),
        ("daily", vec![], Some(false)),
        ("daily", vec![dnt], None),
        ("quiet", vec![], None),
    ];
    let mut kept = Vec::new();
    for (number, (workspace, more, expected)) in table.into_iter().enumerate() {
        let id = format!("e-{number}");
        let body = json!({"ws": workspace, "event_id": id, "name": "page", "click_id": minted(), "customer": "c-1"});
        let got = of_page(&collector, &[&cookie[..], &more].concat(), &body).await;
        assert_eq!(
            (got.status.as_u16(), got.body.as_str()),
            (204, ""),
            "{got:?}"
        );
        kept.extend(expected.map(|with_visitor| (PageEventId::of(&id).0, with_visitor)));
    }
    wait_for(&engine.client(), STORED, kept.len() as u64).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let mut found: Vec<_> = stored(&engine)
        .await
        .iter()
        .map(|row| (row.event_id, row.visitor_id != 0))
        .collect();
    found.sort_unstable();
    kept.sort_unstable();
    assert_eq!(found, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_and_named() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let table = [
        (
            json!({"ws": "nobody", "name": "page", "customer": "c"}),
            404,
            "ws",
        ),
        (json!({"ws": "acme", "name": "page"}), 422, "customer"),
        (
            json!({"ws": "acme", "name": "page", "customer": "c", "colour": 1}),
            422,
            "colour",
        ),
        (
            json!({"ws": "acme", "name": "page", "click_id": "A".repeat(22)}),
            422,
            "click_id",
        ),
        (json!([]), 400, "one JSON object"),
        (json!("x".repeat(20_000)), 413, ""),
    ];
    for (body, status, field) in table {
        let got = of_page(&collector, &[], &body).await;
        assert_eq!(got.status, status, "{body}: {got:?}");
        assert!(
            got.json()["detail"].as_str().unwrap().contains(field),
            "{got:?}"
        );
    }
    let csv = "name,customer,url\npage,c-1,https://shop.example/a\npage,,\n";
    let told = of_server(&collector, "text/csv", csv).await.json();
    assert_eq!(
        (
            &told["results"][0]["line"],
            &told["results"][1]["errors"][0]["field"]
        ),
        (&json!(2), &json!("customer"))
    );
    let many = vec![json!({"name": "page", "customer": "c"}); 1001];
    let got = of_server(&collector, "application/json", json!(many).to_string()).await;
    assert_eq!(got.status, 413, "{got:?}");
    assert_eq!(of_server(&collector, "text/html", "").await.status, 415);
    assert_eq!(
        of_server(&collector, "application/json", "{").await.status,
        400
    );
    let key = format!("Bearer {}", collector.key_for_reports.expose());
    for (headers, status) in [(vec![], 401), (vec![("authorization", key.as_str())], 403)] {
        let got = collector
            .ask("POST", "/v1/page-events", &headers, "[]")
            .await;
        assert_eq!(got.status, status, "{got:?}");
    }
    assert_eq!(collector.ask("GET", "/v1/page", &[], "").await.status, 405);
    wait_for(&engine.client(), STORED, 1).await;

    // A page that goes round in circles is stopped; others are not.
    let event = |customer: &str| json!({"ws": "acme", "name": "page", "customer": customer});
    let mut statuses = Vec::new();
    for _ in 0..400 {
        statuses.push(
            of_page(&collector, &[], &event("loop"))
                .await
                .status
                .as_u16(),
        );
        if statuses.ends_with(&[429]) {
            break;
        }
    }
    assert!(
        statuses.len() > 100 && statuses.ends_with(&[429]),
        "{}",
        statuses.len()
    );
    assert_eq!(of_page(&collector, &[], &event("other")).await.status, 204);
}

/// What was answered survives a kill of the collector and hours without ClickHouse, and is there once.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_event_that_was_answered_is_lost() {
    let mut engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let event = |number: usize| json!({"ws": "acme", "event_id": format!("e-{number}"), "name": "page", "customer": "c-1"});
    let mut sent = 0;
    for round in 0..4 {
        if round % 2 == 1 {
            engine.kill();
        }
        for _ in 0..10 {
            assert_eq!(of_page(&collector, &[], &event(sent)).await.status, 204);
            sent += 1;
        }
        let many: Vec<_> = (sent..sent + 10)
            .map(|number| json!({"event_id": format!("e-{number}"), "name": "step", "customer": "c-2"}))
            .collect();
        let told = of_server(&collector, "application/json", json!(many).to_string()).await;
        assert_eq!(told.json()["accepted"], 10, "{told:?}");
        sent += 10;
        collector.kill();
        collector.launch().await;
        // Nobody knows which of them was answered: some are sent again.
        for number in sent - 15..sent - 10 {
            assert_eq!(of_page(&collector, &[], &event(number)).await.status, 204);
        }
        if round % 2 == 1 {
            engine.start_again();
        }
    }
    wait_for(&engine.client(), STORED, sent as u64).await;
    let ids = "SELECT uniqExact(event_id) FROM page_events";
    assert_eq!(number(&engine.client(), ids).await, sent as u64);
}
