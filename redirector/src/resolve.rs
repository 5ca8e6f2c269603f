//! From host and slug to the link, as the redirect needs it: two near caches and the line over which
//! the store says what has changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use whence_core::click::bounds;
use whence_core::config::Cache;
use whence_core::id::LinkId;
use whence_core::link::{Label, Link, RedirectStatus};
use whence_core::store::{Change, LinkStore, StoreError};
use whence_core::workspace::{Workspace, WorkspaceId};

use crate::cache::{Load, NearCache, Weight};

/// Memory for domains: a fleet's redirectors serve thousands of them, at some 300 bytes each.
const DOMAIN_BYTES: usize = 16 << 20;

/// A link as the way of a click needs it.
#[derive(Debug)]
pub(crate) struct Target {
    /// The link's id.
    pub(crate) id: LinkId,
    /// Whose link it is.
    pub(crate) workspace: WorkspaceId,
    /// How the redirect is answered.
    pub(crate) status: RedirectStatus,
    /// The destination up to its fragment.
    pub(crate) url: Box<str>,
    /// The fragment with its `#`, or nothing.
    pub(crate) fragment: Box<str>,
    /// What its clicks count for; empty where it does not say.
    pub(crate) channel: Box<str>,
    /// Its campaign.
    pub(crate) campaign: Box<str>,
    /// Its referral program.
    pub(crate) program: Box<str>,
    /// Its advocate.
    pub(crate) advocate: Box<str>,
}

impl From<Link> for Target {
    fn from(link: Link) -> Self {
        let destination = link.destination.as_str();
        let (url, fragment) =
            destination.split_at(destination.find('#').unwrap_or(destination.len()));
        let text = |label: &Option<Label>| label.as_ref().map_or("", Label::as_str).into();
        Self {
            id: link.id,
            workspace: link.workspace.clone(),
            status: link.status,
            url: url.into(),
            fragment: fragment.into(),
            channel: text(&link.channel),
            campaign: text(&link.campaign),
            program: text(&link.program),
            advocate: text(&link.advocate),
        }
    }
}

impl Weight for Arc<Target> {
    fn bytes(&self) -> usize {
        let texts = [
            &self.url,
            &self.fragment,
            &self.channel,
            &self.campaign,
            &self.program,
            &self.advocate,
        ];
        size_of::<Target>() + texts.iter().map(|text| text.len()).sum::<usize>()
    }
}

impl Weight for Arc<Workspace> {
    fn bytes(&self) -> usize {
        size_of::<Workspace>()
            + self.name.len()
            + self.time_zone.len()
            + self.click_id_parameter.len()
    }
}

/// What stands at a host and slug.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Who has claimed the host.
    pub(crate) workspace: Option<Arc<Workspace>>,
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
    type Value = Arc<Workspace>;

    async fn load(&self, key: String) -> Result<Option<Arc<Workspace>>, StoreError> {
        Ok(self.0.workspace_of(&key).await?.map(Arc::new))
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

    /// What stands at `host` and `slug`; `key` is a scratch buffer of the caller's.
    pub(crate) async fn place(
        &self,
        host: &str,
        slug: &str,
        key: &mut String,
    ) -> Result<Place, Arc<StoreError>> {
        let domain = self.domains.get(host).await?;
        let Some(workspace) = domain.value else {
            return Ok(Place {
                workspace: None,
                target: None,
                stale: domain.stale,
            });
        };
        if slug.len() > bounds::SLUG {
            // No link is as long, and the cache need not remember that.
            return Ok(Place {
                workspace: Some(workspace),
                target: None,
                stale: domain.stale,
            });
        }
        key.clear();
        key.push_str(host);
        key.push('/');
        key.push_str(slug);
        let link = self.links.get(key).await?;
        // A link that was left behind when its domain went to another workspace is not there.
        let target = link.value.filter(|target| target.workspace == workspace.id);
        Ok(Place {
            workspace: Some(workspace),
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
