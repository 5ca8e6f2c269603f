//! A lane in a temporary directory, an other side that answers as it is told, and a shipper between them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use whence_core::account::LaneAccount;
use whence_core::journal::{self, Block, BlockId, LaneOptions, LaneReader, LaneWriter, Seq};
use whence_core::ship::{
    self, DeliverError, Records, Settings, ShipError, ShipMetrics, Shipping, Sink,
};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Times so short that a test waits for nothing.
pub(crate) fn quick() -> Settings {
    Settings {
        gather: Duration::from_millis(5),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(10),
        refused_for: Duration::from_millis(20),
        disputed_for: Duration::from_millis(60),
        look: Duration::from_millis(20),
        report: Duration::from_millis(20),
        observe: Duration::from_millis(10),
        ..Settings::default()
    }
}

/// Small segments, in a cap that leaves `max_bytes / 4` for what is set aside.
pub(crate) fn options() -> LaneOptions {
    LaneOptions {
        segment_bytes: 1 << 20,
        max_bytes: 16 << 20,
        max_record_bytes: 1000,
        ..LaneOptions::default()
    }
}

pub(crate) fn lane(dir: &Path) -> (LaneWriter, LaneReader) {
    journal::open(&dir.join("lane-0"), options()).unwrap()
}

pub(crate) fn append(writer: &mut LaneWriter, from: u64, to: u64) -> Vec<Vec<u8>> {
    let payloads: Vec<_> = (from..to).map(|n| n.to_le_bytes().to_vec()).collect();
    for payload in &payloads {
        writer.append(payload).unwrap();
    }
    payloads
}

/// What becomes of a block, by its first record.
type Answer = dyn Fn(&Block) -> Result<(), DeliverError> + Send + Sync;

/// Answers as it is told, and remembers.
pub(crate) struct Other {
    pub(crate) answer: Mutex<Box<Answer>>,
    /// Every block that was offered.
    pub(crate) offered: Mutex<Vec<Block>>,
    /// The records that it has; the same block counts once.
    pub(crate) taken: Mutex<BTreeMap<Seq, Vec<u8>>>,
    /// Whether accounts are taken.
    pub(crate) takes_accounts: Mutex<bool>,
    pub(crate) accounts: Mutex<Vec<LaneAccount>>,
}

impl Other {
    pub(crate) fn new(
        answer: impl Fn(&Block) -> Result<(), DeliverError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answer: Mutex::new(Box::new(answer)),
            offered: Mutex::default(),
            taken: Mutex::default(),
            takes_accounts: Mutex::new(true),
            accounts: Mutex::default(),
        })
    }

    pub(crate) fn answers(
        &self,
        answer: impl Fn(&Block) -> Result<(), DeliverError> + Send + Sync + 'static,
    ) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    /// The payloads, in the order of their numbers.
    pub(crate) fn payloads(&self) -> Vec<Vec<u8>> {
        self.taken.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn offers(&self) -> Vec<BlockId> {
        let offered = self.offered.lock().unwrap();
        offered.iter().map(Block::id).collect()
    }
}

impl Sink for Other {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        self.offered.lock().unwrap().push(block.clone());
        (self.answer.lock().unwrap())(block)?;
        let records = block.records();
        let records = records.map(|(seq, payload)| (seq, payload.to_vec()));
        self.taken.lock().unwrap().extend(records);
        Ok(())
    }

    async fn account(&self, accounts: &[LaneAccount]) -> Result<(), DeliverError> {
        if !*self.takes_accounts.lock().unwrap() {
            return Err(DeliverError::Retry("away".into()));
        }
        self.accounts.lock().unwrap().extend_from_slice(accounts);
        Ok(())
    }
}

/// A shipper that runs.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), ShipError>>,
    registry: Registry,
}

impl Running {
    pub(crate) fn start(reader: LaneReader, sink: &Arc<impl Sink>, settings: Settings) -> Self {
        Self::with_drain(reader, sink, settings, Duration::from_secs(5))
    }

    pub(crate) fn with_drain(
        reader: LaneReader,
        sink: &Arc<impl Sink>,
        settings: Settings,
        drain: Duration,
    ) -> Self {
        let mut registry = Registry::default();
        let shipping = Shipping {
            service: "redirector",
            records: Records::Clicks,
            sink: Arc::clone(sink),
            metrics: ShipMetrics::register(&mut registry),
            settings,
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(ship::run(reader, shipping, stop.clone(), drain));
        Self {
            stop,
            task,
            registry,
        }
    }

    /// Stops and waits for the drain.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.task).await;
        ended.unwrap().unwrap().unwrap();
    }

    pub(crate) fn tell_to_stop(&self) {
        self.stop.cancel();
    }

    /// Ends it as a crash would, at whatever it waits for.
    pub(crate) async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// The value of a figure.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = line.unwrap_or_else(|| panic!("{name} in {text}"));
        value.parse().unwrap()
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"));
}
