//! What every handler has at hand.

use std::sync::Arc;

use whence_core::config::{Analytics, Config};
use whence_core::store::LinkStore;

use crate::audit::route::Desk;
use crate::dashboard::SessionKey;
use crate::held::Held;
use crate::keys::Keys;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::reports::Warehouse;

/// The state that handlers share.
#[derive(Debug)]
pub(crate) struct Api {
    /// Links, domains, workspaces and keys.
    pub(crate) store: Arc<dyn LinkStore>,
    /// Keys that have just been seen.
    pub(crate) keys: Keys,
    /// What signs the sessions of the dashboard.
    pub(crate) sessions: SessionKey,
    /// How often a key may ask.
    pub(crate) limits: Limits,
    /// Clicks and conversions.
    pub(crate) warehouse: Warehouse,
    /// Clicks that were asked about.
    pub(crate) held: Held,
    /// The proof that they are all there.
    pub(crate) audits: Desk,
    /// The service's section of the configuration.
    pub(crate) config: Analytics,
    /// What is counted.
    pub(crate) metrics: Metrics,
}

impl Api {
    /// The state of a server with this configuration.
    pub(crate) fn new(config: &Config, store: Arc<dyn LinkStore>, metrics: Metrics) -> Self {
        let warehouse = Warehouse::new(config, metrics.clone());
        Self {
            keys: Keys::new(Arc::clone(&store)),
            store,
            sessions: SessionKey::of(config),
            limits: Limits::new(&config.analytics),
            held: Held::new(&config.analytics, warehouse.clone()),
            warehouse,
            audits: Desk::new(config),
            config: config.analytics.clone(),
            metrics,
        }
    }

    /// Forgets what is no longer needed. To be called each second.
    pub(crate) fn tidy(&self) {
        self.keys.tidy();
        self.limits.tidy();
        let held = self.held.tidy();
        self.metrics
            .held_bytes
            .set(i64::try_from(held).unwrap_or(i64::MAX));
    }
}
