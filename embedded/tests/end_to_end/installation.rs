//! Whence as real processes, in both of its forms, and the few questions that the story asks of it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use whence_core::config::Sources;
use whence_core::id::ClickId;
use whence_core::test_support::http::{Got, ask};

use crate::process::{Process, child_of, signal};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What the story kills.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Victim {
    /// A process that the test starts again, by its place.
    Started(usize),
    /// The engine, which `whence up` starts again.
    Engine,
}

/// The ports of an installation.
#[derive(Clone, Copy)]
struct Ports {
    redirector: SocketAddr,
    ingest: SocketAddr,
    analytics: SocketAddr,
    clickhouse: SocketAddr,
    redis: SocketAddr,
    admins: [SocketAddr; 3],
}

/// What a client needs to know.
#[derive(Clone)]
pub(crate) struct Client {
    ports: Ports,
    host: String,
    key: String,
    pub(crate) workspace: String,
    clickhouse_password: String,
}

/// A running installation.
pub(crate) struct Installation {
    client: Client,
    processes: Vec<Process>,
    has_own_engine: bool,
    // Dropped last: the processes write there.
    _dir: TempDir,
}

impl Deref for Installation {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Installation {
    /// One process and its engine, as `make up` runs them.
    pub(crate) async fn one_machine() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = Ports::free();
        let data = dir.path().join("data");
        let mut args = vec!["up".to_owned()];
        args.extend(ports.flags());
        // data_dir stays as it is, relative to where the process starts: as for a newcomer.
        args.extend(set(&[("embedded.listen", ports.clickhouse.to_string())]));
        let mut whence = Self {
            client: Client {
                ports,
                host: "localhost".into(),
                key: String::new(),
                workspace: "main".into(),
                clickhouse_password: String::new(),
            },
            processes: vec![Process::new("whence", whence_program(), &args, dir.path())],
            has_own_engine: true,
            _dir: dir,
        };
        whence.start().await;
        let secrets = Sources {
            flags: vec![format!("data_dir={}", data.display())],
            ..Sources::default()
        };
        whence.client.clickhouse_password = secrets
            .load()
            .unwrap()
            .clickhouse
            .password
            .expose()
            .to_owned();
        whence.client.key = std::fs::read_to_string(data.join("api-key"))
            .unwrap()
            .trim()
            .to_owned();
        whence
    }

    /// Redis, ClickHouse and the three services, each a process of its own.
    pub(crate) async fn fleet() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = Ports::free();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let password = "a fleet's password";
        let mut shared = ports.flags();
        shared.extend(set(&[
            ("data_dir", path("data")),
            ("click_id_key", "0123456789abcdef0123456789abcdef".into()),
            ("store.url", format!("redis://{}", ports.redis)),
            ("clickhouse.url", format!("http://{}", ports.clickhouse)),
            ("clickhouse.password", password.into()),
            ("ingest.token", "a fleet's token".into()),
            ("redirector.ingest", format!("http://{}", ports.ingest)),
        ]));
        std::fs::create_dir_all(path("redis")).unwrap();
        let redis = [
            "--port",
            &ports.redis.port().to_string(),
            "--bind",
            "127.0.0.1",
            "--dir",
            &path("redis"),
            // Written before each answer: a killed Redis keeps what it acknowledged.
            "--appendonly",
            "yes",
            "--save",
            "",
        ]
        .map(str::to_owned);
        let engine = [
            "clickhouse",
            "--path",
            &path("clickhouse"),
            "--listen",
            &ports.clickhouse.to_string(),
        ]
        .map(str::to_owned);
        let service = |name: &'static str| Process::new(name, program(name), &shared, dir.path());
        let processes = vec![
            Process::new("redis-server", "redis-server", &redis, dir.path()),
            Process::new("clickhouse", whence_program(), &engine, dir.path())
                .with("WHENCE_CLICKHOUSE__PASSWORD", password),
            service("whence-ingest"),
            service("whence-redirector"),
            service("whence-analytics"),
        ];
        let mut whence = Self {
            client: Client {
                ports,
                host: "go.example".into(),
                key: String::new(),
                workspace: "acme".into(),
                clickhouse_password: password.into(),
            },
            processes,
            has_own_engine: false,
            _dir: dir,
        };
        whence.processes[0].start();
        whence.processes[1].start();
        until_listens(ports.redis).await;
        until_listens(ports.clickhouse).await;
        run_whence(&[&["migrate".to_owned()], &shared[..]].concat());
        let new = ["new", "workspace", "acme", "--domain", "go.example"].map(str::to_owned);
        whence.client.key = run_whence(&[&new, &shared[..]].concat()).trim().to_owned();
        for process in &mut whence.processes[2..] {
            process.start();
        }
        whence.until_ready().await;
        whence
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Starts every process.
    pub(crate) async fn start(&mut self) {
        for process in &mut self.processes {
            process.start();
        }
        self.until_ready().await;
    }

