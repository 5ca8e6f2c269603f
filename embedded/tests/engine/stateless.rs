//! Nothing that one request does for itself reaches another.

use crate::support::{Engine, escape};

#[tokio::test]
async fn settings_databases_and_temporary_tables_end_with_their_request() {
    // One connection at a time, so that every request would meet what the one before it left.
    let engine = Engine::start_with(&["--connections", "1"]);
    let before = engine.ask("SELECT name, value FROM system.settings WHERE changed AND name != 'log_comment' ORDER BY name").await;
    engine.ask("CREATE DATABASE other").await;
    engine
        .ask("SET max_threads = 3, output_format_json_quote_64bit_integers = 1")
        .await;
    engine.ask("USE other").await;
    engine.ask("CREATE TEMPORARY TABLE gone (a Int8)").await;
    engine.ask("SET param_x = 'left'").await;
    engine.ask("SELECT 1 SETTINGS max_threads = 5").await;
    let answer = engine
        .send(
            "POST",
            "/?max_threads=7&database=other&log_comment=mine",
            &[],
            "SELECT getSetting('max_threads'), currentDatabase()",
        )
        .await;
    assert_eq!(answer.text(), "7\tother\n");
    engine
        .ask("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    engine
        .ask("INSERT INTO t SETTINGS max_insert_block_size = 1 VALUES (1)")
        .await;

    assert_eq!(engine.ask("SELECT currentDatabase()").await, "default");
    let after = engine.ask("SELECT name, value FROM system.settings WHERE changed AND name != 'log_comment' ORDER BY name").await;
    assert_eq!(after, before);
    engine
        .run("SELECT * FROM gone")
        .await
        .is_exception(404, 60, "gone");
    engine
        .run("SELECT {x:String}")
        .await
        .is_exception(500, 456, "x");
    let answer = engine
        .send(
            "GET",
            &format!(
                "/?query={}",
                escape("SELECT toUInt64(1) AS a FORMAT JSONEachRow")
            ),
            &[],
            "",
        )
        .await;
    assert_eq!(answer.text(), "{\"a\":1}\n");
}

#[tokio::test]
async fn a_setting_cannot_break_out_of_its_quotes() {
    let engine = Engine::start();
    for value in ["x', readonly = '2", "x\\', readonly = \\'2", "\\", "'"] {
        let target = format!("/?log_comment={}", escape(value));
        let answer = engine.send("POST", &target, &[], "SELECT getSetting('log_comment'), getSetting('readonly') FORMAT JSONCompactEachRow").await;
        let row: (String, serde_json::Value) = serde_json::from_str(&answer.text()).unwrap();
        assert!(row.0.ends_with(&format!(" {value}")), "{value}: {}", row.0);
        assert_eq!(row.1, 0);
    }
    let answer = engine
        .send("POST", "/?database=%60%3B%20DROP", &[], "SELECT 1")
        .await;
    answer.is_exception(404, 81, "UNKNOWN_DATABASE");
}
