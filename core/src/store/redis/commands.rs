//! Sends commands to the primary that has their key: bounded in time, and led on where it has changed.
//!
//! The client library has a cluster connection of its own. It is not used because it sends a write
//! again whose answer was lost, which may then have been done twice, and because all its callers wait
//! while it asks a node that hangs.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind, cmd, pipe};
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::address::{Form, Node};
use super::topology::{Map, Primary, Topology};
use crate::store::{StoreError, StoredLink, from_json};

/// How long connecting may take: a handshake across an ocean with one packet lost.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take: a thousand times what Redis needs, and as long as a person waits.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// How long a command may take with connecting anew, being led on and asking a second time.
const COMMAND: Duration = Duration::from_secs(3);
/// How often a command is led on or put off: a moved slot, one that is moving, a primary in the change.
const LED_ON: usize = 6;
/// How long a command that nobody took waits for another primary.
const PUT_OFF: Duration = Duration::from_millis(200);

/// Sets a key that still holds what was read.
const REPLACE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                       redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0";
/// Deletes a key that still holds what was read.
const REMOVE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                      return redis.call('DEL', KEYS[1]) end return 0";

/// Sends commands over connections that all callers share.
#[derive(Clone)]
pub(super) struct Commands {
    topology: Arc<Topology>,
}

/// Where a command goes next.
enum Next {
    /// To whom the map says.
    ByMap,
    /// To the node that was named, which has the slot now.
    Moved(Node),
    /// To the node that was named, which is being given the slot.
    Asking(Node),
}

impl Commands {
    /// Reaches every primary, so that a wrong address or password shows at once.
    pub(super) async fn connect(topology: Arc<Topology>) -> Result<Self, StoreError> {
        let commands = Self { topology };
        commands.ping().await?;
        Ok(commands)
    }

