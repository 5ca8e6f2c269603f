//! Whether this Redis is set up to keep what it holds.
//!
//! Redis comes as a cache: it may delete what was acknowledged when its memory is full, and forgets
//! what it was told since the last snapshot when it stops. For links that is loss, so it is said at
//! the start, and only said: a hosted Redis may be safe in ways that it does not report.

use redis::cmd;
use tracing::warn;

use super::address::Address;
use super::commands::Commands;

/// Logs what threatens the links, as far as this Redis tells.
pub(super) async fn warn_of_loss(address: &Address, commands: &Commands) {
    // Where a user's rights do not reach to INFO there is nothing to judge by.
    if let Ok(info) = commands.ask::<String>(&cmd("INFO")).await {
        for threat in threats(&info) {
            warn!(redis = %address, "{threat}");
        }
    }
}

fn threats(info: &str) -> Vec<&'static str> {
    let is = |name: &str, value: &str| {
        let mut fields = info.lines().filter_map(|line| line.split_once(':'));
        fields.any(|(field, found)| field == name && found.starts_with(value))
    };
    let mut threats = Vec::new();
    // The volatile- policies delete only what has an expiry, and no link has one.
    if is("maxmemory_policy", "allkeys-") {
        threats.push(
            "Redis deletes links when its memory is full; set maxmemory-policy to noeviction",
        );
    }
    if is("aof_enabled", "0") {
        threats.push("Redis forgets the newest links when it stops; set appendonly to yes");
    }
    threats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_told_from_a_store() {
        let info = |policy: &str, aof: u8| {
            format!(
                "# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:{policy}\r\n# Persistence\r\naof_enabled:{aof}\r\n"
            )
        };
        assert_eq!(threats(&info("noeviction", 1)), Vec::<&str>::new());
        assert_eq!(threats(&info("volatile-lru", 1)), Vec::<&str>::new());
        assert!(threats(&info("allkeys-lru", 1))[0].contains("maxmemory-policy"));
        assert!(threats(&info("noeviction", 0))[0].contains("appendonly"));
        assert_eq!(threats(&info("allkeys-random", 0)).len(), 2);
        assert_eq!(threats(""), Vec::<&str>::new());
    }
}
