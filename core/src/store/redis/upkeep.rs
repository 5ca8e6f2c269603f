//! Whether a Redis is set up to keep what it holds, and is all that there is.
//!
//! Redis comes as a cache: it may delete what was acknowledged when its memory is full, and forgets
//! what it was told since the last snapshot when it stops. For links that is loss, so it is said at
//! the start, and only said: a hosted Redis may be safe in ways that it does not report.

use redis::cmd;
use tracing::warn;

use super::address::{Address, Form};
use super::topology::Primary;

/// Logs what threatens the links, as far as this primary tells.
pub(super) async fn warn_of_loss(address: &Address, primary: &Primary) {
    let info = cmd("INFO")
        .query_async::<String>(&mut primary.manager.clone())
        .await;
    // Where a user's rights do not reach to INFO there is nothing to judge by.
    if let Ok(info) = info {
        for threat in threats(&info, &address.form) {
            warn!(redis = %primary.node, "{threat}");
        }
    }
}

fn threats(info: &str, form: &Form) -> Vec<&'static str> {
    let is = |name: &str, value: &str| {
        let mut fields = info.lines().filter_map(|line| line.split_once(':'));
        fields.any(|(field, found)| field == name && found.starts_with(value))
    };
    let mut threats = Vec::new();
    // The volatile- policies delete only what has an expiry: no link has one, only the salts of today's visitors.
    if is("maxmemory_policy", "allkeys-") {
        threats.push(
            "Redis deletes links when its memory is full; set maxmemory-policy to noeviction",
        );
    }
    if is("aof_enabled", "0") {
        threats.push("Redis forgets the newest links when it stops; set appendonly to yes");
    }
    // Redis tells of good replicas only where it was told to need some.
    if matches!(form, Form::Sentinel { .. }) && is("role", "") && !is("min_slaves_good_slaves", "")
    {
        threats.push(
            "a Redis that is cut off takes edits which are lost when it is replaced; set min-replicas-to-write to 1",
        );
    }
    if *form == Form::Single && is("cluster_enabled", "1") {
        threats.push(
            "this Redis is one node of a cluster and has only some links; use redis+cluster://",
        );
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
        let single = |info: &str| threats(info, &Form::Single);
        assert_eq!(single(&info("noeviction", 1)), Vec::<&str>::new());
        assert_eq!(single(&info("volatile-lru", 1)), Vec::<&str>::new());
        assert!(single(&info("allkeys-lru", 1))[0].contains("maxmemory-policy"));
        assert!(single(&info("noeviction", 0))[0].contains("appendonly"));
        assert_eq!(single(&info("allkeys-random", 0)).len(), 2);
        assert_eq!(single(""), Vec::<&str>::new());
    }

    #[test]
    fn a_node_of_a_cluster_is_not_the_whole() {
        let node = "cluster_enabled:1\r\n";
        assert!(threats(node, &Form::Single)[0].contains("redis+cluster://"));
        assert_eq!(threats(node, &Form::Cluster), Vec::<&str>::new());
    }

    #[test]
    fn behind_sentinels_a_primary_needs_a_replica() {
        let sentinel = Form::Sentinel {
            service: "main".into(),
        };
        assert!(threats("role:master\r\n", &sentinel)[0].contains("min-replicas-to-write"));
        let bound = "role:master\r\nmin_slaves_good_slaves:2\r\n";
        assert_eq!(threats(bound, &sentinel), Vec::<&str>::new());
        assert_eq!(
            threats("role:master\r\n", &Form::Cluster),
            Vec::<&str>::new()
        );
    }
}
