//! Reading links from Redis.
//!
//! A link exists once its own key is set. Its id, its place in the list and its external id are
//! indexes, which may point at nothing while it is made or after a crash: reads pass over these.

use futures::{StreamExt, TryStreamExt, stream};
use redis::cmd;

use super::commands::Commands;
use super::{external, keys};
use crate::id::LinkId;
use crate::link::{Label, Link};
use crate::store::{StoreError, passed_over, raw_link_key};
use crate::workspace::WorkspaceId;

/// Links asked for at once while listing: enough to hide the way to Redis and back.
const AT_ONCE: usize = 32;
/// Ids read from the list at once.
const PAGE: usize = 256;

pub(super) async fn at(
    commands: &Commands,
    domain: &str,
    slug: &str,
) -> Result<Option<Link>, StoreError> {
    match raw_link_key(domain, slug) {
        Some(key) => commands.get_json(&keys::link(&key)).await,
        None => Ok(None),
    }
}

pub(super) async fn by_id(
    commands: &Commands,
    workspace: &WorkspaceId,
    id: LinkId,
) -> Result<Option<Link>, StoreError> {
    let Some(link_key) = commands.get_text(&keys::id(id)).await? else {
        return Ok(None);
    };
    let link: Option<Link> = commands.get_json(&keys::link(&link_key)).await?;
    Ok(link.filter(|link| link.id == id && link.workspace == *workspace))
}

pub(super) async fn by_external_id(
    commands: &Commands,
    workspace: &WorkspaceId,
    external_id: &Label,
) -> Result<Option<Link>, StoreError> {
    let Some(id) = external::claimant(commands, workspace, external_id).await? else {
        return Ok(None);
    };
    let link = by_id(commands, workspace, id).await?;
    Ok(link.filter(|link| link.spec.external_id.as_ref() == Some(external_id)))
}

/// Reads on past the ids without a link, so that a short answer means the end of the list.
pub(super) async fn list(
    commands: &Commands,
    workspace: &WorkspaceId,
    before: Option<LinkId>,
    limit: usize,
) -> Result<Vec<Link>, StoreError> {
    let list_key = keys::links(workspace);
    let mut below = before.map_or_else(|| "+".to_owned(), |id| format!("({id}"));
    let mut found = Vec::new();
    while found.len() < limit {
        let wanted = (limit - found.len()).min(PAGE);
        let page = cmd("ZRANGE")
            .arg(&list_key)
            .arg((&below, "-", "BYLEX", "REV", "LIMIT", 0, wanted))
            .to_owned();
        let members: Vec<String> = commands.ask(&list_key, &page).await?;
        let Some(last) = members.last() else { break };
        below = format!("({last}");
        let ids: Vec<Result<LinkId, StoreError>> = members
            .iter()
            .map(|member| read_id(&list_key, member))
            .collect();
        let links = stream::iter(ids)
            .map(async |id| by_id(commands, workspace, id?).await)
            .buffered(AT_ONCE);
        found.extend(
            links
                .or_else(async |error| match error {
                    StoreError::Unreadable { .. } => {
                        passed_over(&error);
                        Ok(None)
                    }
                    StoreError::Unavailable(_) => Err(error),
                })
                .try_filter_map(async |link| Ok(link))
                .try_collect::<Vec<_>>()
                .await?,
        );
    }
    Ok(found)
}

fn read_id(list_key: &str, member: &str) -> Result<LinkId, StoreError> {
    member
        .parse()
        .map_err(|error: crate::id::IdError| StoreError::Unreadable {
            key: list_key.to_owned(),
            reason: format!("{member:?} is no link id: {error}"),
        })
}
