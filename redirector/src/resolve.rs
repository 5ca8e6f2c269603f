//! From host and slug to the link, as the redirect needs it: two near caches and the line over which
//! the store says what has changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use whence_core::click::bounds;
use whence_core::config::Cache;
use whence_core::domain::Domain;
use whence_core::store::{Change, LinkStore, StoreError};
use whence_core::workspace::Workspace;

use crate::cache::{Load, NearCache, Weight};
use crate::target::Target;

/// Memory for domains: a fleet's redirectors serve thousands of them, at some 300 bytes each.
const DOMAIN_BYTES: usize = 16 << 20;

/// A claimed host: the domain, and the workspace that has claimed it.
#[derive(Debug)]
pub(crate) struct Site {
    /// How it answers where no link does.
    pub(crate) domain: Domain,
    /// Whose it is.
    pub(crate) workspace: Workspace,
}

impl Weight for Arc<Site> {
    fn bytes(&self) -> usize {
        let document = |json: &Option<serde_json::Value>| {
            json.as_ref().map_or(0, |json| 2 * json.to_string().len())
        };
        let spec = &self.domain.spec;
        size_of::<Site>()
            + self.workspace.name.len()
            + document(&spec.apple_app_site_association)
            + document(&spec.asset_links)
            + spec.logo.as_ref().map_or(0, String::len)
            + spec
                .reserved
                .iter()
                .map(|slug| slug.as_str().len() + 24)
                .sum::<usize>()
    }
}

/// What stands at a host and slug.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The host, where somebody has claimed it.
    pub(crate) site: Option<Arc<Site>>,
    /// The link at the slug.
    pub(crate) target: Option<Arc<Target>>,
    /// Whether this is from memory while the store is away.
    pub(crate) stale: bool,
}

/// Finds links.
pub(crate) struct Resolver {
    links: Arc<NearCache<Links>>,
    domains: Arc<NearCache<Domains>>,
}

struct Links(Arc<dyn LinkStore>);

impl Load for Links {
    type Value = Arc<Target>;

    async fn load(&self, key: String) -> Result<Option<Arc<Target>>, StoreError> {
        let (domain, slug) = key.split_once('/').expect("keys are made by place()");
        let link = self.0.link_at(domain, slug).await?;
        Ok(link.map(|link| Arc::new(Target::from(link))))
    }
}

struct Domains(Arc<dyn LinkStore>);

impl Load for Domains {
    type Value = Arc<Site>;

    async fn load(&self, key: String) -> Result<Option<Arc<Site>>, StoreError> {
        let found = self.0.domain_at(&key).await?;
        Ok(found.map(|(domain, workspace)| Arc::new(Site { domain, workspace })))
    }
}

impl Resolver {
    /// A resolver with empty caches.
    pub(crate) fn new(store: &Arc<dyn LinkStore>, config: &Cache) -> Self {
        let ttl = Duration::from_millis(config.ttl_ms);
        let unknown = config.unknown_slugs;
        Self {
            links: NearCache::new(
                Links(Arc::clone(store)),
                config.megabytes << 20,
                unknown,
                ttl,
            ),
            domains: NearCache::new(Domains(Arc::clone(store)), DOMAIN_BYTES, unknown, ttl),
        }
    }

    /// What stands at `host` and `slug`.
    pub(crate) async fn place(&self, host: &str, slug: &str) -> Result<Place, Arc<StoreError>> {
        let domain = self.domains.get(host).await?;
        let Some(site) = domain.value else {
            return Ok(Place {
                site: None,
                target: None,
                stale: domain.stale,
            });
        };
        if slug.len() > bounds::SLUG {
            // No link is as long, and the cache need not remember that.
            return Ok(Place {
                site: Some(site),
                target: None,
                stale: domain.stale,
            });
        }
        let link = self.links.get(&format!("{host}/{slug}")).await?;
        // A link that was left behind when its domain went to another workspace is not there.
        let target = link
            .value
            .filter(|target| *target.workspace() == site.workspace.id);
        Ok(Place {
            site: Some(site),
            target,
            stale: domain.stale || link.stale,
        })
    }

    /// Forgets what changes, for as long as the store says so. The receiver must be older than the
    /// first look-up, or a change in between is missed.
    pub(crate) async fn follow(self: Arc<Self>, mut changes: Receiver<Change>) {
        loop {
            match changes.recv().await {
                Ok(Change::Link { domain, slug }) => self.links.forget(&format!("{domain}/{slug}")),
                Ok(Change::Domain(host)) => self.domains.forget(&host),
                Ok(Change::Everything) | Err(RecvError::Lagged(_)) => {
                    self.links.distrust_all();
                    self.domains.distrust_all();
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Links held, unknown slugs held, and bytes of the links.
    pub(crate) fn size(&self) -> (usize, usize, u64) {
        let (present, absent) = self.links.len();
        (present, absent, self.links.bytes())
    }
}
