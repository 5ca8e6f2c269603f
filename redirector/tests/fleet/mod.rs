//! Two redirectors on one real Redis, each with connections of its own, and clients that never pause.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test takes what it needs; one that unwraps says as much as one that expects"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use whence_core::config::Config;
use whence_core::id::LinkId;
use whence_core::link::{Link, LinkSpec};
use whence_core::secret::Secret;
use whence_core::service::{RunError, Service};
use whence_core::store::{self, LinkStore};
use whence_core::test_support::RedisServer;
use whence_core::test_support::http::{Got, ask};
use whence_core::workspace::Workspace;
use whence_redirector::Server;

/// The host that the links stand on.
pub(crate) const HOST: &str = "go.example";

/// A Redis with a workspace and its host.
pub(crate) struct Fleet {
    /// The server, to be killed or stopped.
    pub(crate) redis: RedisServer,
    /// The connection of whoever edits links.
    pub(crate) store: Arc<dyn LinkStore>,
}

impl Fleet {
    pub(crate) async fn start() -> Self {
        let redis = RedisServer::start();
        let store = store::open(&redis.url()).await.unwrap();
        let fleet = Self { redis, store };
        fleet.found().await;
        fleet
    }

    /// Makes the workspace and gives it its host.
    pub(crate) async fn found(&self) {
        let workspace = Workspace::new("acme".parse().unwrap(), "Acme");
        self.store.put_workspace(&workspace).await.unwrap();
        let host = HOST.parse().unwrap();
        self.store.claim_domain(&host, &workspace.id).await.unwrap();
    }

    /// Makes a link; its id is its number.
    pub(crate) async fn link(&self, number: u64, slug: &str, destination: &str) -> Link {
        let spec = LinkSpec::to(destination.parse().unwrap());
        self.put(number, slug, spec).await
    }

    /// Makes so many links, `x1` and on, which lead to `old.example`.
    pub(crate) async fn links(&self, count: u64) -> Vec<Link> {
        let mut links = Vec::new();
        for n in 1..=count {
            links.push(self.link(n, &format!("x{n}"), "https://old.example/").await);
        }
        links
    }

    /// Makes a link of any kind.
    pub(crate) async fn put(&self, number: u64, slug: &str, spec: LinkSpec) -> Link {
        let link = Link {
            id: LinkId(number),
            workspace: "acme".parse().unwrap(),
            domain: HOST.parse().unwrap(),
            slug: slug.parse().unwrap(),
            spec,
            learned_weights: Vec::new(),
            revision: 1,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
        };
        self.store.create_link(&link).await.unwrap();
        link
    }

    /// Gives a link another destination.
    pub(crate) async fn edit(&self, link: &mut Link, destination: &str) {
        link.spec.destination = destination.parse().unwrap();
        link.revision += 1;
        self.store.change_link(link).await.unwrap();
    }

    /// Starts a redirector on a connection of its own.
    pub(crate) async fn redirector(&self, adjust: impl FnOnce(&mut Config)) -> Node {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config {
            click_id_key: Secret::new("00112233445566778899aabbccddeeff"),
            ..Config::default()
        };
        config.redirector.listen = ([127, 0, 0, 1], 0).into();
        config.redirector.admin = ([127, 0, 0, 1], 0).into();
        config.redirector.threads = 1;
        config.redirector.drain_ms = 500;
        config.redirector.client_rate = 0;
        // Nobody listens there: what is journalled stays in the journal.
        config.redirector.ingest = vec!["http://127.0.0.1:1".into()];
        config.redirector.journal.dir = Some(dir.path().join("journal"));
        adjust(&mut config);
        let store = store::open(&self.redis.url()).await.unwrap();
        let server = Server::bind(&config, store).await.unwrap();
        let (address, admin) = (server.address(), server.admin_address());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        let node = Node {
            address,
            admin,
            stop,
            running,
            _dir: dir,
        };
        within(Duration::from_secs(20), async || {
            node.admin("/readyz").await.status == StatusCode::OK
        })
        .await;
        node
    }
}

/// A running redirector.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), RunError>>,
    _dir: TempDir,
}

impl Node {
    pub(crate) async fn get(&self, path: &str) -> Got {
        ask(self.address, "GET", path, &[("host", HOST)], "")
            .await
            .unwrap()
    }

    pub(crate) async fn admin(&self, path: &str) -> Got {
        ask(self.admin, "GET", path, &[], "").await.unwrap()
    }

    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.admin("/metrics").await.body;
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("{name} in {text}"))
            .parse()
            .unwrap()
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
    }
}

/// A client with a connection of its own that is kept.
pub(crate) struct Client(SendRequest<Empty<Bytes>>);

impl Client {
    pub(crate) async fn connect(node: SocketAddr) -> Self {
        let stream = TcpStream::connect(node).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// The status, and where it leads.
    pub(crate) async fn get(&mut self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header("host", HOST);
        let request = request.body(Empty::new()).unwrap();
        self.0.ready().await.unwrap();
        let answer = self.0.send_request(request).await.unwrap();
        let location = answer.headers().get("location");
        let location = location.map_or("", |location| location.to_str().unwrap());
        (answer.status(), location.to_owned())
    }
}

/// Clients that ask for known links, on and on.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Asked>>,
}

/// What clients were answered.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// How often they were redirected.
    pub(crate) redirected: usize,
    /// Whatever else they were answered.
    pub(crate) failed: Vec<String>,
    /// The longest that one waited.
    pub(crate) longest: Duration,
}

impl Load {
    /// Two clients for each redirector.
    pub(crate) fn on(nodes: &[&Node], slugs: &[String]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = nodes.iter().flat_map(|node| [node.address; 2]);
        let clients = clients.enumerate().map(|(n, address)| {
            let (stop, slugs) = (Arc::clone(&stop), slugs.to_vec());
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let mut random = fastrand::Rng::with_seed(n as u64);
                let mut asked = Asked::default();
                while !stop.load(Ordering::Relaxed) {
                    let slug = random.choice(&slugs).unwrap();
                    let start = Instant::now();
                    let (status, _) = client.get(&format!("/{slug}")).await;
                    asked.longest = asked.longest.max(start.elapsed());
                    match status {
                        StatusCode::FOUND => asked.redirected += 1,
                        other => asked.failed.push(format!("{slug}: {other}")),
                    }
                    // Leaves the machine to those who are measured.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                asked
            })
        });
        Self {
            clients: clients.collect(),
            stop,
        }
    }

    /// Stops them all and says what they were answered together.
    pub(crate) async fn stop(self) -> Asked {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Asked::default();
        for client in self.clients {
            let asked = client.await.unwrap();
            all.redirected += asked.redirected;
            all.failed.extend(asked.failed);
            all.longest = all.longest.max(asked.longest);
        }
        all
    }
}

/// Waits until something is so, and fails where it does not become so in time.
pub(crate) async fn within(longest: Duration, is_so: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < longest, "not so after {longest:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
