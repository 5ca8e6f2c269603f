//! Fills the near cache when a redirector starts, so that it need not learn its links by making visitors
//! wait.
//!
//! The store's links are read once, in no order, until the cache is full; what is asked for meanwhile, and
//! what changes meanwhile, goes before. Where the line to the store broke meanwhile, they are read again from the
//! beginning. Readiness waits for this, but not for longer than is configured.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use whence_core::config::Cache as Settings;
use whence_core::link::{Host, Link};
use whence_core::store::LinkStore;
use whence_core::workspace::WorkspaceId;

use crate::cache::{Filled, Filling};
use crate::resolve::Resolver;

/// How many parts of the store's links may wait to be filed: reading and filing each keep a core busy.
const PARTS_WAITING: usize = 32;
/// How often the links are read: a line that breaks each time is not helped by reading more.
const TRIES: usize = 5;
/// How long the store is left in peace in between.
const PAUSE: Duration = Duration::from_millis(500);

/// How a warm-up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Every link was read.
    Complete,
    /// The cache is full.
    Full,
    /// Changes may have been missed: what was read is not to be believed any more.
    Distrusted,
}

/// Begins to fill the cache, among `side`, if that is wanted. What is given back ends when it is filled, or
/// when readiness has waited for it long enough. Whoever calls this follows the store's changes already.
pub(crate) fn begin(
    side: &mut JoinSet<()>,
    resolver: &Arc<Resolver>,
    store: &Arc<dyn LinkStore>,
    settings: &Settings,
) -> impl Future<Output = ()> + use<> {
    let (filled, done) = oneshot::channel::<()>();
    if settings.warm {
        let warming = warm(Arc::clone(resolver), Arc::clone(store));
        side.spawn(async move {
            let _filled = filled;
            warming.await;
        });
    } else {
        drop(filled);
    }
    let longest = Duration::from_millis(settings.warm_ms);
    async move {
        if timeout(longest, done).await.is_err() {
            tracing::info!(?longest, "ready before the near cache is warm");
        }
    }
}

async fn warm(resolver: Arc<Resolver>, store: Arc<dyn LinkStore>) {
    let start = Instant::now();
    for _ in 0..TRIES {
        let filling = resolver.filling();
        let (parts, waiting) = mpsc::channel(PARTS_WAITING);
        let reading = Arc::clone(&store);
        let reading = tokio::spawn(async move { read(&*reading, parts).await });
        let end = file(&resolver, &filling, waiting).await;
        // Where the cache was full first, the reading ends for want of somebody to read for.
        let unreadable = reading.await.unwrap_or_default();
        let (links, _, bytes) = resolver.size();
        let elapsed = start.elapsed();
        if end != End::Distrusted {
            tracing::info!(
                ?end,
                ?elapsed,
                links,
                bytes,
                unreadable,
                "the near cache is warm"
            );
            return;
        }
        tracing::info!(
            ?elapsed,
            links,
            "the line to the store broke while links were read"
        );
        sleep(PAUSE).await;
    }
    tracing::warn!("the near cache is not warm: the line to the store broke each time");
}

/// Reads links from the store for as long as somebody takes them; says how often it could not.
async fn read(store: &dyn LinkStore, parts: mpsc::Sender<Vec<Link>>) -> usize {
    let mut unreadable = 0;
    let mut links = store.every_link();
    while let Some(part) = links.next().await {
        match part {
            Ok(part) => {
                if parts.send(part).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                unreadable += 1;
                tracing::warn!(%error, "a link could not be read to warm the near cache");
            }
        }
    }
    unreadable
}

/// Puts links into the cache until there are no more, or it takes no more. Those of a host that cannot be looked
/// up are left for when they are asked for.
async fn file(resolver: &Resolver, filling: &Filling, mut parts: mpsc::Receiver<Vec<Link>>) -> End {
    let mut numbers: HashMap<Host, Vec<(WorkspaceId, Option<u32>)>> = HashMap::new();
    while let Some(part) = parts.recv().await {
        for link in part {
            let owners = numbers.get(&link.domain).map_or(&[][..], Vec::as_slice);
            let known = owners.iter().find(|(owner, _)| *owner == link.workspace);
            let number = match known {
                Some((_, number)) => *number,
                None => {
                    let number = resolver.number(link.domain.as_str(), &link.workspace);
                    let number = number.await.unwrap_or_else(|error| {
                        let host = &link.domain;
                        tracing::warn!(%error, %host, "a host could not be read to warm the near cache");
                        None
                    });
                    let owners = numbers.entry(link.domain.clone()).or_default();
                    owners.push((link.workspace.clone(), number));
                    number
                }
            };
            // Nobody has claimed the host, or another workspace has: it answers nobody.
            let Some(number) = number else {
                continue;
            };
            match resolver.fill(filling, number, link) {
                Filled::Kept | Filled::Passed => {}
                Filled::Full => return End::Full,
                Filled::Distrusted => return End::Distrusted,
            }
        }
    }
    End::Complete
}

#[cfg(test)]
mod tests;
