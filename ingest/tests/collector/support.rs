//! Starts the program `whence-ingest` with everything it needs, and speaks to it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use tempfile::TempDir;
use whence_core::click::Click;
use whence_core::config;
use whence_core::id::{ClickId, ClickIdKey, LinkId, Minter, VisitorId};
use whence_core::journal::{self, Block, LaneOptions, LaneReader, LaneWriter};
use whence_core::key::{self, ApiKey, KeyHash, Right};
use whence_core::secret::Secret;
use whence_core::store::{FileStore, LinkStore};
use whence_core::test_support;
use whence_core::test_support::http::{Got, ask};
use whence_core::wire;
use whence_core::workspace::{PrivacyMode, Workspace, WorkspaceId};

/// What redirectors present.
pub(crate) const TOKEN: &str = "the redirectors' token";
/// What signs click ids, as the configuration has it.
pub(crate) const CLICK_ID_KEY: &str = "000102030405060708090a0b0c0d0e0f";
/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A collector's data directory, configuration and, most of the time, process.
pub(crate) struct Collector {
    child: Option<Child>,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    settings: Vec<String>,
    folder: TempDir,
    /// An API key of the workspace `acme` that may send conversions.
    pub(crate) key: Secret,
    /// One of the same workspace that may not.
    pub(crate) key_for_reports: Secret,
}

impl Collector {
    /// Starts a collector beside an engine, with the workspaces `acme`, `daily` (cookieless) and `quiet` (count only).
    pub(crate) async fn start(clickhouse: &config::ClickHouse) -> Self {
        Self::start_with(clickhouse, &[]).await
    }

    /// As [`Collector::start`], with more keys of the configuration.
    pub(crate) async fn start_with(clickhouse: &config::ClickHouse, more: &[&str]) -> Self {
        let mut collector = Self::prepare(clickhouse, more).await;
        collector.launch().await;
        collector
    }

    async fn prepare(clickhouse: &config::ClickHouse, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (address, admin) = (free_address(), free_address());
        let mut settings = vec![
            format!("data_dir={}", folder.path().display()),
            format!("click_id_key={CLICK_ID_KEY}"),
            format!("ingest.token={TOKEN}"),
            format!("ingest.listen={address}"),
            format!("ingest.admin={admin}"),
            "ingest.journal.segment_megabytes=1".into(),
            "log.filter=warn".into(),
            format!("clickhouse.url={}", clickhouse.url),
            format!("clickhouse.password={}", clickhouse.password.expose()),
        ];
        settings.extend(more.iter().map(|&setting| setting.to_owned()));
        let (key, key_for_reports) = (key::generate(), key::generate());
        let store = FileStore::open(&folder.path().join("links.redb")).unwrap();
        for (id, privacy) in [
            ("acme", PrivacyMode::Full),
            ("daily", PrivacyMode::Cookieless),
            ("quiet", PrivacyMode::CountOnly),
        ] {
            let workspace = Workspace {
                privacy,
                ..Workspace::new(id.parse().unwrap(), id)
            };
            store.put_workspace(&workspace).await.unwrap();
        }
        for (key, right) in [
            (&key, Right::Conversions),
            (&key_for_reports, Right::Reports),
        ] {
            let stored = ApiKey {
                workspace: acme(),
                name: "test".into(),
                rights: vec![right],
                created_at: Timestamp::now(),
            };
            store
                .put_key(KeyHash::of(key.expose()), &stored)
                .await
                .unwrap();
        }
        Self {
            child: None,
            address,
            admin,
            settings,
            folder,
            key,
            key_for_reports,
        }
    }

