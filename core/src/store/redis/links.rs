//! Links in Redis, written step by step so that a crash between two steps harms nothing.
//!
//! A link is made by claiming its id, listing it, and then setting the link itself if none stands
//! there: only the last step makes it exist. It is deleted the other way round. What a crash leaves
//! is an id or a place in the list without its link, and reads pass over these. Nobody clears them
//! away, because they look the same as a link that is being made at this moment.

use futures::{StreamExt, TryStreamExt, stream};
use redis::cmd;

use super::commands::Commands;
use super::keys;
use crate::id::LinkId;
use crate::link::Link;
use crate::store::{
    ChangeError, CreateError, StoreError, from_json, link_key, raw_link_key, to_json,
};
use crate::workspace::WorkspaceId;

/// How often a write that others overtake is tried: each of them finished a change in the moment
/// between a read and a write of this one.
const ATTEMPTS: usize = 16;
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

pub(super) async fn create(commands: &Commands, link: &Link) -> Result<(), CreateError> {
    let link_key = key_of(link);
    let (id_key, list_key) = (keys::id(link.id), keys::links(&link.workspace));
    let member = link.id.to_string();
    if !commands.set_new(&id_key, link_key.as_bytes()).await? {
        return Err(CreateError::IdTaken);
    }
    let _: u64 = commands
        .tell(cmd("ZADD").arg(&list_key).arg(0).arg(&member))
        .await?;
    // Where the answer to this is lost the link may stand, so that its id and place must stay.
    if commands
        .set_new(&keys::link(&link_key), &to_json(link))
        .await?
    {
        return Ok(());
    }
    unlist(commands, &list_key, &member, &id_key).await;
    Err(CreateError::SlugTaken)
}

pub(super) async fn change(commands: &Commands, link: &Link) -> Result<(), ChangeError> {
    let key = keys::link(&key_of(link));
    let json = to_json(link);
    for _ in 0..ATTEMPTS {
        let Some(old) = commands.get(&key).await? else {
            return Err(ChangeError::NotFound);
        };
        let stands: Link = from_json(&key, &old)?;
        if stands.id != link.id || stands.workspace != link.workspace {
            return Err(ChangeError::NotFound);
        }
        if stands.revision.checked_add(1) != Some(link.revision) {
            return Err(ChangeError::Revision {
                current: stands.revision,
            });
        }
        if commands.replace(&key, &old, &json).await? {
            return Ok(());
        }
    }
    Err(overtaken(commands).into())
}

pub(super) async fn delete(
    commands: &Commands,
    workspace: &WorkspaceId,
    id: LinkId,
) -> Result<bool, StoreError> {
    let id_key = keys::id(id);
    let Some(link_key) = commands.get_text(&id_key).await? else {
        return Ok(false);
    };
    let key = keys::link(&link_key);
    for _ in 0..ATTEMPTS {
        let Some(old) = commands.get(&key).await? else {
            return Ok(false);
        };
        let stands: Link = from_json(&key, &old)?;
        if stands.id != id || stands.workspace != *workspace {
            return Ok(false);
        }
        if commands.remove(&key, &old).await? {
            unlist(commands, &keys::links(workspace), &id.to_string(), &id_key).await;
            return Ok(true);
        }
    }
    Err(overtaken(commands))
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
        let members: Vec<String> = commands.ask(&page).await?;
        let Some(last) = members.last() else { break };
        below = format!("({last}");
        let ids: Vec<LinkId> = members
            .iter()
            .map(|member| read_id(&list_key, member))
            .collect::<Result<_, _>>()?;
        let links = stream::iter(ids)
            .map(|id| by_id(commands, workspace, id))
            .buffered(AT_ONCE);
        found.extend(
            links
                .try_filter_map(async |link| Ok(link))
                .try_collect::<Vec<_>>()
                .await?,
        );
    }
    Ok(found)
}

/// Takes an id without a link out of the indexes. Where Redis fails in between it stays, as after a
/// crash: the link is gone or was never made, and that is the answer.
async fn unlist(commands: &Commands, list_key: &str, member: &str, id_key: &str) {
    let _: Result<u64, _> = commands.tell(cmd("ZREM").arg(list_key).arg(member)).await;
    let _: Result<u64, _> = commands.tell(cmd("DEL").arg(id_key)).await;
}

fn read_id(list_key: &str, member: &str) -> Result<LinkId, StoreError> {
    member
        .parse()
        .map_err(|error: crate::id::IdError| StoreError::Unreadable {
            key: list_key.to_owned(),
            reason: format!("{member:?} is no link id: {error}"),
        })
}

fn overtaken(commands: &Commands) -> StoreError {
    commands.unavailable("others keep changing this link at the same moment")
}

fn key_of(link: &Link) -> String {
    link_key(link.domain.as_str(), link.slug.as_str())
}
