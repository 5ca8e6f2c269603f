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
    world_at(NOON).await
}

/// The same at another time.
async fn world_at(noon: i64) -> (Engine, Service) {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    let clicks: Vec<Click> = ["=1+1", "a,\"b\"", "plain"]
        .into_iter()
        .zip(1_u32..)
        .map(|(source, unique)| Click {
            source: source.into(),
            ..Click::new("acme", noon + i64::from(unique), unique, u128::from(unique))
        })
        .collect();
    let sale = Conversion {
        amount_minor: 500,
        currency: "EUR".into(),
        ..Conversion::new("acme", "e1", SALE, noon + 1_000, clicks[0].click_id)
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
    let (_engine, service) = world().await;
    let mut nothing = question();
    nothing["filter"] = json!({"dimension": "source", "is": "nobody"});
    let sheet = ask(&service, &nothing, "text/csv").await;
    let names = "time,source,clicks,conversion_rate.value,conversion_rate.low,conversion_rate.high,time_to_convert.p50,time_to_convert.p90\r\n";
    assert_eq!(sheet.body, names);
    let file = ask(&service, &nothing, "application/vnd.apache.parquet").await;
    let magic = b"PAR1";
    assert!(file.bytes.starts_with(magic) && file.bytes.ends_with(magic));
    assert_eq!(file.header("whence-rows"), "0");
    service.stop().await;
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

#[tokio::test]
async fn an_address_asks_what_a_body_does() {
    let (_engine, service) = world().await;
    let base = "/api/v1/query?from=2026-11-23&to=2026-11-23&dimensions=source&metrics=clicks,revenue&order=-source&limit=2";
    let page = service.get(base).await;
    let body = json!({
        "from": "2026-11-23", "to": "2026-11-23", "dimensions": ["source"], "metrics": ["clicks", "revenue"],
        "order": ["-source"], "limit": 2,
    });
    let same = ask(&service, &body, "*/*").await.json();
    assert_eq!(page["rows"], same["rows"]);
    assert_eq!(page["rows"][0]["source"], "plain");

    // The next page is where the link says.
    let got = service.ask(&service.acme, "GET", base, "").await;
    let link = got.header("link");
    let next = link
        .strip_prefix('<')
        .and_then(|link| link.strip_suffix(">; rel=\"next\""))
        .unwrap_or_else(|| panic!("{link:?} is no link"));
    let page = service.get(next).await;
    let rows = page["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["source"]), (1, &json!("=1+1")));
    let last = service.ask(&service.acme, "GET", next, "").await;
    assert_eq!(last.header("link"), "");

    let filtered = format!("{base}&filter=source:in:plain,nobody&filter=source:contains:la");
    let page = service.get(&filtered).await;
    assert_eq!(page["totals"]["clicks"], 1, "{page}");

    for (query, at) in [
        ("metrics=clicks,click", "metrics"),
        ("filter=source", "filter.and[0]"),
        (
            "filter=source:is:a&filter=sauce:is:a",
            "filter.and[1].dimension",
        ),
        ("limit=0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("nonsense=1", "nonsense"),
    ] {
        let path = format!("/api/v1/query?{query}");
        let got = service.ask(&service.acme, "GET", &path, "").await;
        let told = problem(&got, 422);
        assert_eq!(told["errors"][0]["field"], at, "{told}");
    }
    let got = service
        .ask(&service.acme, "POST", "/api/v1/query?limit=1", "{}")
        .await;
    problem(&got, 400);
    service.stop().await;
}

#[tokio::test]
async fn what_a_dashboard_asks_can_be_asked_by_address() {
    // A week before, so that its days are over: of others there are no cohorts.
    let (_engine, service) = world_at(NOON - 7 * 86_400_000).await;
    let days = json!({"from": "2026-11-15", "to": "2026-11-18"});
    let asked = [
        (
            "overview",
            "breakdowns=source,channel&limit=2&rollups=false&interval=day&filter=source:is_not:plain",
            json!({
                "breakdowns": ["source", "channel"], "limit": 2, "rollups": false, "interval": "day",
                "filter": {"dimension": "source", "is_not": "plain"},
            }),
        ),
        (
            "paths",
            "by=source&order=people&collapse=false&steps=2&limit=5&kinds=sale,lead",
            json!({
                "by": "source", "order": "people", "collapse": false, "steps": 2, "limit": 5, "kinds": ["sale", "lead"],
            }),
        ),
        (
            "cohorts",
            "acquisition=click&interval=day&periods=2&by=source&limit=3&active=any",
            json!({
                "acquisition": "click", "interval": "day", "periods": 2, "by": "source", "limit": 3, "active": "any",
            }),
        ),
        (
            "cohorts/referred",
            "window=30d&kinds=sale&traffic=all",
            json!({"window": "30d", "kinds": ["sale"], "traffic": "all"}),
        ),
    ];
    for (report, query, mut body) in asked {
        let path = format!("/api/v1/{report}");
        for (name, day) in days.as_object().unwrap() {
            body[name] = day.clone();
        }
        let by_address = format!("{path}?from=2026-11-15&to=2026-11-18&{query}");
        let mut got = service.get(&by_address).await;
        let same = service
            .ask(&service.acme, "POST", &path, body.to_string())
            .await;
        let mut same = same.json();
        assert!(!got["rows"].as_array().unwrap().is_empty(), "{got}");
        for answer in [&mut got, &mut same] {
            // What a question reads is less where ClickHouse remembers which granules have nothing for it.
            for name in ["as_of", "rows_read", "bytes_read"] {
                answer.as_object_mut().unwrap().remove(name);
            }
        }
        assert_eq!(got, same, "{report}");

        let wrong = service
            .ask(&service.acme, "GET", &format!("{path}?nonsense=1"), "")
            .await;
        assert_eq!(problem(&wrong, 422)["errors"][0]["field"], "nonsense");
    }
    let got = service
        .ask(&service.acme, "GET", "/api/v1/paths?collapse=maybe", "")
        .await;
    assert_eq!(problem(&got, 422)["errors"][0]["field"], "collapse");
    service.stop().await;
}

#[tokio::test]
async fn credits_of_several_models_are_one_table() {
    let (_engine, service) = world().await;
    let path = "/api/v1/attribution?from=2026-11-23&to=2026-11-23&by=source&models=first,linear";
    let whole = service.get(path).await;
    assert_eq!(whole["models"][0]["rows"][0]["source"], "=1+1", "{whole}");
    let headers = [("accept", "text/csv")];
    let sheet = service
        .ask_with(&service.acme, "GET", path, &headers, "")
        .await;
    let expected = "model,source,attributed,conversions,revenue.EUR.amount_minor\r\n\
        first,'=1+1,true,1.0,500\r\nfirst,,false,0.0,\r\nlinear,'=1+1,true,1.0,500\r\nlinear,,false,0.0,\r\n";
    assert_eq!(sheet.body, expected);
    service.stop().await;
}

#[tokio::test]
async fn reports_with_a_path_of_their_own_are_tables_too() {
    let (_engine, service) = world().await;
    let range = "from=2026-11-22&to=2026-11-23";
    let headers = [("accept", "text/csv")];
    let ask = async |path: &str| {
        let path = format!("/api/v1/reports/{path}{range}");
        let got = service
            .ask_with(&service.acme, "GET", &path, &headers, "")
            .await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        got
    };
    let series = ask("clicks?").await;
    let days = "time,clicks,visitors\r\n2026-11-22T00:00:00+00:00,0,0\r\n2026-11-23T00:00:00+00:00,3,3\r\n";
    assert_eq!(series.body, days);
    assert_eq!(series.header("whence-to"), "2026-11-24T00:00:00+00:00");
    let sources = ask("breakdown?by=source&").await;
    let first = sources.body.lines().next().unwrap();
    assert!(first.starts_with("key,clicks,"), "{first}");
    assert_eq!(sources.header("whence-rows"), "3");
    for (path, first) in [
        (
            "/api/v1/funnel?steps=click,sale&interval=day&by=channel",
            "time,channel,step,event,name,people,open",
        ),
        (
            "/api/v1/kpis",
            "kpi,variant,currency,channel,unit,value,low,high",
        ),
    ] {
        let key = &service.acme;
        let sheet = service
            .ask_with(key, "GET", path, &[("accept", "text/csv")], "")
            .await;
        assert_eq!(sheet.status, 200, "{}", sheet.body);
        assert!(sheet.body.starts_with(first), "{}", sheet.body);
    }
    service.stop().await;
}

#[tokio::test]
async fn an_estimate_says_so_and_is_as_close_as_it_says() {
    let engine = Engine::migrated().await;
    let service = Service::on(&engine).await;
    // Of source a few visitors, of b many; some of them click twice.
    let many = "INSERT INTO clicks (workspace, time, click_id, visitor_id, source, verdict, outcome)
        SELECT 'acme', toDateTime64('2026-11-23 12:00:00', 3, 'UTC'), number, reinterpretAsUInt128(MD5(toString(number % 60000))),
               if(number % 60000 < 4000, 'a', 'b'), 'human', 'redirected'
        FROM numbers(90000)";
    engine.client().query(many).execute().await.unwrap();
    let path = "/api/v1/query?from=2026-11-23&to=2026-11-23&dimensions=source&order=source&metrics=visitors,approximate_visitors";
    let told = service.get(path).await;
    assert_eq!(told["exact"], false);
    let about = &told["approximate"]["approximate_visitors"];
    let error = about["standard_error"].as_f64().unwrap();
    let exact_up_to = about["exact_up_to"].as_u64().unwrap();
    let pair = |row: &Value| {
        (
            row["visitors"].as_u64().unwrap(),
            row["approximate_visitors"].as_u64().unwrap(),
        )
    };
    let (few, estimate) = pair(&told["rows"][0]);
    assert!(few < exact_up_to);
    assert_eq!((few, estimate), (4_000, 4_000));
    for (row, count) in [(&told["rows"][1], 56_000), (&told["totals"], 60_000)] {
        let (exact, estimate) = pair(row);
        assert_eq!(exact, count);
        let off = (estimate as f64 - exact as f64).abs() / exact as f64;
        assert!(off > 0.0 && off < 5.0 * error, "{exact} and {estimate}");
    }
    let exact = service.get("/api/v1/query?metrics=visitors").await;
    assert_eq!(
        (&exact["exact"], &exact["approximate"]),
        (&json!(true), &json!({}))
    );
    service.stop().await;
}
