//! API keys that have just been seen, so that a busy client does not cost a look-up each time.
//!
//! Only keys that exist are remembered: a stream of made-up ones can fill nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use whence_core::key::{ApiKey, KeyHash};
use whence_core::store::{LinkStore, StoreError};

/// How long a key is believed without asking again: the longest that a withdrawn key still works.
const BELIEVED: Duration = Duration::from_secs(5);

/// A cache in front of the store's keys.
#[derive(Debug)]
pub(crate) struct Keys {
    store: Arc<dyn LinkStore>,
    seen: Mutex<HashMap<KeyHash, (Instant, Arc<ApiKey>)>>,
}

impl Keys {
    /// A cache in front of this store.
    pub(crate) fn new(store: Arc<dyn LinkStore>) -> Self {
        Self {
            store,
            seen: Mutex::default(),
        }
    }

    /// The key with this hash.
    pub(crate) async fn find(&self, hash: KeyHash) -> Result<Option<Arc<ApiKey>>, StoreError> {
        if let Some(key) = self.remembered(hash) {
            return Ok(Some(key));
        }
        let found = self.store.key(hash).await?.map(Arc::new);
        if let Some(key) = &found {
            let fresh = (Instant::now(), Arc::clone(key));
            self.lock().insert(hash, fresh);
        }
        Ok(found)
    }

    /// Forgets keys that are no longer believed.
    pub(crate) fn tidy(&self) {
        self.lock()
            .retain(|_, (since, _)| since.elapsed() < BELIEVED);
    }

    fn remembered(&self, hash: KeyHash) -> Option<Arc<ApiKey>> {
        let seen = self.lock();
        let (since, key) = seen.get(&hash)?;
        (since.elapsed() < BELIEVED).then(|| Arc::clone(key))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<KeyHash, (Instant, Arc<ApiKey>)>> {
        // Whoever panicked with the lock left a whole map behind.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
