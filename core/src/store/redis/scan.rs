//! All links, read from every primary in parts.
//!
//! A connection of its own for each primary, so that no redirect's question waits behind a part. The
//! next keys are looked for while the links of the last ones are read.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult, Value, cmd, pipe};

use super::commands::{ANSWER, CONNECT, Commands};
use super::keys;
use super::topology::Primary;
use crate::link::Link;
use crate::store::{StoreError, from_json};

/// Keys looked at in one step: half a millisecond in which Redis does nothing else.
const LOOKED_AT: usize = 1000;
/// Links read at once, and so the most in a part.
const PART: usize = 256;

type Item = Result<Vec<Link>, StoreError>;

/// How far one primary has been read.
struct Scan<'a> {
    commands: &'a Commands,
    primary: Arc<Primary>,
    /// None before the first step.
    connection: Option<MultiplexedConnection>,
    /// Where to look for keys next; none at the end.
    cursor: Option<u64>,
    /// Keys that were found and not read yet.
    found: Vec<String>,
}

pub(super) fn every_link(commands: &Commands) -> BoxStream<'_, Item> {
    let primaries = commands.map().primaries.clone();
    stream::iter(primaries)
        .flat_map(|primary| {
            let scan = Scan {
                commands,
                primary,
                connection: None,
                cursor: Some(0),
                found: Vec::new(),
            };
            stream::unfold(Some(scan), async |scan| {
                let mut scan = scan?;
                match scan.step().await {
                    Ok(Some(items)) => Some((items, Some(scan))),
                    Ok(None) => None,
                    Err(error) => Some((vec![Err(scan.commands.unavailable(error))], None)),
                }
            })
            .flat_map(stream::iter)
        })
        .boxed()
}

impl Scan<'_> {
    /// A part of the links and what of it could not be read; none at the end.
    async fn step(&mut self) -> RedisResult<Option<Vec<Item>>> {
        let connection = match &self.connection {
            Some(connection) => connection.clone(),
            None => self.connect().await?,
        };
        if self.found.is_empty() && self.cursor.is_none() {
            return Ok(None);
        }
        let wanted = self.found.split_off(self.found.len().saturating_sub(PART));
        let cursor = self.cursor.filter(|_| self.found.len() < PART);
        let (looked, read) =
            futures::join!(look(connection.clone(), cursor), read(connection, &wanted));
        if let Some((next, keys)) = looked? {
            self.cursor = (next != 0).then_some(next);
            self.found.extend(keys);
        }
        let mut items = Vec::new();
        let mut links = Vec::with_capacity(wanted.len());
        for (key, value) in wanted.iter().zip(read?) {
            let read = match value {
                Ok(Value::BulkString(json)) => from_json(key, &json).map(Some),
                Ok(Value::Nil) => Ok(None),
                // The key has moved to another primary since it was found, or is no value.
                _ => self.commands.get_json(key).await,
            };
            match read {
                Ok(link) => links.extend(link),
                Err(error) => items.push(Err(error)),
            }
        }
        if !links.is_empty() {
            items.push(Ok(links));
        }
        Ok(Some(items))
    }

    async fn connect(&mut self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let client = &self.primary.client;
        let connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        self.connection = Some(connection.clone());
        Ok(connection)
    }
}

async fn look(
    mut connection: MultiplexedConnection,
    cursor: Option<u64>,
) -> RedisResult<Option<(u64, Vec<String>)>> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let mut scan = cmd("SCAN");
    scan.arg(cursor)
        .arg("MATCH")
        .arg(format!("{}*", keys::LINK));
    scan.arg("COUNT").arg(LOOKED_AT);
    scan.query_async(&mut connection).await.map(Some)
}

/// One `GET` for each key: in a cluster no command may have keys of several slots.
async fn read(
    mut connection: MultiplexedConnection,
    keys: &[String],
) -> RedisResult<Vec<RedisResult<Value>>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut gets = pipe();
    gets.ignore_errors();
    for key in keys {
        gets.cmd("GET").arg(key);
    }
    gets.query_async(&mut connection).await
}