    /// Starts the process and waits until it is ready.
    pub(crate) async fn launch(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        self.child = Some(program(&self.settings).spawn().unwrap());
        let started = Instant::now();
        loop {
            if let Ok(got) = ask(self.admin, "GET", "/readyz", &[], "").await
                && got.status == 200
            {
                return;
            }
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the collector ended: {ended:?}");
            assert!(started.elapsed() < PATIENCE, "the collector is not ready");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts the process again where it was killed.
    pub(crate) async fn launch_if_dead(&mut self) {
        if self.child.is_none() {
            self.launch().await;
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM; answers how it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.child.take().unwrap().wait().unwrap()
    }

    /// SIGHUP: what may change while it runs is to be read again.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// What the kernel says of the process's memory, by the name of the line.
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        let id = self.child.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let mut words = status.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = words.find(|(found, _)| *found == name).unwrap();
        value.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Where its data is.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Sends a request that must be answered.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Got {
        ask(self.address, method, path, headers, body)
            .await
            .unwrap()
    }

    /// Sends a block as a redirector does.
    pub(crate) async fn block(&self, block: impl Into<Bytes>) -> Got {
        let authorization = format!("Bearer {TOKEN}");
        self.ask(
            "POST",
            "/v1/blocks",
            &[("authorization", &authorization)],
            block,
        )
        .await
    }

    /// Sends a conversion as a merchant's server does.
    pub(crate) async fn convert(&self, body: &str) -> Got {
        let authorization = format!("Bearer {}", self.key.expose());
        self.ask(
            "POST",
            "/v1/conversions",
            &[("authorization", &authorization)],
            body.to_owned(),
        )
        .await
    }

    /// What the admin port says of a metric, all its labels together.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = ask(self.admin, "GET", "/metrics", &[], "")
            .await
            .unwrap()
            .body;
        let of_name = |line: &&str| line.split(['{', ' ']).next() == Some(name);
        let values = text
            .lines()
            .filter(of_name)
            .map(|line| line.rsplit(' ').next().unwrap());
        values.map(|value| value.parse::<f64>().unwrap()).sum()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program with these keys of the configuration.
pub(crate) fn program(settings: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whence-ingest"));
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.stdin(Stdio::null());
    command
}

/// The workspace of the tests.
pub(crate) fn acme() -> WorkspaceId {
    "acme".parse().unwrap()
}

/// A genuine click id.
pub(crate) fn minted() -> ClickId {
    minted_at(Timestamp::now().as_millisecond().try_into().unwrap())
}

/// A genuine id of a click at that time.
pub(crate) fn minted_at(unix_ms: u64) -> ClickId {
    let number = u128::from_str_radix(CLICK_ID_KEY, 16).unwrap();
    let key = ClickIdKey::new(number.to_be_bytes());
    Minter::for_threads(&key, 1)[0].mint(unix_ms, LinkId(5))
}

/// A redirector's journal lane.
pub(crate) struct Lane {
    _folder: TempDir,
    pub(crate) writer: LaneWriter,
    pub(crate) reader: LaneReader,
}

impl Lane {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = LaneOptions {
            segment_bytes: 8 << 20,
            ..LaneOptions::default()
        };
        let (writer, reader) = journal::open(&folder.path().join("lane"), options).unwrap();
        Self {
            _folder: folder,
            writer,
            reader,
        }
    }

    /// The number of the lane, as the table has it.
    pub(crate) fn id(&self) -> u64 {
        self.writer.lane().get()
    }

    /// Appends a click.
    pub(crate) fn append(&mut self, click: &Click<'_>) -> u64 {
        let mut payload = Vec::new();
        wire::encode(click, &mut payload);
        self.writer.append(&payload).unwrap()
    }

    /// Seals what was appended.
    pub(crate) fn seal(&mut self) -> Block {
        self.reader.next_block(8 << 20, 50_000).unwrap().unwrap()
    }

    /// A block of so many clicks.
    pub(crate) fn block_of(&mut self, clicks: u64) -> Block {
        for number in 0..clicks {
            let slug = format!("s{}", number % 7);
            self.append(&Click {
                slug: slug.into(),
                ..click()
            });
        }
        self.seal()
    }
}

/// A click of a person in the workspace `acme`.
pub(crate) fn click() -> Click<'static> {
    Click {
        id: minted(),
        unix_ms: 1_795_284_000_123,
        link: LinkId(5),
        query: "".into(),
        visitor: Some(VisitorId(77)),
        new_visitor: false,
        referrer: "https://www.google.de/".into(),
        ..test_support::click()
    }
}

/// Sends a block to a collector that may die over it.
pub(crate) async fn send_to_the_dying(address: SocketAddr, wire: Bytes) {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str())];
    let _ = ask(address, "POST", "/v1/blocks", &headers, wire).await;
}

/// What the projection adds up to, as it lies on the disk, is what the table has.
pub(crate) async fn assert_rollups(client: &clickhouse::Client) {
    const KEY: &str = "workspace, hour, link_id, outcome, verdict, channel, country";
    let hour = KEY.replace("hour", "toDateTime(toStartOfHour(time), 'UTC') AS hour");
    let projected = KEY.replace("hour", "`toStartOfHour(time)` AS hour");
    let different = format!(
        "SELECT count() FROM (SELECT {KEY}, sum(number) AS difference FROM (
            SELECT {hour}, toInt64(1) AS number FROM clicks
            UNION ALL SELECT {projected}, -toInt64(finalizeAggregation(`count()`)) AS number
            FROM mergeTreeProjection(currentDatabase(), 'clicks', 'click_hours')
        ) GROUP BY {KEY} HAVING difference != 0) SETTINGS optimize_use_projections = 0"
    );
    assert_eq!(number(client, &different).await, 0, "rollup and table");
}

/// Asks ClickHouse for one number.
pub(crate) async fn number(client: &clickhouse::Client, query: &str) -> u64 {
    client.query(query).fetch_one::<u64>().await.unwrap()
}

/// Waits until ClickHouse answers a question with this number.
pub(crate) async fn wait_for(client: &clickhouse::Client, query: &str, expected: u64) {
    let started = Instant::now();
    loop {
        let found = client.query(query).fetch_one::<u64>().await;
        if found.as_ref().is_ok_and(|found| *found == expected) {
            return;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{query}: {found:?} instead of {expected}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An address that nobody listens on now.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
}
