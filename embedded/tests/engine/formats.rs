//! Every output format, as one document whatever its size; every way in for data.

use crate::support::{Engine, escape};

#[tokio::test]
async fn every_output_format_answers_with_the_engines_content_type() {
    let engine = Engine::start();
    let formats = engine
        .ask("SELECT name, content_type FROM system.formats WHERE is_output ORDER BY name")
        .await;
    // These need a schema, a template or a certain shape of rows, and say so.
    let shaped = [
        "AvroConfluent",
        "GeoJSON",
        "PNG",
        "Prometheus",
        "ProtobufSingle",
        "Template",
    ];
    let mut answered = 0;
    for line in formats.lines() {
        let (name, content_type) = line.split_once('\t').unwrap();
        let answer = engine
            .run(&format!("SELECT number AS n FROM numbers(3) FORMAT {name}"))
            .await;
        if shaped.contains(&name) {
            assert_ne!(answer.header("x-clickhouse-exception-code"), "", "{name}");
            continue;
        }
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(answer.header("content-type"), content_type, "{name}");
        assert_eq!(answer.header("x-clickhouse-format"), name);
        answered += 1;
    }
    assert!(answered > 50, "only {answered} formats");
}

#[tokio::test]
async fn a_large_result_is_one_document() {
    let engine = Engine::start();
    let answer = engine
        .run("SELECT number AS n, toString(n) AS s FROM numbers(400000) FORMAT JSONCompact")
        .await;
    let document: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(document["rows"], 400_000);
    let data = document["data"].as_array().unwrap();
    assert_eq!(data.len(), 400_000);
    assert!(
        data.iter()
            .enumerate()
            .all(|(at, row)| row[1] == at.to_string().as_str())
    );
    let answer = engine
        .run("SELECT number AS n FROM numbers(400000) ORDER BY n FORMAT CSVWithNames")
        .await;
    let text = answer.text();
    assert!(
        text.lines().count() == 400_001 && text.matches('n').count() == 1,
        "one header"
    );
    let parquet = engine
        .run("SELECT number AS n FROM numbers(400000) FORMAT Parquet")
        .await
        .body;
    engine
        .ask("CREATE TABLE back (n UInt64) ENGINE = MergeTree ORDER BY n")
        .await;
    let answer = engine
        .send(
            "POST",
            &format!("/?query={}", escape("INSERT INTO back FORMAT Parquet")),
            &[],
            parquet,
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.summary("written_rows")),
        (200, 400_000),
        "{}",
        answer.text()
    );
    assert_eq!(
        engine.ask("SELECT count(), sum(n) FROM back").await,
        "400000\t79999800000"
    );
}

#[tokio::test]
async fn data_comes_in_after_the_text_wherever_the_text_stands() {
    let engine = Engine::start();
    engine
        .ask("CREATE TABLE t (a UInt32, b String DEFAULT 'd') ENGINE = MergeTree ORDER BY a")
        .await;
    let into = |text: &str| format!("/?query={}", escape(text));
    for (target, body) in [
        (into("INSERT INTO t FORMAT CSV"), "1,x\n2,\"y\nz\"\n"),
        (into("INSERT INTO t FORMAT TSV 3\tin the url"), ""),
        (
            "/".to_owned(),
            "INSERT INTO t FORMAT JSONEachRow {\"a\":4,\"b\":\"j\"}",
        ),
        ("/".to_owned(), "INSERT INTO t (a) VALUES (5), (3 + 3);"),
        (
            "/".to_owned(),
            "/* note */ insert into t (b, a) format Values ('v;', 7)",
        ),
        (into("INSERT INTO t (a)"), "SELECT 8"),
        (
            into("INSERT INTO t SETTINGS format_csv_delimiter = ';' FORMAT CSV"),
            "9;s\n",
        ),
        (
            format!(
                "{}&format_csv_delimiter=%3B",
                into("INSERT INTO t FORMAT CSV")
            ),
            "10;u\n",
        ),
        (
            format!("{}&param_n=11", into("INSERT INTO t (a) VALUES")),
            "({n:UInt32})",
        ),
    ] {
        let answer = engine.send("POST", &target, &[], body).await;
        assert_eq!(answer.status, 200, "{target} {body}: {}", answer.text());
    }
    let expected =
        "1\tx\n2\ty\\nz\n3\tin the url\n4\tj\n5\td\n6\td\n7\tv;\n8\td\n9\ts\n10\tu\n11\td";
    assert_eq!(engine.ask("SELECT * FROM t ORDER BY a").await, expected);
    for (target, body, code) in [
        (into("INSERT INTO t FORMAT CSV"), "x,1\n", 27),
        (into("INSERT INTO t FORMAT Nonsense"), "1", 73),
        (into("INSERT INTO t (nope) FORMAT CSV"), "1", 16),
        (
            into("INSERT INTO t SELECT * FROM input('a UInt32, b String') FORMAT CSV"),
            "1,x",
            48,
        ),
    ] {
        let answer = engine.send("POST", &target, &[], body).await;
        assert_eq!(
            answer.header("x-clickhouse-exception-code"),
            code.to_string(),
            "{target}: {}",
            answer.text()
        );
    }
    assert_eq!(
        engine.ask("SELECT count() FROM t").await,
        "11",
        "a failed INSERT leaves nothing"
    );
}