    /// Stops every process, in the order in which data flows.
    pub(crate) async fn stop(&mut self) {
        for name in [
            "whence",
            "whence-redirector",
            "whence-ingest",
            "whence-analytics",
            "clickhouse",
            "redis-server",
        ] {
            if let Some(process) = self
                .processes
                .iter_mut()
                .find(|process| process.name == name)
            {
                process.stop();
            }
        }
    }

    /// Everything that can be killed, each once.
    pub(crate) fn victims(&self) -> Vec<Victim> {
        let started = (0..self.processes.len()).map(Victim::Started);
        started
            .chain(self.has_own_engine.then_some(Victim::Engine))
            .collect()
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Started(place) => self.processes[place].kill(),
            Victim::Engine => {
                let engine = child_of(self.processes[0].id(), "clickhouse").expect("an engine");
                signal(engine, "KILL");
                // Its port stays open until its memory is given back, which takes a while on a busy machine.
                let entry = PathBuf::from(format!("/proc/{engine}"));
                until("the engine to be gone", async || !entry.exists()).await;
            }
        }
    }

    /// Brings back what was killed.
    pub(crate) async fn restore(&mut self, victim: Victim) {
        match victim {
            Victim::Started(place) => self.processes[place].start(),
            Victim::Engine => until_listens(self.ports.clickhouse).await,
        }
        self.until_ready().await;
    }

    async fn until_ready(&self) {
        until_listens(self.ports.clickhouse).await;
        for admin in self.ports.admins {
            until(&format!("{admin} to be ready"), async || {
                ask(admin, "GET", "/readyz", &[], "")
                    .await
                    .is_ok_and(|got| got.status.is_success())
            })
            .await;
        }
    }
}

impl Client {
    /// Makes a link for WhatsApp.
    pub(crate) async fn make_link(&self, slug: &str, destination: &str) {
        let body = json!({"slug": slug, "destination": destination, "channel": "WhatsApp"});
        let got = self
            .api("POST", "/api/v1/links", &body.to_string())
            .await
            .unwrap();
        assert_eq!(got.status.as_u16(), 201, "{got:?}");
    }

