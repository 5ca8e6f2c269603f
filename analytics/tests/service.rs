//! The service as whoever runs it meets it: configuration, ports, signals, figures.

use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, BufReader};
use whence_analytics::Server;
use whence_core::config::Config;
use whence_core::service::{Service as _, StartError};
use whence_core::store::{FileStore, LinkStore};
use whence_core::test_support::http::ask;

use crate::support::{Service, problem};

fn program(settings: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whence-analytics"));
    command.env_clear().stdin(Stdio::null());
    for setting in settings {
        command.args(["--set", setting]);
    }
    command
}

fn ended(settings: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut all = vec![format!("data_dir={}", dir.path().display())];
    all.extend(settings.iter().map(|setting| (*setting).to_owned()));
    let Output { status, stderr, .. } = program(&all).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_bad_configuration_ends_it_before_a_port_is_bound() {
    // Were the port bound first, this would be another error.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("analytics.listen={}", taken.local_addr().unwrap());
    for (setting, told) in [
        ("analytics.lissten=1", "lissten"),
        ("analytics.key_rate=many", "key_rate"),
        ("analytics.short_url_scheme=gopher", "short_url_scheme"),
        ("analytics.query_timeout_ms=0", "analytics.query_timeout_ms"),
        ("clickhouse.url=nonsense", "clickhouse.url"),
        ("clickhouse.url=ftp://127.0.0.1", "clickhouse.url"),
    ] {
        let (code, stderr) = ended(&[&listen, setting]);
        assert_eq!(code, Some(64), "{setting}: {stderr}");
        assert!(stderr.contains(told), "{setting}: {stderr}");
    }
    let (code, stderr) = ended(&[&listen, "analytics.admin=127.0.0.1:0"]);
    assert_eq!(code, Some(70), "{stderr}");
    assert!(stderr.contains("analytics.listen"), "{stderr}");
}

#[tokio::test]
async fn a_taken_port_is_named_by_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn LinkStore> =
        Arc::new(FileStore::open(&dir.path().join("links.redb")).unwrap());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::default();
    config.analytics.listen = ([127, 0, 0, 1], 0).into();
    config.analytics.admin = taken.local_addr().unwrap();
    let refused = Server::bind(&config, store).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StartError::Bind {
                key: "analytics.admin",
                ..
            }
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn sigterm_drains_and_ends_it_well() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        format!("data_dir={}", dir.path().display()),
        "analytics.listen=127.0.0.1:0".to_owned(),
        "analytics.admin=127.0.0.1:0".to_owned(),
        "log.format=json".to_owned(),
    ];
    let mut command = tokio::process::Command::from(program(&settings));
    let mut child = command
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = line["fields"]["address"].as_str().unwrap().parse().unwrap();
    let got = ask(address, "GET", "/api/v1/openapi.json", &[], "")
        .await
        .unwrap();
    assert_eq!(got.status, 200);
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn the_admin_port_tells_how_it_is() {
    let service = Service::start().await;
    for path in ["/livez", "/readyz"] {
        let got = ask(service.admin, "GET", path, &[], "").await.unwrap();
        assert_eq!(got.status, 200, "{path}");
    }
    service.get("/api/v1/workspace").await;
    problem(
        &service
            .ask(&service.acme, "GET", "/api/v1/links/short", "")
            .await,
        404,
    );
    problem(
        &service
            .ask(&service.acme, "GET", "/api/v1/reports/clicks", "")
            .await,
        503,
    );
    problem(
        &service.ask(&service.acme, "GET", "/secret-path", "").await,
        404,
    );
    let figures = ask(service.admin, "GET", "/metrics", &[], "")
        .await
        .unwrap()
        .body;
    for line in [
        r#"whence_analytics_requests_total{method="GET",route="/api/v1/workspace",status="200"} 1"#,
        r#"whence_analytics_requests_total{method="GET",route="/api/v1/links/{id}",status="404"} 1"#,
        r#"whence_analytics_requests_total{method="GET",route="none",status="404"} 1"#,
        // Of the report's two queries the first to fail ends the other.
        r#"whence_analytics_query_failures_total{query="#,
        r#"whence_analytics_request_seconds_count{method="GET",route="/api/v1/workspace"} 1"#,
    ] {
        assert!(figures.contains(line), "{line} is not in\n{figures}");
    }
    assert!(
        !figures.contains("secret-path"),
        "a path from outside is no label"
    );
    let (address, admin) = (service.address, service.admin);
    service.stop().await;
    for address in [address, admin] {
        assert!(ask(address, "GET", "/livez", &[], "").await.is_err());
    }
}

#[tokio::test]
async fn the_description_needs_no_key() {
    let service = Service::start().await;
    let got = ask(service.address, "GET", "/api/v1/openapi.json", &[], "")
        .await
        .unwrap();
    assert_eq!(
        (got.status.as_u16(), got.header("content-type")),
        (200, "application/json")
    );
    assert!(got.json()["paths"]["/api/v1/links"]["post"].is_object());
}
