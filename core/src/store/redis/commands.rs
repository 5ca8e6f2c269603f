//! The connection that commands go over: bounded in time, made again when it breaks.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Cmd, FromRedisValue, RedisError, RedisResult, cmd};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::address::Address;
use crate::store::{StoreError, from_json};

/// How long connecting may take: a handshake across an ocean with one packet lost.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take: a thousand times what Redis needs, and as long as a person waits.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// How long a command may take with connecting anew and asking a second time.
const COMMAND: Duration = Duration::from_secs(3);

/// Sets a key that still holds what was read.
const REPLACE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                       redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0";
/// Deletes a key that still holds what was read.
const REMOVE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                      return redis.call('DEL', KEYS[1]) end return 0";

/// Sends commands over one connection that all callers share.
#[derive(Clone)]
pub(super) struct Commands {
    manager: ConnectionManager,
    address: Address,
}

impl Commands {
    /// Connects, so that a wrong address or password shows at once.
    pub(super) async fn connect(address: &Address) -> Result<Self, StoreError> {
        // No retries within: whoever waits would wait for all of them. The next command tries anew.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let manager = ConnectionManager::new_with_config(address.client.clone(), config)
            .await
            .map_err(|error| address.unavailable(error))?;
        Ok(Self {
            manager,
            address: address.clone(),
        })
    }

    /// Sends a command that changes nothing, and again where the line broke under it.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.ask_redis(command)
            .await
            .map_err(|error| self.address.unavailable(error))
    }

    /// Sends a command that changes something, and again only where it cannot have been sent: one
    /// whose answer was lost may have been done.
    pub(super) async fn tell<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let answer = self.send(command, RedisError::is_connection_refusal).await;
        answer.map_err(|error| self.address.unavailable(error))
    }

    /// The bytes at a key.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask_redis(cmd("GET").arg(key))
            .await
            .map_err(|error| match error.code() {
                Some("WRONGTYPE") => StoreError::Unreadable {
                    key: key.into(),
                    reason: "it is a collection, not a value".into(),
                },
                _ => self.address.unavailable(error),
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

    /// Sets a key; false where it is set already.
    pub(super) async fn set_new(&self, key: &str, value: &[u8]) -> Result<bool, StoreError> {
        self.tell(cmd("SET").arg(key).arg(value).arg("NX")).await
    }

    /// Sets a key that still holds `old`; false where it holds something else by now.
    pub(super) async fn replace(
        &self,
        key: &str,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, StoreError> {
        self.tell(cmd("EVAL").arg(REPLACE).arg(1).arg(key).arg(old).arg(new))
            .await
    }

    /// Deletes a key that still holds `old`; false where it holds something else by now.
    pub(super) async fn remove(&self, key: &str, old: &[u8]) -> Result<bool, StoreError> {
        self.tell(cmd("EVAL").arg(REMOVE).arg(1).arg(key).arg(old))
            .await
    }

    /// The store is unavailable, and this is why.
    pub(super) fn unavailable(&self, reason: &str) -> StoreError {
        self.address.unavailable(reason)
    }

    async fn ask_redis<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        self.send(command, |error| {
            error.is_connection_dropped() || error.is_connection_refusal()
        })
        .await
    }

    /// Sends a command. A line found broken is made anew for the next sending, which is why one that
    /// fails with `again` is sent a second time: else the first command after every outage would fail.
    async fn send<T: FromRedisValue>(
        &self,
        command: &Cmd,
        again: impl Fn(&RedisError) -> bool,
    ) -> RedisResult<T> {
        let send_twice = async {
            let mut manager = self.manager.clone();
            match command.query_async(&mut manager).await {
                Err(error) if again(&error) => command.query_async(&mut manager).await,
                answer => answer,
            }
        };
        match timeout(COMMAND, send_twice).await {
            Ok(answer) => answer,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }
}
