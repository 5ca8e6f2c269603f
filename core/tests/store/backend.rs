//! The stores as the suite sees them, and links to put into them.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::timeout;
use whence_core::id::LinkId;
use whence_core::link::{Link, LinkSpec};
use whence_core::store::{Change, ChangeError, LinkStore, open};
use whence_core::test_support::{RedisCluster, RedisSentinels, RedisServer};
use whence_core::workspace::WorkspaceId;

/// A new and empty store.
pub(crate) struct Backend {
    pub(crate) store: Arc<dyn LinkStore>,
    place: Place,
}

enum Place {
    File(TempDir),
    Redis(RedisServer),
    Cluster(Arc<RedisCluster>),
    Sentinels(Arc<RedisSentinels>),
}

impl Backend {
    pub(crate) async fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&file_url(&folder)).await.unwrap();
        Self {
            store,
            place: Place::File(folder),
        }
    }

    pub(crate) async fn redis() -> Self {
        let server = RedisServer::start();
        let store = open(&server.url()).await.unwrap();
        Self {
            store,
            place: Place::Redis(server),
        }
    }

    /// A cluster of three primaries and no replicas, emptied: starting one takes seconds.
    pub(crate) async fn cluster(cluster: &Arc<RedisCluster>) -> Self {
        cluster.flush();
        Self {
            store: open(&cluster.url()).await.unwrap(),
            place: Place::Cluster(Arc::clone(cluster)),
        }
    }

    /// A Redis behind a Sentinel, emptied.
    pub(crate) async fn sentinels(sentinels: &Arc<RedisSentinels>) -> Self {
        sentinels.servers()[0].say("FLUSHALL");
        Self {
            store: open(&sentinels.url()).await.unwrap(),
            place: Place::Sentinels(Arc::clone(sentinels)),
        }
    }

    /// The store as another process sees it; only Redis has others.
    pub(crate) async fn elsewhere(&self) -> Arc<dyn LinkStore> {
        match &self.place {
            Place::File(_) => Arc::clone(&self.store),
            Place::Redis(server) => open(&server.url()).await.unwrap(),
            Place::Cluster(cluster) => open(&cluster.url()).await.unwrap(),
            Place::Sentinels(sentinels) => open(&sentinels.url()).await.unwrap(),
        }
    }

    /// The same store after somebody has written `json` where this link stands.
    pub(crate) async fn with_damage(self, link: &Link, json: &str) -> Self {
        let key = format!("{}/{}", link.domain, link.slug);
        let Self { store, place } = self;
        let servers: Vec<&RedisServer> = match &place {
            Place::File(folder) => {
                drop(store);
                damage_file(folder, &key, json);
                let store = open(&file_url(folder)).await.unwrap();
                return Self { store, place };
            }
            Place::Redis(server) => vec![server],
            Place::Cluster(cluster) => cluster.nodes().iter().collect(),
            Place::Sentinels(sentinels) => vec![&sentinels.servers()[0]],
        };
        let mut written = 0;
        for server in servers {
            // In a cluster those that do not have the slot refuse.
            let set: redis::RedisResult<()> = redis::cmd("SET")
                .arg(format!("whence:link:{key}"))
                .arg(json)
                .query_async(&mut raw(server).await)
                .await;
            written += usize::from(set.is_ok());
        }
        assert_eq!(written, 1);
        Self { store, place }
    }
}

fn damage_file(folder: &TempDir, key: &str, json: &str) {
    let database = redb::Database::open(folder.path().join("new/links.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let links = redb::TableDefinition::<&str, &[u8]>::new("links");
    transaction
        .open_table(links)
        .unwrap()
        .insert(key, json.as_bytes())
        .unwrap();
    transaction.commit().unwrap();
}

/// In a folder that the store has to make.
fn file_url(folder: &TempDir) -> String {
    format!("file:{}", folder.path().join("new/links.redb").display())
}

/// A connection that goes around the store.
pub(crate) async fn raw(server: &RedisServer) -> redis::aio::MultiplexedConnection {
    redis::Client::open(server.url())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap()
}

/// A link of workspace `acme` on `go.example.com`.
pub(crate) fn link(id: u64, slug: &str) -> Link {
    let made = "2026-11-21T12:00:00.123Z".parse().unwrap();
    let destination = format!("https://example.com/{id}").parse().unwrap();
    Link {
        id: LinkId(id),
        workspace: workspace("acme"),
        domain: "go.example.com".parse().unwrap(),
        slug: slug.parse().unwrap(),
        spec: LinkSpec {
            channel: Some("WhatsApp".parse().unwrap()),
            advocate: Some("Zoë".parse().unwrap()),
            ..LinkSpec::to(destination)
        },
        learned_weights: Vec::new(),
        revision: 1,
        created_at: made,
        updated_at: made,
    }
}

/// The same link with an external id.
pub(crate) fn named(link: Link, external_id: &str) -> Link {
    let spec = LinkSpec {
        external_id: Some(external_id.parse().unwrap()),
        ..link.spec
    };
    Link { spec, ..link }
}

/// The link one change later, leading to `destination`.
pub(crate) fn changed(link: &Link, destination: &str) -> Link {
    let spec = LinkSpec {
        destination: destination.parse().unwrap(),
        ..link.spec.clone()
    };
    Link {
        spec,
        revision: link.revision + 1,
        ..link.clone()
    }
}

/// Deletes a link at any revision; false where the workspace has none such.
pub(crate) async fn deleted(store: &dyn LinkStore, workspace: &WorkspaceId, id: LinkId) -> bool {
    match store.delete_link(workspace, id, None).await {
        Ok(()) => true,
        Err(ChangeError::NotFound) => false,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn workspace(id: &str) -> WorkspaceId {
    id.parse().unwrap()
}

/// The change that a link's edit means.
pub(crate) fn change_of(link: &Link) -> Change {
    Change::Link {
        domain: link.domain.to_string(),
        slug: link.slug.to_string(),
    }
}

/// The next change, which must come.
pub(crate) async fn next(changes: &mut Receiver<Change>) -> Change {
    match timeout(Duration::from_secs(10), changes.recv()).await {
        Ok(Ok(change)) => change,
        Ok(Err(RecvError::Lagged(_))) => panic!("a test has not that many changes"),
        Ok(Err(RecvError::Closed)) => panic!("the store is gone"),
        Err(_) => panic!("no change came"),
    }
}

/// Nothing more has come.
pub(crate) fn assert_quiet(changes: &mut Receiver<Change>) {
    assert_eq!(changes.try_recv(), Err(TryRecvError::Empty));
}
