//! All links, read from every primary in parts.
//!
//! A connection of its own for each primary, so that no redirect's question waits behind a part. While
//! some parts are on their way, the next keys are looked for.

use std::sync::Arc;

use futures::stream::{self, BoxStream, Stream, StreamExt};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, RedisResult, Value, cmd, pipe};

use super::address::Form;
use super::commands::{ANSWER, CONNECT, Commands};
use super::keys;
use super::topology::Primary;
use crate::store::{StoreError, StoredLink};

/// Keys looked at in one step: a millisecond in which Redis does nothing else.
const LOOKED_AT: usize = 2000;
/// Links read at once, and so the most in a part.
const PART: usize = 256;
/// Parts on their way at once from each primary: enough to hide the way to Redis and back.
const AT_ONCE: usize = 8;

type Item = Result<Vec<StoredLink>, StoreError>;

pub(super) fn every_link(commands: &Commands) -> BoxStream<'_, Item> {
    let primaries = commands.map().primaries.clone();
    stream::iter(primaries)
        .flat_map_unordered(None, |primary| of_primary(commands, primary).boxed())
        .boxed()
}

fn of_primary(commands: &Commands, primary: Arc<Primary>) -> impl Stream<Item = Item> {
    stream::once(connect(primary)).flat_map(|connected| match connected {
        Ok(connection) => parts(commands, connection).boxed(),
        Err(error) => stream::iter([Err(commands.unavailable(error))]).boxed(),
    })
}

fn parts(commands: &Commands, connection: MultiplexedConnection) -> impl Stream<Item = Item> {
    found(connection.clone())
        .map(move |found| {
            let (commands, connection) = (commands.clone(), connection.clone());
            // On a task of its own, so that it arrives while others are filed.
            let read = tokio::spawn(async move {
                match found {
                    Ok(keys) => read_part(&commands, connection, &keys).await,
                    Err(error) => vec![Err(commands.unavailable(error))],
                }
            });
            async {
                let stopping = || StoreError::Unavailable("the process is stopping".into());
                read.await.unwrap_or_else(|_| vec![Err(stopping())])
            }
        })
        .buffer_unordered(AT_ONCE)
        .flat_map(stream::iter)
}

/// The keys of all links, in stretches; ends at the first error.
fn found(connection: MultiplexedConnection) -> impl Stream<Item = RedisResult<Vec<String>>> {
    stream::unfold(Some(0_u64), move |cursor| {
        let mut connection = connection.clone();
        async move {
            let mut scan = cmd("SCAN");
            scan.arg(cursor?)
                .arg("MATCH")
                .arg(format!("{}*", keys::LINK));
            scan.arg("COUNT").arg(LOOKED_AT);
            let looked: RedisResult<(u64, Vec<String>)> = scan.query_async(&mut connection).await;
            Some(match looked {
                Ok((next, keys)) => {
                    let parts: Vec<_> = keys.chunks(PART).map(|part| Ok(part.to_vec())).collect();
                    (parts, (next != 0).then_some(next))
                }
                Err(error) => (vec![Err(error)], None),
            })
        }
    })
    .flat_map(stream::iter)
}

/// The links at these keys, and what could not be read of them.
async fn read_part(
    commands: &Commands,
    connection: MultiplexedConnection,
    keys: &[String],
) -> Vec<Item> {
    let values = match read(commands, connection, keys).await {
        Ok(values) => values,
        Err(error) => return vec![Err(commands.unavailable(error))],
    };
    let mut items = Vec::new();
    let mut links = Vec::with_capacity(keys.len());
    for (key, value) in keys.iter().zip(values) {
        let read = match value {
            Ok(Value::BulkString(json)) => StoredLink::new(key, &json).map(Some),
            // In a cluster it has moved since it was found; alone, it is gone or no value.
            _ => commands.get_stored(key).await,
        };
        match read {
            Ok(link) => links.extend(link),
            Err(error) => items.push(Err(error)),
        }
    }
    if !links.is_empty() {
        items.push(Ok(links));
    }
    items
}

/// In a cluster no command may have keys of several slots, so that it is asked for each by itself.
async fn read(
    commands: &Commands,
    mut connection: MultiplexedConnection,
    keys: &[String],
) -> RedisResult<Vec<Result<Value, RedisError>>> {
    if commands.form() != &Form::Cluster {
        let values: Vec<Value> = cmd("MGET").arg(keys).query_async(&mut connection).await?;
        return Ok(values.into_iter().map(Ok).collect());
    }
    let mut gets = pipe();
    gets.ignore_errors();
    for key in keys {
        gets.cmd("GET").arg(key);
    }
    gets.query_async(&mut connection).await
}

async fn connect(primary: Arc<Primary>) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER));
    let client = &primary.client;
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}
