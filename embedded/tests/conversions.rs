//! `whence conversions upload` against a real collector: every row once, however often a file is sent.

// What these helpers unwrap fails the test that asked, as an unwrap inside it would.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::process::Command;
use tokio::sync::oneshot;
use whence_core::config::Config;
use whence_core::key::{self, ApiKey, KeyHash, Right};
use whence_core::secret::Secret;
use whence_core::service::Service as _;
use whence_core::store::{FileStore, LinkStore};
use whence_core::test_support::Engine;
use whence_core::workspace::Workspace;
use whence_ingest::Server;

/// A collector beside an engine, with the workspace acme and a key in its data directory.
async fn collector(engine: &Engine, data: &Path) -> (String, oneshot::Sender<()>) {
    let mut config = Config::default();
    config.ingest.journal.dir = Some(data.join("journal"));
    config.clickhouse = engine.config();
    config.click_id_key = Secret::new("0".repeat(32));
    config.ingest.token = Secret::new("t");
    config.ingest.listen = ([127, 0, 0, 1], 0).into();
    config.ingest.admin = ([127, 0, 0, 1], 0).into();
    let store = FileStore::open(&data.join("links.redb")).unwrap();
    let acme = Workspace::new("acme".parse().unwrap(), "Acme");
    store.put_workspace(&acme).await.unwrap();
    let key = key::generate();
    let stored = ApiKey {
        workspace: acme.id,
        name: "test".into(),
        rights: vec![Right::Conversions],
        created_at: Timestamp::now(),
    };
    store
        .put_key(KeyHash::of(key.expose()), &stored)
        .await
        .unwrap();
    std::fs::write(data.join("api-key"), key.expose()).unwrap();
    let server = Server::bind(&config, Arc::new(store)).await.unwrap();
    let url = format!("http://{}", server.address());
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    (url, stop)
}

/// Runs the command; answers how it ended and what it said.
async fn upload(data: &Path, url: &str, args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_whence"))
        .args(["conversions", "upload", "--url", url])
        .args(args)
        .args(["--set", &format!("data_dir={}", data.display())])
        .env_remove("WHENCE_API_KEY")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_as_often_as_one_likes() {
    let engine = Engine::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (url, _stop) = collector(&engine, data).await;
    let path = |name: &str| data.join(name).display().to_string();
    // More than one request, and two rows that are refused.
    let mut csv = "event_id,kind,amount,currency,reference\r\n".to_owned();
    for number in 0..2_500 {
        let amount = if number == 1_200 { -5 } else { number };
        csv += &format!("o-{number},sale,{amount},EUR,\r\n");
    }
    csv += "r,refund,9999999,EUR,o-7\r\n";
    std::fs::write(path("orders.csv"), &csv).unwrap();
    let args = [&path("orders.csv"), "--failed", &path("refused.csv")].map(ToString::to_string);
    let args = args.each_ref().map(String::as_str);
    for (accepted, known) in [(2_499, 0), (0, 2_499)] {
        let (code, told) = upload(data, &url, &args).await;
        assert_eq!(code, 70, "{told}");
        let summary = format!(
            "2501 rows: {accepted} accepted, {known} known already, 0 in conflict with what is known, 2 invalid"
        );
        assert!(told.contains(&summary), "{told}");
        assert!(
            told.contains("line 1202: amount: must not be negative"),
            "{told}"
        );
        assert!(
            told.contains("line 2502: amount: must be at most 7"),
            "{told}"
        );
        let refused = std::fs::read_to_string(path("refused.csv")).unwrap();
        let expected = "event_id,kind,amount,currency,reference\no-1200,sale,-5,EUR,\nr,refund,9999999,EUR,o-7\n";
        assert_eq!(refused, expected);
    }
    let lines = "{\"event_id\":\"o-1\",\"kind\":\"sale\",\"amount\":1,\"currency\":\"EUR\"}\n\n{\"event_id\":\"o-2\",\"kind\":\"lead\"}\n";
    std::fs::write(path("more.jsonl"), lines).unwrap();
    let (code, told) = upload(data, &url, &[&path("more.jsonl")]).await;
    assert_eq!(code, 70, "{told}");
    assert!(
        told.contains("line 3: event_id: was accepted before with other facts"),
        "{told}"
    );
    assert!(told.contains("1 known already, 1 in conflict"), "{told}");
    let (code, told) = upload(data, "http://127.0.0.1:9", &[&path("more.jsonl")]).await;
    assert_eq!(code, 70, "{told}");
    assert!(told.contains("send the whole file again"), "{told}");
}
