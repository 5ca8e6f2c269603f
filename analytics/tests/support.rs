//! A running service, and the little client that asks it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use whence_analytics::Server;
use whence_core::config::Config;
use whence_core::key::{self, ApiKey, KeyHash, Right};
use whence_core::service::{RunError, Service as _};
use whence_core::store::{FileStore, LinkStore};
use whence_core::test_support::Engine;
use whence_core::test_support::http::{Got, ask};
use whence_core::workspace::Workspace;

/// A service with two workspaces: acme on `a.example` and `go.example`, globex on `globex.example`.
pub(crate) struct Service {
    pub(crate) store: Arc<dyn LinkStore>,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// A key of acme with every right.
    pub(crate) acme: String,
    /// A key of globex with every right.
    pub(crate) globex: String,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), RunError>>,
    _dir: Option<TempDir>,
}

impl Service {
    /// Starts a service whose ClickHouse is away.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a service that asks this engine.
    pub(crate) async fn on(engine: &Engine) -> Self {
        Self::start_with(|config| config.clickhouse = engine.config()).await
    }

    /// Starts a service with a configuration that differs.
    pub(crate) async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(FileStore::open(&dir.path().join("links.redb")).unwrap());
        Self {
            _dir: Some(dir),
            ..Self::over(store, adjust).await
        }
    }

    /// Starts a service over this store.
    pub(crate) async fn over(store: Arc<dyn LinkStore>, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.analytics.listen = ([127, 0, 0, 1], 0).into();
        config.analytics.admin = ([127, 0, 0, 1], 0).into();
        config.analytics.drain_ms = 500;
        // Nobody listens there.
        config.clickhouse.url = "http://127.0.0.1:1".into();
        adjust(&mut config);
        for (workspace, hosts) in [
            ("acme", &["go.example", "a.example"][..]),
            ("globex", &["globex.example"]),
        ] {
            add_workspace(&*store, workspace, "UTC").await;
            for host in hosts {
                let (host, workspace) = (host.parse().unwrap(), workspace.parse().unwrap());
                store.claim_domain(&host, &workspace).await.unwrap();
            }
        }
        let acme = add_key(&*store, "acme", &Right::ALL).await;
        let globex = add_key(&*store, "globex", &Right::ALL).await;
        let server = Server::bind(&config, Arc::clone(&store)).await.unwrap();
        let (address, admin) = (server.address(), server.admin_address());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self {
            store,
            address,
            admin,
            acme,
            globex,
            stop,
            running,
            _dir: None,
        }
    }

    /// Sends a request with a key; a body of `""` is none.
    pub(crate) async fn ask(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Got {
        self.ask_with(key, method, path, &[], body).await
    }

    /// As [`Self::ask`], with more headers.
    pub(crate) async fn ask_with(
        &self,
        key: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Got {
        let bearer = format!("Bearer {key}");
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        ask(self.address, method, path, &all, body).await.unwrap()
    }

    /// What a GET with acme's key answers, which must be 200.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let got = self.ask(&self.acme, "GET", path, "").await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        got.json()
    }

    /// Makes a link of acme's, which must be possible.
    pub(crate) async fn make(&self, body: &str) -> Value {
        let got = self
            .ask(&self.acme, "POST", "/api/v1/links", body.to_owned())
            .await;
        assert_eq!(got.status, 201, "{body}: {}", got.body);
        got.json()
    }

    /// Stops the service and waits for its end.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.running.await.unwrap().unwrap();
    }
}

/// Makes a workspace.
pub(crate) async fn add_workspace(store: &dyn LinkStore, id: &str, zone: &str) {
    let workspace = Workspace {
        time_zone: zone.into(),
        ..Workspace::new(id.parse().unwrap(), id)
    };
    store.put_workspace(&workspace).await.unwrap();
}

/// Makes a key.
pub(crate) async fn add_key(store: &dyn LinkStore, workspace: &str, rights: &[Right]) -> String {
    let text = key::generate();
    let key = ApiKey {
        workspace: workspace.parse().unwrap(),
        name: "test".into(),
        rights: rights.to_vec(),
        created_at: Timestamp::now(),
    };
    store
        .put_key(KeyHash::of(text.expose()), &key)
        .await
        .unwrap();
    text.expose().to_owned()
}

/// Asserts that an answer is an RFC 9457 problem with this status, and gives it.
#[track_caller]
pub(crate) fn problem(got: &Got, status: u16) -> Value {
    assert_eq!(got.status.as_u16(), status, "{}", got.body);
    assert_eq!(got.header("content-type"), "application/problem+json");
    let problem = got.json();
    assert_eq!(problem["status"], status);
    for part in ["type", "title", "detail"] {
        let text = problem[part].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{part} is missing: {problem}");
    }
    problem
}

/// Asserts that a problem is about exactly these fields.
#[track_caller]
pub(crate) fn about(problem: &Value, fields: &[&str]) {
    let errors = problem["errors"].as_array();
    let mut named: Vec<_> = errors
        .into_iter()
        .flatten()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    assert_eq!(named, fields, "{problem}");
}
