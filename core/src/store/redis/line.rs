//! The line over which a primary says what was changed, by this process or any other.
//!
//! One connection of its own, with `CLIENT TRACKING ON BCAST` on the prefixes that caches hold, which
//! costs the server no memory. A push names one key or several, or none when all were flushed. While
//! the line is down changes are missed, so that [`Change::Everything`] is sent when it breaks and
//! again when it stands. A line that is up but dead is found by asking it. Which primaries there are
//! belongs to [`lines`](super::lines), and forgetting to whoever caches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, RedisError, RedisResult, Value, cmd};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{info, warn};

use super::commands::{ANSWER, CONNECT, Commands};
use super::keys::{self, Written};
use super::topology::Primary;
use crate::store::Change;

/// How often the line is asked whether it lives; with [`ANSWER`], a dead one is found in two seconds.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// The first pause after a failed connection: a restart of Redis takes longer.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause, and so the longest a Redis that is back goes unnoticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Pushes that may wait while a workspace's domains are asked for.
const PUSHES: usize = 16 * 1024;
/// Above this a workspace's change is told as [`Change::Everything`], since telling each of its
/// domains would push other changes out of the receivers' channel.
const DOMAINS_TOLD: usize = 1000;

/// The line, kept until it is dropped.
pub(super) struct Line {
    /// Whom it leads to.
    pub(super) primary: Arc<Primary>,
    task: JoinHandle<()>,
}

impl Line {
    /// Keeps a line that stands.
    pub(super) fn keep(
        subscription: Subscription,
        primary: Arc<Primary>,
        commands: Commands,
        changes: broadcast::Sender<Change>,
    ) -> Self {
        primary.is_heard.store(true, Ordering::Release);
        let keeper = Keeper::new(&primary, commands, changes);
        let task = tokio::spawn(async move { keeper.keep(subscription).await });
        Self { primary, task }
    }

    /// Opens a line as soon as the primary lets it, and says so, since changes were missed till then.
    pub(super) fn open_and_keep(
        primary: Arc<Primary>,
        commands: Commands,
        changes: broadcast::Sender<Change>,
    ) -> Self {
        let keeper = Keeper::new(&primary, commands, changes);
        let task = tokio::spawn(async move {
            let subscription = keeper.reopen().await;
            keeper.keep(subscription).await;
        });
        Self { primary, task }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
        self.primary.is_heard.store(false, Ordering::Release);
    }
}

/// One connection with tracking on, and what is pushed over it.
pub(super) struct Subscription {
    connection: MultiplexedConnection,
    pushes: mpsc::Receiver<PushInfo>,
    /// Set when a push found no room among [`PUSHES`].
    missed: Arc<AtomicBool>,
}

impl Subscription {
    /// Connects and turns tracking on; what changes after this returns is told.
    pub(super) async fn open(primary: &Primary) -> RedisResult<Self> {
        let (sender, pushes) = mpsc::channel(PUSHES);
        let missed = Arc::new(AtomicBool::new(false));
        let missing = Arc::clone(&missed);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            .set_push_sender(move |push| {
                sender
                    .try_send(push)
                    .inspect_err(|_| missing.store(true, Ordering::Release))
            });
        let mut connection = primary
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let mut track = cmd("CLIENT");
        track.arg("TRACKING").arg("ON").arg("BCAST");
        for prefix in [keys::LINK, keys::DOMAIN, keys::WORKSPACE] {
            track.arg("PREFIX").arg(prefix);
        }
        track.exec_async(&mut connection).await?;
        Ok(Self {
            connection,
            pushes,
            missed,
        })
    }
}

/// Keeps the line up.
struct Keeper {
    primary: Arc<Primary>,
    commands: Commands,
    changes: broadcast::Sender<Change>,
}

impl Keeper {
    fn new(primary: &Arc<Primary>, commands: Commands, changes: broadcast::Sender<Change>) -> Self {
        Self {
            primary: Arc::clone(primary),
            commands,
            changes,
        }
    }

    async fn keep(self, mut subscription: Subscription) {
        loop {
            let reason = self.follow(&mut subscription).await;
            self.primary.is_heard.store(false, Ordering::Release);
            warn!(redis = %self.primary.node, reason, "the line that brings link changes broke");
            self.tell(Change::Everything);
            // Closed before the next is opened, so that nothing of the old one is taken for new.
            drop(subscription);
            subscription = self.reopen().await;
        }
    }

    async fn reopen(&self) -> Subscription {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Ok(subscription) = Subscription::open(&self.primary).await {
                self.primary.is_heard.store(true, Ordering::Release);
                info!(redis = %self.primary.node, "the line that brings link changes stands");
                self.tell(Change::Everything);
                return subscription;
            }
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Tells what is pushed until the line breaks, and then why it broke.
    async fn follow(&self, subscription: &mut Subscription) -> String {
        let Subscription {
            connection,
            pushes,
            missed,
        } = subscription;
        let dead = dead(connection);
        tokio::pin!(dead);
        loop {
            let push = tokio::select! {
                biased;
                push = pushes.recv() => push,
                error = &mut dead => return error.to_string(),
            };
            match push {
                None
                | Some(PushInfo {
                    kind: PushKind::Disconnection,
                    ..
                }) => return "disconnected".into(),
                Some(PushInfo {
                    kind: PushKind::Invalidate,
                    data,
                }) => self.tell_all(data).await,
                Some(_) => {}
            }
            if missed.swap(false, Ordering::AcqRel) {
                self.tell(Change::Everything);
            }
        }
    }

    /// One push: a list of keys, or nil for all of them.
    async fn tell_all(&self, data: Vec<Value>) {
        let keys = match data.into_iter().next() {
            Some(Value::Array(keys)) => keys,
            _ => return self.tell(Change::Everything),
        };
        for key in keys {
            match &key {
                Value::BulkString(key) => match keys::written(key) {
                    Written::Change(change) => self.tell(change),
                    Written::Workspace(id) => self.tell_domains(id).await,
                },
                _ => self.tell(Change::Everything),
            }
        }
    }

    /// What a redirect needs of a workspace is cached by domain, so each of its domains has changed.
    async fn tell_domains(&self, workspace: &str) {
        let key = keys::domains(workspace);
        let domains = cmd("SMEMBERS").arg(&key).to_owned();
        match self.commands.ask::<Vec<String>>(&key, &domains).await {
            Ok(domains) if domains.len() <= DOMAINS_TOLD => {
                domains
                    .into_iter()
                    .for_each(|domain| self.tell(Change::Domain(domain)));
            }
            _ => self.tell(Change::Everything),
        }
    }

    fn tell(&self, change: Change) {
        // An error means that nobody listens, as in a process without a redirector.
        let _ = self.changes.send(change);
    }
}

/// Asks the line whether it lives until it does not answer.
async fn dead(connection: &mut MultiplexedConnection) -> RedisError {
    loop {
        sleep(ASK_EVERY).await;
        if let Err(error) = cmd("PING").exec_async(connection).await {
            return error;
        }
    }
}