    /// Asks every primary whether it answers.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        let map = self.topology.map();
        let pings = map.primaries.iter().map(async |primary| {
            let twice = async {
                match self.ping_one(primary).await {
                    Err(error) if is_broken(&error) => self.ping_one(primary).await,
                    answer => answer,
                }
            };
            match timeout(COMMAND, twice).await {
                Ok(answer) => answer,
                Err(_) => Err(timed_out()),
            }
        });
        try_join_all(pings).await.map(drop).map_err(|error| {
            self.topology.doubt();
            self.topology.address.unavailable(error)
        })
    }

    async fn ping_one(&self, primary: &Primary) -> RedisResult<()> {
        cmd("PING").exec_async(&mut primary.manager.clone()).await
    }

    /// Sends a command on one key that changes nothing, and again where the line broke under it.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        key: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.ask_redis(key, command)
            .await
            .map_err(|error| self.topology.address.unavailable(error))
    }

    /// Sends a command on one key that changes something, and again only where it cannot have been
    /// done: one whose answer was lost may have been.
    pub(super) async fn tell<T: FromRedisValue>(
        &self,
        key: &str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.send(key, command, RedisError::is_connection_refusal)
            .await
            .map_err(|error| self.topology.address.unavailable(error))
    }

    /// The bytes at a key.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask_redis(key, cmd("GET").arg(key))
            .await
            .map_err(|error| match error.code() {
                Some("WRONGTYPE") => StoreError::Unreadable {
                    key: key.into(),
                    reason: "it is a collection, not a value".into(),
                },
                _ => self.topology.address.unavailable(error),
            })
    }

    /// The value at a key.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        self.get(key)
            .await?
            .map(|json| from_json(key, &json))
            .transpose()
    }

    /// The link at a key, not yet read.
    pub(super) async fn get_stored(&self, key: &str) -> Result<Option<StoredLink>, StoreError> {
        self.get(key)
            .await?
            .map(|json| StoredLink::new(key, &json))
            .transpose()
    }

    /// The text at a key.
    pub(super) async fn get_text(&self, key: &str) -> Result<Option<String>, StoreError> {
        let unreadable = |e: std::string::FromUtf8Error| StoreError::Unreadable {
            key: key.into(),
            reason: e.utf8_error().to_string(),
        };
        self.get(key)
            .await?
            .map(|text| String::from_utf8(text).map_err(unreadable))
            .transpose()
    }

    /// Sets a key, whatever it holds.
    pub(super) async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.tell(key, cmd("SET").arg(key).arg(value)).await
    }

    /// Sets a key; false where it is set already.
    pub(super) async fn set_new(&self, key: &str, value: &[u8]) -> Result<bool, StoreError> {
        self.tell(key, cmd("SET").arg(key).arg(value).arg("NX"))
            .await
    }

    /// Sets a key that still holds `old`; false where it holds something else by now.
    pub(super) async fn replace(
        &self,
        key: &str,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, StoreError> {
        let mut eval = cmd("EVAL");
        eval.arg(REPLACE).arg(1).arg(key).arg(old).arg(new);
        self.tell(key, &eval).await
    }

    /// Deletes a key that still holds `old`; false where it holds something else by now.
    pub(super) async fn remove(&self, key: &str, old: &[u8]) -> Result<bool, StoreError> {
        self.tell(key, cmd("EVAL").arg(REMOVE).arg(1).arg(key).arg(old))
            .await
    }

    /// How its primaries are found.
    pub(super) fn form(&self) -> &Form {
        &self.topology.address.form
    }

    /// Who has what now.
    pub(super) fn map(&self) -> Arc<Map> {
        self.topology.map()
    }

    /// The store is unavailable, and this is why.
    pub(super) fn unavailable(&self, reason: impl std::fmt::Display) -> StoreError {
        self.topology.address.unavailable(reason)
    }

    async fn ask_redis<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> RedisResult<T> {
        self.send(key, command, is_broken).await
    }

    async fn send<T: FromRedisValue>(
        &self,
        key: &str,
        command: &Cmd,
        again: impl Fn(&RedisError) -> bool,
    ) -> RedisResult<T> {
        let answer = timeout(COMMAND, self.send_on(key, command, again)).await;
        match answer.unwrap_or_else(|_| Err(timed_out())) {
            Err(error) if error.is_io_error() => {
                self.topology.doubt();
                Err(error)
            }
            answer => answer,
        }
    }

    /// Sends a command. A line found broken is made anew for the next sending, which is why one that
    /// fails with `again` is sent a second time: else the first command after every outage would fail.
    /// One that was not taken is sent to whoever takes it.
    async fn send_on<T: FromRedisValue>(
        &self,
        key: &str,
        command: &Cmd,
        again: impl Fn(&RedisError) -> bool,
    ) -> RedisResult<T> {
        let (mut next, mut is_second) = (Next::ByMap, false);
        let mut led_on = 0;
        loop {
            let map = self.topology.map();
            let (primary, is_asking) = match &next {
                Next::ByMap => (map.at(key), false),
                Next::Moved(node) => (map.primary(node), false),
                Next::Asking(node) => (map.primary(node), true),
            };
            let error = match &primary {
                Some(primary) => match query(primary, command, is_asking).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                },
                None => nobody_has(key),
            };
            if again(&error) && !is_second {
                (next, is_second) = (Next::ByMap, true);
                continue;
            }
            led_on += 1;
            if led_on > LED_ON || self.topology.address.form == Form::Single {
                return Err(error);
            }
            next = match (error.kind(), &primary) {
                (ErrorKind::Server(kind), Some(primary)) => match kind {
                    ServerErrorKind::Moved | ServerErrorKind::Ask => {
                        let named = error.redirect_node();
                        match named.and_then(|(node, _)| primary.node.said_by(node)) {
                            Some(node) if kind == ServerErrorKind::Ask => Next::Asking(node),
                            Some(node) => Next::Moved(node),
                            None => return Err(error),
                        }
                    }
                    // Not taken, since the primary is one no longer or not yet.
                    ServerErrorKind::ReadOnly
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain => {
                        self.put_off(&map).await;
                        Next::ByMap
                    }
                    _ => return Err(error),
                },
                (_, None) => {
                    self.put_off(&map).await;
                    Next::ByMap
                }
                (_, Some(_)) => return Err(error),
            };
            if let Next::Moved(node) | Next::Asking(node) = &next {
                self.topology.doubt();
                if map.primary(node).is_none() {
                    self.put_off(&map).await;
                    if self.topology.map().primary(node).is_none() {
                        next = Next::ByMap;
                    }
                }
            }
        }
    }

    /// Waits for another map, for a moment.
    async fn put_off(&self, map: &Arc<Map>) {
        self.topology.next_map(map, PUT_OFF).await;
        // Where the map was newer already, whoever failed needs a moment nevertheless.
        sleep(PUT_OFF / 10).await;
    }
}

async fn query<T: FromRedisValue>(
    primary: &Primary,
    command: &Cmd,
    is_asking: bool,
) -> RedisResult<T> {
    let mut manager = primary.manager.clone();
    if !is_asking {
        return command.query_async(&mut manager).await;
    }
    let mut both = pipe();
    both.cmd("ASKING").ignore().add_command(command.clone());
    let (answer,) = both.query_async(&mut manager).await?;
    Ok(answer)
}

fn is_broken(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.is_connection_refusal()
}

fn timed_out() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

fn nobody_has(key: &str) -> RedisError {
    let reason = "no primary has the slot of this key";
    (ErrorKind::Client, reason, key.to_owned()).into()
}
