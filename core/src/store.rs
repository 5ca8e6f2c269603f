//! The link store: what a slug resolves to, and who owns domains, links and keys.
//!
//! One contract, two implementations: [`FileStore`] for one machine, [`RedisStore`] for many. What is
//! asked on the way of a click is at the top of the trait; the rest serves the links API. Counting,
//! caching and deciding do not belong here.

mod file;
mod redis;

pub use file::FileStore;
pub use redis::RedisStore;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::broadcast;

use crate::click::bounds;
use crate::id::LinkId;
use crate::key::{ApiKey, KeyHash};
use crate::link::{Host, Link};
use crate::workspace::{Workspace, WorkspaceId};

/// The store cannot answer. Never means "no such link".
#[derive(Debug, Error)]
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
    /// The store cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a link was not changed.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// The workspace has no such link.
    #[error("no such link")]
    NotFound,
    /// Somebody else changed it in between.
    #[error("the link is at revision {current}")]
    Revision {
        /// The revision that stands now.
        current: u64,
    },
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
    /// A domain was claimed, or its workspace changed.
    Domain(String),
    /// Changes may have been missed: forget everything.
    Everything,
}

/// The one contract. Every method answers for committed state: what was acknowledged is there.
#[async_trait]
pub trait LinkStore: Send + Sync + fmt::Debug {
    /// The link at a domain and slug. Takes them raw: a request may ask for what no link could have.
    async fn link_at(&self, domain: &str, slug: &str) -> Result<Option<Link>, StoreError>;

    /// The workspace that has claimed a domain.
    async fn workspace_of(&self, domain: &str) -> Result<Option<Workspace>, StoreError>;

    /// What changes from now on, from this process or any other. A receiver that lags behind, and any
    /// break in the line to the store, means [`Change::Everything`].
    fn changes(&self) -> broadcast::Receiver<Change>;

    /// Whether changes made elsewhere reach this process now. While they do not, what a cache holds
    /// may be old; [`Change::Everything`] is sent when the line breaks and again when it stands.
    fn hears_changes(&self) -> bool {
        true
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

    /// Deletes a link; false where the workspace has none of this id.
    async fn delete_link(&self, workspace: &WorkspaceId, id: LinkId) -> Result<bool, StoreError>;

    /// A workspace's links with ids below `before`, newest first, at most `limit`.
    async fn links(
        &self,
        workspace: &WorkspaceId,
        before: Option<LinkId>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError>;

    /// Makes or replaces a workspace.
    async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError>;

    /// A workspace by its id.
    async fn workspace(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError>;

    /// Gives a domain to a workspace; again for the same one changes nothing.
    async fn claim_domain(&self, host: &Host, workspace: &WorkspaceId) -> Result<(), ClaimError>;

    /// The domains that a workspace has claimed, in alphabetical order.
    async fn domains(&self, workspace: &WorkspaceId) -> Result<Vec<Host>, StoreError>;

    /// Stores a key under its hash.
    async fn put_key(&self, hash: KeyHash, key: &ApiKey) -> Result<(), StoreError>;

    /// The key with this hash.
    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError>;
}

/// Changes kept for a receiver that is slow: at some 200 bytes each a megabyte, and enough for a
/// second of bulk edits. One that lags further is told so by the channel.
const CHANGES_KEPT: usize = 4096;

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
    serde_json::from_slice(bytes).map_err(|error| StoreError::Unreadable {
        key: key.to_owned(),
        reason: error.to_string(),
    })
}
