//! The shape of a service: it is bound to its ports, then it runs until it is told to stop.
//!
//! One process for all services or one for each is only a question of who calls these; what a service
//! does between start and stop is its own crate's business.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::config::Config;
use crate::journal::{OpenError, Poisoned, ReadError};
use crate::process::{self, Failure, Flags};
use crate::ship::ShipError;
use crate::store::{self, LinkStore};

/// How long a service waits for a link store that is not there yet: longer than a Redis takes to load a
/// large file, shorter than an operator takes to wonder.
const STORE_PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two tries.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// A service that has bound its ports and not yet answered.
pub trait Service: Sized + Send + 'static {
    /// Its name in logs.
    const NAME: &'static str;

    /// Checks the configuration, opens what the service needs, and binds its ports.
    fn bind(
        config: &Config,
        store: Arc<dyn LinkStore>,
    ) -> impl Future<Output = Result<Self, StartError>> + Send;

    /// Where it answers the world.
    fn address(&self) -> SocketAddr;

    /// Where its admin port answers.
    fn admin_address(&self) -> SocketAddr;

    /// Serves until `shutdown`, then answers what is under way, ships what it can, and returns.
    fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = Result<(), RunError>> + Send;
}

/// Why a service did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A key of the configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// A port cannot be bound.
    #[error("{key} {address}: {source}")]
    Bind {
        /// The key that names it.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A journal lane cannot be opened.
    #[error("journal: {0}")]
    Journal(#[from] OpenError),
    /// What a journal lane holds cannot be read back.
    #[error("journal: {0}")]
    Backlog(#[from] ReadError),
    /// The journal's directory cannot be read.
    #[error("journal {path}: {source}")]
    JournalDir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why a service stopped by itself.
#[derive(Debug, Error)]
pub enum RunError {
    /// The journal can no longer be trusted, so neither can an answer.
    #[error(transparent)]
    Journal(#[from] Poisoned),
    /// The journal cannot be shipped.
    #[error(transparent)]
    Ship(#[from] ShipError),
    /// The admin port broke: nobody could tell any more how the service is.
    #[error("the admin port: {0}")]
    Admin(io::Error),
    /// A serving thread could not start, or ended.
    #[error("serving thread: {0}")]
    Thread(io::Error),
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(reason) => Self::Config(reason),
            error => Self::runtime(error),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::runtime(error)
    }
}

/// Binds a port, and says where: with port 0 the system chooses one.
pub async fn listen(
    key: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Bind {
        key,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// The `main` of a service that is a process of its own.
pub fn main<S: Service>(flags: &Flags) -> ExitCode {
    process::main(flags, async |config| {
        let store = open_store(&config.store_url()).await?;
        let service = S::bind(&config, store).await?;
        let (address, admin) = (service.address(), service.admin_address());
        tracing::info!(%address, %admin, "{} is ready", S::NAME);
        Ok(service.run(process::shutdown()).await?)
    })
}

/// Opens the link store, with patience: after a power cut a fleet starts in any order.
async fn open_store(url: &str) -> Result<Arc<dyn LinkStore>, Failure> {
    let deadline = Instant::now() + STORE_PATIENCE;
    loop {
        match store::open(url).await {
            Ok(store) => return Ok(store),
            Err(error) if Instant::now() > deadline => return Err(Failure::runtime(error)),
            Err(error) => tracing::warn!(%error, "waiting for the link store"),
        }
        sleep(STORE_PAUSE).await;
    }
}
