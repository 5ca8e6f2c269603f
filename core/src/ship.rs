//! Ships a lane: takes its sealed blocks in order, delivers each until it has arrived, then frees it.
//!
//! Where to, is the [`Sink`]'s business: redirectors deliver to ingest, ingest to ClickHouse. Nothing is
//! ever given up here: a block that does not arrive stays in the journal and is offered again, and one
//! that is refused for good, over and over, is set [`aside`] so that those behind it go on.
//!
//! ```text
//! shipper.rs    the loop: seal, deliver, free; and what was set aside and is to be sent again
//! refusals.rs   when a block has been refused often enough
//! aside.rs      blocks that were set aside, as files
//! shelf.rs      what the shipper knows of them
//! books.rs      what the lane's account will say
//! reports.rs    sends it
//! ages.rs       how old the oldest record is that has not arrived
//! metrics.rs    the figures
//! ```

mod ages;
pub mod aside;
mod books;
mod metrics;
mod refusals;
mod reports;
mod settings;
mod shelf;
mod shipper;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::account::LaneAccount;
use crate::journal::{AckError, Block, LaneReader, ReadError};

pub use metrics::ShipMetrics;
pub use settings::Settings;

/// Why a block has not arrived.
#[derive(Debug)]
pub enum DeliverError {
    /// The other side is away or busy, or an older version; the same block may arrive later.
    Retry(String),
    /// The other side will not have this block, wherever it was asked: it says of the block itself what it
    /// will say again.
    Refused(String),
    /// Somewhere it was refused for good, elsewhere nobody could be asked or it may yet be taken.
    Disputed(String),
}

impl DeliverError {
    /// What the other side said.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry(reason) | Self::Refused(reason) | Self::Disputed(reason) => reason,
        }
    }
}

impl fmt::Display for DeliverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(reason) => f.write_str(reason),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::Disputed(reason) => write!(f, "refused by some: {reason}"),
        }
    }
}

/// Where blocks go. Delivering the same block twice must count once.
pub trait Sink: Send + Sync + 'static {
    /// Answers once the block is where it should be, for good. One call is one try wherever it may go.
    fn deliver(&self, block: &Block) -> impl Future<Output = Result<(), DeliverError>> + Send;

    /// Answers once what lanes say of themselves is where audits find it.
    fn account(
        &self,
        accounts: &[LaneAccount],
    ) -> impl Future<Output = Result<(), DeliverError>> + Send;
}

/// What the records of a lane are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Records {
    /// Clicks, as redirectors journal them.
    Clicks,
    /// Conversions, as ingest journals them.
    Conversions,
    /// Confirmations, as ingest journals them.
    Confirmations,
    /// Page events, as ingest journals them.
    PageEvents,
}

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clicks => "clicks",
            Self::Conversions => "conversions",
            Self::Confirmations => "confirmations",
            Self::PageEvents => "page events",
        })
    }
}

/// How a process ships its lanes.
#[derive(Debug)]
pub struct Shipping<S> {
    /// The service that writes them.
    pub service: &'static str,
    /// What is in them.
    pub records: Records,
    /// Where it goes.
    pub sink: Arc<S>,
    /// The figures.
    pub metrics: ShipMetrics,
    /// Sizes and times.
    pub settings: Settings,
}

impl<S> Clone for Shipping<S> {
    fn clone(&self) -> Self {
        Self {
            service: self.service,
            records: self.records,
            sink: Arc::clone(&self.sink),
            metrics: self.metrics.clone(),
            settings: self.settings.clone(),
        }
    }
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

/// Ships a lane until `stop`, then what is left in it for at most `drain`. What has not arrived by then
/// stays in the journal for the next start.
pub async fn run<S: Sink>(
    reader: LaneReader,
    shipping: Shipping<S>,
    stop: CancellationToken,
    drain: Duration,
) -> Result<(), ShipError> {
    let mut shipper = shipper::Shipper::open(reader, shipping).await;
    let reports = shipper.reports();
    tokio::select! {
        shipped = shipper.ship(&stop, drain) => shipped?,
        // Beside it in the same task: a report that is not taken holds up nothing.
        never = reports.keep() => match never {},
    }
    reports.last().await;
    Ok(())
}
