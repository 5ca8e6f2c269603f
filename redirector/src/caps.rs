//! Counts clicks on links that have a cap, in the store: the only wait on the way of a click beside a
//! near-cache miss, and only for links that ask for it.
//!
//! A cap once reached is remembered where the link is, and goes with it: a link that is changed, or that comes
//! back from a backup, is asked about anew.

use std::num::NonZeroU64;
use std::sync::Arc;

use whence_core::store::{LinkStore, StoreError};

use crate::decide::Room;
use crate::target::Target;

/// The caps of all links.
pub(crate) struct Caps {
    store: Arc<dyn LinkStore>,
}

impl Caps {
    /// Caps as the store counts them.
    pub(crate) fn new(store: Arc<dyn LinkStore>) -> Self {
        Self { store }
    }

    /// Asks the store whether the link has a click left, and takes it if `takes`.
    pub(crate) async fn ask(
        &self,
        target: &Target,
        cap: NonZeroU64,
        takes: bool,
    ) -> Result<Room, StoreError> {
        let link = target.id();
        let left = match takes {
            true => self.store.count_click(link, cap).await?,
            false => self.store.clicks_counted(link).await? < cap.get(),
        };
        if left {
            return Ok(Room::Left);
        }
        if let Some(rich) = target.rich() {
            rich.use_up();
        }
        Ok(Room::UsedUp)
    }
}
