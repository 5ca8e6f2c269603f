//! Which Redis has what: the primaries as they were last heard of, kept up to date.
//!
//! A single Redis stays where it is. Behind Sentinels and in a cluster a primary may be replaced at any
//! moment: [`discovery`](super::discovery) asks who it is, every second and whenever a command fails.
//! Sending commands and hearing changes belong to [`commands`](super::commands) and [`lines`](super::lines).

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster_routing::Slot;
use redis::{Client, RedisResult};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::address::{Address, Form, Node};
use super::commands::{ANSWER, CONNECT};
use super::discovery::Discovery;
use crate::store::StoreError;

/// How often it is asked who the primaries are.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// The pause after an asking, so that a thousand failed commands ask once.
const ASK_PAUSE: Duration = Duration::from_millis(50);

/// What was said of the primaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Whether all of it is well; a cluster that has lost its majority serves nobody and misses edits.
    pub(super) is_whole: bool,
    /// Each primary, with its slots in a cluster.
    pub(super) primaries: Vec<(Node, Vec<RangeInclusive<u16>>)>,
}

/// A Redis that takes writes.
pub(super) struct Primary {
    /// Where it is.
    pub(super) node: Node,
    /// Makes further connections to it.
    pub(super) client: Client,
    /// The connection that commands go over, made again when it breaks.
    pub(super) manager: ConnectionManager,
    /// Whether the line that brings its changes stands.
    pub(super) is_heard: AtomicBool,
}

/// Who has what at one moment.
pub(super) struct Map {
    /// What it was made from.
    view: View,
    /// In the order of the view.
    pub(super) primaries: Vec<Arc<Primary>>,
    /// Where a slot is among them; none outside a cluster.
    slots: Option<HashMap<Slot, usize>>,
}

/// The newest map, for whoever sends commands or listens.
pub(super) struct Topology {
    /// How connections are made.
    pub(super) address: Address,
    current: watch::Sender<Arc<Map>>,
    /// Wakes who asks, before it is time.
    doubt: Notify,
}

/// Keeps a topology up to date until it is dropped.
pub(super) struct Watch(Option<JoinHandle<()>>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

impl Primary {
    fn new(address: &Address, node: &Node) -> RedisResult<Self> {
        let client = address.client(node)?;
        Ok(Self {
            node: node.clone(),
            manager: lazy(&client)?,
            client,
            is_heard: AtomicBool::new(false),
        })
    }
}

/// A connection that is made when it is first used.
pub(super) fn lazy(client: &Client) -> RedisResult<ConnectionManager> {
    // No retries within: whoever waits would wait for all of them. The next command tries anew.
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

impl Map {
    /// Makes the map, with the primaries that `before` has already.
    fn new(address: &Address, view: View, before: Option<&Self>) -> RedisResult<Self> {
        let (mut primaries, mut slots) = (Vec::new(), HashMap::new());
        for (node, ranges) in &view.primaries {
            let known = before.and_then(|before| before.primary(node));
            let primary = match known {
                Some(primary) => primary,
                None => Arc::new(Primary::new(address, node)?),
            };
            for slot in ranges.iter().cloned().flatten().filter_map(Slot::new) {
                slots.insert(slot, primaries.len());
            }
            primaries.push(primary);
        }
        Ok(Self {
            slots: (address.form == Form::Cluster).then_some(slots),
            view,
            primaries,
        })
    }

    /// The primary that has a key.
    pub(super) fn at(&self, key: &str) -> Option<Arc<Primary>> {
        let index = match &self.slots {
            Some(slots) => *slots.get(&Slot::for_key(key))?,
            None => 0,
        };
        self.primaries.get(index).cloned()
    }

    /// A primary by its place.
    pub(super) fn primary(&self, node: &Node) -> Option<Arc<Primary>> {
        let found = self.primaries.iter().find(|primary| primary.node == *node);
        found.cloned()
    }

    /// Whether changes are heard from all of it.
    pub(super) fn is_heard(&self) -> bool {
        let mut primaries = self.primaries.iter();
        self.view.is_whole && primaries.all(|primary| primary.is_heard.load(Ordering::Acquire))
    }
}

impl Topology {
    /// Finds the primaries, and goes on watching where they can change.
    pub(super) async fn find(address: Address) -> Result<(Arc<Self>, Watch), StoreError> {
        let mut discovery = Discovery::new(&address).map_err(|error| address.unavailable(error))?;
        let view = match &mut discovery {
            Some(discovery) => discovery
                .ask(&[])
                .await
                .map_err(|reason| address.unavailable(reason))?,
            None => View {
                is_whole: true,
                primaries: address
                    .named
                    .iter()
                    .map(|node| (node.clone(), Vec::new()))
                    .collect(),
            },
        };
        let map = Map::new(&address, view, None).map_err(|error| address.unavailable(error))?;
        let topology = Arc::new(Self {
            address,
            current: watch::channel(Arc::new(map)).0,
            doubt: Notify::new(),
        });
        let watching = discovery.map(|discovery| {
            let topology = Arc::clone(&topology);
            tokio::spawn(async move { topology.keep(discovery).await })
        });
        Ok((topology, Watch(watching)))
    }

    /// The newest map.
    pub(super) fn map(&self) -> Arc<Map> {
        Arc::clone(&self.current.borrow())
    }

    /// Every map from now on.
    pub(super) fn maps(&self) -> watch::Receiver<Arc<Map>> {
        self.current.subscribe()
    }

    /// Something failed that the map may be to blame for: it is asked for at once.
    pub(super) fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Doubts the map, and waits a little for the next one.
    pub(super) async fn next_map(&self, before: &Arc<Map>, patience: Duration) {
        let mut maps = self.maps();
        self.doubt();
        let _ = timeout(patience, maps.wait_for(|map| !Arc::ptr_eq(map, before))).await;
    }

    async fn keep(&self, mut discovery: Discovery) {
        let mut is_answered = true;
        loop {
            let _ = timeout(ASK_EVERY, self.doubt.notified()).await;
            let map = self.map();
            let known: Vec<Node> = map.primaries.iter().map(|it| it.node.clone()).collect();
            match discovery.ask(&known).await {
                Ok(view) => {
                    if view != map.view {
                        self.take(view, &map);
                    }
                    is_answered = true;
                }
                // Said once in an outage. The lines to the primaries tell by themselves whether they live.
                Err(reason) => {
                    if is_answered {
                        warn!(redis = %self.address, reason, "nobody says who the primaries are");
                    }
                    is_answered = false;
                }
            }
            sleep(ASK_PAUSE).await;
        }
    }

    fn take(&self, view: View, before: &Map) {
        let nodes: Vec<String> = view.primaries.iter().map(|it| it.0.to_string()).collect();
        info!(redis = %self.address, primaries = nodes.join(","), is_whole = view.is_whole, "the primaries changed");
        match Map::new(&self.address, view, Some(before)) {
            Ok(map) => {
                self.current.send_replace(Arc::new(map));
            }
            Err(error) => warn!(redis = %self.address, %error, "a primary cannot be used"),
        }
    }
}
