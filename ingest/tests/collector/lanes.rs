//! What lanes say of themselves stands in ClickHouse, and so does why a number has no row.

use serde_json::{Value, json};
use whence_core::journal;
use whence_core::test_support::Engine;

use crate::support::{Collector, Lane, TOKEN, click, number, wait_for};

fn account(lane: &str) -> Value {
    json!({
        "lane": lane, "service": "redirector", "node": "edge-1", "name": "0", "taken": 90, "freed": 70,
        "gaps": [
            {"first": 3, "last": 9, "reason": "refused", "detail": "the journal was full"},
            {"first": 20, "last": 20, "reason": "damaged", "detail": "x".repeat(3_000)},
            {"first": 30, "last": 40, "reason": "set_aside", "detail": ""},
        ],
    })
}

async fn send(collector: &Collector, body: &Value) -> whence_core::test_support::http::Got {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str())];
    collector
        .ask("POST", "/v1/lanes", &headers, body.to_string())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_stored_and_the_latest_stands() {
    let mut engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let first = json!([account("00000000000000ff"), account("0123456789abcdef")]);
    for _ in 0..2 {
        let got = send(&collector, &first).await;
        assert_eq!(got.status, 200, "{got:?}");
    }
    let mut later = account("00000000000000ff");
    later["taken"] = json!(200);
    later["gaps"] = json!([]);
    assert_eq!(send(&collector, &json!([later])).await.status, 200);
    assert_eq!(send(&collector, &json!([])).await.status, 200);
    let texts = async |query: &str| client.query(query).fetch_all::<String>().await.unwrap();
    let lanes = "SELECT toString(tuple(lane, service, node, name, taken, freed)) FROM lanes FINAL
        WHERE service = 'redirector' ORDER BY lane";
    assert_eq!(
        texts(lanes).await,
        [
            "(255,'redirector','edge-1','0',200,70)",
            "(81985529216486895,'redirector','edge-1','0',90,70)",
        ]
    );
    let gaps = "SELECT toString(tuple(first, last, reason, length(detail))) FROM lane_gaps FINAL
        WHERE lane = 255 ORDER BY first";
    let expected = [
        "(3,9,'refused',20)",
        "(20,20,'damaged',1000)",
        "(30,40,'set_aside',0)",
    ];
    assert_eq!(texts(gaps).await, expected);

    engine.kill();
    let got = send(&collector, &first).await;
    assert_eq!(
        (got.status.as_u16(), got.header("retry-after")),
        (503, "1"),
        "{got:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_is_refused_by_its_field() {
    let engine = Engine::migrated().await;
    let collector = Collector::start(&engine.config()).await;
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut wrong = account("0123456789abcdef");
        change(&mut wrong);
        json!([account("00000000000000ff"), wrong])
    };
    let table = [
        (changed(&|a| a["lane"] = json!("ff")), 422, "[1].lane"),
        (
            changed(&|a| a["lane"] = json!("+123456789abcdef")),
            422,
            "[1].lane",
        ),
        (
            changed(&|a| a["node"] = json!("n".repeat(256))),
            422,
            "[1].node",
        ),
        (changed(&|a| a["freed"] = json!(91)), 422, "[1].freed"),
        (changed(&|a| a["taken"] = json!(-1)), 422, "[1].taken"),
        (
            changed(&|a| a["gaps"][1]["last"] = json!(19)),
            422,
            "[1].gaps[1].last",
        ),
        (
            changed(&|a| a["gaps"][0]["first"] = json!(0)),
            422,
            "[1].gaps[0].last",
        ),
        (
            changed(&|a| a["gaps"][2]["reason"] = json!("stolen")),
            422,
            "stolen",
        ),
        (
            changed(&|a| a["gaps"] = vec![a["gaps"][0].clone(); 1_001].into()),
            422,
            "[1].gaps",
        ),
        (account("0123456789abcdef"), 422, "sequence"),
        (json!("text"), 422, "sequence"),
        (
            vec![account("0123456789abcdef"); 1_025].into(),
            413,
            "1024 lanes",
        ),
        (json!(["x".repeat(4 << 20)]), 413, "4194304 bytes"),
    ];
    for (body, status, word) in table {
        let got = send(&collector, &body).await;
        assert_eq!(got.status, status, "{got:?}");
        assert_eq!(got.header("content-type"), "application/problem+json");
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(word), "{word}: {detail}");
    }
    let authorization = format!("Bearer {TOKEN}");
    let broken = [("authorization", authorization.as_str())];
    let got = collector.ask("POST", "/v1/lanes", &broken, "[{").await;
    assert_eq!(got.status, 400, "{got:?}");
    let got = collector.ask("POST", "/v1/lanes", &[], "[]").await;
    assert_eq!(got.status, 401, "{got:?}");
    let stored = "SELECT count() FROM lanes WHERE service = 'redirector'";
    assert_eq!(number(&engine.client(), stored).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_row_are_gaps_with_a_reason() {
    let engine = Engine::migrated().await;
    let mut collector = Collector::start(&engine.config()).await;
    let client = engine.client();
    let mut lane = Lane::new();
    lane.append(&click());
    for _ in 0..3 {
        lane.writer.append(&[2, 0xff, 0xff, 0xff]).unwrap();
    }
    lane.writer.append(&[]).unwrap();
    let block = lane.seal();
    for _ in 0..2 {
        assert_eq!(collector.block(block.wire().clone()).await.status, 200);
    }
    let of_lane = async |lane: u64| {
        let query = format!(
            "SELECT concat(toString(first), '-', toString(last), ' ', toString(reason), ' ', detail)
            FROM lane_gaps FINAL WHERE lane = {lane} ORDER BY first"
        );
        client.query(&query).fetch_all::<String>().await.unwrap()
    };
    let gaps = of_lane(lane.id()).await;
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[0].starts_with("2-4 unreadable click record cannot be read"));
    assert_eq!(gaps[1], "5-5 unreadable click record is empty");

    // The same of conversions, whose journal is the collector's own.
    collector.kill();
    let folder = collector.folder().join("journal/ingest/conversions");
    let (mut writer, reader) = journal::open(&folder, journal::LaneOptions::default()).unwrap();
    let own = writer.lane().get();
    let seq = writer.append(&[1, 0xff]).unwrap();
    drop((writer, reader));
    collector.launch().await;
    let event = r#"{"event_id":"behind","kind":"lead"}"#;
    assert_eq!(collector.convert(event).await.status, 200);
    wait_for(&client, "SELECT count() FROM conversions", 1).await;
    let noted = format!("SELECT count() FROM lane_gaps FINAL WHERE lane = {own}");
    wait_for(&client, &noted, 1).await;
    let gaps = of_lane(own).await;
    let expected = format!("{seq}-{seq} unreadable conversion record cannot be read");
    assert!(gaps[0].starts_with(&expected), "{gaps:?}");
}
