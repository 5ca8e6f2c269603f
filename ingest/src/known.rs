//! Workspaces and API keys, remembered for a moment: a conversion need not ask the link store each time,
//! and is not turned away while the store is down.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use whence_core::key::{ApiKey, KeyHash};
use whence_core::store::{LinkStore, StoreError};
use whence_core::workspace::{Workspace, WorkspaceId};

/// How long an answer of the store is believed: a key that was taken away works for so long.
const FRESH: Duration = Duration::from_secs(10);
/// How long it is believed while the store is down: a sale is worth more than a withdrawn key is harm.
const STALE: Duration = Duration::from_secs(3600);
/// How many are remembered of each: some hundred bytes each.
const REMEMBERED: usize = 4096;

/// The link store, as far as conversions ask it.
#[derive(Debug)]
pub(crate) struct Known {
    store: Arc<dyn LinkStore>,
    workspaces: Memory<WorkspaceId, Workspace>,
    keys: Memory<KeyHash, ApiKey>,
}

impl Known {
    /// In front of `store`.
    pub(crate) fn new(store: Arc<dyn LinkStore>) -> Self {
        Self {
            store,
            workspaces: Memory::new(),
            keys: Memory::new(),
        }
    }

    /// A workspace by its id.
    pub(crate) async fn workspace(
        &self,
        id: &WorkspaceId,
    ) -> Result<Option<Arc<Workspace>>, StoreError> {
        self.workspaces.get(id, self.store.workspace(id)).await
    }

    /// An API key by its hash.
    pub(crate) async fn key(&self, hash: KeyHash) -> Result<Option<Arc<ApiKey>>, StoreError> {
        self.keys.get(&hash, self.store.key(hash)).await
    }
}

/// Answers of the store, each with its time. Only what exists is remembered, so that strangers cannot
/// push it out with ids they make up.
#[derive(Debug)]
struct Memory<K, V>(Cache<K, (Instant, Arc<V>)>);

impl<K: Clone + Eq + Hash, V> Memory<K, V> {
    fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    async fn get(
        &self,
        key: &K,
        ask: impl Future<Output = Result<Option<V>, StoreError>>,
    ) -> Result<Option<Arc<V>>, StoreError> {
        let remembered = self.0.get(key);
        if let Some((at, value)) = &remembered
            && at.elapsed() < FRESH
        {
            return Ok(Some(Arc::clone(value)));
        }
        match ask.await {
            Ok(Some(value)) => {
                let value = Arc::new(value);
                self.0
                    .insert(key.clone(), (Instant::now(), Arc::clone(&value)));
                Ok(Some(value))
            }
            Ok(None) => {
                self.0.remove(key);
                Ok(None)
            }
            Err(error) => match remembered {
                Some((at, value)) if at.elapsed() < STALE => {
                    tracing::warn!(%error, "the link store is away; what it said before still holds");
                    Ok(Some(value))
                }
                _ => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Result<Option<u8>, StoreError> {
        Err(StoreError::Unavailable("down".into()))
    }

    #[tokio::test]
    async fn what_was_said_holds_while_the_store_is_away() {
        let memory = Memory::new();
        assert!(memory.get(&1, async { away() }).await.is_err());
        assert_eq!(memory.get(&1, async { Ok(None) }).await.unwrap(), None);
        assert_eq!(
            memory
                .get(&1, async { Ok(Some(5)) })
                .await
                .unwrap()
                .as_deref(),
            Some(&5)
        );
        // Fresh: the store is not asked.
        assert_eq!(
            memory
                .get(&1, async { unreachable!() })
                .await
                .unwrap()
                .as_deref(),
            Some(&5)
        );
        let age = |age| {
            memory
                .0
                .insert(1, (Instant::now().checked_sub(age).unwrap(), Arc::new(5)))
        };
        age(FRESH);
        assert_eq!(
            memory.get(&1, async { away() }).await.unwrap().as_deref(),
            Some(&5)
        );
        assert_eq!(
            memory
                .get(&1, async { Ok(Some(6)) })
                .await
                .unwrap()
                .as_deref(),
            Some(&6)
        );
        age(FRESH);
        assert_eq!(
            memory.get(&1, async { Ok(None) }).await.unwrap(),
            None,
            "gone for good"
        );
        assert!(memory.get(&1, async { away() }).await.is_err());
        age(STALE);
        assert!(memory.get(&1, async { away() }).await.is_err());
    }
}
