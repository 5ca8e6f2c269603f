//! From host and slug to the link, as the redirect needs it: near caches and the line over which the store
//! says what has changed.
//!
//! [`site`] is what is known of a host, [`documents`] what it shows beside its links, [`memo`] the few that a thread has seen last, [`place`] what stands
//! at a slug. How a cache keeps what it knows is [`cache`](crate::cache)'s, what becomes of a click is
//! [`decide`](crate::decide)'s.

mod documents;
mod memo;
mod place;
mod site;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use whence_core::click::bounds;
use whence_core::config::Cache as Settings;
use whence_core::domain::SlugCase;
use whence_core::store::{Change, LinkStore, StoreError};

pub(crate) use self::documents::Documents;
use self::memo::Version;
pub(crate) use self::place::Place;
pub(crate) use self::site::Site;
use self::site::{Numbered, Sites};
use crate::cache::{Clock, Filled, Filling, Kept, Key, Known, Load, NearCache, OwnedKey, Stamp};
use crate::target::Target;

/// Memory for domains: a fleet's redirectors serve thousands of them, at some 600 bytes each, 14 KB at most.
const DOMAIN_BYTES: usize = 16 << 20;
/// Memory for their documents and logos: up to 330 KB each. Those that are pushed out are read again.
const DOCUMENT_BYTES: usize = 32 << 20;

/// Finds links.
pub(crate) struct Resolver {
    links: Arc<NearCache<Links>>,
    domains: Arc<NearCache<Domains>>,
    shown: Arc<NearCache<Shown>>,
    sites: Arc<Sites>,
    version: Version,
    clock: Clock,
    /// How many links a warm-up has brought.
    warmed: AtomicU64,
}

struct Links {
    store: Arc<dyn LinkStore>,
    sites: Arc<Sites>,
}

impl Load for Links {
    type Value = Target;

    async fn load(&self, key: &OwnedKey, stamp: Stamp) -> Result<Option<Target>, StoreError> {
        let Key { site, text: slug } = key.as_key();
        let (host, workspace) = self.sites.named(site);
        let link = self.store.link_at(&host, slug).await?;
        // A link that was left behind when its domain went to another workspace is not there.
        let own = link.filter(|link| link.workspace == workspace);
        Ok(own.map(|link| Target::new(link, site, stamp)))
    }
}

struct Domains {
    store: Arc<dyn LinkStore>,
    sites: Arc<Sites>,
}

impl Load for Domains {
    type Value = Arc<Kept<Numbered>>;

    async fn load(&self, key: &OwnedKey, stamp: Stamp) -> Result<Option<Self::Value>, StoreError> {
        let host = key.as_key().text;
        let Some((domain, workspace)) = self.store.domain_at(host).await? else {
            return Ok(None);
        };
        let number = self.sites.number(host, &workspace.id);
        let site = Numbered::new(Site::new(domain, workspace), number);
        Ok(Some(Kept::new(site, key.clone(), stamp)))
    }
}

/// What domains show.
struct Shown(Arc<dyn LinkStore>);

impl Load for Shown {
    type Value = Arc<Kept<Documents>>;

    async fn load(&self, key: &OwnedKey, stamp: Stamp) -> Result<Option<Self::Value>, StoreError> {
        let found = self.0.domain_at(key.as_key().text).await?;
        let documents = found.map(|(domain, _)| Documents::of(&domain.spec));
        Ok(documents.map(|documents| Kept::new(documents, key.clone(), stamp)))
    }
}

impl Resolver {
    /// A resolver with empty caches.
    pub(crate) fn new(store: &Arc<dyn LinkStore>, config: &Settings) -> Self {
        let ttl = match store.tells_every_change() {
            // To ask again could bring nothing but the same.
            true => Duration::MAX,
            false => Duration::from_millis(config.ttl_ms),
        };
        let unknown = config.unknown_slugs;
        let (clock, sites) = (Clock::start(), Arc::<Sites>::default());
        let links = Links {
            store: Arc::clone(store),
            sites: Arc::clone(&sites),
        };
        let domains = Domains {
            store: Arc::clone(store),
            sites: Arc::clone(&sites),
        };
        let bytes = config.megabytes << 20;
        Self {
            links: NearCache::new(links, bytes, unknown, ttl, clock.clone()),
            domains: NearCache::new(domains, DOMAIN_BYTES, unknown, ttl, clock.clone()),
            shown: NearCache::new(
                Shown(Arc::clone(store)),
                DOCUMENT_BYTES,
                unknown,
                ttl,
                clock.clone(),
            ),
            sites,
            version: Version::new(),
            clock,
            warmed: AtomicU64::new(0),
        }
    }

