//! The engine and who may use it when: a bounded number of statements at a time, a bounded queue
//! before it, and a way to stop a statement that runs.
//!
//! Each statement gets a connection of its own, opened for it and closed after it: opening one costs
//! a fifth of a millisecond, and nothing that a request sets, uses or creates for itself can reach
//! the next one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{Connection, Parameters};
use super::exception::Exception;
use super::ffi::Api;

/// How long a request waits in the queue before it is told to come back: well below the time-outs
/// of clients, so that they learn the reason.
const QUEUE_WAIT: Duration = Duration::from_secs(20);
/// How often a statement that must stop is told so, until it has: it may not be running yet when
/// it is told first.
const KILL_AGAIN: Duration = Duration::from_millis(100);

/// What the engine said about itself at the start.
#[derive(Debug)]
pub(super) struct About {
    /// The version that `version()` gives.
    pub(super) version: String,
    /// The server's time zone.
    pub(super) timezone: String,
    /// The name of this machine.
    pub(super) display_name: String,
    /// Content types by the lower-case name of the format.
    content_types: HashMap<String, String>,
}

impl About {
    /// The content type of a format, as the engine has it.
    pub(super) fn content_type(&self, format: &str) -> &str {
        self.content_types
            .get(&format.to_ascii_lowercase())
            .map_or("text/plain; charset=UTF-8", String::as_str)
    }
}

/// The booted engine.
pub(super) struct Pool {
    api: &'static Api,
    path: String,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    /// Keeps the engine booted between requests, and stops statements.
    control: Mutex<Connection>,
    instance: u64,
    next: AtomicU64,
    /// Shared with every statement: none may start, go on or commit any more.
    stopping: Arc<AtomicBool>,
    /// What the engine said about itself.
    pub(super) about: About,
}

/// A statement's right to run, given back when it is dropped.
pub(super) struct Permit {
    _admitted: OwnedSemaphorePermit,
    _running: OwnedSemaphorePermit,
}

/// A statement that runs or is about to.
#[derive(Debug)]
pub(super) struct Run {
    /// What marks it among the engine's processes.
    pub(super) tag: String,
    stopped: AtomicBool,
    stopping: Arc<AtomicBool>,
    ended: AtomicBool,
}

impl Run {
    /// Whether the statement must not start, or not go on.
    pub(super) fn check(&self) -> Result<(), Exception> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(Exception::aborted("the engine is stopping"));
        }
        match self.stopped.load(Ordering::Acquire) {
            true => Err(Exception::cancelled("Query was cancelled")),
            false => Ok(()),
        }
    }

    /// Says that the statement runs from now on.
    pub(super) fn begin(&self) {
        self.ended.store(false, Ordering::Release);
    }

    /// Says that nothing of the statement runs any more.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

impl Pool {
    /// Boots the engine on a directory.
    pub(super) fn boot(
        library: &Path,
        directory: &Path,
        connections: usize,
        queue: usize,
    ) -> Result<Self, BootError> {
        let api = Api::load(library)?;
        Connection::keep_signal_handlers_out(api);
        let path = directory.to_str().ok_or(BootError::Path)?.to_owned();
        let mut control = Connection::open(api, &arguments(&path, "control", false))
            .map_err(|error| BootError::Engine(error.into()))?;
        let about = about(&mut control).map_err(BootError::Engine)?;
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(BootError::Random)?;
        Ok(Self {
            api,
            path,
            running: Arc::new(Semaphore::new(connections)),
            admitted: Arc::new(Semaphore::new(connections + queue)),
            control: Mutex::new(control),
            instance: u64::from_ne_bytes(seed),
            next: AtomicU64::new(0),
            stopping: Arc::default(),
            about,
        })
    }

