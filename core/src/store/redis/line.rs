//! The line over which Redis says what was changed, by this process or any other.
//!
//! One connection of its own, with `CLIENT TRACKING ON BCAST` on the prefixes that caches hold, which
//! costs the server no memory. A push names one key or several, or none when all were flushed. While
//! the line is down changes are missed, so that [`Change::Everything`] is sent when it breaks and
//! again when it stands. A line that is up but dead is found by asking it. Forgetting does not
//! belong here: whoever caches does that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, RedisError, RedisResult, Value, cmd};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{info, warn};

use super::address::Address;
use super::commands::{ANSWER, CONNECT, Commands};
use super::keys::{self, Written};
use crate::store::{Change, StoreError};

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

/// The line, open until it is dropped.
pub(super) struct Line {
    up: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Line {
    /// Opens the line; what changes after this returns is told.
    pub(super) async fn open(
        address: Address,
        commands: Commands,
        changes: broadcast::Sender<Change>,
    ) -> Result<Self, StoreError> {
        let subscription = Subscription::open(&address)
            .await
            .map_err(|error| address.unavailable(error))?;
        let up = Arc::new(AtomicBool::new(true));
        let keeper = Keeper {
            address,
            commands,
            changes,
            up: Arc::clone(&up),
        };
        Ok(Self {
            up,
            task: tokio::spawn(keeper.keep(subscription)),
        })
    }

    /// Whether changes are heard now.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection with tracking on, and what is pushed over it.
struct Subscription {
    connection: MultiplexedConnection,
    pushes: mpsc::Receiver<PushInfo>,
    /// Set when a push found no room among [`PUSHES`].
    missed: Arc<AtomicBool>,
}

impl Subscription {
    async fn open(address: &Address) -> RedisResult<Self> {
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
        let mut connection = address
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
    address: Address,
    commands: Commands,
    changes: broadcast::Sender<Change>,
    up: Arc<AtomicBool>,
}

impl Keeper {
    async fn keep(self, mut subscription: Subscription) {
        loop {
            let reason = self.follow(&mut subscription).await;
            self.up.store(false, Ordering::Release);
            warn!(redis = %self.address, reason, "the line that brings link changes broke");
            self.tell(Change::Everything);
            // Closed before the next is opened, so that nothing of the old one is taken for new.
            drop(subscription);
            subscription = self.reopen().await;
            self.up.store(true, Ordering::Release);
            info!(redis = %self.address, "the line that brings link changes stands again");
            self.tell(Change::Everything);
        }
    }

    async fn reopen(&self) -> Subscription {
        let mut pause = FIRST_PAUSE;
        loop {
            match Subscription::open(&self.address).await {
                Ok(subscription) => return subscription,
                Err(_) => sleep(pause).await,
            }
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
        match self
            .commands
            .ask::<Vec<String>>(cmd("SMEMBERS").arg(keys::domains(workspace)))
            .await
        {
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
