//! The interface itself: health, credentials, statuses, what is refused.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;

use crate::support::{Engine, PASSWORD, USER, escape};

#[tokio::test]
async fn health_needs_no_credentials_and_unknown_paths_are_told() {
    let engine = Engine::start();
    for path in ["/ping", "/", "/replicas_status"] {
        let answer = engine.send_as("GET", path, &[], "").await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (StatusCode::OK, "Ok.\n"),
            "{path}"
        );
    }
    let answer = engine.send_as("GET", "/play", &[], "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text().starts_with("There is no handle /play"));
    assert_eq!(
        engine.send("DELETE", "/", &[], "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn credentials_are_checked_however_they_come() {
    let engine = Engine::start();
    let basic = |user: &str, password: &str| {
        format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{user}:{password}"))
        )
    };
    let in_url = |user: &str, password: &str| {
        format!("/?query=SELECT+1&user={user}&password={}", escape(password))
    };
    let good = [
        engine
            .send_as("GET", &in_url(USER, PASSWORD), &[], "")
            .await,
        engine
            .send_as(
                "GET",
                "/?query=SELECT+1",
                &[("authorization", &basic(USER, PASSWORD))],
                "",
            )
            .await,
        engine.send("GET", "/?query=SELECT+1", &[], "").await,
    ];
    for answer in good {
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (StatusCode::OK, "1\n")
        );
    }
    let bad = [
        engine.send_as("GET", "/?query=SELECT+1", &[], "").await,
        engine.send_as("GET", &in_url(USER, "wrong"), &[], "").await,
        engine
            .send_as("GET", &in_url("someone", PASSWORD), &[], "")
            .await,
        engine
            .send_as(
                "GET",
                "/?query=SELECT+1",
                &[("authorization", &basic(USER, ""))],
                "",
            )
            .await,
        engine
            .send_as(
                "GET",
                "/?query=SELECT+1",
                &[("authorization", "Bearer x")],
                "",
            )
            .await,
        engine.send("GET", &in_url(USER, PASSWORD), &[], "").await,
    ];
    for answer in bad {
        answer.is_exception(403, 516, "AUTHENTICATION_FAILED");
        assert!(!answer.text().contains(PASSWORD), "{}", answer.text());
    }
}

