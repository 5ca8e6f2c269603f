//! `whence reclassify` as whoever runs Whence calls it. What judging again does is tested in ingest.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use whence_core::config;
use whence_core::test_support::Engine;

fn reclassify(config: &config::ClickHouse, folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whence"))
        .args(["reclassify", "--from", "2026-01-01", "--to", "2026-02-01"])
        .args(["--set", &format!("clickhouse.url={}", config.url)])
        .args(args)
        .env("WHENCE_CLICKHOUSE__PASSWORD", config.password.expose())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_told_and_then_nothing_does() {
    let mut engine = Engine::migrated().await;
    let (client, config) = (engine.client(), engine.config());
    let folder = tempfile::tempdir().unwrap();
    let clicks = "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, method, link_id, address_prefix,
            user_agent, agent_class, channel, source, verdict, rules)
        SELECT 'acme', toDateTime64('2026-01-31 23:00:00', 3, 'UTC') + number * 60, number + 1, 255, number + 1,
            'redirected', 'GET', number + 1, '::ffff:203.0.113.0', if(number < 7, 'curl/8.5.0', ''),
            if(number < 7, 'other', 'none'), 'Direct', 'Direct', 'human', 1 FROM numbers(70)";
    client.query(clicks).execute().await.unwrap();

    let dry = reclassify(&config, folder.path(), &["--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");
    let told = text(&dry.stdout);
    // The last ten come in February.
    assert!(told.starts_with("60 clicks were judged by rules"), "{told}");
    assert!(told.contains("60 would change\n"), "{told}");
    assert!(told.contains("human  →  bot         60"), "{told}");

    let done = reclassify(&config, folder.path(), &["--json"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(told["of_other_rules"], json!(60));
    assert_eq!(
        told["verdicts"],
        json!([{"from": "human", "to": "bot", "clicks": 60}])
    );
    let bots = "SELECT countIf(verdict = 'bot' AND rules = 3), countIf(rules = 1) FROM clicks";
    let bots = client.query(bots).fetch_one::<(u64, u64)>().await.unwrap();
    assert_eq!(bots, (60, 10));

    let again = reclassify(&config, folder.path(), &["--workspace", "acme"]);
    assert_eq!(
        text(&again.stdout),
        "60 clicks were judged by rules 3, 0 of them by others before\nnothing changes\n"
    );
    let nobody = reclassify(&config, folder.path(), &["--workspace", "nobody"]);
    assert!(text(&nobody.stdout).starts_with("0 clicks"), "{nobody:?}");

    for (args, code, why) in [
        (&["--to", "2025-01-01"][..], 2, "cannot be used multiple"),
        (&["--workspace", "No!"], 2, "must be 1 to 32"),
    ] {
        let refused = reclassify(&config, folder.path(), args);
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(text(&refused.stderr).contains(why), "{refused:?}");
    }
    engine.kill();
    let away = reclassify(&config, folder.path(), &[]);
    assert_eq!(away.status.code(), Some(70), "{away:?}");
}
