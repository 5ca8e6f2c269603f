//! Answers in other forms than JSON: read back by the engine itself and by a reader of CSV.

use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use whence_core::test_support::Engine;
use whence_core::test_support::http::Got;

use crate::events::{Click, Conversion, SALE, insert};
use crate::support::{Service, problem};

/// Noon of a Monday.
const NOON: i64 = 1_795_435_200_000;

/// Three clicks, of a source that a spreadsheet would run, one with a comma and one plain, and a sale of the first.
async fn world() -> (Engine, Service) {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    let clicks: Vec<Click> = ["=1+1", "a,\"b\"", "plain"]
        .into_iter()
        .zip(1_u32..)
        .map(|(source, unique)| Click {
            source: source.into(),
            ..Click::new("acme", NOON + i64::from(unique), unique, u128::from(unique))
        })
        .collect();
    let sale = Conversion {
        amount_minor: 500,
        currency: "EUR".into(),
        ..Conversion::new("acme", "e1", SALE, NOON + 1_000, clicks[0].click_id)
    };
    insert(&engine.client(), "clicks", &clicks).await;
    insert(&engine.client(), "conversions", &[sale]).await;
    (engine, service)
}

fn question() -> Value {
    json!({
        "from": "2026-11-23", "to": "2026-11-23", "interval": "day", "dimensions": ["source"],
        "metrics": ["clicks", "conversion_rate", "revenue", "time_to_convert"], "order": ["source"],
    })
}

async fn ask(service: &Service, question: &Value, accept: &str) -> Got {
    let headers = [("accept", accept)];
    let body = question.to_string();
    service
        .ask_with(&service.acme, "POST", "/api/v1/query", &headers, body)
        .await
}

/// A row of the question above, as the engine reads it out of a Parquet file.
#[derive(Debug, PartialEq, Row, Deserialize)]
struct Told {
    time: i64,
    source: String,
    clicks: i64,
    rate: Option<f64>,
    revenue: Option<i64>,
    half: Option<f64>,
}

#[tokio::test]
async fn one_answer_in_four_forms() {
    let (engine, service) = world().await;
    let whole = ask(&service, &question(), "application/json").await;
    assert_eq!(whole.header("vary"), "Accept");
    let whole = whole.json();
    let rows = whole["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{whole}");

    let lines = ask(&service, &question(), "application/x-ndjson").await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let told: Vec<Value> = lines
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(&told, rows);

    let sheet = ask(&service, &question(), "text/csv, application/json;q=0.5").await;
    assert_eq!(
        sheet.header("content-disposition"),
        "attachment; filename=\"query.csv\""
    );
    for (header, expected) in [
        ("content-type", "text/csv; charset=utf-8; header=present"),
        ("whence-rows", "3"),
        ("whence-exact", "true"),
        ("whence-time-zone", "UTC"),
        ("whence-from", "2026-11-23T00:00:00+00:00"),
        ("whence-last-click", "2026-11-23T12:00:00.003+00:00"),
    ] {
        assert_eq!(sheet.header(header), expected, "{header}");
    }
    let mut reader = csv::Reader::from_reader(sheet.body.as_bytes());
    let names: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let expected = [
        "time",
        "source",
        "clicks",
        "conversion_rate.value",
        "conversion_rate.low",
        "conversion_rate.high",
        "revenue.EUR.amount_minor",
        "time_to_convert.p50",
        "time_to_convert.p90",
    ];
    assert_eq!(names, expected);
    let cells: Vec<Vec<String>> = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let sources: Vec<&str> = cells.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(sources, ["'=1+1", "a,\"b\"", "plain"]);
    assert_eq!(
        (
            cells[0][2].as_str(),
            cells[0][6].as_str(),
            cells[1][6].as_str()
        ),
        ("1", "500", "")
    );
    assert_eq!(cells[0][3], "1.0");

    let file = ask(&service, &question(), "application/vnd.apache.parquet").await;
    let told: Vec<Told> = read_back(
        &engine,
        &file,
        "SELECT toUnixTimestamp64Milli(assumeNotNull(time)) AS time, assumeNotNull(source) AS source, assumeNotNull(clicks) AS clicks,
                `conversion_rate.value` AS rate, `revenue.EUR.amount_minor` AS revenue, `time_to_convert.p50` AS half FROM FILE",
    )
    .await;
    let row = |source: &str, rate, revenue, half| Told {
        time: NOON - 12 * 3_600_000,
        source: source.into(),
        clicks: 1,
        rate: Some(rate),
        revenue,
        half,
    };
    let expected = [
        row("=1+1", 1.0, Some(500), Some(0.999)),
        row("a,\"b\"", 0.0, None, None),
        row("plain", 0.0, None, None),
    ];
    assert_eq!(told, expected);
    service.stop().await;
}

#[tokio::test]
async fn a_table_without_rows_has_its_columns() {
    let (engine, service) = world().await;
    let mut nothing = question();
    nothing["filter"] = json!({"dimension": "source", "is": "nobody"});
    let sheet = ask(&service, &nothing, "text/csv").await;
    let names = "time,source,clicks,conversion_rate.value,conversion_rate.low,conversion_rate.high,time_to_convert.p50,time_to_convert.p90\r\n";
    assert_eq!(sheet.body, names);
    let file = ask(&service, &nothing, "application/vnd.apache.parquet").await;
    let count: Vec<Count> = read_back(
        &engine,
        &file,
        "SELECT toUInt64(count(clicks)) AS count FROM FILE",
    )
    .await;
    assert_eq!(count, [Count { count: 0 }]);
    service.stop().await;
}

#[derive(Debug, PartialEq, Row, Deserialize)]
struct Count {
    count: u64,
}

/// Rows of an answer that is a Parquet file, read by the engine.
async fn read_back<T: clickhouse::RowOwned + clickhouse::RowRead>(
    engine: &Engine,
    file: &Got,
    sql: &str,
) -> Vec<T> {
    assert_eq!(
        file.header("content-type"),
        "application/vnd.apache.parquet",
        "{:?}",
        file.body
    );
    // As a literal: what a test asks of an engine that it has itself is nobody's text.
    let hex: String = file
        .bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let sql = sql.replace("FILE", &format!("format(Parquet, unhex('{hex}'))"));
    engine
        .client()
        .query_raw(&sql)
        .fetch_all::<T>()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_form_that_is_not_had_is_refused_before_anything_is_counted() {
    let service = Service::start().await;
    let got = ask(&service, &question(), "text/html, application/xml").await;
    let told = problem(&got, 406)["detail"].to_string();
    for kind in [
        "application/json",
        "text/csv",
        "application/x-ndjson",
        "application/vnd.apache.parquet",
    ] {
        assert!(told.contains(kind), "{told}");
    }
    service.stop().await;
}