#[tokio::test]
async fn exceptions_have_the_servers_codes_and_statuses() {
    let engine = Engine::start();
    for (sql, status, code, named) in [
        ("SELECT * FROM nowhere", 404, 60, "UNKNOWN_TABLE"),
        ("SELEC 1", 400, 62, "failed at position 1 (SELEC)"),
        ("SELECT 1 +", 400, 62, "SYNTAX_ERROR"),
        ("SELECT nope", 404, 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT 1 FORMAT Nonsense", 404, 73, "Nonsense"),
        ("SELECT toInt8('x')", 400, 6, "CANNOT_PARSE_TEXT"),
        ("SELECT 1 SETTINGS no_such = 1", 404, 115, "no_such"),
        ("USE nowhere", 404, 81, "UNKNOWN_DATABASE"),
        (
            "SELECT throwIf(1)",
            500,
            395,
            "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO",
        ),
        (
            "SELECT sleepEachRow(1) FROM numbers(30) SETTINGS max_execution_time = 1, max_block_size = 1",
            408,
            159,
            "TIMEOUT_EXCEEDED",
        ),
        ("INSERT INTO nowhere FORMAT CSV 1", 404, 60, "UNKNOWN_TABLE"),
        (
            "SELECT 1; SELECT 2",
            400,
            62,
            "Multi-statements are not allowed",
        ),
        (
            "SELECT 1 INTO OUTFILE '/tmp/never'",
            500,
            358,
            "INTO OUTFILE is not allowed",
        ),
        (
            "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
            404,
            78,
            "FROM INFILE",
        ),
        ("exit", 400, 62, "SYNTAX_ERROR"),
        ("1", 400, 62, "SYNTAX_ERROR"),
        ("", 400, 62, "Empty query"),
    ] {
        engine.run(sql).await.is_exception(status, code, named);
    }
    let long = format!("SELECT '{}'", "x".repeat(2 << 20));
    engine
        .run(&long)
        .await
        .is_exception(413, 229, "QUERY_IS_TOO_LARGE");
    assert_eq!(
        engine.ask("SELECT 1").await,
        "1",
        "the engine is none the worse for it"
    );
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let engine = Engine::start();
    for parameter in [
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "role",
        "quota_key",
    ] {
        let answer = engine
            .send("POST", &format!("/?{parameter}=1"), &[], "SELECT 1")
            .await;
        answer.is_exception(501, 48, &format!("'{parameter}'"));
    }
    let answer = engine
        .send("POST", "/?no_such_setting=1", &[], "SELECT 1")
        .await;
    answer.is_exception(404, 115, "no_such_setting");
    let answer = engine
        .send("POST", "/?max_threads=many", &[], "SELECT 1")
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    let answer = engine
        .send("POST", "/?database=nowhere", &[], "SELECT 1")
        .await;
    answer.is_exception(404, 81, "nowhere");
    let form = |disposition: &str| {
        format!("--x\r\ncontent-disposition: form-data; {disposition}\r\n\r\n1\r\n--x--\r\n")
    };
    let kind = [("content-type", "multipart/form-data; boundary=x")];
    let answer = engine
        .send(
            "POST",
            "/?query=SELECT+%7Ba:Int8%7D",
            &kind,
            form("name=\"param_a\""),
        )
        .await;
    assert_eq!(
        answer.text(),
        "1\n",
        "parameters in a form are the crate's way"
    );
    let answer = engine
        .send(
            "POST",
            "/?query=SELECT+1",
            &kind,
            form("name=\"t\"; filename=\"t.csv\""),
        )
        .await;
    answer.is_exception(501, 48, "external tables");
    let answer = engine
        .send("POST", "/", &kind, form("name=\"session_id\""))
        .await;
    answer.is_exception(501, 48, "'session_id'");
    engine
        .send("POST", "/", &kind, "no form")
        .await
        .is_exception(400, 36, "form");
}

#[tokio::test]
async fn a_query_comes_in_the_url_in_the_body_or_in_both() {
    let engine = Engine::start();
    let half = format!("/?query={}", escape("SELECT number FROM"));
    assert_eq!(
        engine.send("POST", &half, &[], "numbers(2)").await.text(),
        "0\n1\n"
    );
    let answer = engine
        .send(
            "GET",
            "/?query=SELECT+1+AS+a&default_format=JSONEachRow&query_id=mine",
            &[],
            "",
        )
        .await;
    assert_eq!(answer.text(), "{\"a\":1}\n");
    assert_eq!(answer.header("x-clickhouse-query-id"), "mine");
    assert_eq!(answer.header("x-clickhouse-format"), "JSONEachRow");
    assert_eq!(
        answer.header("x-clickhouse-timezone"),
        engine.ask("SELECT timezone()").await
    );
    assert_eq!(
        answer.header("content-type"),
        "application/x-ndjson; charset=UTF-8"
    );
    assert_eq!(
        (answer.summary("read_rows"), answer.summary("result_rows")),
        (1, 1)
    );
    assert!(answer.summary("elapsed_ns") > 0);
    let answer = engine.send("HEAD", "/?query=SELECT+1", &[], "").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    let headers = [
        ("x-clickhouse-format", "CSV"),
        ("x-clickhouse-database", "system"),
    ];
    let answer = engine
        .send(
            "POST",
            "/?param_a=it%27s%5Cn",
            &headers,
            "SELECT currentDatabase(), {a:String}",
        )
        .await;
    assert_eq!(answer.text(), "\"system\",\"it's\n\"\n");
}

#[tokio::test]
async fn get_changes_nothing() {
    let engine = Engine::start();
    engine.ask("CREATE TABLE t (a Int8) ENGINE = Memory").await;
    for sql in [
        "CREATE TABLE u (a Int8) ENGINE = Memory",
        "INSERT INTO t VALUES (1)",
        "DROP TABLE t",
        "INSERT INTO t FORMAT CSV 1",
    ] {
        let answer = engine
            .send("GET", &format!("/?query={}", escape(sql)), &[], "")
            .await;
        answer.is_exception(500, 164, "READONLY");
        let answer = engine
            .send(
                "GET",
                &format!("/?readonly=0&query={}", escape(sql)),
                &[],
                "",
            )
            .await;
        answer.is_exception(500, 164, "READONLY");
    }
    let answer = engine
        .send(
            "GET",
            "/?max_threads=3&query=SELECT+getSetting('max_threads')",
            &[],
            "",
        )
        .await;
    assert_eq!(answer.text(), "3\n", "other settings may change");
    assert_eq!(engine.ask("SHOW TABLES").await, "t");
    assert_eq!(engine.ask("SELECT count() FROM t").await, "0");
}