    /// Waits for a right to run, within bounds.
    pub(super) async fn acquire(&self) -> Result<Permit, Exception> {
        let full = |what| {
            Exception::too_many_queries(format!(
                "Too many simultaneous queries: {what}; try again, or raise --connections"
            ))
        };
        let admitted = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| full("the queue is full"))?;
        match tokio::time::timeout(QUEUE_WAIT, Arc::clone(&self.running).acquire_owned()).await {
            Ok(Ok(running)) => Ok(Permit {
                _admitted: admitted,
                _running: running,
            }),
            Ok(Err(_closed)) => Err(Exception::aborted("the engine is stopping")),
            Err(_elapsed) => Err(full("no connection became free in time")),
        }
    }

    /// A name for the next statement.
    pub(super) fn run(&self) -> Arc<Run> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Arc::new(Run {
            tag: format!("whence-{:016x}-{number:016x}", self.instance),
            stopped: AtomicBool::new(false),
            stopping: Arc::clone(&self.stopping),
            ended: AtomicBool::new(true),
        })
    }

    /// A fresh session for one statement.
    pub(super) fn open(&self, run: &Run, read_only: bool) -> Result<Connection, Exception> {
        Connection::open(self.api, &arguments(&self.path, &run.tag, read_only))
    }

    /// Tells the engine to stop what is marked so. A statement that set `log_comment` in its own
    /// SETTINGS clause hides the mark, and ends by itself or by its `max_execution_time`.
    fn kill(&self, mark: &str) {
        let sql = format!("KILL QUERY WHERE startsWith(Settings['log_comment'], '{mark}') ASYNC");
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = control.query(sql.as_bytes(), "Null", &Parameters::default()) {
            tracing::warn!(%error, "could not stop a query");
        }
    }

    /// Stops every statement, for good.
    pub(super) fn kill_all(&self) {
        self.stopping.store(true, Ordering::Release);
        self.running.close();
        self.kill(&format!("whence-{:016x}-", self.instance));
    }
}

/// Stops its statement when it is dropped before the statement has ended: so a client that goes
/// away takes its query with it, wherever the request stood.
pub(super) struct StopOnDrop {
    pool: Arc<Pool>,
    run: Arc<Run>,
}

impl StopOnDrop {
    /// Guards a statement.
    pub(super) fn new(pool: Arc<Pool>, run: Arc<Run>) -> Self {
        Self { pool, run }
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if self.run.ended.load(Ordering::Acquire) {
            return;
        }
        self.run.stopped.store(true, Ordering::Release);
        let (pool, run) = (Arc::clone(&self.pool), Arc::clone(&self.run));
        tokio::spawn(async move {
            while !run.ended.load(Ordering::Acquire) {
                let (pool, mark) = (Arc::clone(&pool), run.tag.clone());
                let _ = tokio::task::spawn_blocking(move || pool.kill(&mark)).await;
                tokio::time::sleep(KILL_AGAIN).await;
            }
        });
    }
}

/// The engine did not boot.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The library cannot be used.
    #[error(transparent)]
    Load(#[from] super::ffi::LoadError),
    /// The engine refused.
    #[error("ClickHouse's engine did not start: {0}")]
    Engine(EngineText),
    /// The path of the data directory is not text.
    #[error("the path of the data directory is not UTF-8, which the engine needs")]
    Path,
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// What the engine said, in ClickHouse's words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineText(String);

impl From<Exception> for EngineText {
    fn from(exception: Exception) -> Self {
        Self(exception.to_string())
    }
}

/// What every session starts with.
fn arguments(path: &str, mark: &str, read_only: bool) -> Vec<String> {
    let mut arguments = vec![
        format!("--path={path}"),
        // How `kill` finds the statement.
        format!("--log_comment={mark}"),
        // The library turns these on for its own users; a server has them off.
        "--implicit_select=0".to_owned(),
        "--allow_introspection_functions=0".to_owned(),
        // An INSERT is answered when it is in the table: the engine's own queue is of no use to a
        // stream that pushes its blocks, and it is what others lost rows by.
        "--async_insert=0".to_owned(),
    ];
    if read_only {
        arguments.push("--readonly=2".to_owned());
    }
    arguments
}

fn about(control: &mut Connection) -> Result<About, EngineText> {
    let mut ask = |sql: &str| -> Result<Vec<Vec<String>>, EngineText> {
        let outcome = control.query(sql.as_bytes(), "TabSeparated", &Parameters::default())?;
        Ok(String::from_utf8_lossy(&outcome.body)
            .lines()
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect())
    };
    let own = ask("SELECT version(), timezone(), displayName()")?;
    let formats = ask("SELECT lower(name), content_type FROM system.formats WHERE is_output")?;
    let field = |at: usize| {
        own.first()
            .and_then(|row| row.get(at))
            .cloned()
            .unwrap_or_default()
    };
    Ok(About {
        version: field(0),
        timezone: field(1),
        display_name: field(2),
        content_types: formats
            .into_iter()
            .filter_map(|row| <[String; 2]>::try_from(row).ok())
            .map(|[name, content_type]| (name, content_type))
            .collect(),
    })
}