    /// Clicks, and answers with the click id that the destination got.
    pub(crate) async fn click(&self, slug: &str) -> Result<String> {
        let headers = [
            ("host", self.host.as_str()),
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            ),
        ];
        let got = ask(
            self.ports.redirector,
            "GET",
            &format!("/{slug}"),
            &headers,
            "",
        )
        .await?;
        let location = got.header("location");
        let (_, id) = location
            .split_once("wcid=")
            .ok_or_else(|| format!("{got:?}"))?;
        Ok(id.to_owned())
    }

    /// What the edge answers beside its links.
    pub(crate) async fn beside(&self, path: &str) -> Result<Got> {
        let headers = [("host", self.host.as_str())];
        ask(self.ports.redirector, "GET", path, &headers, "").await
    }

    /// Sends a conversion as a merchant's server does.
    pub(crate) async fn convert(&self, body: &Value) -> Result<Got> {
        self.with_key(
            self.ports.ingest,
            "POST",
            "/v1/conversions",
            &body.to_string(),
        )
        .await
    }

    /// Asks ingest as a browser does.
    pub(crate) async fn ingest(&self, method: &str, path: &str, body: &str) -> Result<Got> {
        ask(self.ports.ingest, method, path, &[], body.to_owned()).await
    }

    /// Asks the API.
    pub(crate) async fn api(&self, method: &str, path: &str, body: &str) -> Result<Got> {
        self.with_key(self.ports.analytics, method, path, body)
            .await
    }

    async fn with_key(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Got> {
        let authorization = format!("Bearer {}", self.key);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        ask(address, method, path, &headers, body.to_owned()).await
    }

    /// Every stored click id, and how often.
    pub(crate) async fn stored_clicks(&self) -> HashMap<String, u64> {
        let rows = self
            .select("SELECT click_id, count() FROM whence.clicks GROUP BY click_id")
            .await;
        let id = |number: &str| ClickId(number.parse().unwrap()).to_string();
        rows.into_iter()
            .map(|(number, times)| (id(&number), times))
            .collect()
    }

    /// Every stored event id, and how often.
    pub(crate) async fn stored_conversions(&self) -> HashMap<String, u64> {
        let query = "SELECT event_id, count() FROM whence.conversions FINAL GROUP BY event_id";
        self.select(query).await.into_iter().collect()
    }

    async fn select(&self, query: &str) -> Vec<(String, u64)> {
        let headers = [
            ("x-clickhouse-user", "default"),
            ("x-clickhouse-key", self.clickhouse_password.as_str()),
            ("x-clickhouse-format", "TabSeparated"),
        ];
        let got = ask(
            self.ports.clickhouse,
            "POST",
            "/",
            &headers,
            query.to_owned(),
        )
        .await
        .unwrap();
        assert!(got.status.is_success(), "{got:?}");
        let rows = got.body.lines().map(|line| line.split_once('\t').unwrap());
        rows.map(|(key, times)| (key.to_owned(), times.parse().unwrap()))
            .collect()
    }
}

impl Ports {
    /// Ports that were free a moment ago.
    fn free() -> Self {
        let listeners: Vec<_> = (0..8)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
            .collect();
        let port = |n: usize| listeners[n].local_addr().unwrap();
        Self {
            redirector: port(0),
            ingest: port(1),
            analytics: port(2),
            clickhouse: port(3),
            redis: port(4),
            admins: [port(5), port(6), port(7)],
        }
    }

    fn flags(&self) -> Vec<String> {
        set(&[
            ("redirector.listen", self.redirector.to_string()),
            ("ingest.listen", self.ingest.to_string()),
            ("analytics.listen", self.analytics.to_string()),
            ("redirector.admin", self.admins[0].to_string()),
            ("ingest.admin", self.admins[1].to_string()),
            ("analytics.admin", self.admins[2].to_string()),
            // All of this load comes from one address.
            ("redirector.client_rate", "0".into()),
            ("redirector.journal.segment_megabytes", "1".into()),
            ("ingest.journal.segment_megabytes", "1".into()),
        ])
    }
}

fn set(pairs: &[(&str, String)]) -> Vec<String> {
    pairs
        .iter()
        .flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")])
        .collect()
}

fn whence_program() -> PathBuf {
    env!("CARGO_BIN_EXE_whence").into()
}

/// A service's own binary, which lies beside `whence`.
fn program(name: &str) -> PathBuf {
    let path = whence_program().with_file_name(name);
    assert!(
        path.is_file(),
        "{} is missing: cargo build --workspace --bins",
        path.display()
    );
    path
}

fn run_whence(args: &[String]) -> String {
    let output = Command::new(whence_program()).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

async fn until_listens(address: SocketAddr) {
    until(&format!("{address} to listen"), async || {
        tokio::net::TcpStream::connect(address).await.is_ok()
    })
    .await;
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited a minute for {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
