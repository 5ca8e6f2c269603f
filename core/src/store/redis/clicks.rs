//! Counting the clicks on links with a cap: one key for each link, one atomic step for each click.
//!
//! A click whose answer is lost is not let through, though it may be counted: a cap may then let fewer
//! through, never more. Only a failover that loses the last counts can let more through, as many as it
//! loses.

use std::num::NonZeroU64;

use redis::cmd;

use super::commands::Commands;
use super::keys;
use crate::id::LinkId;
use crate::store::StoreError;

/// Counts unless the cap is reached.
const COUNT: &str = "if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then \
                     return 0 end redis.call('INCR', KEYS[1]) return 1";

pub(super) async fn count(
    commands: &Commands,
    link: LinkId,
    cap: NonZeroU64,
) -> Result<bool, StoreError> {
    let key = keys::clicks(link);
    let mut eval = cmd("EVAL");
    eval.arg(COUNT).arg(1).arg(&key).arg(cap.get());
    commands.tell(&key, &eval).await
}

pub(super) async fn counted(commands: &Commands, link: LinkId) -> Result<u64, StoreError> {
    let key = keys::clicks(link);
    let count: Option<u64> = commands.ask(&key, cmd("GET").arg(&key)).await?;
    Ok(count.unwrap_or(0))
}

/// Forgets the clicks on a link that is gone, or is being made.
pub(super) async fn forget(commands: &Commands, link: LinkId) -> Result<(), StoreError> {
    let key = keys::clicks(link);
    let _: u64 = commands.tell(&key, cmd("DEL").arg(&key)).await?;
    Ok(())
}
