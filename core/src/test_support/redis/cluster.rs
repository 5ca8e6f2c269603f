//! A Redis Cluster of real servers, quick to notice that one is gone.

use super::{RedisServer, free_port, until};

/// The slots of every cluster.
const SLOTS: u16 = 16384;
/// How soon a node counts as gone, in milliseconds.
const NODE_TIMEOUT: &str = "1000";

/// A cluster of a few primaries, each with its replicas.
#[derive(Debug)]
pub struct RedisCluster {
    /// The primaries first, then a replica for each of them, then another.
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster and waits until it takes writes and every replica follows.
    ///
    /// # Panics
    /// As [`RedisServer::start`], and where the nodes do not become a cluster.
    #[must_use]
    pub fn start(primaries: usize, replicas: usize) -> Self {
        let (nodes, buses): (Vec<_>, Vec<_>) = (0..primaries * (1 + replicas))
            .map(|_| {
                let bus = free_port().to_string();
                let node = RedisServer::start_with(&[
                    "--cluster-enabled",
                    "yes",
                    "--cluster-port",
                    &bus,
                    "--cluster-node-timeout",
                    NODE_TIMEOUT,
                    "--repl-diskless-sync-delay",
                    "0",
                ]);
                (node, bus)
            })
            .unzip();
        let each = usize::from(SLOTS) / primaries;
        for (n, node) in nodes[..primaries].iter().enumerate() {
            let end = if n + 1 == primaries {
                usize::from(SLOTS)
            } else {
                (n + 1) * each
            };
            node.say(&format!("CLUSTER ADDSLOTSRANGE {} {}", n * each, end - 1));
            node.say(&format!("CLUSTER SET-CONFIG-EPOCH {}", n + 1));
        }
        // Each meets each: to hear of one another takes seconds.
        for node in &nodes {
            for (other, bus) in nodes.iter().zip(&buses) {
                if node.port() != other.port() {
                    node.say(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port()));
                }
            }
        }
        let count = nodes.len();
        let cluster = Self { nodes };
        for node in &cluster.nodes {
            until("every node knows every other", || {
                says(
                    node,
                    "CLUSTER INFO",
                    &format!("cluster_known_nodes:{count}"),
                )
            });
        }
        let (first, others) = cluster.nodes.split_at(primaries);
        for (n, replica) in others.iter().enumerate() {
            let follow = format!("CLUSTER REPLICATE {}", my_id(&first[n % primaries]));
            until("a replica knows its primary", || {
                says(replica, &follow, "+OK")
            });
        }
        for replica in others {
            until("a replica follows its primary", || {
                says(replica, "INFO replication", "master_link_status:up")
            });
        }
        cluster.wait_until_ok();
        cluster
    }

    /// `redis+cluster://…`, naming all nodes.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Its nodes: the primaries first, then a replica for each of them, then another.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// One of its nodes, to be killed or started again.
    pub fn node(&mut self, index: usize) -> &mut RedisServer {
        &mut self.nodes[index]
    }

    /// Waits until all nodes that run say that the cluster is well.
    ///
    /// # Panics
    /// Where that never comes.
    pub fn wait_until_ok(&self) {
        for node in self.nodes.iter().filter(|node| node.is_running()) {
            until("the cluster is well", || {
                says(node, "CLUSTER INFO", "cluster_state:ok")
            });
        }
    }

    /// Waits until every replica has what its primary has.
    ///
    /// # Panics
    /// Where that never comes.
    pub fn wait_until_replicated(&self) {
        super::wait_until_replicated(&self.nodes);
    }

    /// A node of the first primaries that does not have this key.
    ///
    /// # Panics
    /// Where all have it.
    #[must_use]
    pub fn primary_without(&self, key: &str) -> usize {
        let is_elsewhere = |node: &RedisServer| {
            let answer = node.say(&format!("EXISTS {key}"));
            answer
                .first()
                .is_some_and(|line| line.starts_with("-MOVED"))
        };
        let found = self.nodes.iter().position(is_elsewhere);
        found.expect("a key is on one primary")
    }

    /// Moves the slots of the keys `prefix0` to `prefix{count - 1}` that one node has to another, as an
    /// operator does: declared first, then key by key.
    ///
    /// # Panics
    /// Where a node does not take a step.
    pub fn move_slots(&self, from: usize, to: usize, prefix: &str, count: usize) {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let (from_id, to_id) = (my_id(from), my_id(to));
        for n in 0..count {
            let slot = from.say(&format!("CLUSTER KEYSLOT {prefix}{n}"));
            let slot = slot[0].trim_start_matches(':').to_owned();
            let has = from.say(&format!("EXISTS {prefix}{n}"));
            if has[0].starts_with('-') {
                continue;
            }
            ok(to, &format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}"));
            ok(from, &format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}"));
            loop {
                let keys = from.say(&format!("CLUSTER GETKEYSINSLOT {slot} 1"));
                // An array of one bulk string: its count, its length, itself.
                let Some(key) = keys.get(2) else { break };
                // In between, the slot has keys on both sides.
                std::thread::sleep(std::time::Duration::from_millis(10));
                ok(
                    from,
                    &format!("MIGRATE 127.0.0.1 {} {key} 0 1000", to.port()),
                );
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
            ok(to, &format!("CLUSTER SETSLOT {slot} NODE {to_id}"));
            ok(from, &format!("CLUSTER SETSLOT {slot} NODE {to_id}"));
        }
    }

    /// Empties it.
    pub fn flush(&self) {
        for node in &self.nodes {
            node.say("FLUSHALL");
        }
    }
}

fn my_id(node: &RedisServer) -> String {
    let id = node.say("CLUSTER MYID");
    id.get(1).expect("a node has an id").clone()
}

fn ok(node: &RedisServer, command: &str) {
    let answer = node.say(command);
    assert!(
        answer.first().is_some_and(|line| line.starts_with('+')),
        "{command}: {answer:?}"
    );
}

fn says(node: &RedisServer, command: &str, line: &str) -> bool {
    node.say(command).iter().any(|it| it == line)
}
