//! A redirector to test against, and the little client that asks it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

pub(crate) mod raw;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use whence_core::click::Click;
use whence_core::config::Config;
use whence_core::domain::DomainSpec;
use whence_core::id::LinkId;
use whence_core::journal;
use whence_core::link::{Link, LinkSpec};
use whence_core::secret::Secret;
use whence_core::service::{RunError, Service};
use whence_core::store::{FileStore, LinkStore};
use whence_core::test_support::http::{Got, ask};
use whence_core::wire;
use whence_core::workspace::{PrivacyMode, Workspace};
use whence_redirector::Server;

/// A running redirector with its store and journal in a temporary directory.
#[allow(dead_code, reason = "each file of tests uses its own part of this")]
pub(crate) struct Edge {
    dir: TempDir,
    store: Arc<dyn LinkStore>,
    address: SocketAddr,
    tls: Option<SocketAddr>,
    admin: SocketAddr,
    config: Config,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), RunError>>,
}

#[allow(dead_code, reason = "each file of tests uses its own part of this")]
impl Edge {
    pub(crate) async fn start(adjust: impl FnOnce(&mut Config)) -> Self {
        Self::try_start(adjust)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) async fn try_start(adjust: impl FnOnce(&mut Config)) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn LinkStore> =
            Arc::new(FileStore::open(&dir.path().join("links.redb")).unwrap());
        claim(&*store).await;
        Self::on(store, dir, adjust).await
    }

    /// On the store at a URL, by a connection of its own.
    pub(crate) async fn over(url: &str) -> Self {
        let store = whence_core::store::open(url).await.unwrap();
        claim(&*store).await;
        let edge = Self::on(store, tempfile::tempdir().unwrap(), |_| ());
        edge.await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Another redirector on the same store.
    pub(crate) async fn beside(&self, adjust: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let edge = Self::on(Arc::clone(&self.store), dir, adjust);
        edge.await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn on(
        store: Arc<dyn LinkStore>,
        dir: TempDir,
        adjust: impl FnOnce(&mut Config),
    ) -> Result<Self, String> {
        let mut config = Config {
            click_id_key: Secret::new("00112233445566778899aabbccddeeff"),
            ..Config::default()
        };
        config.redirector.listen = ([127, 0, 0, 1], 0).into();
        config.redirector.admin = ([127, 0, 0, 1], 0).into();
        config.redirector.threads = 2;
        config.redirector.drain_ms = 500;
        // Nobody listens there: what is journalled stays in the journal.
        config.redirector.ingest = vec!["http://127.0.0.1:1".into()];
        config.redirector.journal.dir = Some(dir.path().join("journal"));
        config.redirector.journal.segment_megabytes = 1;
        adjust(&mut config);
        let server = Server::bind(&config, Arc::clone(&store))
            .await
            .map_err(|e| e.to_string())?;
        let (address, admin) = (server.address(), server.admin_address());
        let tls = server.tls_address();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        let edge = Self {
            dir,
            store,
            address,
            tls,
            admin,
            config,
            stop,
            running,
        };
        edge.until_admin_ready().await;
        Ok(edge)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn tls(&self) -> SocketAddr {
        self.tls.expect("the configuration has it")
    }

    pub(crate) async fn link(&self, slug: &str, destination: &str) -> Link {
        self.link_with(
            slug,
            LinkSpec {
                channel: Some("whatsapp".parse().unwrap()),
                ..LinkSpec::to(destination.parse().unwrap())
            },
        )
        .await
    }

    pub(crate) async fn link_with(&self, slug: &str, spec: LinkSpec) -> Link {
        let now = Timestamp::now();
        let link = Link {
            id: LinkId::random(now.as_second() as u32),
            workspace: "acme".parse().unwrap(),
            domain: "go.example".parse().unwrap(),
            slug: slug.parse().unwrap(),
            spec,
            learned_weights: Vec::new(),
            revision: 1,
            created_at: now,
            updated_at: now,
        };
        self.store.create_link(&link).await.unwrap();
        link
    }

    /// Stores a link as it was.
    pub(crate) async fn restore(&self, link: &Link) {
        self.store.create_link(link).await.unwrap();
    }

    pub(crate) async fn change(&self, link: &Link, destination: &str) {
        let mut link = link.clone();
        link.spec.destination = destination.parse().unwrap();
        link.revision += 1;
        self.store.change_link(&link).await.unwrap();
    }

    /// Stores what a link says now, under its next revision.
    pub(crate) async fn change_to(&self, link: &mut Link) {
        link.revision += 1;
        self.store.change_link(link).await.unwrap();
    }

    /// Replaces what is said of the domain.
    pub(crate) async fn domain(&self, adjust: impl FnOnce(&mut DomainSpec)) {
        let (mut domain, _) = self.store.domain_at("go.example").await.unwrap().unwrap();
        adjust(&mut domain.spec);
        domain.revision += 1;
        self.store.change_domain(&domain).await.unwrap();
    }

    pub(crate) async fn delete(&self, link: &Link) {
        let deleted = self.store.delete_link(&link.workspace, link.id, None);
        deleted.await.unwrap();
    }

    pub(crate) async fn privacy(&self, mode: PrivacyMode) {
        let id = "acme".parse().unwrap();
        let mut workspace = self.store.workspace(&id).await.unwrap().unwrap();
        workspace.privacy = mode;
        self.store.put_workspace(&workspace).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        self.request("GET", path, headers).await
    }

    /// A click that can be sent from a task of its own.
    pub(crate) fn get_owned(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> impl Future<Output = Got> + Send + use<> {
        let (address, path) = (self.address, path.to_owned());
        let own = |text: &str| text.to_owned();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (own(name), own(value)))
            .collect();
        async move {
            let mut borrowed = vec![("host", "go.example")];
            borrowed.extend(
                headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            );
            ask(address, "GET", &path, &borrowed, "").await.unwrap()
        }
    }

    pub(crate) async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Got {
        self.request_to("go.example", method, path, headers).await
    }

    pub(crate) async fn request_to(
        &self,
        host: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Got {
        {
            let headers = [&[("host", host)], headers].concat();
            ask(self.address, method, path, &headers, "").await.unwrap()
        }
    }

    pub(crate) async fn admin(&self, path: &str) -> Got {
        ask(self.admin, "GET", path, &[], "").await.unwrap()
    }

    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.admin("/metrics").await.body;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_else(|| panic!("{name} in {text}"));
        line.trim().parse().unwrap()
    }

    /// Asks until the answer is as expected; an edit may take 100 ms to be seen.
    pub(crate) async fn until(&self, path: &str, is_right: impl Fn(&Got) -> bool) {
        self.until_with(path, &[], is_right).await;
    }

    pub(crate) async fn until_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        is_right: impl Fn(&Got) -> bool,
    ) {
        let start = Instant::now();
        loop {
            let got = self.get(path, headers).await;
            if is_right(&got) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(2), "still {got:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends bytes that are no request, and hears whatever comes back.
    pub(crate) async fn send_raw(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may hang up in the middle of it.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut sink = Vec::new();
        let reading = stream.read_to_end(&mut sink);
        let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
    }

    /// Sends requests, each on a connection of its own, and gives their answers as they come.
    pub(crate) async fn send_without_waiting(
        &self,
        path: &str,
        count: usize,
    ) -> Vec<impl Future<Output = String> + use<>> {
        let mut answers = Vec::new();
        for _ in 0..count {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: go.example\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            answers.push(async move {
                let mut answer = String::new();
                // A reset shows as an answer that is none.
                let _ = stream.read_to_string(&mut answer).await;
                answer
            });
        }
        answers
    }

    /// Stops it and reads back every click that it has journalled.
    pub(crate) async fn stop(self) -> Vec<Click<'static>> {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
        let mut clicks = Vec::new();
        for lane in std::fs::read_dir(self.dir.path().join("journal")).unwrap() {
            let options = self.config.redirector.journal.lane_options();
            let (_writer, mut reader) = journal::open(&lane.unwrap().path(), options).unwrap();
            while let Some(block) = reader.next_block(8 << 20, 10_000).unwrap() {
                for (_, payload) in block.records() {
                    // The block does not live as long as the test wants its clicks.
                    let payload: &'static [u8] = Box::leak(payload.to_vec().into_boxed_slice());
                    clicks.push(wire::decode(payload).unwrap());
                }
            }
        }
        clicks
    }

    async fn until_admin_ready(&self) {
        while self.admin("/readyz").await.status != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Makes the workspace and its domain, if they are not there.
async fn claim(store: &dyn LinkStore) {
    let workspace = Workspace::new("acme".parse().unwrap(), "Acme");
    store.put_workspace(&workspace).await.unwrap();
    let host = "go.example".parse().unwrap();
    store.claim_domain(&host, &workspace.id).await.unwrap();
}
