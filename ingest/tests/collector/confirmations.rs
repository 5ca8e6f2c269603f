//! What a page's script says of a click: the script itself, its confirmation, and what lets a site keep the id.

use std::collections::HashMap;

use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use whence_core::confirmation::Marks;
use whence_core::id::ClickId;
use whence_core::test_support::Engine;
use whence_core::test_support::http::Got;

use crate::support::{Collector, minted, minted_at, number, wait_for};

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const STORED: &str = "SELECT count() FROM confirmations";

/// What a browser sends on a page of a shop, on another site than the collector's.
const BROWSER: [(&str, &str); 5] = [
    ("origin", "https://www.shop.example"),
    ("user-agent", CHROME),
    ("content-type", "text/plain;charset=UTF-8"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
];

async fn confirm(collector: &Collector, more: &[(&str, &str)], body: &Value) -> Got {
    let mut headers: HashMap<&str, &str> = BROWSER.into();
    headers.extend(more.iter().copied());
    let headers: Vec<_> = headers.into_iter().collect();
    collector
        .ask("POST", "/v1/confirm", &headers, body.to_string())
        .await
}

fn said(click: ClickId) -> Value {
    json!({"ws": "acme", "click_id": click, "keep": true, "page_ms": 120})
}

#[derive(Debug, PartialEq, Eq, Row, Deserialize)]
struct Stored {
    workspace: String,
    click_id: u128,
    marks: u16,
    page_ms: u32,
    clicked_ms: i64,
}

async fn stored(engine: &Engine) -> Vec<Stored> {
    let query = "SELECT toString(workspace) AS workspace, click_id, marks, page_ms, toUnixTimestamp64Milli(clicked_at) AS clicked_ms
        FROM confirmations FINAL ORDER BY click_id";
    engine.client().query(query).fetch_all().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_is_confirmed_once_and_its_evidence_is_kept() {
    let engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    let (click, driven) = (minted_at(now - 3000), minted_at(now - 2000));
    for status in [200, 200] {
        let got = confirm(&collector, &[], &said(click)).await;
        assert_eq!(got.status, status, "{got:?}");
        assert_eq!(
            got.json(),
            json!({"days": 365}),
            "kept by the script: two sites"
        );
        assert_eq!(
            got.header("access-control-allow-origin"),
            "https://www.shop.example"
        );
        assert_eq!(got.header("access-control-allow-credentials"), "true");
        assert_eq!(got.header("cache-control"), "no-store");
    }
    assert_eq!(
        collector.metric("whence_ingest_confirmations_total").await,
        2.0
    );

    let mut all = said(driven);
    for mark in [
        "webdriver",
        "screenless",
        "framed",
        "prerendered",
        "of a newer script",
    ] {
        all[mark] = json!(true);
    }
    let machine = [(
        "user-agent",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    )];
    assert_eq!(confirm(&collector, &machine, &all).await.status, 200);
    let hasty = minted();
    let form = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let got = collector.ask("POST", "/v1/confirm", &form, said(hasty).to_string());
    assert_eq!(got.await.status, 200);
    wait_for(
        &engine.client(),
        "SELECT uniqExact(click_id) FROM confirmations",
        3,
    )
    .await;

    // Another process does not know what this one took; the table does. The first stays.
    assert_eq!(collector.terminate().code(), Some(0));
    collector.launch().await;
    let mut later = said(click);
    later["page_ms"] = json!(9);
    assert_eq!(confirm(&collector, &[], &later).await.status, 200);
    wait_for(&engine.client(), STORED, 4).await;

    let browser = Marks::FETCH;
    let told = Marks::WEBDRIVER | Marks::SCREENLESS | Marks::FRAMED | Marks::PRERENDERED;
    let rows = stored(&engine).await;
    let row = |click: ClickId, page_ms, marks: Marks| Stored {
        workspace: "acme".into(),
        click_id: click.0,
        marks: marks.bits(),
        page_ms,
        clicked_ms: click.unix_ms().try_into().unwrap(),
    };
    assert_eq!(rows[0], row(click, 120, browser));
    assert_eq!(rows[1], row(driven, 120, browser | told | Marks::MACHINE));
    let marks = Marks::from_bits(rows[2].marks);
    assert!(
        marks.has(Marks::NO_PAGE | Marks::MACHINE) && !marks.has(Marks::FETCH),
        "{marks:?}"
    );

    // Nothing of it is in the audit's books: a lane without numbers in a table would look like a loss.
    let lanes = "SELECT count() FROM lanes FINAL WHERE name = 'conversions'";
    wait_for(&engine.client(), lanes, 1).await;
    assert_eq!(
        number(&engine.client(), "SELECT count() FROM lanes FINAL").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_of_ours_is_set_only_on_the_sites_own_domain_and_where_the_mode_allows_it() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let site = [
        ("host", "c.shop.example"),
        ("origin", "https://www.shop.example"),
    ];
    let click = minted();
    let id = click.to_string();
    let got = confirm(&collector, &site, &said(click)).await;
    assert_eq!((got.status.as_u16(), got.body.as_str()), (204, ""));
    let cookies = got.all("set-cookie");
    let expected =
        format!("_wcid={id}; Path=/; Max-Age=31536000; SameSite=Lax; Domain=shop.example; Secure");
    assert_eq!(cookies, [expected.as_str()]);

    let over_http = [
        ("host", "localhost:8081"),
        ("origin", "http://localhost:3000"),
    ];
    let got = confirm(&collector, &over_http, &said(click)).await;
    let expected = format!("_wcid={id}; Path=/; Max-Age=31536000; SameSite=Lax");
    assert_eq!(got.all("set-cookie"), [expected.as_str()]);

    // Nobody keeps it who is not asked to, or whose visitor does not want to be followed.
    let mut not_kept = said(minted());
    not_kept["keep"] = json!(false);
    let mut quiet = said(minted());
    quiet["ws"] = json!("quiet");
    let mut daily = said(minted());
    daily["ws"] = json!("daily");
    let table = [
        ("accepted", vec![], not_kept, 1),
        ("accepted", vec![("sec-gpc", "1")], said(minted()), 1),
        ("accepted", vec![("dnt", "1")], said(minted()), 1),
        ("accepted", vec![], daily.clone(), 1),
        ("unwanted", vec![("sec-gpc", "1")], daily, 0),
    ];
    let mut accepted = 1;
    for (answer, more, body, stored) in table {
        for place in [&site[..], &[]] {
            let headers = [place, &more].concat();
            let got = confirm(&collector, &headers, &body).await;
            assert_eq!(
                (got.status.as_u16(), got.body.as_str()),
                (204, ""),
                "{answer} {body}"
            );
            assert!(got.all("set-cookie").is_empty(), "{got:?}");
        }
        accepted += stored;
    }
    let got = confirm(&collector, &site, &quiet).await;
    assert_eq!(got.status, 204);
    wait_for(&engine.client(), STORED, accepted).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(
        number(&engine.client(), STORED).await,
        accepted,
        "nothing of count_only"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_fresh_click_of_ours_confirms_nothing() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let forged = ClickId(minted().0 ^ 1 << 40);
    let good = minted();
    let table = [
        (json!({"ws": "acme", "click_id": forged}), 422, "click_id"),
        (json!({"ws": "nobody", "click_id": good}), 404, "ws"),
        (json!({"ws": "A b", "click_id": good}), 422, "ws"),
        (json!({"ws": "acme", "click_id": "short"}), 422, "click_id"),
        (json!({"ws": "acme"}), 422, "click_id"),
        (
            json!({"ws": "acme", "click_id": good, "page_ms": -1}),
            422,
            "page_ms",
        ),
        (
            json!({"ws": "acme", "click_id": good, "framed": "yes"}),
            422,
            "framed",
        ),
        (json!([]), 422, ""),
        (json!("x".repeat(5000)), 413, ""),
    ];
    for (body, status, field) in table {
        let got = confirm(&collector, &[], &body).await;
        assert_eq!(got.status, status, "{body}: {got:?}");
        assert!(
            got.json()["detail"].as_str().unwrap().contains(field),
            "{got:?}"
        );
        assert_eq!(
            got.header("access-control-allow-origin"),
            "https://www.shop.example"
        );
    }
    for body in ["", "{", "{} {}", &format!("{} x", said(good))] {
        let got = collector
            .ask("POST", "/v1/confirm", &BROWSER, body.to_owned())
            .await;
        assert!(matches!(got.status.as_u16(), 400 | 422), "{body}: {got:?}");
    }
    let got = confirm(&collector, &[("content-type", "text/html")], &said(good)).await;
    assert_eq!(got.status, 415);
    assert_eq!(
        collector.ask("GET", "/v1/confirm", &[], "").await.status,
        405
    );
    let got = collector.ask("OPTIONS", "/v1/confirm", &BROWSER, "").await;
    assert_eq!(
        (
            got.status.as_u16(),
            got.header("access-control-allow-methods")
        ),
        (204, "POST")
    );

    // Too late to say anything of who clicked; the site may still keep it.
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    let late = minted_at(now - DAY_MS - 60_000);
    let got = confirm(&collector, &[], &said(late)).await;
    assert_eq!(got.json(), json!({"days": 365}));
    let in_time = minted_at(now - DAY_MS + 60_000);
    assert_eq!(confirm(&collector, &[], &said(in_time)).await.status, 200);
    wait_for(&engine.client(), STORED, 1).await;
    assert_eq!(stored(&engine).await[0].click_id, in_time.0);
}

/// What was answered survives a kill of the collector and hours without ClickHouse.
#[tokio::test(flavor = "multi_thread")]
async fn no_confirmation_that_was_answered_is_lost() {
    let mut engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    engine.kill();
    let clicks: Vec<_> = (0..20).map(|_| minted()).collect();
    for &click in &clicks {
        assert_eq!(confirm(&collector, &[], &said(click)).await.status, 200);
    }
    collector.kill();
    collector.launch().await;
    let more = minted();
    assert_eq!(confirm(&collector, &[], &said(more)).await.status, 200);
    engine.start_again();
    wait_for(&engine.client(), STORED, 21).await;
    let found: Vec<_> = stored(&engine)
        .await
        .into_iter()
        .map(|row| row.click_id)
        .collect();
    let mut expected: Vec<_> = clicks.iter().chain([&more]).map(|click| click.0).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_is_cached_and_may_be_run_anywhere() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let got = collector.ask("GET", "/w.js", &[], "").await;
    assert_eq!(got.status, 200);
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("access-control-allow-origin", "*"),
        (
            "cache-control",
            "public, max-age=3600, stale-while-revalidate=86400",
        ),
    ] {
        assert_eq!(got.header(name), value, "{name}");
    }
    assert!(
        got.body.len() < 4 << 10 && got.body.contains("v1/confirm"),
        "{}",
        got.body
    );
    let tag = got.header("etag").to_owned();
    let again = collector
        .ask(
            "GET",
            "/w.js?workspace=acme",
            &[("if-none-match", &tag)],
            "",
        )
        .await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
    assert_eq!(again.header("etag"), tag);
    let head = collector.ask("HEAD", "/w.js", &[], "").await;
    assert_eq!(
        (head.status.as_u16(), head.header("etag")),
        (200, tag.as_str())
    );
}
