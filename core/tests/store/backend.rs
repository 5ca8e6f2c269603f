//! The two stores as the suite sees them, and links to put into them.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::timeout;
use whence_core::id::LinkId;
use whence_core::link::{Link, RedirectStatus};
use whence_core::store::{Change, LinkStore, open};
use whence_core::test_support::RedisServer;
use whence_core::workspace::WorkspaceId;

/// A new and empty store.
pub(crate) struct Backend {
    pub(crate) store: Arc<dyn LinkStore>,
    place: Place,
}

enum Place {
    File(TempDir),
    Redis(RedisServer),
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

    /// The store as another process sees it; only Redis has others.
    pub(crate) async fn elsewhere(&self) -> Arc<dyn LinkStore> {
        match &self.place {
            Place::File(_) => Arc::clone(&self.store),
            Place::Redis(server) => open(&server.url()).await.unwrap(),
        }
    }

    /// The same store after somebody has written `json` where this link stands.
    pub(crate) async fn with_damage(self, link: &Link, json: &str) -> Self {
        let key = format!("{}/{}", link.domain, link.slug);
        let Self { store, place } = self;
        match &place {
            Place::File(folder) => {
                drop(store);
                let database = redb::Database::open(folder.path().join("new/links.redb")).unwrap();
                let transaction = database.begin_write().unwrap();
                let links = redb::TableDefinition::<&str, &[u8]>::new("links");
                transaction
                    .open_table(links)
                    .unwrap()
                    .insert(&*key, json.as_bytes())
                    .unwrap();
                transaction.commit().unwrap();
                drop(database);
                Self {
                    store: open(&file_url(folder)).await.unwrap(),
                    place,
                }
            }
            Place::Redis(server) => {
                let mut connection = raw(server).await;
                let _: () = redis::cmd("SET")
                    .arg(format!("whence:link:{key}"))
                    .arg(json)
                    .query_async(&mut connection)
                    .await
                    .unwrap();
                Self { store, place }
            }
        }
    }
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
    Link {
        id: LinkId(id),
        workspace: workspace("acme"),
        domain: "go.example.com".parse().unwrap(),
        slug: slug.parse().unwrap(),
        destination: format!("https://example.com/{id}").parse().unwrap(),
        status: RedirectStatus::Found,
        channel: Some("WhatsApp".parse().unwrap()),
        campaign: None,
        program: None,
        advocate: Some("Zoë".parse().unwrap()),
        revision: 1,
        created_at: made,
        updated_at: made,
    }
}

/// The link one change later, leading to `destination`.
pub(crate) fn changed(link: &Link, destination: &str) -> Link {
    Link {
        destination: destination.parse().unwrap(),
        revision: link.revision + 1,
        ..link.clone()
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
        Ok(Err(RecvError::Lagged(_))) => panic!("a test has no 4096 changes"),
        Ok(Err(RecvError::Closed)) => panic!("the store is gone"),
        Err(_) => panic!("no change came"),
    }
}

/// Nothing more has come.
pub(crate) fn assert_quiet(changes: &mut Receiver<Change>) {
    assert_eq!(changes.try_recv(), Err(TryRecvError::Empty));
}
