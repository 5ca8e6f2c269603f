//! Workspaces' own rules of channels: asked for in the link store before a block is judged, at most every ten seconds.
//!
//! Clicks are not held up for them: where the store is away, what was last known holds, and where nothing was, the built-in
//! rules alone. What is judged in such a time can be judged again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use quick_cache::sync::Cache;
use tokio::time::timeout;
use whence_core::store::LinkStore;
use whence_core::workspace::WorkspaceId;

use crate::enrich::Enricher;

/// How long an answer of the store is believed: a change takes at most so long.
const FRESH: Duration = Duration::from_secs(10);
/// How long the store is left alone where it did not answer.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a block waits for all its workspaces.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many of them are asked for at a time.
const AT_A_TIME: usize = 16;
/// How many workspaces are remembered to have been asked for: some hundred bytes each.
const REMEMBERED: usize = 16_384;

/// Keeps an enricher's rules as the store has them.
#[derive(Debug)]
pub(crate) struct Rules {
    store: Arc<dyn LinkStore>,
    /// When each workspace is to be asked for again.
    due: Cache<WorkspaceId, Instant>,
}

impl Rules {
    /// From `store`.
    pub(crate) fn new(store: Arc<dyn LinkStore>) -> Self {
        Self {
            store,
            due: Cache::new(REMEMBERED),
        }
    }

    /// Tells `enricher` the rules of these workspaces, as far as they are to be asked for.
    pub(crate) async fn learn(&self, enricher: &Enricher, workspaces: impl Iterator<Item = &str>) {
        let due = self.due(workspaces, Instant::now());
        if due.is_empty() {
            return;
        }
        // Until they have answered nobody else asks, and nobody asks for long.
        let again = Instant::now() + PAUSE;
        for id in &due {
            self.due.insert(id.clone(), again);
        }
        let asking = stream::iter(&due).for_each_concurrent(AT_A_TIME, async |id| {
            match self.store.workspace(id).await {
                Ok(found) => {
                    let rules = found.map(|workspace| workspace.channel_rules);
                    enricher.follow(id.as_str(), &rules.unwrap_or_default());
                    self.due.insert(id.clone(), Instant::now() + FRESH);
                }
                Err(error) => tracing::warn!(
                    %error, workspace = %id,
                    "the link store is away; the rules of channels that were last known still hold"
                ),
            }
        });
        if timeout(PATIENCE, asking).await.is_err() {
            tracing::warn!(
                "the link store is slow; the rules of channels that were last known still hold"
            );
        }
    }

    /// Those of the workspaces that are to be asked for, each once. Of a host that nobody has claimed there is none.
    fn due<'w>(&self, workspaces: impl Iterator<Item = &'w str>, now: Instant) -> Vec<WorkspaceId> {
        let mut last = "";
        let mut due: Vec<WorkspaceId> = workspaces
            // Most clicks of a block are of the workspace of the one before.
            .filter(|workspace| *workspace != std::mem::replace(&mut last, workspace))
            .filter_map(|workspace| workspace.parse().ok())
            .filter(|id| self.due.get(id).is_none_or(|due| due <= now))
            .collect();
        due.sort_unstable();
        due.dedup();
        due
    }
}

#[cfg(test)]
mod tests {
    use whence_core::channel_rule::ChannelRule;
    use whence_core::click::Click;
    use whence_core::config;
    use whence_core::store::{FileStore, RedisStore};
    use whence_core::test_support::{RedisServer, click};
    use whence_core::workspace::Workspace;

    use super::*;

    fn enricher() -> Enricher {
        Enricher::open(&config::Databases::default()).unwrap()
    }

    /// A workspace by whose rules mail of any medium has this channel.
    fn workspace(id: &str, channel: &str) -> Workspace {
        let rules = match channel {
            "" => Vec::new(),
            channel => vec![rule(channel)],
        };
        Workspace {
            channel_rules: rules,
            ..Workspace::new(id.parse().unwrap(), id)
        }
    }

    fn rule(channel: &str) -> ChannelRule {
        let json = format!(r#"{{"channel": "{channel}", "utm_medium": ["e*mail"]}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn channel(enricher: &Enricher, workspace: &'static str) -> String {
        let click = Click {
            workspace: workspace.into(),
            ..click()
        };
        let seen = enricher.see(&click);
        seen.row(&click, 1, 1).channel.to_owned()
    }

    #[tokio::test]
    async fn a_change_is_known_when_the_answer_before_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(FileStore::open(&folder.path().join("links.redb")).unwrap());
        let (enricher, rules) = (enricher(), Rules::new(Arc::clone(&store) as _));
        let learn = async || {
            let workspaces = ["acme", "acme", "", "globex", "acme", "no id", "nobody"];
            rules.learn(&enricher, workspaces.into_iter()).await;
            ["acme", "globex", "nobody"].map(|workspace| channel(&enricher, workspace))
        };
        let age = || {
            for id in ["acme", "globex", "nobody"] {
                rules.due.insert(id.parse().unwrap(), Instant::now());
            }
        };
        store
            .put_workspace(&workspace("acme", "Letters"))
            .await
            .unwrap();
        store.put_workspace(&workspace("globex", "")).await.unwrap();
        assert_eq!(learn().await, ["Letters", "Email", "Email"]);
        store
            .put_workspace(&workspace("acme", "Post"))
            .await
            .unwrap();
        store
            .put_workspace(&workspace("globex", "Parcel"))
            .await
            .unwrap();
        store
            .put_workspace(&workspace("nobody", "New"))
            .await
            .unwrap();
        assert_eq!(learn().await, ["Letters", "Email", "Email"], "it is fresh");
        age();
        assert_eq!(learn().await, ["Post", "Parcel", "New"]);
        store.put_workspace(&workspace("acme", "")).await.unwrap();
        age();
        assert_eq!(learn().await, ["Email", "Parcel", "New"]);
    }

    #[tokio::test]
    async fn what_was_last_known_holds_while_the_store_is_away_and_clicks_do_not_wait_long() {
        let mut server = RedisServer::start();
        let store = Arc::new(RedisStore::connect(&server.url()).await.unwrap());
        store
            .put_workspace(&workspace("acme", "Letters"))
            .await
            .unwrap();
        let (enricher, rules) = (enricher(), Rules::new(store));
        let learn = async |workspaces: &[&'static str]| {
            for workspace in workspaces {
                rules.due.insert(workspace.parse().unwrap(), Instant::now());
            }
            let begun = Instant::now();
            rules.learn(&enricher, workspaces.iter().copied()).await;
            assert!(begun.elapsed() < 5 * PATIENCE, "{:?}", begun.elapsed());
        };
        learn(&["acme"]).await;
        assert_eq!(channel(&enricher, "acme"), "Letters");

        for hang in [true, false] {
            if hang {
                server.hang();
            } else {
                server.kill();
            }
            learn(&["acme", "globex"]).await;
            assert_eq!(channel(&enricher, "acme"), "Letters", "hang: {hang}");
            assert_eq!(channel(&enricher, "globex"), "Email", "the built-in rules");
            let nobody_asks = rules.due(["acme", "globex"].into_iter(), Instant::now());
            assert!(nobody_asks.is_empty(), "{nobody_asks:?}");
            if hang {
                server.go_on();
            } else {
                server.start_again();
            }
        }

        let store = RedisStore::connect(&server.url()).await.unwrap();
        store
            .put_workspace(&workspace("acme", "Post"))
            .await
            .unwrap();
        // The store's own connection comes back in its own time.
        for _ in 0..100 {
            learn(&["acme"]).await;
            if channel(&enricher, "acme") == "Post" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the change never came");
    }
}
