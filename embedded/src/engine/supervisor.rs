//! The parent's side of the child process: start it, keep it running, stop it.
//!
//! The child notices the end of its parent by a pipe on its standard input, which the system closes
//! even after `kill -9`; and it holds a lock on the data directory, so that a new child waits for an
//! old one instead of working beside it.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use whence_core::config::Config;
use whence_core::secret::Secret;

use super::library;
use super::serve::{PASSWORD_VARIABLE, READY_LINE};

/// The first pause before a child that died is started again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(10);
/// A child that lived so long did not die of its start: the pauses begin anew.
const HEALTHY: Duration = Duration::from_secs(60);
/// Beyond the child's own deadline on stopping, before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Statements at once: the services of one machine keep a handful busy, and each may use all cores.
const CONNECTIONS: u16 = 8;
/// How long queries may take to end on stopping: reports have 30 s, but nobody waits for them then.
const DRAIN: Duration = Duration::from_secs(10);
/// The longest line that is forwarded from the child; the rest of it is cut.
const LONGEST_LINE: usize = 4096;

/// What to start.
#[derive(Clone, Debug)]
pub struct SupervisorOptions {
    /// The program, which has a subcommand `clickhouse`; usually the running one.
    pub program: PathBuf,
    /// Directory of the data.
    pub path: PathBuf,
    /// Address of the HTTP interface; port 0 takes a free one at the first start and keeps it.
    pub listen: SocketAddr,
    /// The one user.
    pub user: String,
    /// Its password; handed over in the child's environment.
    pub password: Secret,
    /// The engine's library, where it is not to be looked for.
    pub library: Option<PathBuf>,
    /// Statements that run at once.
    pub connections: u16,
    /// How long queries may take to end on stopping.
    pub drain: Duration,
}

/// The child could not be started.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// There is no library.
    #[error("{0}")]
    Library(String),
    /// The program cannot be run.
    #[error("cannot start {program}: {reason}")]
    Spawn {
        /// The program.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// The child ended before it was ready for the first time.
    #[error("the embedded ClickHouse did not start: {reason}")]
    Ended {
        /// The last thing that it said.
        reason: String,
    },
    /// It was stopped before it was ready.
    #[error("the embedded ClickHouse was stopped before it was ready")]
    Stopped,
}

/// Where the child stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It boots, for the first time or again.
    Starting,
    /// It answers.
    Ready {
        /// The address of its HTTP interface.
        url: String,
        /// Its process.
        pid: u32,
    },
    /// It is stopped, for good.
    Stopped,
    /// It could not be started.
    Failed(StartError),
}

/// A child that is kept running until this is stopped or dropped.
#[derive(Debug)]
pub struct Supervisor {
    configured: String,
    state: watch::Receiver<State>,
    stop: Option<oneshot::Sender<()>>,
    keeper: JoinHandle<()>,
}

impl SupervisorOptions {
    /// What the configuration says, with this program as the child.
    pub fn of(config: &Config) -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            path: config.data_dir().join("clickhouse"),
            listen: config.embedded.listen,
            user: config.clickhouse.user.clone(),
            password: config.clickhouse.password.clone(),
            library: config.embedded.library.clone(),
            connections: CONNECTIONS,
            drain: DRAIN,
        })
    }
}

impl Supervisor {
    /// Starts the child in the background, if there is a library for it.
    pub async fn start(options: SupervisorOptions) -> Result<Self, StartError> {
        library::find(options.library.clone())
            .map_err(|error| StartError::Library(error.to_string()))?;
        let configured = format!("http://{}", options.listen);
        let (sender, state) = watch::channel(State::Starting);
        let (stop, stopped) = oneshot::channel();
        let keeper = tokio::spawn(async move {
            let end = keep(options, &sender, stopped).await;
            sender.send_replace(end);
        });
        Ok(Self {
            configured,
            state,
            stop: Some(stop),
            keeper,
        })
    }

    /// The address of the HTTP interface: the one it answers at, else the one it was given.
    #[must_use]
    pub fn url(&self) -> String {
        match &*self.state.borrow() {
            State::Ready { url, .. } => url.clone(),
            State::Starting | State::Stopped | State::Failed(_) => self.configured.clone(),
        }
    }

    /// Where the child stands now.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Waits until the child answers, and gives the address; an error where it cannot be started.
    pub async fn wait_ready(&self) -> Result<String, StartError> {
        let mut state = self.state.clone();
        let known = state.wait_for(|state| *state != State::Starting).await;
        match known.as_deref() {
            Ok(State::Ready { url, .. }) => Ok(url.clone()),
            Ok(State::Failed(error)) => Err(error.clone()),
            Ok(State::Stopped | State::Starting) | Err(_) => Err(StartError::Stopped),
        }
    }

    /// Lets running queries end within the deadline, then stops the child.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.keeper).await;
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // The task owns the child, which is killed with it; after `stop` there is nothing left.
        self.keeper.abort();
    }
}

