//! The child process: its options, its start and its end.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use whence_core::secret::Secret;

use super::library::{self, LibraryError};
use super::lock::{self, LockError};
use super::pool::{BootError, Pool};
use super::request::Account;
use super::server::Server;

/// The variable that holds the password, so that it never stands on a command line; the key of
/// the configuration file that means the same.
pub const PASSWORD_VARIABLE: &str = "WHENCE_CLICKHOUSE__PASSWORD";
/// What stands before the address in the line that says the engine is ready.
pub(super) const READY_LINE: &str = "listening on http://";
/// How long to wait for an engine that is on its way out of the same directory: more than the
/// deadline that it has once its parent is gone.
const LOCK_PATIENCE: Duration = Duration::from_secs(15);
/// How long queries may go on once the parent is gone: its own requests are gone with it.
const ORPHAN_DRAIN: Duration = Duration::from_secs(2);
/// Threads for connections; statements have threads of their own.
const WORKERS: usize = 2;
/// Blocking threads beside those for statements: for stopping some, and for files.
const SPARE_THREADS: usize = 8;

/// Options of the engine's process.
#[derive(Args, Clone, Debug)]
pub struct EngineArgs {
    /// Directory of the data; made when it is missing
    #[arg(long)]
    pub path: PathBuf,
    /// Address of the HTTP interface; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8123")]
    pub listen: SocketAddr,
    /// Name of the one user; the password is in WHENCE_CLICKHOUSE__PASSWORD
    #[arg(long, default_value = "default")]
    pub user: String,
    /// libchdb.so; by default WHENCE_EMBEDDED__LIBRARY, else what `npm ci` has installed
    #[arg(long)]
    pub library: Option<PathBuf>,
    /// Statements that run at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub connections: u16,
    /// Requests that wait for one of them; more are answered 503
    #[arg(long, default_value_t = 64)]
    pub queue: u16,
    /// Seconds that running queries have to end on SIGTERM
    #[arg(long, default_value_t = 10)]
    pub drain_seconds: u16,
    /// Obey standard input instead of signals: a line stops, its end says that the parent is gone
    #[arg(long, hide = true)]
    pub exit_with_parent: bool,
}

/// The engine's process could not start, or not end as it should.
#[derive(Debug, Error)]
pub enum ServeError {
    /// There is no library.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The data directory cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The engine did not boot.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused something that a process needs.
    #[error("cannot run: {0}")]
    System(#[from] io::Error),
}

/// Runs the engine until SIGTERM, SIGINT, or the end of the parent. Tells the address on standard
/// output when it is ready.
pub fn serve(args: EngineArgs, password: Secret) -> Result<(), ServeError> {
    let parent = take_stdin()?;
    // Below a relative path the engine opens its parts' directories under the path twice.
    let path = std::path::absolute(&args.path)?;
    let _lock = lock::lock(&path, LOCK_PATIENCE)?;
    let library = library::find(args.library.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(usize::from(args.connections) + SPARE_THREADS)
        .enable_all()
        .build()?;
    let listen = |source| ServeError::Listen {
        address: args.listen,
        source,
    };
    // Before the engine boots, so that a taken port is told at once; requests wait in the meantime.
    let listener = runtime
        .block_on(TcpListener::bind(args.listen))
        .map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let pool = Pool::boot(&library, &path, args.connections.into(), args.queue.into())?;
    let pool = Arc::new(pool);
    // Before anybody is told that it is ready: who knows may send one at once.
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        )
    };
    tracing::info!(version = %pool.about.version, library = %library.display(), "ClickHouse's engine is ready");
    println!("{READY_LINE}{address}");

    let server = Server {
        pool: Arc::clone(&pool),
        account: Account {
            user: args.user,
            password,
        },
    };
    let ended = runtime.block_on(async {
        let parent = watch_parent(parent.filter(|_| args.exit_with_parent));
        let drain = Duration::from_secs(args.drain_seconds.into());
        let stop = async move {
            let drain = tokio::select! {
                // A service manager may signal every process at once; a supervised child must
                // outlast the parent, which still has rows to store.
                _ = terminate.recv(), if !args.exit_with_parent => drain,
                _ = interrupt.recv(), if !args.exit_with_parent => drain,
                Ok(told) = parent => if told { drain } else { drain.min(ORPHAN_DRAIN) },
            };
            tracing::info!("stopping: queries have {drain:?} to end");
            drain
        };
        io::Result::Ok(server.serve(listener, stop).await)
    })?;
    // Every connection of the engine must be closed before the process ends, or it crashes on the
    // way out; those of statements are closed by their threads.
    runtime.shutdown_timeout(Duration::from_secs(2));
    match Arc::try_unwrap(pool) {
        Ok(pool) if ended => {
            drop(pool);
            Ok(())
        }
        _ => {
            tracing::warn!(
                "a query did not stop: ending at once, as after a power cut, which the data survive"
            );
            // An ordinary exit would tear the engine down under the query.
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
            Ok(())
        }
    }
}

/// Takes standard input away from the engine, some of whose functions read it, and keeps it for
/// `watch_parent`.
fn take_stdin() -> io::Result<Option<File>> {
    let stdin = io::stdin();
    let Ok(own) = rustix::io::fcntl_dupfd_cloexec(&stdin, 3) else {
        // It was closed already.
        return Ok(None);
    };
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(Some(own.into()))
}

/// Completes with true when the parent writes, which means "stop"; with false when the other end is
/// closed, which the system does however the parent dies.
fn watch_parent(parent: Option<File>) -> oneshot::Receiver<bool> {
    let (sender, word) = oneshot::channel();
    let Some(mut parent) = parent else {
        // Never completes: the receiver's `Ok` arm is what is waited for.
        drop(sender);
        return word;
    };
    std::thread::spawn(move || {
        let told = loop {
            match parent.read(&mut [0; 64]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.is_ok_and(|count| count > 0),
            }
        };
        let _ = sender.send(told);
    });
    word
}
