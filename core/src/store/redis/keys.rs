//! The names under which Redis holds things, and what a change of one means to a cache.
//!
//! | key | value |
//! |---|---|
//! | `whence:link:<domain>/<slug>` | the link's JSON: the truth about it |
//! | `whence:id:<link id>` | its `<domain>/<slug>` |
//! | `whence:links:<workspace>` | sorted set of its link ids, all of score 0, so in the order of their text |
//! | `whence:external:<workspace>:<external id>` | a claim on it, see [`super::external`] |
//! | `whence:clicks:<link id>` | how many clicks were let through under its cap |
//! | `whence:workspace:<workspace>` | the workspace's JSON |
//! | `whence:workspaces` | set of their ids |
//! | `whence:domain:<host>` | the JSON of the domain, which names the workspace that has claimed it |
//! | `whence:domains:<workspace>` | set of the hosts it has claimed |
//! | `whence:key:<hash>` | the API key's JSON |
//! | `whence:salt:<workspace>:<day>` | the sealed salt of the day that began in that second; expires |
//!
//! Every step of a write touches one key, and ids, sets and claims are indexes that may point at
//! nothing (see [`super::edits`]), so a Redis Cluster may put each key wherever it likes. A slug may
//! hold `{` and `}`, which makes a cluster hash only what is between them: no matter, for one key.
//! What changes with every click stands under none of the prefixes that are watched.

use crate::id::LinkId;
use crate::key::KeyHash;
use crate::link::Label;
use crate::salt::SaltId;
use crate::store::{Change, split_link_key};
use crate::workspace::WorkspaceId;

/// What stands before a link's `domain/slug`.
pub(super) const LINK: &str = "whence:link:";
/// What stands before a workspace's id.
pub(super) const WORKSPACE: &str = "whence:workspace:";
/// What stands before a claimed host.
pub(super) const DOMAIN: &str = "whence:domain:";

pub(super) fn link(link_key: &str) -> String {
    format!("{LINK}{link_key}")
}

pub(super) fn id(id: LinkId) -> String {
    format!("whence:id:{id}")
}

pub(super) fn links(workspace: &WorkspaceId) -> String {
    format!("whence:links:{workspace}")
}

pub(super) fn external_id(workspace: &WorkspaceId, external_id: &Label) -> String {
    format!("whence:external:{workspace}:{external_id}")
}

pub(super) fn clicks(id: LinkId) -> String {
    format!("whence:clicks:{id}")
}

/// The set of all workspaces.
pub(super) const WORKSPACES: &str = "whence:workspaces";

pub(super) fn workspace(id: &str) -> String {
    format!("{WORKSPACE}{id}")
}

pub(super) fn domain(host: &str) -> String {
    format!("{DOMAIN}{host}")
}

pub(super) fn domains(workspace: &str) -> String {
    format!("whence:domains:{workspace}")
}

pub(super) fn key(hash: KeyHash) -> String {
    format!("whence:key:{}", hash.to_hex())
}

pub(super) fn salt(id: &SaltId) -> String {
    format!("whence:salt:{}:{}", id.workspace, id.day)
}

/// What it means that a key under one of the three watched prefixes was written, deleted or evicted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written<'a> {
    /// Caches know it by this.
    Change(Change),
    /// A workspace, which caches know by its domains.
    Workspace(&'a str),
}

/// Reads the key of an invalidation. One that cannot be read means that everything may have changed.
pub(super) fn written(key: &[u8]) -> Written<'_> {
    let everything = Written::Change(Change::Everything);
    let Ok(key) = std::str::from_utf8(key) else {
        return everything;
    };
    if let Some(link_key) = key.strip_prefix(LINK) {
        let Some((domain, slug)) = split_link_key(link_key) else {
            return everything;
        };
        return Written::Change(Change::Link {
            domain: domain.into(),
            slug: slug.into(),
        });
    }
    if let Some(host) = key.strip_prefix(DOMAIN) {
        return Written::Change(Change::Domain(host.into()));
    }
    match key.strip_prefix(WORKSPACE) {
        Some(id) => Written::Workspace(id),
        None => everything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::link_key;

    #[test]
    fn a_written_key_names_what_caches_hold() {
        for slug in ["", "summer", "a/b", "/a", "{a}b{", "Grüße aus", ":"] {
            let key = link(&link_key("go.example.com", slug));
            let change = Change::Link {
                domain: "go.example.com".into(),
                slug: slug.into(),
            };
            assert_eq!(written(key.as_bytes()), Written::Change(change), "{slug:?}");
        }
        let host = "go.example.com";
        assert_eq!(
            written(domain(host).as_bytes()),
            Written::Change(Change::Domain(host.into()))
        );
        assert_eq!(
            written(workspace("acme").as_bytes()),
            Written::Workspace("acme")
        );
    }

    #[test]
    fn an_unreadable_key_means_everything() {
        for key in [
            &b"whence:link:no-slash"[..],
            b"whence:link:\xff/a",
            b"whence:domains:acme",
            b"",
        ] {
            assert_eq!(written(key), Written::Change(Change::Everything), "{key:?}");
        }
    }
}