/// Runs one child after another, until told to stop or until the first never becomes ready.
async fn keep(
    mut options: SupervisorOptions,
    state: &watch::Sender<State>,
    mut stop: oneshot::Receiver<()>,
) -> State {
    let mut pause = FIRST_PAUSE;
    let mut was_ready = false;
    loop {
        state.send_replace(State::Starting);
        let since = Instant::now();
        let mut child = match spawn(&options) {
            Ok(child) => child,
            Err(error) if was_ready => {
                tracing::error!(%error, "cannot start the embedded ClickHouse again");
                if paused(&mut pause, since, &mut stop).await {
                    continue;
                }
                return State::Stopped;
            }
            Err(error) => {
                return State::Failed(StartError::Spawn {
                    program: options.program.display().to_string(),
                    reason: error.to_string(),
                });
            }
        };
        let pid = child.id().unwrap_or_default();
        // Waiting for a child closes its standard input, which would be the sign to end.
        let lifeline = child.stdin.take();
        let last_words = tokio::spawn(forward(child.stderr.take()));
        let mut ready = ready_line(child.stdout.take());
        let status = loop {
            tokio::select! {
                Ok(address) = &mut ready, if !matches!(*state.borrow(), State::Ready { .. }) => {
                    // A free port that was taken once is taken again, for the sake of the address.
                    options.listen = address;
                    was_ready = true;
                    state.send_replace(State::Ready { url: format!("http://{address}"), pid });
                }
                status = child.wait() => break status,
                _ = &mut stop => {
                    end(&mut child, lifeline, options.drain).await;
                    return State::Stopped;
                }
            }
        };
        let reason = last_words.await.ok().flatten();
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let reason = reason.map_or(how.clone(), |line| format!("{line} ({how})"));
        if !was_ready {
            return State::Failed(StartError::Ended { reason });
        }
        tracing::error!(%reason, ?pause, "the embedded ClickHouse ended: starting it again");
        if !paused(&mut pause, since, &mut stop).await {
            return State::Stopped;
        }
    }
}

/// Waits before the next start; false when told to stop.
async fn paused(pause: &mut Duration, since: Instant, stop: &mut oneshot::Receiver<()>) -> bool {
    if since.elapsed() > HEALTHY {
        *pause = FIRST_PAUSE;
    }
    let current = *pause;
    *pause = (current * 2).min(LAST_PAUSE);
    tokio::select! {
        () = tokio::time::sleep(current) => true,
        _ = stop => false,
    }
}

fn spawn(options: &SupervisorOptions) -> io::Result<Child> {
    let mut arguments: Vec<OsString> = vec!["clickhouse".into(), "--exit-with-parent".into()];
    for (name, value) in [
        ("--path", options.path.clone().into_os_string()),
        ("--listen", options.listen.to_string().into()),
        ("--user", options.user.clone().into()),
        ("--connections", options.connections.to_string().into()),
        (
            "--drain-seconds",
            options.drain.as_secs().to_string().into(),
        ),
    ] {
        arguments.extend([name.into(), value]);
    }
    if let Some(library) = &options.library {
        arguments.extend(["--library".into(), library.clone().into_os_string()]);
    }
    Command::new(&options.program)
        .args(arguments)
        .env(PASSWORD_VARIABLE, options.password.expose())
        // Held open: its end is the parent's, a line in it is the word to stop.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C goes to the parent alone, which stops the child when all who use it have ended.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Tells the child to end, and kills it when it does not.
async fn end(child: &mut Child, lifeline: Option<ChildStdin>, drain: Duration) {
    let mut lifeline = lifeline;
    if let Some(lifeline) = &mut lifeline {
        // A child that is gone has nothing to be told.
        let _ = lifeline.write_all(b"stop\n").await;
    }
    if tokio::time::timeout(drain + STOP_GRACE, child.wait())
        .await
        .is_err()
    {
        tracing::warn!("the embedded ClickHouse did not end in time: killing it");
        let _ = child.kill().await;
    }
}

/// The address in the line that says the child is ready; other lines are forwarded.
fn ready_line(
    stdout: Option<impl AsyncRead + Unpin + Send + 'static>,
) -> oneshot::Receiver<SocketAddr> {
    let (sender, ready) = oneshot::channel();
    tokio::spawn(async move {
        let mut sender = Some(sender);
        each_line(stdout, |line| {
            match line
                .strip_prefix(READY_LINE)
                .and_then(|address| address.parse().ok())
            {
                Some(address) => {
                    if let Some(sender) = sender.take() {
                        let _ = sender.send(address);
                    }
                }
                None => tracing::info!(target: "clickhouse", "{line}"),
            }
        })
        .await;
    });
    ready
}

/// Forwards what the child logs, and returns its last line.
async fn forward(stderr: Option<impl AsyncRead + Unpin>) -> Option<String> {
    let mut last = None;
    each_line(stderr, |line| {
        tracing::info!(target: "clickhouse", "{line}");
        last = Some(line.to_owned());
    })
    .await;
    last
}

async fn each_line(from: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(&str)) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        let Ok(available) = from.fill_buf().await else {
            return;
        };
        let ended = available.is_empty();
        let newline = available.iter().position(|&byte| byte == b'\n');
        let piece = &available[..newline.unwrap_or(available.len())];
        let room = LONGEST_LINE.saturating_sub(line.len());
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        let used = newline.map_or(available.len(), |at| at + 1);
        from.consume(used);
        if newline.is_some() || ended {
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() {
                take(text.trim());
            }
            line.clear();
        }
        if ended {
            return;
        }
    }
}
