//! External ids in Redis: one key for each, claimed before the link is written that has it.
//!
//! The link's own JSON is the truth about its external id; a claim only keeps a second link from
//! taking it. A crash may leave a claim whose link was never written, or was changed or deleted since.
//! It looks the same as one whose link is being written at this moment, but for its age: each claim
//! holds the time at which Redis took it, and one older than [`LEASE`] whose link does not have the
//! external id is nobody's and is taken over.

use std::time::{Duration, Instant};

use redis::cmd;
use tokio::time::sleep;

use super::commands::Commands;
use super::{keys, links};
use crate::id::{LinkId, fill_random};
use crate::link::Label;
use crate::store::StoreError;
use crate::workspace::WorkspaceId;

/// How long a claim holds whose link is not there: many times what the steps of a write may take,
/// each bounded by itself.
const LEASE: Duration = Duration::from_secs(60);
/// The most of it that may have passed when the link is written, so that a process which was stopped
/// in between does not write under a claim that is somebody else's by now.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// How often a claim is tried that others change under our eyes, or whose link is not there yet.
const ATTEMPTS: u32 = 8;
/// How long is waited before another try, twice as long each time: with all of them a second.
const PAUSE: Duration = Duration::from_millis(20);

/// Sets a claim where it still is what was read (an empty text for none), with the time of Redis in
/// it. Answers with what stands there now and whether the lease of what was read is over.
const CLAIM: &str = "local stands = redis.call('GET', KEYS[1]) or '' \
    local now = redis.call('TIME')[1] \
    local since = string.match(stands, '^[^ ]+ ([0-9]+) ') \
    if since and stands == ARGV[1] and tonumber(now) - tonumber(since) < tonumber(ARGV[3]) then \
        return {'held', stands} end \
    if stands ~= ARGV[1] then return {'moved', stands} end \
    local claim = ARGV[2] .. ' ' .. now .. ' ' .. ARGV[4] \
    redis.call('SET', KEYS[1], claim) \
    return {'ours', claim}";

/// A claim that is ours, to be given up or written under.
pub(super) struct Claim {
    key: String,
    /// What stands at the key: link id, time and a random number, so that no two are the same.
    value: String,
    taken: Instant,
}

/// What came of claiming.
pub(super) enum Claimed {
    /// It is ours.
    Ours(Claim),
    /// Another link has it.
    Taken,
    /// It stays claimed for a link that does not have it: one whose edit takes very long, or never ended.
    Unsettled,
}

impl Claim {
    /// Whether the link may still be written under it.
    pub(super) fn holds(&self) -> bool {
        self.taken.elapsed() < WRITE_WITHIN
    }

    /// Gives it up, unless it was taken again meanwhile. Where Redis fails, its age will free it.
    pub(super) async fn release(self, commands: &Commands) {
        let _ = commands.remove(&self.key, self.value.as_bytes()).await;
    }
}

/// Claims an external id for a link.
pub(super) async fn claim(
    commands: &Commands,
    workspace: &WorkspaceId,
    external_id: &Label,
    link: LinkId,
) -> Result<Claimed, StoreError> {
    let key = keys::external_id(workspace, external_id);
    let mut stands = String::new();
    for attempt in 0..ATTEMPTS {
        // The first one only finds out what stands there.
        if attempt > 1 {
            sleep(PAUSE * (1 << (attempt - 2))).await;
        }
        let mut lease = LEASE;
        if let Some(holder) = holder(&stands) {
            if holder == link {
                // A claim of this link's own, by an earlier change: renewed at once.
                lease = Duration::ZERO;
            } else if has(commands, workspace, external_id, holder).await? {
                return Ok(Claimed::Taken);
            }
        }
        let taken = Instant::now();
        let (outcome, found): (String, String) = commands
            .tell(
                &key,
                cmd("EVAL")
                    .arg(CLAIM)
                    .arg(1)
                    .arg(&key)
                    .arg(&stands)
                    .arg(link.to_string())
                    .arg(lease.as_secs())
                    .arg(nonce()),
            )
            .await?;
        match outcome.as_str() {
            "ours" => {
                return Ok(Claimed::Ours(Claim {
                    key,
                    value: found,
                    taken,
                }));
            }
            // Its link is being made at this moment, most likely.
            _ => stands = found,
        }
    }
    Ok(Claimed::Unsettled)
}

/// What is said of a claim that stays unsettled.
pub(super) fn unsettled(commands: &Commands) -> StoreError {
    commands.unavailable(format_args!(
        "another edit has claimed this external id and has not ended; it is free after {} seconds at the latest",
        LEASE.as_secs()
    ))
}

/// A link's claim as it stands, to be given up once the link has it no longer.
pub(super) async fn standing(
    commands: &Commands,
    workspace: &WorkspaceId,
    external_id: &Label,
    link: LinkId,
) -> Result<Option<Claim>, StoreError> {
    let key = keys::external_id(workspace, external_id);
    let value = commands.get_text(&key).await?;
    let value = value.filter(|value| holder(value) == Some(link));
    Ok(value.map(|value| Claim {
        key,
        value,
        taken: Instant::now(),
    }))
}

/// The link that a claim was made for, whether or not it has the external id.
pub(super) async fn claimant(
    commands: &Commands,
    workspace: &WorkspaceId,
    external_id: &Label,
) -> Result<Option<LinkId>, StoreError> {
    let key = keys::external_id(workspace, external_id);
    let value = commands.get_text(&key).await?;
    Ok(value.as_deref().and_then(holder))
}

async fn has(
    commands: &Commands,
    workspace: &WorkspaceId,
    external_id: &Label,
    link: LinkId,
) -> Result<bool, StoreError> {
    let link = links::by_id(commands, workspace, link).await?;
    Ok(link.is_some_and(|link| link.spec.external_id.as_ref() == Some(external_id)))
}

/// A number that no other claim has.
fn nonce() -> u64 {
    let mut bytes = [0; 8];
    fill_random(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// The link that a claim names; none where there is no claim.
fn holder(claim: &str) -> Option<LinkId> {
    claim.split(' ').next()?.parse().ok()
}
