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
use whence_core::store::{LinkStore, StoreError, StoredLink};

use crate::cache::{Filled, Filling, Stamp};
use crate::resolve::Resolver;
use crate::target::Target;

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
        let (end, unreadable) = file(&resolver, &filling, waiting).await;
        // Where the cache was full first, the reading ends for want of somebody to read for.
        let unreadable = unreadable + reading.await.unwrap_or_default();
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
async fn read(store: &dyn LinkStore, parts: mpsc::Sender<Vec<StoredLink>>) -> usize {
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
                warn_of(&error);
            }
        }
    }
    unreadable
}

/// Puts links into the cache until there are no more, or it takes no more; says how it ended, and how many links
/// could not be read. Those of a host that cannot be looked up are left for when they are asked for.
async fn file(
    resolver: &Resolver,
    filling: &Filling,
    mut parts: mpsc::Receiver<Vec<StoredLink>>,
) -> (End, usize) {
    let mut unreadable = 0;
    let mut sites = Sites {
        resolver,
        numbers: HashMap::new(),
    };
    while let Some(part) = parts.recv().await {
        for stored in part {
            let target = match sites.target(&stored, filling.stamp).await {
                Ok(Some(target)) => target,
                // Nobody has claimed the host, or another workspace has: it answers nobody.
                Ok(None) => continue,
                Err(error) => {
                    unreadable += 1;
                    warn_of(&error);
                    continue;
                }
            };
            match resolver.fill(filling, target) {
                Filled::Kept | Filled::Passed => {}
                Filled::Full => return (End::Full, unreadable),
                Filled::Distrusted => return (End::Distrusted, unreadable),
            }
        }
    }
    (End::Complete, unreadable)
}

/// A workspace whose links were met on a host, and the number under which they are filed if it has claimed it.
type Owner = (Box<str>, Option<u32>);

/// On which site links stand.
struct Sites<'r> {
    resolver: &'r Resolver,
    /// Who was met on each host.
    numbers: HashMap<Box<str>, Vec<Owner>>,
}

impl Sites<'_> {
    /// The link as the cache holds it; none where it answers nobody.
    async fn target(
        &mut self,
        stored: &StoredLink,
        stamp: Stamp,
    ) -> Result<Option<Target>, StoreError> {
        // Most links are plain, and read at a fraction of what the others cost.
        if let Some(link) = stored.plain() {
            let number = self.number(link.domain, link.workspace).await;
            return Ok(number.map(|number| Target::plain(&link, number, stamp)));
        }
        let link = stored.link()?;
        let number = self.number(link.domain.as_str(), link.workspace.as_str());
        Ok(number.await.map(|number| Target::new(link, number, stamp)))
    }

    async fn number(&mut self, host: &str, workspace: &str) -> Option<u32> {
        let owners = self.numbers.get(host).map_or(&[][..], Vec::as_slice);
        if let Some((_, number)) = owners.iter().find(|(owner, _)| **owner == *workspace) {
            return *number;
        }
        let number = self.resolver.number(host, workspace).await;
        let number = number.unwrap_or_else(|error| {
            tracing::warn!(%error, %host, "a host could not be read to warm the near cache");
            None
        });
        let owners = self.numbers.entry(host.into()).or_default();
        owners.push((workspace.into(), number));
        number
    }
}

fn warn_of(error: &StoreError) {
    tracing::warn!(%error, "a link could not be read to warm the near cache");
}

#[cfg(test)]
mod tests;
