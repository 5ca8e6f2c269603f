//! Lets reports set the weights of variants: what converts better is shown to more people.
//!
//! Of each link with `variant_mode = bandit` the clicks of people on each variant are counted, and how many
//! of them converted, since its owner last changed it. With c of n converted and no opinion beforehand,
//! a variant's true rate is Beta(1 + c, 1 + n − c), and each variant is given visitors in proportion to
//! the probability that its rate is the highest of all: randomized probability matching (S. L. Scott,
//! "A modern Bayesian look at the multi-armed bandit", Applied Stochastic Models in Business and
//! Industry 26, 2010), the rule that W. R. Thompson proposed in Biometrika 25, 1933. [`posterior`] has the
//! integral, [`weights`] makes shares of it, [`evidence`] counts.
//!
//! What it does not know: conversions that are still to come. A click counts as unconverted until it has
//! converted, so variants that convert equally well but at different speed look different for as long
//! as that lasts.
//!
//! Any number of analytics processes may do this at once: the same evidence gives the same weights, and weights
//! that stand already are not pushed again.

mod evidence;
mod posterior;
mod weights;

use std::sync::Arc;
use std::time::Duration;

use whence_core::config::Config;
use whence_core::id::LinkId;
use whence_core::link::{Link, VariantMode};
use whence_core::store::{ChangeError, LinkStore, StoreError};
use whence_core::workspace::WorkspaceId;

use crate::metrics::Metrics;
use evidence::{Clicked, Evidence, EvidenceError};
use posterior::Tally;

/// Links that are asked for at once: few enough for a query's parameters, many enough that a workspace's
/// conversions are not read again and again.
const LINKS_AT_ONCE: usize = 100;
/// How far back a round looks for links at least, in seconds: clicks may be late by a while.
const LOOK_BACK: u64 = 3600;
/// A change of all weights by less than this many per mille is noise, and every push makes all near caches
/// forget the link.
const WORTH_A_PUSH: u32 = 10;

/// Why a round was not finished.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What learns.
#[derive(Debug)]
pub(crate) struct Bandit {
    store: Arc<dyn LinkStore>,
    evidence: Evidence,
    metrics: Metrics,
    every: Duration,
}

impl Bandit {
    /// The configured one; none where it is switched off.
    pub(crate) fn new(
        config: &Config,
        store: Arc<dyn LinkStore>,
        metrics: Metrics,
    ) -> Option<Self> {
        let every = Duration::from_secs(config.analytics.bandit_seconds);
        (!every.is_zero()).then(|| Self {
            store,
            evidence: Evidence::new(config, metrics.clone()),
            metrics,
            every,
        })
    }

    /// Learns for as long as it is polled.
    pub(crate) async fn run(self) {
        loop {
            tokio::time::sleep(self.every).await;
            match self.round().await {
                Ok(0) => {}
                Ok(pushed) => tracing::info!(pushed, "weights of variants have followed reports"),
                Err(error) => {
                    self.metrics.bandit_failures.inc();
                    tracing::warn!(%error, "weights of variants stay as they are");
                }
            }
        }
    }

    /// Looks at every link that somebody has clicked, and says how many got new weights.
    async fn round(&self) -> Result<u64, RoundError> {
        let look_back = self.every.as_secs().saturating_mul(2).max(LOOK_BACK);
        let mut clicked = self.evidence.clicked(look_back).await?;
        clicked.sort_unstable();
        let mut pushed = 0;
        for same in clicked.chunk_by(|a, b| a.workspace == b.workspace) {
            // What is no workspace's id was not written by us.
            let Ok(workspace) = same[0].workspace.parse() else {
                continue;
            };
            for some in same.chunks(LINKS_AT_ONCE) {
                match self.some_links(&workspace, some).await {
                    Ok(some) => pushed += some,
                    // What is wrong with some must not keep the others from learning.
                    Err(error) => {
                        self.metrics.bandit_failures.inc();
                        tracing::warn!(%workspace, %error, "some weights of variants stay as they are");
                    }
                }
            }
        }
        Ok(pushed)
    }

    async fn some_links(
        &self,
        workspace: &WorkspaceId,
        clicked: &[Clicked],
    ) -> Result<u64, RoundError> {
        let mut links = Vec::new();
        for Clicked { link_id, .. } in clicked {
            let found = self.store.link(workspace, LinkId(*link_id)).await?;
            links.extend(found.filter(|link| link.spec.variant_mode == VariantMode::Bandit));
        }
        if links.is_empty() {
            return Ok(0);
        }
        let tallies = self.evidence.of(workspace, &links).await?;
        let mut pushed = 0;
        for (link, tallies) in links.iter().zip(&tallies) {
            if let Some(weights) = learned(link, tallies) {
                pushed += u64::from(self.push(link, &weights).await?);
            }
        }
        Ok(pushed)
    }

    async fn push(&self, link: &Link, weights: &[u32]) -> Result<bool, RoundError> {
        let pushed = self
            .store
            .set_learned_weights(&link.workspace, link.id, link.revision, weights)
            .await;
        match pushed {
            Ok(()) => {
                self.metrics.bandit_pushes.inc();
                Ok(true)
            }
            // Changed or deleted in between: the evidence is of what it was.
            Err(
                ChangeError::NotFound | ChangeError::Revision { .. } | ChangeError::ExternalIdTaken,
            ) => Ok(false),
            Err(ChangeError::Store(error)) => Err(error.into()),
        }
    }
}

/// The weights that a link should have and has not; none where there is too little to go by.
fn learned(link: &Link, tallies: &[Tally]) -> Option<Vec<u32>> {
    let rested: Vec<bool> = link
        .spec
        .variants
        .iter()
        .map(|one| one.weight == 0)
        .collect();
    let weights = weights::of(tallies, &rested)?;
    let stand = link.learned_weights.len() == weights.len()
        && link
            .learned_weights
            .iter()
            .zip(&weights)
            .all(|(old, new)| old.abs_diff(*new) < WORTH_A_PUSH);
    (!stand).then_some(weights)
}
