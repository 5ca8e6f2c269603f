//! Whence as real processes, in both of its forms, and the few questions that the story asks of it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::path::{Path, PathBuf};
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

/// Where one of several alike answers, and its admin port.
#[derive(Clone, Copy)]
struct Place {
    listen: SocketAddr,
    admin: SocketAddr,
}

/// The ports of an installation.
#[derive(Clone)]
struct Ports {
    redirectors: Vec<Place>,
    ingests: Vec<Place>,
    analytics: Place,
    clickhouse: SocketAddr,
    redis: SocketAddr,
}

/// How large a fleet is, and what is set beside the defaults.
pub(crate) struct Plan<'p> {
    pub(crate) redirectors: usize,
    pub(crate) ingests: usize,
    /// Keys and values that every service gets.
    pub(crate) settings: &'p [(&'p str, String)],
    /// Where the engine's data is; by default beside everything else.
    pub(crate) engine_path: Option<&'p Path>,
}

/// What a client needs to know.
#[derive(Clone)]
pub(crate) struct Client {
    ports: Ports,
    host: String,
    key: String,
    pub(crate) workspace: String,
    clickhouse_password: String,
    /// Which of the redirectors and ingests it asks first.
    first: usize,
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
        let ports = Ports::free(1, 1);
        let data = dir.path().join("data");
        let mut args = vec!["up".to_owned()];
        args.extend(ports.shared_flags());
        args.extend(flags_of("redirector", ports.redirectors[0]));
        args.extend(flags_of("ingest", ports.ingests[0]));
        args.extend(flags_of("analytics", ports.analytics));
        // data_dir stays as it is, relative to where the process starts: as for a newcomer.
        args.extend(set(&[("embedded.listen", ports.clickhouse.to_string())]));
        let mut whence = Self {
            client: Client {
                ports,
                host: "localhost".into(),
                key: String::new(),
                workspace: "main".into(),
                clickhouse_password: String::new(),
                first: 0,
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
        Self::fleet_of(&Plan {
            redirectors: 1,
            ingests: 1,
            settings: &[],
            engine_path: None,
        })
        .await
    }

    /// A fleet of another size.
    pub(crate) async fn fleet_of(plan: &Plan<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = Ports::free(plan.redirectors, plan.ingests);
        let path = |name: &str| dir.path().join(name).display().to_string();
        let password = "a fleet's password";
        let addresses = ports.ingests.iter();
        let addresses: Vec<_> = addresses
            .map(|place| format!("http://{}", place.listen))
            .collect();
        let mut shared = ports.shared_flags();
        shared.extend(set(&[
            ("click_id_key", "0123456789abcdef0123456789abcdef".into()),
            ("store.url", format!("redis://{}", ports.redis)),
            ("clickhouse.url", format!("http://{}", ports.clickhouse)),
            ("clickhouse.password", password.into()),
            ("ingest.token", "a fleet's token".into()),
            ("redirector.ingest", addresses.join(",")),
        ]));
        shared.extend(set(plan.settings));
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
        let engine_path = plan
            .engine_path
            .map_or_else(|| path("clickhouse"), |path| path.display().to_string());
        let engine = [
            "clickhouse",
            "--path",
            &engine_path,
            "--listen",
            &ports.clickhouse.to_string(),
        ]
        .map(str::to_owned);
        let service = |name: &'static str, key: &str, number: usize, place: Place| {
            let data = path(&format!("{name}-{number}"));
            let own = [set(&[("data_dir", data)]), flags_of(key, place)].concat();
            let args = [&shared[..], &own].concat();
            Process::new(name, program(name), &args, dir.path())
        };
        let mut processes = vec![
            Process::new("redis-server", "redis-server", &redis, dir.path()),
            Process::new("clickhouse", whence_program(), &engine, dir.path())
                .with("WHENCE_CLICKHOUSE__PASSWORD", password),
        ];
        for (number, &place) in ports.ingests.iter().enumerate() {
            processes.push(service("whence-ingest", "ingest", number, place));
        }
        for (number, &place) in ports.redirectors.iter().enumerate() {
            processes.push(service("whence-redirector", "redirector", number, place));
        }
        let analytics = service("whence-analytics", "analytics", 0, ports.analytics);
        processes.push(analytics);
        let (redis, clickhouse) = (ports.redis, ports.clickhouse);
        let mut whence = Self {
            client: Client {
                ports,
                host: "go.example".into(),
                key: String::new(),
                workspace: "acme".into(),
                clickhouse_password: password.into(),
                first: 0,
            },
            processes,
            has_own_engine: false,
            _dir: dir,
        };
        whence.processes[0].start();
        whence.processes[1].start();
        until_listens(redis).await;
        until_listens(clickhouse).await;
        run_whence(&[&["migrate".to_owned()], &shared[..]].concat());
        let new = ["new", "workspace", "acme", "--domain", "go.example"].map(str::to_owned);
        whence.client.key = run_whence(&[&new, &shared[..]].concat()).trim().to_owned();
        for process in &mut whence.processes[2..] {
            process.start();
        }
        whence.until_ready().await;
        whence
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
            for place in self.places_of(name) {
                self.processes[place].stop();
            }
        }
    }

    /// Where the processes of this name are.
    pub(crate) fn places_of(&self, name: &str) -> Vec<usize> {
        let processes = self.processes.iter().enumerate();
        let alike = processes.filter(|(_, process)| process.name == name);
        alike.map(|(place, _)| place).collect()
    }

    /// What a process has said until now.
    pub(crate) fn log(&self, place: usize) -> String {
        self.processes[place].log()
    }

    /// Stops one process as an operator does, starts it again and waits until it is ready.
    pub(crate) async fn restart(&mut self, place: usize) {
        // Its drain must not hold up those who are watching it.
        tokio::task::block_in_place(|| self.processes[place].stop());
        self.restore(Victim::Started(place)).await;
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
        let ports = &self.ports;
        let alike = ports.redirectors.iter().chain(&ports.ingests);
        for place in alike.chain([&ports.analytics]) {
            let admin = place.admin;
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
            // Without these it would be no browser's.
            ("accept", "text/html"),
            ("accept-language", "de-DE"),
            ("accept-encoding", "gzip, br"),
        ];
        let path = format!("/{slug}");
        let got = ask_one_of(&self.redirectors(), "GET", &path, &headers, "").await?;
        click_id(&got).ok_or_else(|| format!("{got:?}").into())
    }

    /// What the edge answers beside its links.
    pub(crate) async fn beside(&self, path: &str) -> Result<Got> {
        self.beside_with(path, &[]).await
    }

    /// What the edge answers to whoever sends these headers.
    pub(crate) async fn beside_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Got> {
        let host = [("host", self.host.as_str())];
        let headers = [&host, headers].concat();
        ask_one_of(&self.redirectors(), "GET", path, &headers, "").await
    }

    /// Sends a conversion as a merchant's server does.
    pub(crate) async fn convert(&self, body: &Value) -> Result<Got> {
        let body = body.to_string();
        self.with_key(&self.ingests(), "POST", "/v1/conversions", &body)
            .await
    }

    /// Asks ingest as a browser does.
    pub(crate) async fn ingest(&self, method: &str, path: &str, body: &str) -> Result<Got> {
        ask_one_of(&self.ingests(), method, path, &[], body).await
    }

    /// Asks the API.
    pub(crate) async fn api(&self, method: &str, path: &str, body: &str) -> Result<Got> {
        self.with_key(&[self.ports.analytics.listen], method, path, body)
            .await
    }

    async fn with_key(
        &self,
        addresses: &[SocketAddr],
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Got> {
        let authorization = format!("Bearer {}", self.key);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        ask_one_of(addresses, method, path, &headers, body).await
    }

    /// Where a browser finds the dashboard, and the key to it.
    pub(crate) fn for_marketers(&self) -> (SocketAddr, &str) {
        (self.ports.analytics.listen, &self.key)
    }

    /// Where a browser finds short links and collector.
    pub(crate) fn for_browsers(&self) -> (SocketAddr, SocketAddr) {
        (
            self.ports.redirectors[0].listen,
            self.ports.ingests[0].listen,
        )
    }

    /// The same for whoever asks another of the redirectors and ingests first.
    pub(crate) fn asking_first(&self, first: usize) -> Self {
        Self {
            first,
            ..self.clone()
        }
    }

    fn redirectors(&self) -> Vec<SocketAddr> {
        in_turn(&self.ports.redirectors, self.first)
    }

    fn ingests(&self) -> Vec<SocketAddr> {
        in_turn(&self.ports.ingests, self.first)
    }

    /// One of the first redirector's figures.
    pub(crate) async fn redirector_figure(&self, name: &str) -> u64 {
        let admin = self.ports.redirectors[0].admin;
        let got = ask(admin, "GET", "/metrics", &[], "").await.unwrap();
        let value = got.body.lines().find_map(|line| line.strip_prefix(name));
        let value = value.unwrap_or_else(|| panic!("{name} in {}", got.body));
        value.trim().parse().unwrap()
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

    /// The rows of a query with two columns, the second of them a number.
    pub(crate) async fn select(&self, query: &str) -> Vec<(String, u64)> {
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
    fn free(redirectors: usize, ingests: usize) -> Self {
        let listeners: Vec<_> = (0..2 * (redirectors + ingests + 1) + 2)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
            .collect();
        let mut free = listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap());
        let mut next = || free.next().unwrap();
        let mut place = || Place {
            listen: next(),
            admin: next(),
        };
        Self {
            redirectors: (0..redirectors).map(|_| place()).collect(),
            ingests: (0..ingests).map(|_| place()).collect(),
            analytics: place(),
            clickhouse: next(),
            redis: next(),
        }
    }

    fn shared_flags(&self) -> Vec<String> {
        set(&[
            // All of this load comes from one address.
            ("redirector.client_rate", "0".into()),
            ("redirector.journal.segment_megabytes", "1".into()),
            ("ingest.journal.segment_megabytes", "1".into()),
        ])
    }
}

/// The click id that a destination got.
pub(crate) fn click_id(got: &Got) -> Option<String> {
    let (_, id) = got.header("location").split_once("wcid=")?;
    Some(id.split('&').next().unwrap_or_default().to_owned())
}

/// Where a service answers.
fn flags_of(service: &str, place: Place) -> Vec<String> {
    set(&[
        (&format!("{service}.listen"), place.listen.to_string()),
        (&format!("{service}.admin"), place.admin.to_string()),
    ])
}

/// All of them, beginning with one.
fn in_turn(places: &[Place], first: usize) -> Vec<SocketAddr> {
    let turned = places.iter().cycle().skip(first % places.len());
    turned
        .take(places.len())
        .map(|place| place.listen)
        .collect()
}

/// Asks the first of them to whom a connection can be made, as a balancer in front of them does. Once a request was
/// sent there, it is answered there or lost.
async fn ask_one_of(
    addresses: &[SocketAddr],
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Got> {
    let mut last = None;
    for &address in addresses {
        match ask(address, method, path, headers, body.to_owned()).await {
            // A failure to connect is the system's; all that comes later is the HTTP client's.
            Err(error) if error.is::<std::io::Error>() => last = Some(error),
            answered => return answered,
        }
    }
    Err(last.expect("there is an address"))
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
