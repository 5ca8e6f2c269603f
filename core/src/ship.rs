//! Ships a lane: takes its sealed blocks in order, delivers each until it has arrived, then frees it.
//!
//! Where to, is the [`Sink`]'s business: redirectors deliver to ingest, ingest to ClickHouse. Nothing is
//! ever given up here: a block that is refused stays in the journal and is offered again.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::journal::{AckError, Backlog, Block, LaneReader, ReadError};

/// How long records gather before they are sealed: a click shows in a report within two seconds, and
/// ClickHouse is not worn down by tiny inserts.
const GATHER: Duration = Duration::from_millis(500);
/// The largest block, so that both ends can hold one in memory.
const BLOCK_BYTES: usize = 8 << 20;
/// The most records in a block: one insert of the size that ClickHouse likes.
const BLOCK_RECORDS: u32 = 50_000;
/// The first pause after a failure; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause: what a recovery is noticed after.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a block has not arrived.
#[derive(Debug)]
pub enum DeliverError {
    /// The other side is away or busy; the same block may arrive later.
    Retry(String),
    /// The other side will not have this block. Offered again all the same: a newer version of the
    /// other side may.
    Refused(String),
}

impl fmt::Display for DeliverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(reason) => f.write_str(reason),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
        }
    }
}

/// Where blocks go. Delivering the same block twice must count once.
pub trait Sink: Send + Sync + 'static {
    /// Answers once the block is where it should be, for good.
    fn deliver(&self, block: &Block) -> impl Future<Output = Result<(), DeliverError>> + Send;
}

/// The lane can no longer be read or freed: its journal is broken, and so is the process.
#[derive(Debug, Error)]
pub enum ShipError {
    /// No block could be sealed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A delivered block could not be freed.
    #[error(transparent)]
    Ack(#[from] AckError),
}

/// The figures of all lanes that a process ships.
#[derive(Clone, Debug, Default)]
pub struct ShipMetrics {
    blocks: Counter,
    records: Counter,
    failures: Counter,
    backlog_records: Gauge,
    backlog_bytes: Gauge,
}

impl ShipMetrics {
    /// Registers the figures.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "blocks_delivered",
            "Blocks that have arrived",
            metrics.blocks.clone(),
        );
        registry.register(
            "records_delivered",
            "Records that have arrived",
            metrics.records.clone(),
        );
        let failures = "Deliveries that failed and were tried again";
        registry.register("delivery_failures", failures, metrics.failures.clone());
        let records = "Records in the journal that have not arrived";
        registry.register(
            "journal_backlog_records",
            records,
            metrics.backlog_records.clone(),
        );
        let bytes = "Bytes in the journal that have not arrived";
        registry.register_with_unit(
            "journal_backlog",
            bytes,
            Unit::Bytes,
            metrics.backlog_bytes.clone(),
        );
        metrics
    }

    /// Moves the sums over all lanes by what has changed in one, so that they need no label for each.
    fn move_backlog(&self, last: &mut Backlog, now: Backlog) {
        let change = |last: u64, now: u64| now as i64 - last as i64;
        self.backlog_records
            .inc_by(change(last.records, now.records));
        self.backlog_bytes.inc_by(change(last.bytes, now.bytes));
        *last = now;
    }
}

/// Ships a lane until `stop`, then what is left in it for at most `drain`. What has not arrived by then
/// stays in the journal for the next start.
pub async fn run(
    mut reader: LaneReader,
    sink: Arc<impl Sink>,
    metrics: ShipMetrics,
    stop: CancellationToken,
    drain: Duration,
) -> Result<(), ShipError> {
    let mut last = Backlog::default();
    let mut expired = pin!(async {
        stop.cancelled().await;
        sleep(drain).await;
    });
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = sleep(GATHER) => false,
        };
        loop {
            let (back, block) =
                blocking(reader, |r| r.next_block(BLOCK_BYTES, BLOCK_RECORDS)).await;
            reader = back;
            metrics.move_backlog(&mut last, reader.backlog());
            let Some(block) = block? else { break };
            if !deliver(&block, &*sink, &metrics, &stop, expired.as_mut()).await {
                return Ok(());
            }
            let id = block.id();
            let (back, acked) = blocking(reader, move |r| r.ack(id)).await;
            reader = back;
            match acked {
                // The block is done; its file goes with the next.
                Err(error @ AckError::Remove { .. }) => tracing::warn!(%error, "journal"),
                acked => acked?,
            }
        }
        if stopping {
            return Ok(());
        }
    }
}

/// Delivers until the block has arrived; false when `expired` resolves first.
async fn deliver(
    block: &Block,
    sink: &impl Sink,
    metrics: &ShipMetrics,
    stop: &CancellationToken,
    mut expired: Pin<&mut impl Future<Output = ()>>,
) -> bool {
    if block.is_empty() {
        return true;
    }
    let mut pause = FIRST_PAUSE;
    loop {
        let result = tokio::select! {
            result = sink.deliver(block) => result,
            () = &mut expired => return false,
        };
        let Err(error) = result else {
            metrics.blocks.inc();
            metrics.records.inc_by(u64::from(block.count()));
            return true;
        };
        metrics.failures.inc();
        match error {
            DeliverError::Retry(_) => {
                tracing::warn!(block = %block.id(), %error, "block not delivered yet");
            }
            DeliverError::Refused(_) => {
                tracing::error!(block = %block.id(), %error, "block not delivered");
                pause = LONGEST_PAUSE;
            }
        }
        let was_stopped = stop.is_cancelled();
        tokio::select! {
            () = sleep(pause) => {}
            // A drain begins with a try, however long the pause was to be.
            () = stop.cancelled(), if !was_stopped => {}
            () = &mut expired => return false,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Sealing and acking sync to disk, which must not hold up a runtime's thread.
async fn blocking<T: Send + 'static>(
    mut reader: LaneReader,
    act: impl FnOnce(&mut LaneReader) -> T + Send + 'static,
) -> (LaneReader, T) {
    tokio::task::spawn_blocking(move || {
        let result = act(&mut reader);
        (reader, result)
    })
    .await
    .expect("the journal does not panic")
}
