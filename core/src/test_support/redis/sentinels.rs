//! A Redis with replicas, watched by real Sentinels that are quick to notice that it is gone.

use std::fmt::Write as _;

use super::{RedisServer, until};

/// The name under which the Sentinels know the primary.
const SERVICE: &str = "whence";

/// One primary, its replicas, and the Sentinels that watch them.
#[derive(Debug)]
pub struct RedisSentinels {
    /// The first primary, then its replicas.
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl RedisSentinels {
    /// Starts all of them and waits until they know each other.
    ///
    /// # Panics
    /// As [`RedisServer::start`], and where they do not come to know each other.
    #[must_use]
    pub fn start(replicas: usize, sentinels: usize) -> Self {
        let mut servers = vec![RedisServer::start()];
        let primary = servers[0].port();
        for _ in 0..replicas {
            let of = format!("127.0.0.1 {primary}");
            let options = ["--replicaof", &of, "--repl-diskless-sync-delay", "0"];
            servers.push(RedisServer::start_with(&options));
        }
        for replica in &servers[1..] {
            until("a replica follows", || {
                says(replica, "INFO replication", "master_link_status:up")
            });
        }
        let quorum = sentinels / 2 + 1;
        let sentinels = (0..sentinels)
            .map(|_| start_sentinel(primary, quorum))
            .collect();
        let all = Self { servers, sentinels };
        all.wait_until_known();
        all
    }

    /// `redis+sentinel://…`, naming all Sentinels.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = String::from("redis+sentinel://");
        for (n, sentinel) in self.sentinels.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let _ = write!(url, "{comma}127.0.0.1:{}", sentinel.port());
        }
        url + "/" + SERVICE
    }

    /// The first primary, then its replicas.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The Sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The first primary, to be killed.
    pub fn first(&mut self) -> &mut RedisServer {
        &mut self.servers[0]
    }

    /// Waits until every replica has what the primary has.
    ///
    /// # Panics
    /// Where that never comes.
    pub fn wait_until_replicated(&self) {
        super::wait_until_replicated(&self.servers);
    }

    /// Every Sentinel must know all others and all replicas before one may fail.
    fn wait_until_known(&self) {
        let (replicas, others) = (self.servers.len() - 1, self.sentinels.len() - 1);
        for sentinel in &self.sentinels {
            until("a Sentinel knows the others", || {
                let answer = sentinel.say(&format!("SENTINEL MASTER {SERVICE}"));
                let field = |name: &str| {
                    let at = answer.iter().position(|line| line == name)?;
                    answer.get(at + 2)?.parse::<usize>().ok()
                };
                field("num-slaves") == Some(replicas)
                    && field("num-other-sentinels") == Some(others)
            });
        }
    }
}

fn start_sentinel(primary: u16, quorum: usize) -> RedisServer {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let settings = format!(
        "sentinel monitor {SERVICE} 127.0.0.1 {primary} {quorum}\n\
         sentinel down-after-milliseconds {SERVICE} 500\n\
         sentinel failover-timeout {SERVICE} 3000\n"
    );
    let file = folder.path().join("sentinel.conf");
    std::fs::write(&file, settings).expect("a file can be written");
    let mode = |folder: &std::path::Path| {
        let file = folder.join("sentinel.conf").display().to_string();
        vec![file, "--sentinel".to_owned()]
    };
    RedisServer::start_in(folder, mode, &[])
}

fn says(server: &RedisServer, command: &str, line: &str) -> bool {
    server.say(command).iter().any(|it| it == line)
}
