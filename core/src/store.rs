//! The link store: what a slug resolves to, and who owns domains, links and keys.
//!
//! One contract, two implementations: [`FileStore`] for one machine, [`RedisStore`] for many. What is
//! asked on the way of a click is at the top of the trait; the rest serves the links API. Counting,
//! caching and deciding do not belong here.

mod file;
mod redis;
mod stored;

pub use file::FileStore;
pub use redis::RedisStore;
pub use stored::StoredLink;

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use thiserror::Error;
use tokio::sync::broadcast;

use crate::click::bounds;
use crate::domain::Domain;
use crate::id::LinkId;
use crate::key::{ApiKey, KeyHash};
use crate::link::{Host, Label, Link};
use crate::salt::{SaltId, SealedSalt};
use crate::workspace::{Workspace, WorkspaceId};

/// The store cannot answer. Never means "no such link".
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// Not reachable, or it refused; asking again may help.
    #[error("the link store is unavailable: {0}")]
    Unavailable(String),
    /// What stands there cannot be read; asking again will not help.
    #[error("the link store holds something unreadable at {key}: {reason}")]
    Unreadable {
        /// Where it stands.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why a link was not made.
#[derive(Debug, Error)]
pub enum CreateError {
    /// Another link stands at this domain and slug; it is never overwritten.
    #[error("a link at this domain and slug exists already")]
    SlugTaken,
    /// Another link has this id; mint another.
    #[error("a link with this id exists already")]
    IdTaken,
    /// Another link of the workspace has this external id.
    #[error("another link has this external id")]
    ExternalIdTaken,
    /// The store cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a link, a domain or a workspace was not changed or deleted.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// The workspace has none such.
    #[error("it does not exist")]
    NotFound,
    /// Somebody else changed it in between.
    #[error("it is at revision {current}")]
    Revision {
        /// The revision that stands now.
        current: u64,
    },
    /// Another link of the workspace has this external id.
    #[error("another link has this external id")]
    ExternalIdTaken,
    /// The store cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a domain was not claimed.
#[derive(Debug, Error)]
pub enum ClaimError {
    /// Another workspace has it.
    #[error("the domain belongs to another workspace")]
    Taken,
    /// The store cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One of many edits.
#[derive(Clone, Debug)]
pub enum Edit {
    /// As [`LinkStore::create_link`].
    Create(Link),
    /// As [`LinkStore::change_link`].
    Change(Link),
    /// As [`LinkStore::delete_link`].
    Delete {
        /// Whose link it is.
        workspace: WorkspaceId,
        /// Its id.
        id: LinkId,
        /// The revision it must be at, if that matters.
        revision: Option<u64>,
    },
}

/// Why one of many edits was not done.
#[derive(Debug, Error)]
pub enum EditError {
    /// A link was not made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A link was not changed or deleted.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Something that a cache in front of the store must forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A link was made, changed or deleted.
    Link {
        /// Its domain.
        domain: String,
        /// Its slug.
        slug: String,
    },
    /// A domain was claimed, changed or given up, or its workspace changed.
    Domain(String),
    /// Changes may have been missed: forget everything.
    Everything,
}

/// The one contract. Every method answers for committed state: what was acknowledged is there.
#[async_trait]
pub trait LinkStore: Send + Sync + fmt::Debug {
    /// The link at a domain and slug. Takes them raw: a request may ask for what no link could have.
    async fn link_at(&self, domain: &str, slug: &str) -> Result<Option<Link>, StoreError>;

    /// A claimed domain and the workspace that has claimed it. Takes the host raw.
    async fn domain_at(&self, host: &str) -> Result<Option<(Domain, Workspace)>, StoreError>;

    /// Counts a person's click on a link that has a cap; false, and not counted, where `cap` were
    /// counted before. Exact across all processes: of any number that ask at once, `cap` are let through.
    async fn count_click(&self, link: LinkId, cap: NonZeroU64) -> Result<bool, StoreError>;

    /// Every link, in no order, in parts of at most a few hundred: what fills a cache at its start. Links
    /// that are made or deleted meanwhile may or may not be among them, and one may come twice. Whether a
    /// link can be read is seen by whoever reads it. What is not even text is an error among the parts, and the
    /// stream goes on behind it.
    fn every_link(&self) -> BoxStream<'_, Result<Vec<StoredLink>, StoreError>>;

    /// What changes from now on, from this process or any other. A receiver that lags behind, and any
    /// break in the line to the store, means [`Change::Everything`].
    fn changes(&self) -> broadcast::Receiver<Change>;

    /// Whether changes made elsewhere reach this process now. While they do not, what a cache holds
    /// may be old; [`Change::Everything`] is sent when the line breaks and again when it stands.
    fn hears_changes(&self) -> bool {
        true
    }

    /// Whether nothing can change without [`changes`](Self::changes) telling of it, whoever fails meanwhile. What is
    /// learnt from such a store holds until it says otherwise; of any other it is believed for a time.
    fn tells_every_change(&self) -> bool {
        false
    }

    /// Whether the store answers at all.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Makes a link; refuses a taken domain and slug, or a taken id.
    async fn create_link(&self, link: &Link) -> Result<(), CreateError>;

    /// A workspace's link by its id.
    async fn link(&self, workspace: &WorkspaceId, id: LinkId) -> Result<Option<Link>, StoreError>;

    /// Replaces a link that is still at revision `link.revision - 1`. Domain, slug, id and workspace
    /// stay as they are: they are where it stands, not what it says.
    async fn change_link(&self, link: &Link) -> Result<(), ChangeError>;

    /// Deletes a link, with its count of clicks; with a revision only while it is at that one.
    async fn delete_link(
        &self,
        workspace: &WorkspaceId,
        id: LinkId,
        revision: Option<u64>,
    ) -> Result<(), ChangeError>;

    /// Makes, changes and deletes many links, each by itself: one result for each edit, in their order.
    /// Later edits see what earlier ones did.
    async fn edit_links(&self, edits: &[Edit]) -> Vec<Result<(), EditError>>;

    /// The workspace's link with this external id.
    async fn link_by_external_id(
        &self,
        workspace: &WorkspaceId,
        external_id: &Label,
    ) -> Result<Option<Link>, StoreError>;

    /// How many clicks [`count_click`](Self::count_click) has let through.
    async fn clicks_counted(&self, link: LinkId) -> Result<u64, StoreError>;

    /// Sets what reports have found the variants of a link to be worth, while it is at `revision`. The
    /// revision stays: this is not its owner's change.
    async fn set_learned_weights(
        &self,
        workspace: &WorkspaceId,
        id: LinkId,
        revision: u64,
        weights: &[u32],
    ) -> Result<(), ChangeError>;

    /// A workspace's links with ids below `before`, newest first, at most `limit`; fewer only at the end. One
    /// that cannot be read is logged and passed over: it must not hide the others.
    async fn links(
        &self,
        workspace: &WorkspaceId,
        before: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError>;

    /// Makes or replaces a workspace.
    async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError>;

    /// Replaces a workspace that is still at revision `workspace.revision - 1`.
    async fn change_workspace(&self, workspace: &Workspace) -> Result<(), ChangeError>;

    /// Every workspace, in the order of their ids.
    async fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError>;

    /// A workspace by its id.
    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError>;

    /// Gives a domain to a workspace; again for the same one changes nothing.
    async fn claim_domain(&self, host: &Host, workspace: &WorkspaceId) -> Result<(), ClaimError>;

    /// Replaces a domain that is still at revision `domain.revision - 1`; its owner stays.
    async fn change_domain(&self, domain: &Domain) -> Result<(), ChangeError>;

    /// Gives a domain up. Its links stay in the store and answer nobody.
    async fn release_domain(&self, host: &Host, workspace: &WorkspaceId)
    -> Result<(), ChangeError>;

    /// The domains that a workspace has claimed, in alphabetical order.
    async fn domains(&self, workspace: &WorkspaceId) -> Result<Vec<Domain>, StoreError>;

    /// Stores a key under its hash.
    async fn put_key(&self, hash: KeyHash, key: &ApiKey) -> Result<(), StoreError>;

    /// The key with this hash.
    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError>;

    /// The salt that stands for a workspace's day, which is `new` where there was none: of any number that ask at once,
    /// all are told the same. It is gone at [`SaltId::over_at`], which has to be in the future.
    async fn salt(&self, id: &SaltId, new: &SealedSalt) -> Result<SealedSalt, StoreError>;

    /// Deletes the salts whose time is over at `now`, in seconds since 1970, where the store does not do so by itself.
    async fn forget_salts(&self, now: i64) -> Result<(), StoreError>;
}

/// Changes kept for a receiver that is slow: at some 200 bytes each three megabytes, and enough for the
/// 10,000 edits of a bulk request. One that lags further is told so by the channel.
const CHANGES_KEPT: usize = 16 * 1024;

/// Logs what a list leaves out.
fn passed_over(error: &StoreError) {
    tracing::error!(%error, "a link is left out of a list");
}

/// What many edits are told where none of them could be done: nothing is known to have been.
fn all_unavailable(edits: &[Edit], error: &StoreError) -> Vec<Result<(), EditError>> {
    let told = |edit: &Edit| match edit {
        Edit::Create(_) => EditError::Create(error.clone().into()),
        Edit::Change(_) | Edit::Delete { .. } => EditError::Change(error.clone().into()),
    };
    edits.iter().map(|edit| Err(told(edit))).collect()
}

/// The text under which both implementations file a link: no host holds a `/`.
fn link_key(domain: &str, slug: &str) -> String {
    format!("{domain}/{slug}")
}

/// [`link_key`] for what a request asks for; none where no link can stand, so that a host header of
/// `a/b` cannot reach the link `b/…` of host `a`.
fn raw_link_key(domain: &str, slug: &str) -> Option<String> {
    let possible =
        domain.len() <= bounds::HOST && slug.len() <= bounds::SLUG && !domain.contains('/');
    possible.then(|| link_key(domain, slug))
}

/// The parts of [`link_key`].
fn split_link_key(key: &str) -> Option<(&str, &str)> {
    key.split_once('/')
}

/// Refuses a URL that names no store, without asking whether there is one.
pub fn check_url(url: &str) -> Result<(), StoreError> {
    if url.starts_with("file:") {
        Ok(())
    } else {
        redis::check_url(url)
    }
}

/// Where the store is, by its URL.
pub async fn open(url: &str) -> Result<Arc<dyn LinkStore>, StoreError> {
    if let Some(path) = url.strip_prefix("file:") {
        return Ok(Arc::new(FileStore::open(std::path::Path::new(path))?));
    }
    Ok(Arc::new(RedisStore::connect(url).await?))
}

/// A value as both implementations write it.
fn to_json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("the vocabulary has no maps with odd keys")
}

/// What [`to_json`] wrote.
fn from_json<T: serde::de::DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    let unreadable = |reason: String| StoreError::Unreadable {
        key: key.to_owned(),
        reason,
    };
    // Checked as a whole, so that the parser need not check each text in it.
    let json = std::str::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_str(json).map_err(|error| unreadable(error.to_string()))
}
