//! What a cached link costs beside its own texts.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::edge::{Edge, Setting};
use crate::links::{self, DOMAIN, Kind};
use crate::median::rounded;
use crate::redis::Redis;

/// How many links the measure begins with: whatever a first link needs is there.
const FEW: u32 = 1_000;

/// What was found.
#[derive(Serialize)]
pub(super) struct Memory {
    /// How many links were cached at last.
    pub(super) links: u32,
    /// What they say of themselves: `domain/slug` and destination, on average.
    pub(super) text_bytes: f64,
    /// What each takes more than that, by the growth of the process's own memory.
    pub(super) overhead_bytes: f64,
    /// The same, by what the cache says that it holds.
    pub(super) overhead_counted_bytes: f64,
}

/// What a redirector takes with a number of links.
struct Taken {
    own_memory: f64,
    counted: f64,
}

/// Measures links that say where they lead and no more. The store is Redis, because a file's pages would be cached in
/// the same process. None where the near cache does not fill itself.
pub(super) async fn measure(dir: &Path, many: u32) -> Result<Option<Memory>> {
    let redis = Redis::start().await?;
    let store = whence_core::store::open(&redis.url()).await?;
    links::make(&store, 0..FEW, Kind::Plain).await?;
    let Some(before) = taken(dir, &redis, FEW).await.context("a few links")? else {
        return Ok(None);
    };
    links::make(&store, FEW..many, Kind::Plain).await?;
    let Some(after) = taken(dir, &redis, many).await.context("many links")? else {
        return Ok(None);
    };
    let added = f64::from(many - FEW);
    let texts: usize = (FEW..many)
        .map(|number| {
            DOMAIN.len() + 1 + links::slug(number).len() + links::destination(number).len()
        })
        .sum();
    let text_bytes = texts as f64 / added;
    let beside = |before: f64, after: f64| rounded((after - before) / added - text_bytes, 1);
    Ok(Some(Memory {
        links: many,
        text_bytes: rounded(text_bytes, 1),
        overhead_bytes: beside(before.own_memory, after.own_memory),
        overhead_counted_bytes: beside(before.counted, after.counted),
    }))
}

async fn taken(dir: &Path, redis: &Redis, links: u32) -> Result<Option<Taken>> {
    let url = redis.url();
    let edge = Edge::start(&Setting {
        data_dir: &dir.join(format!("memory-{links}")),
        store: Some(&url),
        threads: 1,
        cache_megabytes: crate::edge::megabytes_for(links),
        certificates: None,
        counts: None,
    })
    .await?;
    if edge.warm(links).await?.is_none() {
        return Ok(None);
    }
    let taken = Taken {
        own_memory: edge.server.own_memory()? as f64,
        counted: edge.figures().await?.cached_bytes as f64,
    };
    edge.stop()?;
    Ok(Some(taken))
}
