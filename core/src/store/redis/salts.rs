//! Daily salts: one key for each, which Redis deletes when its time is over.

use redis::cmd;

use super::commands::Commands;
use super::keys;
use crate::salt::{SaltId, SealedSalt};
use crate::store::StoreError;

/// Answers what stands, after setting it where nothing did. Done twice it is the same as once.
const STANDS: &str = "local stands = redis.call('GET', KEYS[1]) if stands then return stands end \
                      redis.call('SET', KEYS[1], ARGV[1], 'EXAT', ARGV[2]) return ARGV[1]";

pub(super) async fn at_or(
    commands: &Commands,
    id: &SaltId,
    new: &SealedSalt,
) -> Result<SealedSalt, StoreError> {
    let key = keys::salt(id);
    let mut eval = cmd("EVAL");
    eval.arg(STANDS).arg(1).arg(&key);
    eval.arg(&*new.0).arg(id.over_at());
    commands.ask(&key, &eval).await.map(SealedSalt)
}
