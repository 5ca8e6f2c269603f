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
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            nodes[0].say(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port()));
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
        for n in primaries..count {
            let id = cluster.nodes[n % primaries].say("CLUSTER MYID");
            let id = id.get(1).expect("a node has an id");
            until("a replica follows its primary", || {
                cluster.nodes[n].say(&format!("CLUSTER REPLICATE {id}"));
                says(
                    &cluster.nodes[n],
                    "INFO replication",
                    "master_link_status:up",
                )
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

    /// Empties it.
    pub fn flush(&self) {
        for node in &self.nodes {
            node.say("FLUSHALL");
        }
    }
}

fn says(node: &RedisServer, command: &str, line: &str) -> bool {
    node.say(command).iter().any(|it| it == line)
}
