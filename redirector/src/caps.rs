//! Counts clicks on links that have a cap, in the store: the only wait on the way of a click beside a
//! near-cache miss, and only for links that ask for it.
//!
//! A count only ever grows, so a cap once reached stays reached: it is remembered, and the store is not
//! asked again. A link that is given another cap is another entry.

use std::num::NonZeroU64;
use std::sync::Arc;

use quick_cache::sync::Cache;
use whence_core::id::LinkId;
use whence_core::store::{LinkStore, StoreError};

use crate::decide::Room;

/// How many used-up links are remembered: some 2 MB. For one that is forgotten the store is asked again.
const REMEMBERED: usize = 32 * 1024;

/// The caps of all links.
pub(crate) struct Caps {
    store: Arc<dyn LinkStore>,
    used_up: Cache<(LinkId, NonZeroU64), ()>,
}

impl Caps {
    /// Caps as the store counts them.
    pub(crate) fn new(store: Arc<dyn LinkStore>) -> Self {
        Self {
            store,
            used_up: Cache::new(REMEMBERED),
        }
    }

    /// What is known without asking the store.
    pub(crate) fn remembered(&self, link: LinkId, cap: NonZeroU64) -> Room {
        match self.used_up.get(&(link, cap)) {
            Some(()) => Room::UsedUp,
            None => Room::Unknown,
        }
    }

    /// Asks the store whether there is a click left, and takes it if `takes`.
    pub(crate) async fn ask(
        &self,
        link: LinkId,
        cap: NonZeroU64,
        takes: bool,
    ) -> Result<Room, StoreError> {
        let left = match takes {
            true => self.store.count_click(link, cap).await?,
            false => self.store.clicks_counted(link).await? < cap.get(),
        };
        if left {
            return Ok(Room::Left);
        }
        self.used_up.insert((link, cap), ());
        Ok(Room::UsedUp)
    }
}
