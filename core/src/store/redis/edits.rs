//! Writing links into Redis, step by step so that a crash between two steps harms nothing.
//!
//! A link is made by claiming its id and its external id, listing it, and then setting the link itself
//! if none stands there: only the last step makes it exist. It is deleted the other way round. What a
//! crash leaves is an id, a claim or a place in the list without its link. Ids and places stay, because
//! they look the same as those of a link that is being made at this moment; claims are taken over
//! once they are old.

use redis::cmd;
use tracing::warn;

use super::commands::Commands;
use super::external::{self, Claim, Claimed};
use super::{clicks, keys};
use crate::id::LinkId;
use crate::link::Link;
use crate::store::{ChangeError, CreateError, StoreError, from_json, link_key, to_json};
use crate::workspace::WorkspaceId;

/// How often a write that others overtake is tried: each of them finished a change in the moment
/// between a read and a write of this one.
const ATTEMPTS: usize = 16;

/// A link as it stands, with the bytes that a write compares.
struct Stands {
    key: String,
    json: Vec<u8>,
    link: Link,
}

pub(super) async fn create(commands: &Commands, link: &Link) -> Result<(), CreateError> {
    let link_key = key_of(link);
    let id_key = keys::id(link.id);
    if !commands.set_new(&id_key, link_key.as_bytes()).await? {
        return Err(CreateError::IdTaken);
    }
    // An import brings ids back, and the count of one that was deleted may have been left.
    clicks::forget(commands, link.id).await?;
    let claim = match &link.spec.external_id {
        Some(id) => match external::claim(commands, &link.workspace, id, link.id).await? {
            Claimed::Ours(claim) => Some(claim),
            Claimed::Taken => {
                forget_id(commands, &id_key).await;
                return Err(CreateError::ExternalIdTaken);
            }
            Claimed::Unsettled => {
                forget_id(commands, &id_key).await;
                return Err(external::unsettled(commands).into());
            }
        },
        None => None,
    };
    let list_key = keys::links(&link.workspace);
    let member = link.id.to_string();
    let _: u64 = commands
        .tell(&list_key, cmd("ZADD").arg(&list_key).arg(0).arg(&member))
        .await?;
    may_write(commands, claim.as_ref())?;
    // Where the answer to this is lost the link may stand, so that its indexes must stay.
    if commands
        .set_new(&keys::link(&link_key), &to_json(link))
        .await?
    {
        return Ok(());
    }
    if let Some(claim) = claim {
        claim.release(commands).await;
    }
    unlist(commands, &link.workspace, link.id).await;
    Err(CreateError::SlugTaken)
}

pub(super) async fn change(commands: &Commands, link: &Link) -> Result<(), ChangeError> {
    let key = keys::link(&key_of(link));
    let json = to_json(link);
    let new = link.spec.external_id.as_ref();
    let mut claim = None;
    for _ in 0..ATTEMPTS {
        let stands = read(commands, &key, &link.workspace, link.id).await;
        let stands = match stands.and_then(|stands| follows(stands, link.revision)) {
            Ok(stands) => stands,
            Err((refused, external_id)) => {
                // Somebody else may have given the link this external id meanwhile: then the claim,
                // though it is ours, is what keeps it.
                if let Some(claim) = claim.filter(|_| external_id.as_ref() != new) {
                    Claim::release(claim, commands).await;
                }
                return Err(refused);
            }
        };
        let old = stands.link.spec.external_id.as_ref();
        let mut given_up = None;
        if old != new {
            if let (Some(new), None) = (new, &claim) {
                claim = match external::claim(commands, &link.workspace, new, link.id).await? {
                    Claimed::Ours(claim) => Some(claim),
                    Claimed::Taken => return Err(ChangeError::ExternalIdTaken),
                    Claimed::Unsettled => return Err(external::unsettled(commands).into()),
                };
            }
            if let Some(old) = old {
                given_up = external::standing(commands, &link.workspace, old, link.id).await?;
            }
        }
        may_write(commands, claim.as_ref())?;
        if commands.replace(&key, &stands.json, &json).await? {
            if let Some(claim) = given_up {
                claim.release(commands).await;
            }
            return Ok(());
        }
    }
    Err(overtaken(commands).into())
}

