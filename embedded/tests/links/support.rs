//! An API with a workspace, and the command that asks it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::oneshot;
use whence_analytics::Server;
use whence_core::config::Config;
use whence_core::id::LinkId;
use whence_core::key::{self, ApiKey, KeyHash, Right};
use whence_core::link::{Link, LinkSpec};
use whence_core::service::Service as _;
use whence_core::store::{FileStore, LinkStore};
use whence_core::workspace::Workspace;

/// An API with the workspace acme, empty, on `go.example`.
pub(crate) struct Installation {
    pub(crate) store: Arc<dyn LinkStore>,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    dir: TempDir,
    // Dropped with it: the server ends.
    _stop: oneshot::Sender<()>,
}

/// What the command did.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.analytics.listen = ([127, 0, 0, 1], 0).into();
        config.analytics.admin = ([127, 0, 0, 1], 0).into();
        config.analytics.bandit_seconds = 0;
        adjust(&mut config);
        let file = FileStore::open(&dir.path().join("links.redb")).unwrap();
        let store: Arc<dyn LinkStore> = Arc::new(file);
        let mut acme = Workspace::new("acme".parse().unwrap(), "Acme");
        acme.allowed_schemes = vec!["myapp".parse().unwrap()];
        store.put_workspace(&acme).await.unwrap();
        let host = "go.example".parse().unwrap();
        store.claim_domain(&host, &acme.id).await.unwrap();
        let key = key::generate().expose().to_owned();
        let stored = ApiKey {
            workspace: acme.id,
            name: "test".into(),
            rights: Right::ALL.to_vec(),
            created_at: Timestamp::now(),
        };
        store.put_key(KeyHash::of(&key), &stored).await.unwrap();
        std::fs::write(dir.path().join("api-key"), format!("{key}\n")).unwrap();
        let server = Server::bind(&config, Arc::clone(&store)).await.unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self {
            store,
            address,
            key,
            dir,
            _stop: stop,
        }
    }

    /// A file in a directory of its own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `whence links` with the key in the data directory, as the one-machine default has it.
    pub(crate) async fn links(&self, args: &[&str]) -> Ended {
        let url = format!("http://{}", self.address);
        let all = [args, &["--url", &url]].concat();
        run(self.dir.path(), &all, &[], "").await
    }

    /// Every link, newest first.
    pub(crate) async fn stored(&self) -> Vec<Link> {
        let acme = "acme".parse().unwrap();
        self.store.links(&acme, None, 100_000).await.unwrap()
    }
}

/// Runs `whence links` with this data directory, environment and standard input.
pub(crate) async fn run(
    data: &Path,
    args: &[&str],
    environment: &[(&str, &str)],
    stdin: &str,
) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whence"))
        .arg("links")
        .args(args)
        .args(["--set", &format!("data_dir={}", data.display())])
        .env_remove("WHENCE_API_KEY")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // An error is a child that did not want to read: it says so itself.
    let _ = pipe.write_all(stdin.as_bytes()).await;
    drop(pipe);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().await.unwrap();
    Ended {
        code: status.code().unwrap(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// A link of acme's that says this.
pub(crate) fn link(id: u64, slug: &str, spec: LinkSpec) -> Link {
    let then: Timestamp = "2026-11-01T12:34:56.789Z".parse().unwrap();
    Link {
        id: LinkId(id),
        workspace: "acme".parse().unwrap(),
        domain: "go.example".parse().unwrap(),
        slug: slug.parse().unwrap(),
        spec,
        learned_weights: Vec::new(),
        revision: 1,
        created_at: then,
        updated_at: then,
    }
}