    /// What stands at `host` and `slug`.
    pub(crate) async fn place(&self, host: &str, slug: &str) -> Result<Place, Arc<StoreError>> {
        let now = self.clock.now();
        let (site, number, mut stale) = match self.version.recall(host, now) {
            Some((site, number)) => (site, number, false),
            None => match self.site(host, now).await? {
                Some(found) => found,
                None => {
                    return Ok(Place {
                        site: None,
                        target: None,
                        stale: false,
                        prefix: None,
                    });
                }
            },
        };
        let ignores_case = site.domain.spec.case == SlugCase::Insensitive;
        let exact = self.link(number, slug, ignores_case, now).await?;
        let mut target = exact.value;
        let mut prefix = None;
        // Whether "not there" rests on memory alone.
        let mut unsure = exact.stale;
        if target.is_none() {
            let above = place::above(slug);
            let asked = above
                .iter()
                .map(|(above, _)| self.link(number, above, ignores_case, now));
            // All at once: they cost one round to the store, and nothing once they are known.
            for (known, (_, behind)) in try_join_all(asked).await?.into_iter().zip(above) {
                unsure |= known.stale;
                let forwards =
                    |target: &Target| target.rich().is_some_and(|rich| rich.spec.forward_path);
                if let Some(found) = known.value.filter(forwards) {
                    target = Some(found);
                    prefix = Some(behind);
                    break;
                }
            }
        }
        if target.is_none() && unsure {
            return Err(never_on_trust());
        }
        stale |= unsure;
        Ok(Place {
            site: Some(site),
            target,
            stale,
            prefix,
        })
    }

    /// The site at a host, its number, and whether this is from memory.
    async fn site(
        &self,
        host: &str,
        now: u32,
    ) -> Result<Option<(Arc<Site>, u32, bool)>, Arc<StoreError>> {
        let version = self.version.now();
        let key = Key {
            site: 0,
            text: host,
        };
        let known = self.domains.get(key, now).await?;
        let Some(kept) = known.value else {
            return match known.stale {
                true => Err(never_on_trust()),
                false => Ok(None),
            };
        };
        let (site, number) = (Arc::clone(&kept.value.site), kept.value.number);
        if !known.stale {
            let until = self.domains.ripens(&kept);
            self.version.remember(version, host, &site, number, until);
        }
        Ok(Some((site, number, known.stale)))
    }

    /// What a claimed host shows beside its links.
    pub(crate) async fn documents(&self, host: &str) -> Result<Documents, Arc<StoreError>> {
        let key = Key {
            site: 0,
            text: host,
        };
        let known = self.shown.get(key, self.clock.now()).await?;
        match known.value {
            Some(kept) => Ok(kept.value.clone()),
            None if known.stale => Err(never_on_trust()),
            // Given up in this moment.
            None => Ok(Documents::default()),
        }
    }

    async fn link(
        &self,
        site: u32,
        slug: &str,
        ignores_case: bool,
        now: u32,
    ) -> Result<Known<Target>, Arc<StoreError>> {
        let lower = ignores_case.then(|| place::lower(slug));
        let slug = lower.as_deref().unwrap_or(slug);
        if slug.len() > bounds::SLUG {
            // No link is as long, and the cache need not remember that.
            return Ok(Known {
                value: None,
                stale: false,
            });
        }
        let key = Key { site, text: slug };
        self.links.get(key, now).await
    }

    /// Forgets what changes, for as long as the store says so. The receiver must be older than the
    /// first look-up, or a change in between is missed.
    pub(crate) async fn follow(self: Arc<Self>, mut changes: Receiver<Change>) {
        loop {
            match changes.recv().await {
                Ok(change) => self.forget(&change),
                Err(RecvError::Lagged(_)) => self.forget(&Change::Everything),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn forget(&self, change: &Change) {
        match change {
            Change::Link { domain, slug } => {
                self.links.forget(slug, || self.sites.numbers(domain));
            }
            Change::Domain(host) => {
                self.domains.forget(host, || vec![0]);
                self.shown.forget(host, || vec![0]);
                self.version.change();
            }
            Change::Everything => {
                self.links.distrust_all();
                self.domains.distrust_all();
                self.shown.distrust_all();
                self.version.change();
            }
        }
    }

    /// Begins to fill the cache with links that are read from the store from now on.
    pub(crate) fn filling(&self) -> Filling {
        self.links.filling()
    }

    /// The number under which links of this workspace on this host are filed, where it has claimed the host.
    pub(crate) async fn number(
        &self,
        host: &str,
        workspace: &str,
    ) -> Result<Option<u32>, Arc<StoreError>> {
        let found = self.site(host, self.clock.now()).await?;
        let own = found.filter(|(site, ..)| site.workspace.id.as_str() == workspace);
        Ok(own.map(|(_, number, _)| number))
    }

    /// Keeps a link that carries the stamp of the filling, if it may.
    pub(crate) fn fill(&self, filling: &Filling, target: Target) -> Filled {
        let filled = self.links.fill(filling, target);
        if filled == Filled::Kept {
            self.warmed.fetch_add(1, Ordering::Relaxed);
        }
        filled
    }

    /// How many links a warm-up has brought.
    pub(crate) fn warmed(&self) -> u64 {
        self.warmed.load(Ordering::Relaxed)
    }

    /// Links held, unknown slugs held, and bytes of the links.
    pub(crate) fn size(&self) -> (usize, usize, usize) {
        let (present, absent) = self.links.len();
        (present, absent, self.links.bytes())
    }
}

fn never_on_trust() -> Arc<StoreError> {
    let reason = "it had nothing there when it was last asked, and cannot be asked now";
    Arc::new(StoreError::Unavailable(reason.into()))
}

#[cfg(test)]
mod tests;