pub(super) async fn set_learned_weights(
    commands: &Commands,
    workspace: &WorkspaceId,
    id: LinkId,
    revision: u64,
    weights: &[u32],
) -> Result<(), ChangeError> {
    for _ in 0..ATTEMPTS {
        let Stands {
            key,
            json,
            mut link,
        } = own(commands, workspace, id).await?;
        if link.revision != revision {
            return Err(at_revision(&link));
        }
        if link.learned_weights == weights {
            return Ok(());
        }
        link.learned_weights = weights.to_vec();
        if commands.replace(&key, &json, &to_json(&link)).await? {
            return Ok(());
        }
    }
    Err(overtaken(commands).into())
}

pub(super) async fn delete(
    commands: &Commands,
    workspace: &WorkspaceId,
    id: LinkId,
    revision: Option<u64>,
) -> Result<(), ChangeError> {
    for _ in 0..ATTEMPTS {
        let stands = own(commands, workspace, id).await?;
        if revision.is_some_and(|revision| revision != stands.link.revision) {
            return Err(at_revision(&stands.link));
        }
        let claim = match &stands.link.spec.external_id {
            Some(external_id) => external::standing(commands, workspace, external_id, id).await?,
            None => None,
        };
        if commands.remove(&stands.key, &stands.json).await? {
            if let Some(claim) = claim {
                claim.release(commands).await;
            }
            if let Err(error) = clicks::forget(commands, id).await {
                // Whoever takes the id next forgets it.
                warn!(link = %id, %error, "the count of a deleted link's clicks is left over");
            }
            unlist(commands, workspace, id).await;
            return Ok(());
        }
    }
    Err(overtaken(commands).into())
}

/// A workspace's link by its id, as it stands.
async fn own(
    commands: &Commands,
    workspace: &WorkspaceId,
    id: LinkId,
) -> Result<Stands, ChangeError> {
    let link_key = commands.get_text(&keys::id(id)).await?;
    let link_key = link_key.ok_or(ChangeError::NotFound)?;
    let key = keys::link(&link_key);
    let stands = read(commands, &key, workspace, id).await;
    stands.map_err(|(refused, _)| refused)
}

/// Why a change is refused, and the external id that the link has now.
type Refused = (ChangeError, Option<crate::link::Label>);

async fn read(
    commands: &Commands,
    key: &str,
    workspace: &WorkspaceId,
    id: LinkId,
) -> Result<Stands, Refused> {
    let failed = |error: StoreError| (error.into(), None);
    let json = commands.get(key).await.map_err(failed)?;
    let json = json.ok_or((ChangeError::NotFound, None))?;
    let link: Link = from_json(key, &json).map_err(failed)?;
    if link.id != id || link.workspace != *workspace {
        return Err((ChangeError::NotFound, None));
    }
    Ok(Stands {
        key: key.to_owned(),
        json,
        link,
    })
}

/// Refuses a revision that is not the next one.
fn follows(stands: Stands, revision: u64) -> Result<Stands, Refused> {
    if stands.link.revision.checked_add(1) == Some(revision) {
        Ok(stands)
    } else {
        Err((at_revision(&stands.link), stands.link.spec.external_id))
    }
}

/// Refuses to write under a claim that may be another's by now.
fn may_write(commands: &Commands, claim: Option<&Claim>) -> Result<(), StoreError> {
    if claim.is_none_or(Claim::holds) {
        Ok(())
    } else {
        Err(commands.unavailable("the steps of an edit took too long"))
    }
}

/// Takes an id without a link out of the indexes. Where Redis fails in between it stays, as after a
/// crash: the link is gone or was never made, and that is the answer.
async fn unlist(commands: &Commands, workspace: &WorkspaceId, id: LinkId) {
    let list_key = keys::links(workspace);
    let unlist = cmd("ZREM").arg(&list_key).arg(id.to_string()).to_owned();
    let _: Result<u64, _> = commands.tell(&list_key, &unlist).await;
    forget_id(commands, &keys::id(id)).await;
}

async fn forget_id(commands: &Commands, id_key: &str) {
    let _: Result<u64, _> = commands.tell(id_key, cmd("DEL").arg(id_key)).await;
}

fn at_revision(link: &Link) -> ChangeError {
    ChangeError::Revision {
        current: link.revision,
    }
}

fn overtaken(commands: &Commands) -> StoreError {
    commands.unavailable("others keep changing this link at the same moment")
}

fn key_of(link: &Link) -> String {
    link_key(link.domain.as_str(), link.slug.as_str())
}
