//! Asks Sentinels or the nodes of a cluster who the primaries are.
//!
//! All are asked at once, and the newest word counts: after a failover the old primary and whoever is
//! cut off with it still tell the old story, under a lower epoch.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use redis::aio::ConnectionManager;
use redis::{Client, ErrorKind, RedisResult, Value, pipe};
use tokio::time::timeout;

use super::address::{Address, Form, Node};
use super::topology::{View, lazy};

/// How long those are waited for that have not answered when one has: the slow may be the newer ones,
/// the hung must not delay a failover.
const OTHERS: Duration = Duration::from_millis(300);
/// The most nodes of a cluster that are asked.
const ASKED: usize = 8;

/// What one of them says.
struct Word {
    /// Counts the failovers, as far as it has heard.
    epoch: u64,
    view: View,
}

/// Asks, over connections that are kept.
pub(super) struct Discovery {
    address: Address,
    lines: HashMap<Node, ConnectionManager>,
}

impl Discovery {
    /// For this address; none where there is nothing to ask.
    pub(super) fn new(address: &Address) -> RedisResult<Option<Self>> {
        let mut discovery = match address.form {
            Form::Single => return Ok(None),
            Form::Sentinel { .. } | Form::Cluster => Self {
                address: address.clone(),
                lines: HashMap::new(),
            },
        };
        discovery.keep_lines_to(&address.named.clone())?;
        Ok(Some(discovery))
    }

    /// The newest word on the primaries. In a cluster `known` nodes are asked too: those that the URL
    /// names may be gone for good.
    pub(super) async fn ask(&mut self, known: &[Node]) -> Result<View, String> {
        let mut nodes = self.address.named.clone();
        if self.address.form == Form::Cluster {
            nodes.extend(
                known
                    .iter()
                    .filter(|node| !self.address.named.contains(node))
                    .cloned(),
            );
            nodes.truncate(ASKED.max(self.address.named.len()));
        }
        self.keep_lines_to(&nodes)
            .map_err(|error| error.to_string())?;
        let this = &*self;
        let mut asked: FuturesUnordered<_> = nodes
            .iter()
            .map(|node| {
                let line = this.lines[node].clone();
                async move {
                    this.ask_one(node, line)
                        .await
                        .map_err(|error| format!("{node}: {error}"))
                }
            })
            .collect();
        let mut newest: Option<Word> = None;
        let mut reasons = Vec::new();
        loop {
            let answer = match newest {
                Some(_) => timeout(OTHERS, asked.next()).await.unwrap_or(None),
                None => asked.next().await,
            };
            match answer {
                Some(Ok(word)) => {
                    let rank = |word: &Word| (word.epoch, word.view.is_whole);
                    if newest
                        .as_ref()
                        .is_none_or(|newest| rank(newest) < rank(&word))
                    {
                        newest = Some(word);
                    }
                }
                Some(Err(reason)) => reasons.push(reason),
                None => break,
            }
        }
        newest
            .map(|word| word.view)
            .ok_or_else(|| reasons.join("; "))
    }

    fn keep_lines_to(&mut self, nodes: &[Node]) -> RedisResult<()> {
        self.lines.retain(|node, _| nodes.contains(node));
        for node in nodes {
            if !self.lines.contains_key(node) {
                let client = self.client(node)?;
                self.lines.insert(node.clone(), lazy(&client)?);
            }
        }
        Ok(())
    }

    fn client(&self, node: &Node) -> RedisResult<Client> {
        match self.address.form {
            Form::Sentinel { .. } => self.address.sentinel(node),
            Form::Single | Form::Cluster => self.address.client(node),
        }
    }

    async fn ask_one(&self, node: &Node, mut line: ConnectionManager) -> RedisResult<Word> {
        match &self.address.form {
            Form::Sentinel { service } => {
                let mut ask = pipe();
                ask.cmd("SENTINEL").arg("MASTER").arg(service);
                ask.cmd("SENTINEL")
                    .arg("GET-MASTER-ADDR-BY-NAME")
                    .arg(service);
                let answer: (HashMap<String, String>, Option<(String, u16)>) =
                    ask.query_async(&mut line).await?;
                sentinel_word(answer).ok_or_else(|| unexpected("SENTINEL MASTER"))
            }
            Form::Single | Form::Cluster => {
                let mut ask = pipe();
                ask.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
                let (info, slots): (String, Vec<Vec<Value>>) = ask.query_async(&mut line).await?;
                cluster_word(node, &info, slots).ok_or_else(|| unexpected("CLUSTER SLOTS"))
            }
        }
    }
}

fn unexpected(command: &'static str) -> redis::RedisError {
    (
        ErrorKind::UnexpectedReturnType,
        "an answer that is not understood",
        command.to_owned(),
    )
        .into()
}

fn sentinel_word(
    (master, place): (HashMap<String, String>, Option<(String, u16)>),
) -> Option<Word> {
    let (host, port) = place?;
    Some(Word {
        epoch: master.get("config-epoch")?.parse().ok()?,
        view: View {
            is_whole: true,
            primaries: vec![(Node { host, port }, Vec::new())],
        },
    })
}

fn cluster_word(node: &Node, info: &str, slots: Vec<Vec<Value>>) -> Option<Word> {
    let field = |name: &str| {
        let mut fields = info.lines().filter_map(|line| line.split_once(':'));
        fields
            .find(|(field, _)| *field == name)
            .map(|it| it.1.trim())
    };
    let mut primaries: Vec<(Node, Vec<RangeInclusive<u16>>)> = Vec::new();
    for range in slots {
        let mut parts = range.into_iter();
        let start: u16 = redis::from_redis_value(parts.next()?).ok()?;
        let end: u16 = redis::from_redis_value(parts.next()?).ok()?;
        let Value::Array(primary) = parts.next()? else {
            return None;
        };
        let mut primary = primary.into_iter();
        let host: Option<String> = redis::from_redis_value(primary.next()?).ok()?;
        // A node that does not know its own name means: where you have asked.
        let host = host.filter(|host| !host.is_empty() && host != "?");
        let host = host.unwrap_or_else(|| node.host.clone());
        let port: u16 = redis::from_redis_value(primary.next()?).ok()?;
        let node = Node { host, port };
        match primaries.iter_mut().find(|known| known.0 == node) {
            Some(known) => known.1.push(start..=end),
            None => primaries.push((node, vec![start..=end])),
        }
    }
    for (_, ranges) in &mut primaries {
        ranges.sort_by_key(|range| *range.start());
    }
    // Each node tells in an order of its own.
    primaries.sort_by(|one, other| one.0.cmp(&other.0));
    Some(Word {
        epoch: field("cluster_current_epoch")?.parse().ok()?,
        view: View {
            is_whole: field("cluster_state")? == "ok",
            primaries,
        },
    })
}
